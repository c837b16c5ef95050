// The first visit: a new fleet in three steps (name, key, recovery kit), or one of the other ways in.

import { createSignal, Match, onCleanup, Show, Switch } from 'solid-js';
import { HoldfastError } from '@holdfast/protocol/errors';
import { useConsole } from '../../app/console.tsx';
import { Button } from '../../design/button.tsx';
import { TextField } from '../../design/field.tsx';
import { ErrorNotice } from '../../design/notice.tsx';
import { assertFree, prepareFleet, type PreparedFleet } from '../../enter/enter.ts';
import { KitCard } from '../../enter/kit-card.tsx';
import { textIn } from '../../enter/form-text.ts';
import { thisDevice } from '../../enter/this-device.ts';
import { WayForm } from '../../enter/way.tsx';
import { asError } from '../../fleet/acts.ts';
import type { Way } from '../../keys/ways.ts';
import '../../enter/enter.css';

interface Named {
  readonly name: string;
  readonly deviceName: string;
  readonly relayUrl: string;
}

/** Text that a device list or a signed entry can carry. Throws `usage`. */
function plain(what: string, typed: string, max: number): string {
  const text = typed.trim();
  if (text === '') throw new HoldfastError('usage', `${what} is empty`);
  if (text.length > max) throw new HoldfastError('usage', `${what} is longer than ${max} characters`);
  if (/\p{C}/u.test(text)) throw new HoldfastError('usage', `${what} has characters in it that nobody sees`);
  return text;
}

/** @public By its route. */
export default function Welcome() {
  const { browser, config, go } = useConsole();
  const [named, setNamed] = createSignal<Named>();
  const [prepared, setPrepared] = createSignal<PreparedFleet>();
  const [busy, setBusy] = createSignal(false);
  const [failed, setFailed] = createSignal<unknown>();
  let isDone = false;
  onCleanup(() => {
    if (!isDone) prepared()?.drop();
  });

  const step = (): 1 | 2 | 3 => (prepared() !== undefined ? 3 : named() !== undefined ? 2 : 1);
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
  const name = (form: HTMLFormElement): Promise<void> =>
    attempt(async () => {
      await assertFree(browser);
      const of = (field: string): string => textIn(form, field);
      setNamed({
        name: plain('the name of the fleet', of('fleet'), 64),
        deviceName: plain('the name of this device', of('device'), 64),
        relayUrl: of('relay').trim().replace(/\/+$/, ''),
      });
    });
  const makeKeys = (way: Way): Promise<void> =>
    attempt(async () => {
      const terms = named();
      if (terms === undefined) return;
      try {
        setPrepared(await prepareFleet(browser, { ...terms, way }));
      } finally {
        if (way.kind === 'passphrase') way.passphrase.fill(0);
      }
    });
  const found = (): Promise<void> =>
    attempt(async () => {
      isDone = true; // what is founded is not dropped: this screen goes as soon as there is a key
      try {
        await prepared()?.found();
      } catch (thrown) {
        isDone = false;
        throw thrown;
      }
      go('/', { replace: true });
    });

  return (
    <main class="enter" id="main">
      <p class="enter-step">Step {step()} of 3</p>
      <h1 tabindex="-1">{step() === 1 ? 'Make a fleet' : step() === 2 ? 'Make your key' : 'Keep a way back'}</h1>
      <Switch>
        <Match when={prepared()}>
          {(fleet) => <KitCard kit={fleet().kit} busy={busy()} verb="Make the fleet" checked={() => void found()} />}
        </Match>
        <Match when={named()}>
          <WayForm busy={busy()} verb="Make the key" chosen={(way) => void makeKeys(way)} failed={setFailed} />
          <Button kind="plain" disabled={busy()} onClick={() => setNamed(undefined)}>
            Back
          </Button>
        </Match>
        <Match when={named() === undefined}>
          <p class="enter-lead">
            A fleet is you, your devices, and the agents that act for you. What you keep in it is sealed in this browser; the
            relay in between sees ciphertext.
          </p>
          <form
            class="enter-form"
            onSubmit={(event) => {
              event.preventDefault();
              void name(event.currentTarget);
            }}
          >
            <TextField label="Name of the fleet" name="fleet" value="home" autocomplete="off" />
            <TextField label="Name of this device" name="device" value={thisDevice()} autocomplete="off" />
            <TextField
              label="Relay"
              name="relay"
              value={config.relayUrl ?? ''}
              autocomplete="off"
              hint="The address that npm start printed, or of the relay that your agents use."
            />
            <Button kind="primary" type="submit" busy={busy()}>
              Next
            </Button>
          </form>
          <p class="enter-else">
            <a href="/join">Join a fleet from another device</a>
            <a href="/recover">Recover with the kit</a>
          </p>
        </Match>
      </Switch>
      <Show when={failed()}>{(thrown) => <ErrorNotice error={asError(thrown())} />}</Show>
    </main>
  );
}
