// The dialog behind "Always within…": the narrowest standing grant that lets this through, as a sentence with parts to change, before it is signed.

import type { Agent, FleetState } from '@holdfast/protocol/journal/state';
import { grantSentence } from '@holdfast/protocol/vault/sentence';
import { createSignal, Show, type JSX } from 'solid-js';
import { useConsole } from '../../app/console.tsx';
import { Button } from '../../design/button.tsx';
import { Dialog } from '../../design/dialog.tsx';
import { Select } from '../../design/field.tsx';
import type { ShownAsk } from '../../fleet/fleet.ts';
import { candidates, lasting, narrowed, often, type Choice, type Narrowed } from './narrowed.ts';

export interface AlwaysProps {
  readonly open: boolean;
  readonly ask: ShownAsk;
  readonly state: FleetState;
  onClose(): void;
  /** `sentence`: word for word what was shown. */
  onGrant(made: Narrowed, sentence: string): void;
}

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;

export function AlwaysWithin(props: AlwaysProps): JSX.Element {
  const { nowMs } = useConsole();
  const openedAtMs = nowMs();
  const agent = (): Agent => props.ask.open.agent;
  const act = () => props.ask.open.ask.act;
  const items = () => candidates(props.state, agent().id, act());
  const [name, setName] = createSignal<string>();
  const [long, setLong] = createSignal(lasting[0]?.name ?? '');
  const [many, setMany] = createSignal(often[0]?.name ?? '');
  const item = () => items().find((each) => each.name === name()) ?? (items().length === 1 ? items()[0] : undefined);
  const made = (): Narrowed | undefined => {
    const of = item();
    if (of === undefined) return undefined;
    const untilMs = Math.ceil((openedAtMs + valueOf(lasting, long(), 0)) / 60_000) * 60_000;
    return narrowed(props.state, agent().id, act(), { item: of, untilMs, uses: valueOf(often, many(), undefined) });
  };
  const sentence = (): string | undefined => {
    const of = made();
    if (of === undefined) return undefined;
    const { text } = grantSentence(agent().scope, { fence: of.fence, approve: false }, { zone });
    return of.instead === undefined ? text : `${text} You are not asked for each use any more.`;
  };
  return (
    <Dialog title="Always within…" open={props.open} onClose={() => props.onClose()}>
      <div class="always">
        <p>
          An answer holds for one act. What is to hold for longer is a grant of its own, for this method, host and path alone, and
          you can end it at any moment.
        </p>
        <Show when={items().length > 1}>
          <Select
            label="Credential"
            value={item()?.name ?? ''}
            options={[{ value: '', label: 'Choose one' }, ...items().map((each) => ({ value: each.name, label: each.name }))]}
            onChange={setName}
          />
        </Show>
        <Select label="Until when" value={long()} options={optionsOf(lasting)} onChange={setLong} />
        <Show when={made()?.usesAreSet !== true} fallback={<p>How often stays as you granted it.</p>}>
          <Select label="How often" value={many()} options={optionsOf(often)} onChange={setMany} />
        </Show>
        <p class="always-sentence">{sentence() ?? 'Choose a credential.'}</p>
        <div class="always-buttons">
          <Button
            kind="primary"
            disabled={made() === undefined}
            onClick={() => {
              const [of, said] = [made(), sentence()];
              if (of !== undefined && said !== undefined) props.onGrant(of, said);
            }}
          >
            Grant this
          </Button>
          <Button onClick={() => props.onClose()}>Back</Button>
        </div>
      </div>
    </Dialog>
  );
}

const valueOf = <T,>(choices: readonly Choice<T>[], name: string, none: T): T =>
  choices.find((each) => each.name === name)?.value ?? none;

const optionsOf = (choices: readonly Choice<unknown>[]): { readonly value: string; readonly label: string }[] =>
  choices.map(({ name, label }) => ({ value: name, label }));
