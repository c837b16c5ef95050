// One ask, or several that read the same, as a person decides by it: who, what exactly, with what, where to, why, what is unusual, how long. Everything
// that came from elsewhere is a text node, and what the agent worded is marked as its words.

import { visible } from '@holdfast/protocol/codec/shown';
import { toHex } from '@holdfast/protocol/codec/bytes';
import type { Item } from '@holdfast/protocol/journal/state';
import { itemsFor, type AccessAct } from '@holdfast/protocol/operator/access';
import { attachWords } from '@holdfast/protocol/vault/sentence';
import { createEffect, createSignal, For, onCleanup, Show, type JSX } from 'solid-js';
import { useConsole } from '../../app/console.tsx';
import { ActText } from '../../design/act-text.tsx';
import { Button } from '../../design/button.tsx';
import { Countdown } from '../../design/countdown.tsx';
import { Select } from '../../design/field.tsx';
import { Mark } from '../../design/mark.tsx';
import { firstOf, isOver, waitingIn, type Card } from './deck.ts';
import type { OwnAnswer } from './words.ts';
import { endingWords, placeOf, requestLine, titleOf, unusualWords } from './words.ts';
import './approvals.css';

export interface CardProps {
  readonly card: Card;
  /** Names of whoever stands below the agent in this: a sub-agent, a child. */
  readonly below?: string | undefined;
  readonly own?: OwnAnswer | undefined;
  readonly busy: boolean;
  readonly focused: boolean;
  /** A key was pressed that denies, and waits for the second press. */
  readonly armed: boolean;
  /** Whether a standing grant could be made of it. */
  readonly canLast: boolean;
  onFocus(): void;
  onDeny(): void;
  onOnce(item?: string): void;
  onAlways(): void;
  onPutAway(): void;
}

/** Right after a card came to its place nothing on it can be pressed: the finger may have been on its way to something else. */
const settlesAfterMs = 500;

/** Text of others in a line of ours: what a screen would obey or hide is written out, and its direction stays its own. */
function Said(props: { readonly text: string }): JSX.Element {
  return <bdi>{visible(props.text)}</bdi>;
}

export function AskCard(props: CardProps): JSX.Element {
  const { fleet } = useConsole();
  const [settled, setSettled] = createSignal(false);
  const timer = setTimeout(() => setSettled(true), settlesAfterMs);
  onCleanup(() => clearTimeout(timer));
  let article: HTMLElement | undefined;
  createEffect(() => {
    if (props.focused && article !== undefined && !article.contains(document.activeElement))
      article.focus({ preventScroll: false });
  });
  const shown = () => firstOf(props.card);
  const ask = () => shown().open.ask;
  const agent = () => shown().open.agent;
  const count = () => props.card.members.length;
  const over = () => isOver(props.card);
  const state = () => fleet()?.state();
  const fitting = (): readonly Item[] => {
    const { act } = ask();
    const known = state();
    return act.kind === 'access' && known !== undefined ? itemsFor(known, act) : [];
  };
  const [chosen, setChosen] = createSignal<string>();
  const item = () => chosen() ?? (fitting().length === 1 ? fitting()[0]?.name : undefined);
  const locked = () => !settled() || props.busy;
  const ending = () => props.card.members.find((member) => member.ask.key === shown().key)?.ending;
  const words = () => endingWords(ending(), props.own);
  return (
    <article
      ref={(element) => (article = element)}
      class="ask-card"
      classList={{ 'ask-card-over': over(), 'ask-card-focused': props.focused }}
      tabindex="-1"
      aria-label={`${agent().scope} ${titleOf(ask().act)}`}
      onFocusIn={() => props.onFocus()}
    >
      <header class="ask-card-head">
        <div class="ask-card-who">
          <p class="ask-card-agent">
            <Said text={agent().scope} />
            <Show when={props.below}>
              {(name) => (
                <>
                  {' › '}
                  <Said text={name()} />
                </>
              )}
            </Show>
            <Show when={count() > 1}>
              <span class="ask-card-count">{`× ${count()}, the same each time`}</span>
            </Show>
          </p>
          <p class="ask-card-where">
            <Said text={agent().machine} />
            {' · '}
            <Said text={ask().program} /> <Mark kind={ask().mode} />
          </p>
        </div>
        <Show when={!over()}>
          <Countdown untilMs={shown().open.expiresAtMs} fromMs={shown().open.expiresAtMs - ask().lifeMs} />
        </Show>
      </header>
      <p class="ask-card-title">{titleOf(ask().act)}</p>
      <ActOf shown={shown()} items={state()?.items} />
      <Show when={shown().unusual.length > 0}>
        <section class="ask-card-part ask-card-unusual">
          <h3>Unusual</h3>
          <ul>
            <For each={shown().unusual}>{(each) => <li>{unusualWords[each]}</li>}</For>
          </ul>
        </section>
      </Show>
      <Show when={ask().because.length > 0}>
        <section class="ask-card-part">
          <h3>Because of your rules</h3>
          <ul>
            <For each={ask().because}>
              {({ rule, reason }) => (
                <li>
                  <b>
                    <Said text={rule} />
                  </b>
                  {': '}
                  <Said text={reason} />
                </li>
              )}
            </For>
          </ul>
        </section>
      </Show>
      <p class="ask-card-outcome" role="status">
        {words()}
      </p>
      <Show
        when={!over()}
        fallback={
          <div class="ask-card-buttons ask-card-buttons-over">
            <Button onClick={() => props.onPutAway()}>Put away</Button>
          </div>
        }
      >
        <Show when={narrow(ask().act, 'access')}>
          {(wish) => <AccessProposal items={fitting()} item={item()} onChoose={setChosen} act={wish()} scope={agent().scope} />}
        </Show>
        <div class="ask-card-buttons">
          <Button
            kind="primary"
            disabled={locked() || (ask().act.kind === 'access' && item() === undefined)}
            busy={props.busy && props.own?.verdict === 'once'}
            onClick={() => props.onOnce(ask().act.kind === 'access' ? item() : undefined)}
          >
            {onceLabel(ask().act.kind, waitingIn(props.card).length)}
          </Button>
          <Show when={props.canLast}>
            <Button disabled={locked()} onClick={() => props.onAlways()}>
              Always within…
            </Button>
          </Show>
          <Button
            kind="stop"
            disabled={locked()}
            busy={props.busy && props.own?.verdict === 'deny'}
            onClick={() => props.onDeny()}
          >
            {props.armed ? 'Press d again to deny' : denyLabel(waitingIn(props.card).length)}
          </Button>
        </div>
      </Show>
    </article>
  );
}

function onceLabel(kind: 'tool-call' | 'use' | 'access', count: number): string {
  if (kind === 'access') return 'Grant this, narrowed';
  return count > 1 ? `Once for each of the ${count}` : 'Once';
}

const denyLabel = (count: number): string => (count > 1 ? `Deny all ${count}` : 'Deny');

/** The act whole, as it would happen. */
function ActOf(props: {
  readonly shown: ReturnType<typeof firstOf>;
  readonly items: ReadonlyMap<string, Item> | undefined;
}): JSX.Element {
  const act = () => props.shown.open.ask.act;
  const call = () => narrow(act(), 'tool-call');
  const use = () => narrow(act(), 'use');
  const access = () => narrow(act(), 'access');
  return (
    <>
      <Show when={call()}>
        {(tool) => (
          <section class="ask-card-part">
            <ActText text={tool().text} />
            <Show when={tool().rest}>
              {(rest) => (
                <>
                  <h3>With</h3>
                  <ActText text={rest()} />
                </>
              )}
            </Show>
            <Show when={tool().directory}>
              {(directory) => (
                <>
                  <h3>In</h3>
                  <ActText text={directory()} />
                </>
              )}
            </Show>
          </section>
        )}
      </Show>
      <Show when={use()}>
        {(request) => (
          <>
            <section class="ask-card-part">
              <h3>Wants</h3>
              <p>
                <b>
                  <Said text={request().name} />
                </b>
                {attachedWords(props.items?.get(toHex(request().item)))}
              </p>
            </section>
            <section class="ask-card-part">
              <h3>To</h3>
              <ActText text={requestLine(request())} />
              <Show when={request().headers.length > 0}>
                <h3>Headers</h3>
                <ActText
                  text={request()
                    .headers.map(({ name, value }) => `${name}: ${value}`)
                    .join('\n')}
                />
              </Show>
              <h3>Body</h3>
              <Show when={request().body !== ''} fallback={<p class="ask-card-quiet">none</p>}>
                <ActText text={request().body} />
              </Show>
            </section>
            <Show when={request().reported?.command}>
              {(command) => (
                <AgentSays>
                  <ActText text={command()} />
                </AgentSays>
              )}
            </Show>
          </>
        )}
      </Show>
      <Show when={access()}>
        {(wish) => (
          <>
            <section class="ask-card-part">
              <h3>To</h3>
              <ActText text={requestLine(wish())} />
            </section>
            <AgentSays>
              <ActText text={wish().reason} />
            </AgentSays>
          </>
        )}
      </Show>
    </>
  );
}

function attachedWords(item: Item | undefined): string {
  return item === undefined ? ', a credential that your vault does not have' : `, ${attachWords(item.attach)}`;
}

/** Nothing is bound to it: said so where it is shown. */
function AgentSays(props: { readonly children: JSX.Element }): JSX.Element {
  return (
    <section class="ask-card-part ask-card-says">
      <h3>
        The agent says <Mark kind="reported" />
      </h3>
      {props.children}
    </section>
  );
}

function narrow<A extends { readonly kind: string }, K extends A['kind']>(act: A, kind: K): Extract<A, { kind: K }> | undefined {
  return act.kind === kind ? (act as Extract<A, { kind: K }>) : undefined;
}

/** What granting it would do, as a sentence. */
function AccessProposal(props: {
  readonly items: readonly Item[];
  readonly item: string | undefined;
  readonly act: AccessAct;
  readonly scope: string;
  onChoose(name: string): void;
}): JSX.Element {
  return (
    <section class="ask-card-part">
      <h3>What granting it would do</h3>
      <Show
        when={props.items.length > 0}
        fallback={
          <p>No credential of yours may go to {visible(placeOf(props.act))} for that. Add one in the vault, or deny it.</p>
        }
      >
        <Show when={props.items.length > 1}>
          <Select
            label="Which credential"
            value={props.item ?? ''}
            options={[{ value: '', label: 'Choose one' }, ...props.items.map(({ name }) => ({ value: name, label: name }))]}
            onChange={(name) => props.onChoose(name)}
          />
        </Show>
        <p>
          {props.item === undefined
            ? `${props.scope} gets one of ${props.items.length} credentials for this method, host and path, and nothing else.`
            : `${props.scope} may use ${props.item} for ${requestLine(props.act)}, until you end it, and for nothing else. It never sees the key.`}
        </p>
      </Show>
    </section>
  );
}
