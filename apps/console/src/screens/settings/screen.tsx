// This browser's own settings: how it unlocks, when it locks, how it looks, what its bundle is. Nothing of the fleet is changed here.

import { toHex } from '@holdfast/protocol/codec/bytes';
import { duration } from '@holdfast/protocol/codec/shown';
import { createResource, createSignal, For, Show } from 'solid-js';
import { useConsole } from '../../app/console.tsx';
import { applyTheme } from '../../app/theme.ts';
import { Button } from '../../design/button.tsx';
import { Fact, Facts } from '../../design/facts.tsx';
import { Select, TextField } from '../../design/field.tsx';
import { ErrorNotice, Notice } from '../../design/notice.tsx';
import { Page } from '../../design/page.tsx';
import { takePassphrase } from '../../enter/enter.ts';
import { asError } from '../../fleet/acts.ts';
import { autoLockMinutes } from '../../keys/auto-lock.ts';
import type { KeyRecord } from '../../keys/key-record.ts';
import type { Way } from '../../keys/ways.ts';
import { Notifications } from './notifications.tsx';
import { changePreferences, readPreferences, type Preferences } from '../../store/preferences.ts';

/** @public By its route. */
export default function Settings() {
  const { browser, config, fleet } = useConsole();
  const [preferences, { refetch: again }] = createResource(() => readPreferences(browser.records));
  const [record, { refetch: readRecord }] = createResource(() => browser.session.keys.record());
  const [failed, setFailed] = createSignal<unknown>();
  const [adding, setAdding] = createSignal(false);
  const attempt = async (work: () => Promise<void>): Promise<void> => {
    setFailed(undefined);
    try {
      await work();
    } catch (thrown) {
      setFailed(thrown);
    }
  };
  const change = (wanted: Partial<Preferences>): Promise<void> =>
    attempt(async () => {
      await changePreferences(browser.records, wanted);
      if (wanted.theme !== undefined) applyTheme(wanted.theme);
      if (wanted.lockMinutes !== undefined) browser.session.lockMinutes = wanted.lockMinutes;
      await again();
    });
  const ways = (): KeyRecord['unlocks'] => record()?.unlocks ?? [];
  /** The way that is shown to change the others: what this browser has. */
  const shown = async (work: (way: Way, proven: () => void) => Promise<void>): Promise<void> => {
    const open = fleet();
    if (open === undefined) throw new Error('locked');
    return open.confirm('Change how this browser unlocks your key', work);
  };
  const add = (way: Way): Promise<void> =>
    attempt(async () => {
      await shown((is, proven) => browser.session.keys.add(is, way, proven));
      setAdding(false);
      await readRecord();
    });
  const remove = (credential: Uint8Array | undefined): Promise<void> =>
    attempt(async () => {
      await shown((is, proven) => browser.session.keys.remove(is, credential, proven));
      await readRecord();
    });

  return (
    <Page
      title="Settings"
      actions={
        <Button kind="plain" onClick={() => browser.session.lock()}>
          Lock now
        </Button>
      }
    >
      <Show when={failed()}>{(thrown) => <ErrorNotice error={asError(thrown())} />}</Show>
      <h2>Unlocking</h2>
      <ul class="devices">
        <For each={ways()}>
          {(way) => (
            <li>
              <span>
                {way.kind === 'passphrase' ? 'Passphrase' : 'Passkey'}
                <Show when={way.kind === 'passkey' && way.credential}>
                  {(id) => <code class="quiet"> {toHex(id()).slice(0, 8)}</code>}
                </Show>
              </span>
              <Show when={ways().length > 1}>
                <Button kind="stop" onClick={() => void remove(way.kind === 'passkey' ? way.credential : undefined)}>
                  Remove
                </Button>
              </Show>
            </li>
          )}
        </For>
      </ul>
      <Show
        when={adding()}
        fallback={
          <div class="kit-buttons">
            <Show when={browser.hasPasskeys}>
              <Button kind="plain" onClick={() => void add({ kind: 'passkey' })}>
                Add a passkey
              </Button>
            </Show>
            <Button kind="plain" onClick={() => setAdding(true)}>
              {ways().some(({ kind }) => kind === 'passphrase') ? 'Change the passphrase' : 'Add a passphrase'}
            </Button>
          </div>
        }
      >
        <form
          class="enter-form"
          onSubmit={(event) => {
            event.preventDefault();
            const field = event.currentTarget.elements.namedItem('passphrase');
            if (field instanceof HTMLInputElement) void add(takePassphrase(field));
          }}
        >
          <TextField label="New passphrase" name="passphrase" type="password" autocomplete="new-password" />
          <Button kind="primary" type="submit">
            Keep it
          </Button>
        </form>
      </Show>
      <Notifications />
      <h2>What it asks you for</h2>
      <Facts>
        <Fact label="Confirmed with your key, each time">
          approvals, grants, revocations, rules, devices, signs of life by hand; it cannot be switched off
        </Fact>
        <Fact label="Not confirmed">denials: a no is never held up</Fact>
        <Fact label="Signed by itself while unlocked">signs of life, and that this device is here</Fact>
        <Fact label="Who else is the operator">
          <a href="/devices">Devices and the recovery kit</a>
        </Fact>
        <Fact label="How long agents go on without you">
          <Show when={fleet()?.state()}>
            {(state) => <a href="/freshness">{duration(state().pulseMaxAgeMs)} after the last sign of life</a>}
          </Show>
        </Fact>
        <Fact label="What agents record, and for how long">
          <code>holdfast audit policy</code>, at a terminal
        </Fact>
      </Facts>
      <Show when={preferences()}>
        {(now) => (
          <>
            <Select
              label="Lock when nobody is here for"
              value={String(now().lockMinutes)}
              options={[autoLockMinutes.least, 5, autoLockMinutes.usual, 30, autoLockMinutes.most].map((minutes) => ({
                value: String(minutes),
                label: minutes === 1 ? '1 minute' : `${minutes} minutes`,
              }))}
              onChange={(value) => void change({ lockMinutes: Number(value) })}
            />
            <h2>Look</h2>
            <Select
              label="Theme"
              value={now().theme}
              options={[
                { value: 'system', label: 'As the system has it' },
                { value: 'light', label: 'Light' },
                { value: 'dark', label: 'Dark' },
              ]}
              onChange={(value) => void change({ theme: value === 'light' || value === 'dark' ? value : 'system' })}
            />
          </>
        )}
      </Show>
      <h2>This console</h2>
      <Facts>
        <Fact label="Bundle">
          <code>{config.bundleHash}</code>
        </Fact>
        <Fact label="Compare it with">holdfast console --hash</Fact>
        <Fact label="Relay">
          <code>{fleet()?.facts.relayUrl}</code>
        </Fact>
        <Fact label="Fleet">
          <code>{toHex(fleet()?.facts.fleet ?? new Uint8Array())}</code>
        </Fact>
      </Facts>
      <Notice kind="info" title="What this page can't show you">
        The hash above is what this very page says of itself. Whoever changed the bundle would change that as well: compare what
        the server serves, from a machine that you trust.
      </Notice>
    </Page>
  );
}
