// All agents as a live tree; one of them opens beside it, or instead of it on a phone.

import { createMemo, For, Show, type JSX } from 'solid-js';
import { useConsole } from '../../app/console.tsx';
import { Empty } from '../../design/empty.tsx';
import { ListDetail, Page } from '../../design/page.tsx';
import type { Fleet } from '../../fleet/fleet.ts';
import { AgentDetail } from './detail.tsx';
import { AgentRow } from './row.tsx';
import { StopFleet } from './stop-fleet.tsx';
import { agentTree, reach, type AgentNode } from './tree.ts';
import './agents.css';

/** @public By its route: app/screens.ts. */
export default function Agents(): JSX.Element {
  const { fleet } = useConsole();
  return <Show when={fleet()}>{(open) => <AgentsOf fleet={open()} />}</Show>;
}

function AgentsOf(props: { readonly fleet: Fleet }): JSX.Element {
  const { path, nowMs } = useConsole();
  const nodes = createMemo((): readonly AgentNode[] => {
    const state = props.fleet.state();
    return state === undefined ? [] : agentTree(state, props.fleet.presences(), nowMs());
  });
  const chosenId = () => /^\/agents\/([0-9a-f]+)$/.exec(path())?.[1];
  const ids = createMemo(() => nodes().map(({ id }) => id), [], { equals: (one, other) => one.join() === other.join() });
  const byId = (id: string): AgentNode | undefined => nodes().find((node) => node.id === id);
  return (
    <ListDetail
      back={{ href: '/agents', label: 'Agents' }}
      list={
        <Page
          title="Agents"
          actions={
            <>
              <a class="button" href="/pair">
                Pair an agent
              </a>
              <StopFleet fleet={props.fleet} />
            </>
          }
        >
          <Show
            when={nodes().length > 0}
            fallback={
              <Empty title={props.fleet.state() === undefined ? 'Reading the fleet' : 'No agent yet'}>
                <p>
                  On the machine that is to have one: <code>holdfast enroll</code>. It shows a code;{' '}
                  <a href="/pair">scan or paste it</a>.
                </p>
              </Empty>
            }
          >
            <p class="quiet">{reachWords(reach(nodes()))}</p>
            <ul class="rows agent-tree">
              <For each={ids()}>
                {(id) => <Show when={byId(id)}>{(node) => <AgentRow node={node()} current={chosenId() === id} />}</Show>}
              </For>
            </ul>
          </Show>
        </Page>
      }
      detail={
        <Show when={chosenId()} keyed>
          {(id) => (
            <Show
              when={byId(id)}
              fallback={
                <Page title="No such agent">
                  <p>This fleet has no agent with that id.</p>
                </Page>
              }
            >
              {(node) => <AgentDetail fleet={props.fleet} node={node()} />}
            </Show>
          )}
        </Show>
      }
    />
  );
}

const reachWords = ({ have, of }: { readonly have: number; readonly of: number }): string =>
  of === 0
    ? 'No agent may act.'
    : `${have} of ${of} ${of === 1 ? 'agent that may act has' : 'agents that may act have'} your newest change.`;
