// The vault: credentials as operators keep and grant them, hosts that are open without one, and budgets.

import { createMemo, createSignal, For, Show, type JSX } from 'solid-js';
import type { FleetState } from '@holdfast/protocol/journal/state';
import { useConsole } from '../../app/console.tsx';
import { Ago } from '../../design/ago.tsx';
import { Button } from '../../design/button.tsx';
import { Empty } from '../../design/empty.tsx';
import { TextField } from '../../design/field.tsx';
import { ListDetail, Page } from '../../design/page.tsx';
import { Tabs } from '../../design/tabs.tsx';
import { useLogs } from '../../fleet/logs.ts';
import { AddItem } from './add.tsx';
import { Budgets } from './budgets.tsx';
import { ItemDetail } from './item.tsx';
import { keptItems, LastUses, searchItems, type KeptItem, type LastUse } from './kept-items.ts';
import { OpenHosts } from './open-hosts.tsx';
import './vault.css';

const pathOf = (name: string): string => `/vault/${encodeURIComponent(name)}`;

/** @public */
export default function VaultScreen(): JSX.Element {
  const { fleet, path, go } = useConsole();
  const logs = useLogs();
  const [tab, setTab] = createSignal('credentials');
  const [isAdding, setAdding] = createSignal(false);
  const state = (): FleetState | undefined => fleet()?.state();
  const items = createMemo(() => {
    const now = state();
    return now === undefined ? undefined : keptItems(now);
  });
  const uses = new LastUses();
  const last = createMemo(() => uses.of(logs.all()));
  const opened = createMemo(() => {
    const [, typed] = /^\/vault\/([^/]+)$/.exec(path()) ?? [];
    if (typed === undefined) return undefined;
    const name = decoded(typed);
    return items()?.find(({ id, item }) => item.name === name || id === name);
  });

  return (
    <ListDetail
      back={{ href: '/vault', label: 'Vault' }}
      list={
        <Page
          title="Vault"
          actions={
            <Button kind="primary" disabled={state() === undefined || isAdding()} onClick={() => setAdding(true)}>
              Add a credential
            </Button>
          }
        >
          <Show when={isAdding()}>
            <section class="page-part" aria-labelledby="adding">
              <h2 id="adding" tabindex="-1" ref={(heading) => queueMicrotask(() => heading.focus())}>
                Add a credential
              </h2>
              <AddItem
                cancel={() => setAdding(false)}
                added={(name) => {
                  setAdding(false);
                  go(pathOf(name));
                }}
              />
            </section>
          </Show>
          <Show when={state()} fallback={<p class="quiet">Reading the fleet…</p>}>
            {(now) => (
              <Tabs
                label="What the vault holds"
                value={tab()}
                onChange={setTab}
                tabs={[
                  {
                    value: 'credentials',
                    label: 'Credentials',
                    content: () => <Items items={items() ?? []} last={last()} opened={opened()?.id} />,
                  },
                  { value: 'hosts', label: 'Open hosts', content: () => <OpenHosts state={now()} /> },
                  { value: 'budgets', label: 'Budgets', content: () => <Budgets state={now()} /> },
                ]}
              />
            )}
          </Show>
        </Page>
      }
      detail={
        <Show when={opened()}>
          {(kept) => (
            <Show when={state()}>
              {(now) => (
                <ItemDetail
                  kept={kept()}
                  state={now()}
                  last={last().get(kept().id)}
                  gone={() => go('/vault', { replace: true })}
                />
              )}
            </Show>
          )}
        </Show>
      }
    />
  );
}

interface ItemsProps {
  readonly items: readonly KeptItem[];
  readonly last: ReadonlyMap<string, LastUse>;
  readonly opened: string | undefined;
}

function Items(props: ItemsProps): JSX.Element {
  const [typed, setTyped] = createSignal('');
  const found = createMemo(() => searchItems(props.items, typed()));
  return (
    <div class="vault-part">
      <Show
        when={props.items.length > 0}
        fallback={
          <Empty title="No credentials yet.">
            <p class="quiet">Add one: agents can then use it, and never see it.</p>
          </Empty>
        }
      >
        <TextField type="search" label="Search" value={typed()} onInput={setTyped} placeholder="Name, host, agent" />
        <Show when={found().length > 0} fallback={<Empty title="None of them has these words." />}>
          <ul class="rows">
            <For each={found()}>
              {(kept) => (
                <li>
                  <a class="row" href={pathOf(kept.item.name)} aria-current={kept.id === props.opened ? 'page' : undefined}>
                    <span class="row-title mono">{kept.item.name}</span>
                    <span class="row-more">
                      {kept.item.fence.hosts.map(({ host }) => host).join(', ')}
                      {kept.item.purpose === undefined ? '' : ` · ${kept.item.purpose}`}
                    </span>
                    <span class="row-side">
                      {holdersText(kept)}
                      <Show when={props.last.get(kept.id)}>
                        {(use) => (
                          <>
                            , used <Ago atMs={use().atMs} />
                          </>
                        )}
                      </Show>
                    </span>
                  </a>
                </li>
              )}
            </For>
          </ul>
        </Show>
      </Show>
    </div>
  );
}

function holdersText({ holders }: KeptItem): string {
  const [only, another] = holders;
  if (only === undefined) return 'nobody';
  return another === undefined ? only.agent.scope : `${holders.length} agents`;
}

function decoded(typed: string): string {
  try {
    return decodeURIComponent(typed);
  } catch {
    return typed;
  }
}
