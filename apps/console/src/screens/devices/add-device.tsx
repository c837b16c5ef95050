// Adding a device from this one: a code and its QR for the new device to open, its offer, the words that it shows typed here, and then the entry.

import { toHex } from '@holdfast/protocol/codec/bytes';
import { visible } from '@holdfast/protocol/codec/shown';
import { consoleUrl, formatPairingCode, pairingLifeMs, pairingUrl } from '@holdfast/protocol/identity/pairing';
import { devicePairing } from '@holdfast/protocol/identity/pairing-kind';
import { webPrimitives } from '@holdfast/protocol/primitives/web';
import { createEffect, lazy, Match, onCleanup, Show, Suspense, Switch, type JSX } from 'solid-js';
import { useConsole } from '../../app/console.tsx';
import { Button } from '../../design/button.tsx';
import { Countdown } from '../../design/countdown.tsx';
import { Fact, Facts } from '../../design/facts.tsx';
import { TextField } from '../../design/field.tsx';
import { ErrorNotice } from '../../design/notice.tsx';
import { asError } from '../../fleet/acts.ts';
import type { Fleet } from '../../fleet/fleet.ts';
import { pageClock } from '../../fleet/ports.ts';
import { againWords } from '../pair/tries.ts';
import { addingFlow, type Stage } from './adding.ts';

const QrCode = lazy(() => import('../../enter/qr-code.tsx'));

export function AddDevice(props: { done(): void }): JSX.Element {
  const { fleet } = useConsole();
  return <Show when={fleet()}>{(open) => <AddTo fleet={open()} done={() => props.done()} />}</Show>;
}

function AddTo(props: { readonly fleet: Fleet; done(): void }): JSX.Element {
  const flow = addingFlow(props.fleet, pageClock.wait);
  const beganMs = Date.now();
  const text = formatPairingCode(webPrimitives, devicePairing, flow.code);
  const url = pairingUrl(webPrimitives, devicePairing, props.fleet.facts.relayUrl, flow.code);
  onCleanup(() => flow.stop());
  let begun = false;
  createEffect(() => {
    if (begun || props.fleet.connection().kind !== 'live') return; // waits for the relay
    begun = true;
    void flow.listen();
  });
  createEffect(() => {
    if (flow.stage().kind === 'added') props.done();
  });
  const is = <K extends Stage['kind']>(kind: K): Extract<Stage, { kind: K }> | undefined => {
    const now = flow.stage();
    return now.kind === kind ? (now as Extract<Stage, { kind: K }>) : undefined;
  };
  const offered = () => is('offered') ?? is('adding');
  const busy = (): boolean => flow.stage().kind === 'adding';

  return (
    <section class="add-device" aria-label="Add a device">
      <Switch>
        <Match when={is('over')}>
          <Show when={is('over')?.error}>{(thrown) => <ErrorNotice error={asError(thrown())} />}</Show>
          <Button kind="plain" onClick={() => props.done()}>
            Close
          </Button>
        </Match>
        <Match when={offered()}>
          {(stage) => (
            <form
              class="enter-form"
              onSubmit={(event) => {
                event.preventDefault();
                const typed = new FormData(event.currentTarget).get('words');
                void flow.words(typeof typed === 'string' ? typed : '');
              }}
            >
              <Facts>
                <Fact label="Device">
                  <bdi>{visible(stage().opened.offer.name)}</bdi>
                </Fact>
                <Fact label="It says that it is">
                  <bdi>{visible(stage().opened.offer.machine)}</bdi>
                </Fact>
                <Fact label="It would be able to">all that you are: approve, grant, revoke, and read everything</Fact>
                <Fact label="Key">
                  <code>{toHex(stage().opened.hash).slice(0, 16)}</code>
                </Fact>
              </Facts>
              <TextField label="The three words that it shows" name="words" autocomplete="off" />
              <Show when={is('offered')?.left}>
                {(left) => (
                  <p class="field-error" role="alert">
                    {againWords(left())}
                  </p>
                )}
              </Show>
              <Button kind="primary" type="submit" busy={busy()}>
                Make it a device
              </Button>
              <Button kind="plain" disabled={busy()} onClick={() => props.done()}>
                Don't
              </Button>
            </form>
          )}
        </Match>
        <Match when={is('waiting')}>
          <p>Open this with the new device's camera, or type the code there under "Join a fleet".</p>
          <Suspense>
            <QrCode text={consoleUrl(location.origin, 'join', url)} label="Address for the new device" />
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
