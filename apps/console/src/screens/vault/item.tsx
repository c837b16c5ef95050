// One credential: what it is, where it may go, who may use it, and what can be done with it. Never its secret.

import { toHex } from '@holdfast/protocol/codec/bytes';
import { endGrant, removeItem, rotateItem } from '@holdfast/protocol/journal/compose';
import type { FleetState } from '@holdfast/protocol/journal/state';
import { attachWords, grantSentence } from '@holdfast/protocol/vault/sentence';
import { createSignal, For, Match, Show, Switch, type JSX } from 'solid-js';
import { useConsole } from '../../app/console.tsx';
import { Ago } from '../../design/ago.tsx';
import { Button } from '../../design/button.tsx';
import { Empty } from '../../design/empty.tsx';
import { Fact, Facts } from '../../design/facts.tsx';
import { TextField } from '../../design/field.tsx';
import { ErrorNotice } from '../../design/notice.tsx';
import { Page } from '../../design/page.tsx';
import { ownReader } from '../../fleet/own-zone.ts';
import { useAct } from '../../fleet/use-act.ts';
import { GrantItem } from './grant.tsx';
import { agentName, grantable, type Holder, type KeptItem, type LastUse } from './kept-items.ts';
import { SecretField, TypedSecret } from './secret-field.tsx';
import { sentenceOf } from './grant-form.ts';
import { usedWords } from './used-words.ts';

type Open =
  | { readonly kind: 'grant'; readonly holder?: Holder }
  | { readonly kind: 'rotate' }
  | { readonly kind: 'remove' }
  | { readonly kind: 'ungrant'; readonly holder: Holder };

interface ItemProps {
  readonly kept: KeptItem;
  readonly state: FleetState;
  readonly last: LastUse | undefined;
  readonly gone: () => void;
}

export function ItemDetail(props: ItemProps): JSX.Element {
  const { fleet, nowMs } = useConsole();
  const [open, setOpen] = createSignal<Open>();
  const item = (): KeptItem['item'] => props.kept.item;
  const free = () => {
    const held = new Set(props.kept.holders.map(({ agent }) => toHex(agent.id)));
    return grantable(props.state).filter(({ id }) => !held.has(toHex(id)));
  };
  const nameOf = (holder: Holder): string => agentName(holder.agent, props.state.agents.values());
  const usedOf = ({ agent, grant }: Holder): string | undefined =>
    usedWords(grant.grant, grant.fence, fleet()?.presences().of(agent.id, nowMs()), nowMs());
  const close = (): void => void setOpen(undefined);
  const title = (): string => {
    const now = open();
    switch (now?.kind) {
      case 'grant':
        return now.holder === undefined ? `Grant ${item().name}` : `Change what ${nameOf(now.holder)} may do`;
      case 'rotate':
        return `A new secret for ${item().name}`;
      case 'remove':
        return `Remove ${item().name}`;
      case 'ungrant':
        return `End the grant of ${nameOf(now.holder)}`;
      case undefined:
        return '';
    }
  };

  return (
    <Page
      title={item().name}
      actions={
        <>
          <Button onClick={() => setOpen({ kind: 'rotate' })}>Rotate</Button>
          <Button kind="primary" disabled={free().length === 0} onClick={() => setOpen({ kind: 'grant' })}>
            Grant
          </Button>
        </>
      }
    >
      <Show when={open()}>
        <section class="page-part" aria-labelledby="opened">
          <h2 id="opened" tabindex="-1" ref={(heading) => queueMicrotask(() => heading.focus())}>
            {title()}
          </h2>
          <Switch>
            <Match when={narrowed(open(), 'grant')}>
              {(now) => {
                const { holder } = now();
                return (
                  <GrantItem
                    item={item()}
                    agents={holder === undefined ? free() : [holder.agent]}
                    before={holder?.grant}
                    done={close}
                  />
                );
              }}
            </Match>
            <Match when={narrowed(open(), 'ungrant')}>
              {(now) => <Ungrant item={item().name} who={nameOf(now().holder)} holder={now().holder} done={close} />}
            </Match>
            <Match when={open()?.kind === 'rotate'}>
              <Rotate kept={props.kept} done={close} />
            </Match>
            <Match when={open()?.kind === 'remove'}>
              <Remove kept={props.kept} done={close} gone={props.gone} />
            </Match>
          </Switch>
        </section>
      </Show>
      <Facts>
        <Show when={item().purpose}>{(purpose) => <Fact label="For">{purpose()}</Fact>}</Show>
        <Fact label="May be sent to">
          <ul>
            <For each={item().fence.hosts}>
              {({ host, port }) => <li class="mono">{port === 443 ? host : `${host}:${port}`}</li>}
            </For>
          </ul>
        </Fact>
        <Fact label="How">{attachWords(item().attach)}</Fact>
        <Fact label="Methods">
          <span class="mono">{item().fence.methods.join(' ')}</span>
        </Fact>
        <Fact label="Paths">
          <span class="mono">{item().fence.paths.join('  ')}</span>
        </Fact>
        <Show when={item().env}>{(env) => <Fact label="In sessions">{<span class="mono">{env()}</span>}</Fact>}</Show>
        <Fact label="Kept since">
          <Ago atMs={item().addedAtMs} />
        </Fact>
        <Fact label="Last use">
          <Show when={props.last} fallback="None is recorded in the logs that were read.">
            {(last) => (
              <a href={`/audit/${last().agent}/${last().sequence}`}>
                <Ago atMs={last().atMs} />
              </a>
            )}
          </Show>
        </Fact>
      </Facts>
      <section class="page-part" aria-labelledby="holders">
        <h2 id="holders">Who may use it</h2>
        <Show when={props.kept.holders.length > 0} fallback={<Empty title="Nobody. It lies here, sealed." />}>
          <ul class="vault-holders">
            <For each={props.kept.holders}>
              {(holder) => (
                <li class="vault-holder">
                  <p>{grantSentence(nameOf(holder), { fence: holder.grant.fence, approve: holder.approve }, ownReader).text}</p>
                  <Show when={usedOf(holder)}>{(words) => <p class="quiet">{words()}</p>}</Show>
                  <div class="vault-acts">
                    <Button label={`Change the grant of ${nameOf(holder)}`} onClick={() => setOpen({ kind: 'grant', holder })}>
                      Change
                    </Button>
                    <Button
                      kind="stop"
                      label={`End the grant of ${nameOf(holder)}`}
                      onClick={() => setOpen({ kind: 'ungrant', holder })}
                    >
                      End it
                    </Button>
                  </div>
                </li>
              )}
            </For>
          </ul>
        </Show>
      </section>
      <section class="page-part">
        <div>
          <Button kind="stop" onClick={() => setOpen({ kind: 'remove' })}>
            Remove this credential
          </Button>
        </div>
      </section>
    </Page>
  );
}

function narrowed<K extends Open['kind']>(open: Open | undefined, kind: K): Extract<Open, { kind: K }> | undefined {
  return open?.kind === kind ? (open as Extract<Open, { kind: K }>) : undefined;
}

function Ungrant(props: {
  readonly item: string;
  readonly who: string;
  readonly holder: Holder;
  readonly done: () => void;
}): JSX.Element {
  const act = useAct();
  const what = (): string => `${props.who} may not use ${props.item} any more.`;
  const end = async (): Promise<void> => {
    const { agent, grant } = props.holder.grant;
    if (await act.run(what(), (session) => session.write((operator) => endGrant(operator, { agent, grant })))) props.done();
  };
  return (
    <div class="vault-form">
      <p>{what()} What runs with it now is cut off.</p>
      <Show when={act.error()}>{(error) => <ErrorNotice error={error()} />}</Show>
      <div class="vault-acts">
        <Button onClick={props.done}>Keep it</Button>
        <Button kind="stop" busy={act.isBusy()} onClick={() => void end()}>
          End it
        </Button>
      </div>
    </div>
  );
}

function Rotate(props: { readonly kept: KeptItem; readonly done: () => void }): JSX.Element {
  const act = useAct();
  const secret = new TypedSecret();
  const [fault, setFault] = createSignal<string>();
  const cancel = (): void => {
    secret.clear();
    props.done();
  };
  const rotate = async (): Promise<void> => {
    const { item, holders } = props.kept;
    const goOn = holders.length === 1 ? 'one grant goes' : `${holders.length} grants go`;
    setFault(undefined);
    try {
      await secret.take(item.attach, async (bytes) => {
        const what = `Put a new secret in the place of that of ${item.name}; ${goOn} on with it.`;
        if (await act.run(what, (session) => session.write((operator) => rotateItem(operator, { item: item.id, secret: bytes }))))
          props.done();
      });
    } catch (thrown) {
      setFault(sentenceOf(thrown));
    }
  };
  return (
    <form
      class="vault-form"
      onSubmit={(event) => {
        event.preventDefault();
        void rotate();
      }}
    >
      <p class="quiet">Grants and placeholders stay as they are. End the old secret upstream after.</p>
      <SecretField secret={secret} label="New secret" error={fault()} />
      <Show when={act.error()}>{(error) => <ErrorNotice error={error()} />}</Show>
      <div class="vault-acts">
        <Button onClick={cancel}>Cancel</Button>
        <Button kind="primary" type="submit" busy={act.isBusy()}>
          Rotate
        </Button>
      </div>
    </form>
  );
}

function Remove(props: { readonly kept: KeptItem; readonly done: () => void; readonly gone: () => void }): JSX.Element {
  const act = useAct();
  const [typed, setTyped] = createSignal('');
  const isNamed = (): boolean => typed().trim() === props.kept.item.name;
  const ends = (): string => {
    const { length } = props.kept.holders;
    return length === 0 ? 'Nobody may use it now' : length === 1 ? 'One grant ends' : `${length} grants end`;
  };
  const remove = async (): Promise<void> => {
    const { id, name } = props.kept.item;
    const what = `Remove the credential ${name}. ${ends()}.`;
    if (isNamed() && (await act.run(what, (session) => session.write((operator) => removeItem(operator, id))))) props.gone();
  };
  return (
    <form
      class="vault-form"
      onSubmit={(event) => {
        event.preventDefault();
        void remove();
      }}
    >
      <p>{ends()}. Upstream the secret goes on: rotate it there if it should die there too.</p>
      <TextField label={`Type ${props.kept.item.name} to remove it`} value={typed()} onInput={setTyped} mono />
      <Show when={act.error()}>{(error) => <ErrorNotice error={error()} />}</Show>
      <div class="vault-acts">
        <Button onClick={props.done}>Keep it</Button>
        <Button kind="stop" type="submit" disabled={!isNamed()} busy={act.isBusy()}>
          Remove
        </Button>
      </div>
    </form>
  );
}
