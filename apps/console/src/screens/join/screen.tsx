// This browser asks to be an operator device: by a code that another device shows (its QR opens this page with the code in the fragment), or by one that
// this page makes for the other device to scan. The person types this page's words there.

import { formatPairingCode, newPairingCode, parsePairingCode, pairingUrl } from '@holdfast/protocol/identity/pairing';
import { devicePairing } from '@holdfast/protocol/identity/pairing-kind';
import { webPrimitives } from '@holdfast/protocol/primitives/web';
import { createSignal, lazy, Match, Show, Suspense, Switch } from 'solid-js';
import { useConsole } from '../../app/console.tsx';
import { Button } from '../../design/button.tsx';
import { TextField } from '../../design/field.tsx';
import { ErrorNotice, Notice } from '../../design/notice.tsx';
import { assertFree, joinAsDevice } from '../../enter/enter.ts';
import { textIn } from '../../enter/form-text.ts';
import { thisDevice } from '../../enter/this-device.ts';
import { WayForm } from '../../enter/way.tsx';
import { Words } from '../../enter/words.tsx';
import { asError } from '../../fleet/acts.ts';
import type { Way } from '../../keys/ways.ts';
import '../../enter/enter.css';

const QrCode = lazy(() => import('../../enter/qr-code.tsx'));

interface Asking {
  readonly relayUrl: string;
  readonly name: string;
  /** Of the other device's making; undefined: this page makes one. */
  readonly given: Uint8Array | undefined;
}

interface Waiting {
  readonly words: readonly string[];
  /** To be scanned or typed at the other device; undefined where that one showed it. */
  readonly code: { readonly text: string; readonly url: string } | undefined;
}

/** What a link carries may be anything. */
function unescaped(fragment: string): string {
  try {
    return decodeURIComponent(fragment);
  } catch {
    return fragment;
  }
}

/** @public By its route. */
export default function Join() {
  const { browser, config, fleet, go } = useConsole();
  const fragment = unescaped(location.hash.slice(1));
  history.replaceState(history.state, '', location.pathname); // the code stays in no history
  const [asking, setAsking] = createSignal<Asking>();
  const [waiting, setWaiting] = createSignal<Waiting>();
  const [busy, setBusy] = createSignal(false);
  const [failed, setFailed] = createSignal<unknown>();

  const ask = async (form: HTMLFormElement): Promise<void> => {
    setFailed(undefined);
    const of = (name: string): string => textIn(form, name);
    try {
      await assertFree(browser);
      const given = of('code') === '' ? undefined : parsePairingCode(webPrimitives, devicePairing, of('code'));
      setAsking({
        relayUrl: (given?.relayUrl ?? of('relay')).replace(/\/+$/, ''),
        name: of('device') || thisDevice(),
        given: given?.code,
      });
    } catch (thrown) {
      setFailed(thrown);
    }
  };
  const join = async (way: Way): Promise<void> => {
    const terms = asking();
    if (terms === undefined) return;
    setBusy(true);
    setFailed(undefined);
    const { relayUrl, name } = terms;
    const code = terms.given?.slice() ?? newPairingCode(webPrimitives, devicePairing);
    const own = {
      text: formatPairingCode(webPrimitives, devicePairing, code),
      url: pairingUrl(webPrimitives, devicePairing, relayUrl, code),
    };
    try {
      await joinAsDevice(browser, {
        ...{ name, relayUrl, way, code },
        machine: thisDevice(),
        show: (words) => setWaiting({ words, code: terms.given === undefined ? own : undefined }),
      });
      fleet()?.tryNow(); // it was refused before this device was one
      go('/', { replace: true });
    } catch (thrown) {
      setWaiting(undefined);
      setAsking(undefined);
      setFailed(thrown);
    } finally {
      if (way.kind === 'passphrase') way.passphrase.fill(0);
      setBusy(false);
    }
  };

  return (
    <main class="enter" id="main">
      <h1 tabindex="-1">Join a fleet</h1>
      <Switch>
        <Match when={waiting()}>
          {(shown) => (
            <>
              <Show when={shown().code}>
                {(code) => (
                  <>
                    <p>On a device of the fleet: Devices, Add, and scan this or type the code.</p>
                    <Suspense>
                      <QrCode text={code().url} label="Pairing code" />
                    </Suspense>
                    <p class="enter-code" data-testid="pairing-code">
                      {code().text}
                    </p>
                  </>
                )}
              </Show>
              <p>Then type these words there:</p>
              <Words words={shown().words} />
              <p role="status">Waiting for that device, for ten minutes at most.</p>
            </>
          )}
        </Match>
        <Match when={asking()}>
          <WayForm busy={busy()} verb="Make the key" chosen={(way) => void join(way)} failed={setFailed} />
        </Match>
        <Match when={asking() === undefined}>
          <p class="enter-lead">
            A device of the fleet may do all that its operator may. The other device has to type the words that this page will
            show.
          </p>
          <Show when={fragment !== ''}>
            <Notice kind="info" title="Is the other device yours?">
              <p>
                If somebody sent you this link, stop here: you would be in their fleet, and what you keep there they could read.
              </p>
            </Notice>
          </Show>
          <form
            class="enter-form"
            onSubmit={(event) => {
              event.preventDefault();
              void ask(event.currentTarget);
            }}
          >
            <TextField
              label="Code of the other device"
              name="code"
              value={fragment}
              autocomplete="off"
              hint="Empty: this page makes one, for the other device to scan."
            />
            <TextField label="Relay" name="relay" value={config.relayUrl ?? ''} autocomplete="off" />
            <TextField label="Name of this device" name="device" value={thisDevice()} autocomplete="off" />
            <Button kind="primary" type="submit">
              Next
            </Button>
          </form>
        </Match>
      </Switch>
      <Show when={failed()}>{(thrown) => <ErrorNotice error={asError(thrown())} />}</Show>
    </main>
  );
}
