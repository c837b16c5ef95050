// Pairing: a code, who waits behind it, three words, and what came of it. Machine, place and consequence stand there before anybody types: a stranger's
// code that somebody was lured into shows as what it is.

import { toHex } from '@holdfast/protocol/codec/bytes';
import { visible } from '@holdfast/protocol/codec/shown';
import { topicTip } from '@holdfast/protocol/journal/state';
import { webPrimitives } from '@holdfast/protocol/primitives/web';
import { createSignal, For, Match, onMount, Show, Switch, type JSX } from 'solid-js';
import { useConsole } from '../../app/console.tsx';
import { Button } from '../../design/button.tsx';
import { Fact, Facts } from '../../design/facts.tsx';
import { TextField } from '../../design/field.tsx';
import { Mark } from '../../design/mark.tsx';
import { ErrorNotice, Notice } from '../../design/notice.tsx';
import { Page } from '../../design/page.tsx';
import { asError } from '../../fleet/acts.ts';
import type { Fleet } from '../../fleet/fleet.ts';
import { isHardware, keyStoreName } from '../../fleet/key-stores.ts';
import { Camera } from './camera.tsx';
import { readGiven } from './given.ts';
import { pairingFlow, type Shown, type Stage } from './pairing.ts';
import { againWords } from './tries.ts';
import { agentConsequences, deviceConsequences, stoppedWords } from './words.ts';
import './pair.css';

/** @public By its route: app/screens.ts. */
export default function Pair(): JSX.Element {
  const { fleet } = useConsole();
  return (
    <Page title="Pair">
      <Show when={fleet()?.state() !== undefined && fleet()} fallback={<p>Waiting for the fleet to be read…</p>}>
        {(open) => <PairWith fleet={open()} />}
      </Show>
    </Page>
  );
}

function PairWith(props: { readonly fleet: Fleet }): JSX.Element {
  const { go } = useConsole();
  const flow = pairingFlow(props.fleet);
  const [typed, setTyped] = createSignal('');
  const [error, setError] = createSignal<string>();
  const [scanning, setScanning] = createSignal(false);

  const take = (text: string): void => {
    setScanning(false);
    setError(undefined);
    try {
      const given = readGiven(webPrimitives, text);
      setTyped('');
      void flow.look(given);
    } catch (thrown) {
      const { message, next } = asError(thrown);
      setError(next === undefined ? message : `${message}; ${next}`);
    }
  };
  onMount(() => {
    const { hash } = location;
    if (hash.length < 2) return;
    go('/pair', { replace: true }); // a code in the address would be in the history
    take(hash);
  });
  const is = <K extends Stage['kind']>(kind: K): Extract<Stage, { kind: K }> | undefined => {
    const now = flow.stage();
    return now.kind === kind ? (now as Extract<Stage, { kind: K }>) : undefined;
  };
  return (
    <Switch>
      <Match when={is('begin')}>
        <section class="page-part pair-begin">
          <p>
            On the machine: <code>holdfast enroll</code>. It shows a QR code, a code, and three words. Scan the QR code with this
            device, or paste the code or its address here.
          </p>
          <p>
            Another browser or phone of yours shows such a code under "Join a fleet", a terminal with{' '}
            <code>holdfast devices join</code>. Which of the two a code is for, you see before anything happens.
          </p>
          <Show when={scanning()} fallback={<Button onClick={() => setScanning(true)}>Scan with the camera</Button>}>
            <Camera onRead={take} />
            <Button onClick={() => setScanning(false)}>Stop the camera</Button>
          </Show>
          <form
            class="pair-form"
            onSubmit={(event) => {
              event.preventDefault();
              take(typed());
            }}
          >
            <TextField
              label="Code or address"
              value={typed()}
              onInput={setTyped}
              error={error()}
              mono
              lines={2}
              placeholder="7QW2-M9XK-…"
            />
            <Button kind="primary" type="submit" disabled={typed().trim() === ''}>
              Look who waits
            </Button>
          </form>
        </section>
      </Match>
      <Match when={is('looking')}>
        <p role="status">Looking who waits behind this code…</p>
      </Match>
      <Match when={is('shown')}>
        {(stage) => (
          <Words fleet={props.fleet} shown={stage().shown} left={stage().left} onWords={flow.words} onStop={flow.again} />
        )}
      </Match>
      <Match when={is('admitting')}>
        {(stage) => (
          <p role="status">
            {stage().calling
              ? 'Asking the device whether it is still there. This takes up to a minute…'
              : 'Confirm it, and it is signed and sent…'}
          </p>
        )}
      </Match>
      <Match when={is('admitted')}>
        {(stage) => <Admitted fleet={props.fleet} shown={stage().shown} onAgain={flow.again} />}
      </Match>
      <Match when={is('over')}>
        {(stage) => (
          <section class="page-part">
            <ErrorNotice error={stage().error}>
              <Show when={stoppedWords(stage().error, stage().of)}>{(words) => <p>{words()}</p>}</Show>
            </ErrorNotice>
            <div>
              <Button onClick={flow.again}>Start again with another code</Button>
            </div>
          </section>
        )}
      </Match>
    </Switch>
  );
}

function Words(props: {
  readonly fleet: Fleet;
  readonly shown: Shown;
  readonly left: number | undefined;
  onWords(typed: string): unknown;
  onStop(): void;
}): JSX.Element {
  const [typed, setTyped] = createSignal('');
  const agent = () => (props.shown.kind === 'agent' ? props.shown.opened.offer : undefined);
  const device = () => (props.shown.kind === 'device' ? props.shown.opened.offer : undefined);
  const noun = () => props.shown.opened.kind.noun;
  const consequences = (): readonly string[] => {
    const [one, other] = [agent(), device()];
    if (one !== undefined) return agentConsequences(one, props.fleet.facts.fleetName);
    return other === undefined ? [] : deviceConsequences(other);
  };
  return (
    <section class="page-part">
      <h2>{props.shown.kind === 'agent' ? 'A machine asks to be admitted' : 'A device asks to be added'}</h2>
      <Facts>
        <Show when={agent()}>
          {(offer) => (
            <>
              <Fact label="Machine">
                <bdi>{visible(offer().machine)}</bdi>
              </Fact>
              <Fact label="Scope">{offer().scope}</Fact>
              <Fact label="Key">
                <span class="pair-marks">
                  {keyStoreName(offer().custody)} <Mark kind={isHardware(offer().custody) ? 'hardware' : 'software'} />
                  <Mark kind="claimed" />
                </span>
              </Fact>
              <Fact label="Wants to show that it may">
                {offer().capabilities.length === 0 ? 'nothing' : offer().capabilities.join(', ')}
              </Fact>
            </>
          )}
        </Show>
        <Show when={device()}>
          {(offer) => (
            <>
              <Fact label="Device">
                <bdi>{visible(offer().name)}</bdi>
              </Fact>
              <Fact label="Machine">
                <bdi>{visible(offer().machine)}</bdi>
              </Fact>
            </>
          )}
        </Show>
        <Fact label="Waits at">
          <bdi>{props.fleet.facts.relayUrl}</bdi>
        </Fact>
      </Facts>
      <Show when={agent() !== undefined && isHardware(agent()?.custody ?? 'software')}>
        <p class="quiet">
          This browser cannot check a TPM maker's certificates, so the key store stays what the machine claims. To have it
          attested, approve at a terminal instead: <code>holdfast approve</code>, with a new code.
        </p>
      </Show>
      <h3>What this does</h3>
      <ul class="pair-consequences">
        <For each={consequences()}>{(each) => <li>{each}</li>}</For>
      </ul>
      <Notice kind="info" title="Did you start this yourself, just now?">
        <p>If somebody sent you this code or asked you to scan it, stop here: their machine would be in your fleet.</p>
      </Notice>
      <form
        class="pair-form"
        onSubmit={(event) => {
          event.preventDefault();
          const words = typed();
          setTyped('');
          props.onWords(words);
        }}
      >
        <TextField
          label={`The three words that the ${noun()} shows`}
          hint={`Read them from the ${noun()} itself, not from a message.`}
          value={typed()}
          onInput={setTyped}
          error={props.left === undefined ? undefined : againWords(props.left)}
          mono
          autocapitalize="off"
          autocomplete="off"
          spellcheck={false}
        />
        <div class="pair-buttons">
          <Button kind="primary" type="submit" disabled={typed().trim() === ''}>
            {props.shown.kind === 'agent' ? 'Admit it' : 'Add this device'}
          </Button>
          <Button onClick={() => props.onStop()}>Stop, admit nothing</Button>
        </div>
      </form>
    </section>
  );
}

function Admitted(props: { readonly fleet: Fleet; readonly shown: Shown; onAgain(): void }): JSX.Element {
  const agent = () => (props.shown.kind === 'agent' ? props.shown.opened.offer : undefined);
  const hasSpoken = (): boolean => {
    const [offer, state] = [agent(), props.fleet.state()];
    return offer !== undefined && state !== undefined && topicTip(state, offer.agent) !== undefined;
  };
  return (
    <section class="page-part">
      <Show
        when={agent()}
        fallback={
          <>
            <h2>The device is added</h2>
            <p>It may do all that you may. If that was a mistake, remove it at once.</p>
            <a href="/devices">Devices</a>
          </>
        }
      >
        {(offer) => (
          <>
            <h2>{`${offer().scope} on ${visible(offer().machine)} is admitted`}</h2>
            <p role="status">{hasSpoken() ? 'Its machine has it: it is here.' : 'Waiting for the first word of its machine…'}</p>
            <p>
              It has no credential yet. If this was a mistake, revoke it: open it, and press Revoke. If its terminal says that the
              answer came too late, revoke it here as well and enrol it again.
            </p>
            <a href={`/agents/${toHex(offer().agent)}`}>{`Open ${offer().scope}`}</a>
          </>
        )}
      </Show>
      <div>
        <Button onClick={() => props.onAgain()}>Pair another</Button>
      </div>
    </section>
  );
}
