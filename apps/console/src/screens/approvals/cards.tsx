// The cards in their places, with the keys: `j` `k` between them, `a` approves the focused one (and is confirmed before it is signed), `d` twice denies.

import { createEffect, createMemo, createSignal, For, onCleanup, Show, type JSX } from 'solid-js';
import { useShortcuts } from '../../app/keys.ts';
import type { Fleet } from '../../fleet/fleet.ts';
import { Button } from '../../design/button.tsx';
import { AlwaysWithin } from './always.tsx';
import { answering } from './answering.ts';
import { AskCard } from './card.tsx';
import { firstOf, isOver, openCards, type Card } from './deck.ts';
import { isHeld } from './keys.ts';
import { candidates } from './narrowed.ts';
import { itemWanted } from './proposal.ts';
import { behindWords } from './words.ts';

/** How many lie open at once; what comes after waits behind them, so that the page does not grow under a finger. */
const openAtOnce = 3;

export function AskCards(props: {
  readonly fleet: Fleet;
  readonly openAtOnce?: number;
  readonly children?: JSX.Element;
}): JSX.Element {
  const { presences } = props.fleet;
  const answers = answering(props.fleet);
  const [focused, setFocused] = createSignal<string>();
  const [armed, setArmed] = createSignal<string>();
  const [lasting, setLasting] = createSignal<string>();
  const shown = createMemo(() => openCards(answers.cards(), props.openAtOnce ?? openAtOnce));
  const over = () => answers.cards().filter(isOver);
  const behind = () => answers.cards().length - shown().length;
  const byKey = (key: string | undefined): Card | undefined => shown().find((card) => card.key === key);
  createEffect(() => {
    if (armed() !== undefined && armed() !== focused()) setArmed(undefined);
  });

  const move = (by: 1 | -1): void => {
    const keys = shown().map(({ key }) => key);
    const at = keys.indexOf(focused() ?? '');
    setFocused(keys[Math.min(keys.length - 1, Math.max(0, at + by))]);
  };
  /** The focused one, if an answer to it could count. */
  const answerable = (): Card | undefined => {
    const card = byKey(focused());
    return card === undefined || isOver(card) || answers.isBusy(card) ? undefined : card;
  };
  const approve = (): void => {
    const card = answerable();
    if (card === undefined) return;
    const wanted = itemWanted(props.fleet.state(), firstOf(card));
    if (wanted.kind === 'ready') answers.once(card, wanted.name);
  };
  const deny = (): void => {
    const card = answerable();
    if (card === undefined) return;
    if (armed() !== card.key) setArmed(card.key);
    else {
      setArmed(undefined);
      answers.deny(card);
    }
  };
  useShortcuts('Asks', [
    { keys: 'j', does: 'Next ask', run: () => move(1) },
    { keys: 'k', does: 'Ask before', run: () => move(-1) },
    { keys: 'a', does: 'Approve the ask that has the focus; you confirm it', run: approve },
    { keys: 'd', does: 'Deny it: press twice', run: deny },
  ]);
  const held = (event: KeyboardEvent): void => {
    if (isHeld(event)) event.preventDefault();
  };
  document.addEventListener('keydown', held);
  onCleanup(() => document.removeEventListener('keydown', held));

  /** Who of the agent's children asks, as far as its machine says. */
  const belowIn = (card: Card): string | undefined => {
    const { agent, ask } = firstOf(card).open;
    if (ask.act.kind === 'tool-call' && ask.act.subagent !== undefined) return ask.act.subagent;
    return presences().childOf(agent.id, ask.session)?.name;
  };
  const keys = createMemo(() => shown().map(({ key }) => key), [], { equals: (one, other) => one.join() === other.join() });
  return (
    <div class="ask-cards">
      <For each={keys()}>
        {(key) => (
          <Show when={byKey(key)}>
            {(card) => (
              <>
                <AskCard
                  card={card()}
                  below={belowIn(card())}
                  own={answers.ownOf(card())}
                  busy={answers.isBusy(card())}
                  focused={focused() === key}
                  armed={armed() === key}
                  canLast={canLast(props.fleet, card())}
                  onFocus={() => setFocused(key)}
                  onDeny={() => answers.deny(card())}
                  onOnce={(item) => answers.once(card(), item)}
                  onAlways={() => setLasting(key)}
                  onPutAway={() => answers.putAway(card())}
                />
                <Show when={lasting() === key && props.fleet.state()}>
                  {(state) => (
                    <AlwaysWithin
                      open
                      ask={firstOf(card())}
                      state={state()}
                      onClose={() => setLasting(undefined)}
                      onGrant={(made, sentence) => {
                        setLasting(undefined);
                        answers.always(card(), made, sentence);
                      }}
                    />
                  )}
                </Show>
              </>
            )}
          </Show>
        )}
      </For>
      <Show when={over().length > 1}>
        <div>
          <Button
            onClick={() => over().forEach((card) => answers.putAway(card))}
          >{`Put away all ${over().length} that are over`}</Button>
        </div>
      </Show>
      <p class="ask-cards-behind" role="status">
        {behind() > 0 ? behindWords(behind()) : ''}
      </p>
      <Show when={answers.cards().length === 0}>{props.children}</Show>
    </div>
  );
}

function canLast({ state }: Fleet, card: Card): boolean {
  const known = state();
  const { agent, ask } = firstOf(card).open;
  return known !== undefined && !isOver(card) && candidates(known, agent.id, ask.act).length > 0;
}
