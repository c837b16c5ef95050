// What a browser with a key shows while it is locked: whose fleet it is, and the ways to open it. Nothing of the fleet stands here that is not public.

import { createResource, createSignal, Show } from 'solid-js';
import { useConsole } from '../../app/console.tsx';
import { Button } from '../../design/button.tsx';
import { ErrorNotice } from '../../design/notice.tsx';
import { TextField } from '../../design/field.tsx';
import { asError } from '../../fleet/acts.ts';
import { browserWake } from '../../fleet/browser-wake.ts';
import { takePassphrase } from '../../enter/enter.ts';
import { forget } from '../../keys/this-browser.ts';
import type { Way } from '../../keys/ways.ts';
import '../../enter/enter.css';

/** @public By its route. */
export default function Unlock() {
  const { browser } = useConsole();
  const [record] = createResource(() => browser.session.keys.record());
  const [busy, setBusy] = createSignal(false);
  const [failed, setFailed] = createSignal<unknown>();
  const hasWay = (kind: 'passkey' | 'passphrase'): boolean => record()?.unlocks.some((each) => each.kind === kind) === true;

  const erase = async (): Promise<void> => {
    setBusy(true);
    try {
      await (await browserWake.subscription())?.end().catch(() => undefined); // the relay finds it gone at the next knock [WEBPUSH-6]
      await forget(browser);
      location.replace('/welcome'); // loaded anew: what the page had in memory is gone as well
    } catch (thrown) {
      setFailed(thrown);
      setBusy(false);
    }
  };

  const unlock = async (way: Way): Promise<void> => {
    setBusy(true);
    setFailed(undefined);
    try {
      await browser.session.unlock(way);
    } catch (thrown) {
      setFailed(thrown);
    } finally {
      if (way.kind === 'passphrase') way.passphrase.fill(0);
      setBusy(false);
    }
  };

  return (
    <main class="enter" id="main">
      <h1 tabindex="-1">{record()?.fleetName ?? 'Holdfast'}</h1>
      <p class="enter-lead">Locked. What this browser keeps of the fleet is sealed.</p>
      <Show when={hasWay('passkey')}>
        <Button kind="primary" busy={busy()} onClick={() => void unlock({ kind: 'passkey' })}>
          Unlock with passkey
        </Button>
      </Show>
      <Show when={hasWay('passphrase')}>
        <form
          class="enter-form"
          onSubmit={(event) => {
            event.preventDefault();
            const field = event.currentTarget.elements.namedItem('passphrase');
            if (field instanceof HTMLInputElement) void unlock(takePassphrase(field));
          }}
        >
          <TextField label="Passphrase" name="passphrase" type="password" autocomplete="current-password" />
          <Button kind={hasWay('passkey') ? 'plain' : 'primary'} type="submit" busy={busy()}>
            Unlock with passphrase
          </Button>
        </form>
      </Show>
      <Show when={failed()}>{(thrown) => <ErrorNotice error={asError(thrown())} />}</Show>
      <Show when={record.error as unknown}>{(thrown) => <ErrorNotice error={asError(thrown())} />}</Show>
      <p class="enter-else">
        <a href="/recover">Use the recovery kit</a>
      </p>
      <details class="enter-forget">
        <summary>Forget this key</summary>
        <p>
          For a browser that another device removed, or that you give away. What it keeps is erased, here alone: the fleet goes
          on, and a device that is still in it is removed at another one. If it is the only one, the recovery kit is the only way
          back.
        </p>
        <Button kind="stop" busy={busy()} onClick={() => void erase()}>
          Erase it from this browser
        </Button>
      </details>
    </main>
  );
}
