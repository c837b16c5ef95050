// The way back with the recovery kit, on a browser that has no key: reads the fleet with the code, shows who is there, adds this browser, removes the
// lost devices, and hands over a new kit before the old code dies.

import { toHex } from '@holdfast/protocol/codec/bytes';
import { createSignal, For, Match, onCleanup, Show, Switch } from 'solid-js';
import { useConsole } from '../../app/console.tsx';
import { Button } from '../../design/button.tsx';
import { Check, TextField } from '../../design/field.tsx';
import { ErrorNotice, Notice } from '../../design/notice.tsx';
import { beginRecovery, typedFleet, type Recovering } from '../../enter/enter.ts';
import { KitCard } from '../../enter/kit-card.tsx';
import type { RecoveryKit } from '../../enter/kit.ts';
import { textIn } from '../../enter/form-text.ts';
import { thisDevice } from '../../enter/this-device.ts';
import { WayForm } from '../../enter/way.tsx';
import { asError } from '../../fleet/acts.ts';
import type { Way } from '../../keys/ways.ts';
import '../../enter/enter.css';

/** @public By its route. */
export default function Recover() {
  const { browser, config, fleet, go } = useConsole();
  const [found, setFound] = createSignal<Recovering>();
  const [kept, setKept] = createSignal<ReadonlySet<string>>(new Set());
  const [newKit, setNewKit] = createSignal<{ readonly kit: RecoveryKit; readonly checked: () => void }>();
  const [busy, setBusy] = createSignal(false);
  const [failed, setFailed] = createSignal<unknown>();
  let isDone = false;
  onCleanup(() => {
    if (!isDone) found()?.drop();
  });

  const attempt = async (work: () => Promise<void>): Promise<void> => {
    setBusy(true);
    setFailed(undefined);
    try {
      await work();
    } catch (thrown) {
      setFailed(thrown);
    } finally {
      setBusy(false);
    }
  };
  const read = (form: HTMLFormElement): Promise<void> =>
    attempt(async () => {
      const of = (name: string): string => textIn(form, name);
      const code = form.elements.namedItem('code');
      setFound(
        await beginRecovery(browser, {
          code: of('code'),
          fleet: typedFleet(of('fleet')),
          relayUrl: of('relay').replace(/\/+$/, ''),
          deviceName: of('device') || thisDevice(),
        }),
      );
      if (code instanceof HTMLInputElement) code.value = '';
    });
  const recover = (way: Way): Promise<void> =>
    attempt(async () => {
      const hand = (kit: RecoveryKit): Promise<void> =>
        new Promise((resolve) => {
          setBusy(false);
          setNewKit({
            kit,
            checked: () => {
              setBusy(true);
              resolve();
            },
          });
        });
      try {
        await found()?.recover(way, kept(), hand);
      } finally {
        if (way.kind === 'passphrase') way.passphrase.fill(0);
      }
      isDone = true;
      fleet()?.tryNow(); // it was refused before this device was one
      go('/', { replace: true });
    });
  const keep = (id: string, isKept: boolean): void => {
    setKept((before) => {
      const after = new Set(before);
      if (isKept) after.add(id);
      else after.delete(id);
      return after;
    });
  };

  return (
    <main class="enter" id="main">
      <h1 tabindex="-1">Recover</h1>
      <Switch>
        <Match when={newKit()}>
          {(shown) => (
            <>
              <Notice kind="warn" title="The old code dies now">
                Keep the old kit until this is done. From then on only this new one counts.
              </Notice>
              <KitCard kit={shown().kit} busy={busy()} verb="Recover the fleet" checked={() => shown().checked()} />
            </>
          )}
        </Match>
        <Match when={found()}>
          {(read) => (
            <>
              <p class="enter-lead">
                "{read().fleetName}" has {read().devices.length === 1 ? 'one device' : `${read().devices.length} devices`}. Those
                that you don't keep are removed: they write nothing more and read nothing new. What they could read before, they
                may have kept.
              </p>
              <fieldset class="enter-form">
                <legend>Keep these devices</legend>
                <For each={read().devices}>
                  {({ id, name, sinceMs }) => (
                    <Check
                      label={`${name}, since ${new Date(sinceMs).toISOString().slice(0, 10)}`}
                      checked={kept().has(toHex(id))}
                      onChange={(isKept) => keep(toHex(id), isKept)}
                    />
                  )}
                </For>
              </fieldset>
              <WayForm busy={busy()} verb="Go on" chosen={(way) => void recover(way)} failed={setFailed} />
            </>
          )}
        </Match>
        <Match when={found() === undefined}>
          <p class="enter-lead">With the kit that was saved when the fleet was made, or at the last recovery.</p>
          <form
            class="enter-form"
            onSubmit={(event) => {
              event.preventDefault();
              void read(event.currentTarget);
            }}
          >
            <TextField label="Recovery code" name="code" autocomplete="off" />
            <TextField label="The fleet's id" name="fleet" autocomplete="off" hint="64 digits; spaces don't matter." />
            <TextField label="Relay" name="relay" value={config.relayUrl ?? ''} autocomplete="off" />
            <TextField label="Name of this device" name="device" value={thisDevice()} autocomplete="off" />
            <Button kind="primary" type="submit" busy={busy()}>
              Read the fleet
            </Button>
          </form>
        </Match>
      </Switch>
      <Show when={failed()}>{(thrown) => <ErrorNotice error={asError(thrown())} />}</Show>
    </main>
  );
}
