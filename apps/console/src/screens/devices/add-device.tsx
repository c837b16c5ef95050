// Adding a device from this one: a code and its QR for the new device to open, its offer, the words that it shows typed here, and then the entry.

import { toHex } from '@holdfast/protocol/codec/bytes';
import {
  assertWords,
  consoleUrl,
  formatPairingCode,
  newPairingCode,
  pairingLifeMs,
  pairingUrl,
  type OpenedOffer,
} from '@holdfast/protocol/identity/pairing';
import { devicePairing, type DeviceOffer } from '@holdfast/protocol/identity/pairing-kind';
import { addDevice } from '@holdfast/protocol/journal/compose-devices';
import { awaitOffer, callNewcomer, sendAnswer } from '@holdfast/protocol/operator/admit';
import { webPrimitives } from '@holdfast/protocol/primitives/web';
import type { RelayExchange } from '@holdfast/protocol/exchange/relay-exchange';
import { codeOf, HoldfastError } from '@holdfast/protocol/errors';
import { createEffect, createSignal, lazy, Match, onCleanup, Show, Suspense, Switch } from 'solid-js';
import { useConsole } from '../../app/console.tsx';
import { Button } from '../../design/button.tsx';
import { Countdown } from '../../design/countdown.tsx';
import { Fact, Facts } from '../../design/facts.tsx';
import { TextField } from '../../design/field.tsx';
import { ErrorNotice } from '../../design/notice.tsx';
import { asError } from '../../fleet/acts.ts';

const QrCode = lazy(() => import('../../enter/qr-code.tsx'));

/** A person may mistype; more than this is guessing. */
const maxTries = 3;

export function AddDevice(props: { done(): void }) {
  const { fleet } = useConsole();
  const code = newPairingCode(webPrimitives, devicePairing);
  const beganMs = Date.now();
  const over = new AbortController();
  const [offered, setOffered] = createSignal<OpenedOffer<DeviceOffer>>();
  const [failed, setFailed] = createSignal<unknown>();
  const [isEnded, setEnded] = createSignal(false);
  const [busy, setBusy] = createSignal(false);
  let tries = 0;
  const text = formatPairingCode(webPrimitives, devicePairing, code);
  const address = (): string => {
    const relayUrl = fleet()?.facts.relayUrl ?? '';
    return consoleUrl(location.origin, 'join', pairingUrl(webPrimitives, devicePairing, relayUrl, code));
  };
  const end = (thrown?: unknown): void => {
    over.abort();
    code.fill(0);
    setEnded(true);
    if (thrown !== undefined) setFailed(thrown);
  };
  onCleanup(end);
  let begun = false;
  createEffect(() => {
    const open = fleet();
    if (begun || open?.connection().kind !== 'live') return; // waits for the relay
    begun = true;
    const session = open.session();
    const late = AbortSignal.any([over.signal, AbortSignal.timeout(pairingLifeMs)]);
    void offer(session.relay, late);
  });

  const offer = async (relay: RelayExchange, late: AbortSignal): Promise<void> => {
    try {
      const opened = await awaitOffer(relay, devicePairing, code, late);
      if (opened !== undefined) setOffered(opened);
      else if (!over.signal.aborted)
        end(new HoldfastError('pairing_expired', 'no device came to this code in time', { next: 'add it again for a new code' }));
    } catch (thrown) {
      if (!over.signal.aborted) end(thrown);
    }
  };

  const admit = async (opened: OpenedOffer<DeviceOffer>, typed: string): Promise<void> => {
    setFailed(undefined);
    try {
      assertWords(opened, typed);
    } catch (thrown) {
      tries += 1;
      if (tries < maxTries && codeOf(thrown) === 'pairing_words_wrong') return void setFailed(thrown);
      return end(
        new HoldfastError('pairing_words_wrong', 'these are not the words of that device; nothing was added', {
          cause: thrown,
          next: 'if the words on the device that you mean are others, somebody lures you; else add it again for a new code',
        }),
      );
    }
    const { name, keys } = opened.offer;
    setBusy(true);
    try {
      await fleet()?.act(`Make "${name}" an operator device, which may do all that you may`, async (session) => {
        await callNewcomer(session, opened.hash, code);
        await session.write(async (operator) =>
          addDevice(operator, { device: { name, keys }, accessVersion: await session.accessVersion() }),
        );
        await sendAnswer(session, opened, code);
      });
      props.done();
    } catch (thrown) {
      end(thrown);
    } finally {
      setBusy(false);
    }
  };

  return (
    <section class="add-device" aria-label="Add a device">
      <Switch>
        <Match when={isEnded()}>
          <Show when={failed()}>{(thrown) => <ErrorNotice error={asError(thrown())} />}</Show>
          <Button kind="plain" onClick={() => props.done()}>
            Close
          </Button>
        </Match>
        <Match when={offered()}>
          {(opened) => (
            <form
              class="enter-form"
              onSubmit={(event) => {
                event.preventDefault();
                const typed = new FormData(event.currentTarget).get('words');
                void admit(opened(), typeof typed === 'string' ? typed : '');
              }}
            >
              <Facts>
                <Fact label="Device">{opened().offer.name}</Fact>
                <Fact label="It says that it is">{opened().offer.machine}</Fact>
                <Fact label="It would be able to">all that you are: approve, grant, revoke, and read everything</Fact>
                <Fact label="Key">
                  <code>{toHex(opened().hash).slice(0, 16)}</code>
                </Fact>
              </Facts>
              <TextField label="The three words that it shows" name="words" autocomplete="off" />
              <Show when={failed()}>{(thrown) => <ErrorNotice error={asError(thrown())} />}</Show>
              <Button kind="primary" type="submit" busy={busy()}>
                Make it a device
              </Button>
              <Button kind="plain" disabled={busy()} onClick={() => props.done()}>
                Don't
              </Button>
            </form>
          )}
        </Match>
        <Match when={!isEnded()}>
          <p>Open this with the new device's camera, or type the code there under "Join a fleet".</p>
          <Suspense>
            <QrCode text={address()} label="Address for the new device" />
          </Suspense>
          <p class="enter-code" data-testid="pairing-code">
            {text}
          </p>
          <Countdown fromMs={beganMs} untilMs={beganMs + pairingLifeMs} />
          <Button kind="plain" onClick={() => props.done()}>
            Cancel
          </Button>
        </Match>
      </Switch>
    </section>
  );
}
