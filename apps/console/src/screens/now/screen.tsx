// What needs the operator now, and what goes on: mostly one quiet sentence.

import type { OperatorSession } from '@holdfast/protocol/operator/session';
import { createMemo, For, lazy, Show, Suspense, type JSX } from 'solid-js';
import { useConsole } from '../../app/console.tsx';
import { Ago } from '../../design/ago.tsx';
import { Button } from '../../design/button.tsx';
import { Empty } from '../../design/empty.tsx';
import { Mark } from '../../design/mark.tsx';
import { Notice } from '../../design/notice.tsx';
import { Page } from '../../design/page.tsx';
import type { Fleet } from '../../fleet/fleet.ts';
import { agentTree, type AgentNode } from '../agents/tree.ts';
import { AskCards } from '../approvals/cards.tsx';
import { doingNow, freshnessWords, quietWords, warningsOf } from './summary.ts';
import './now.css';

/** It reads logs: whoever only decides does not wait for that. */
const UsesStrip = lazy(() => import('../time/uses-strip.tsx'));

/** @public By its route: app/screens.ts. */
export default function Now(): JSX.Element {
  const { fleet } = useConsole();
  return (
    <Page title="Now">
      <Show when={fleet()}>{(open) => <NowOf fleet={open()} />}</Show>
    </Page>
  );
}

function NowOf(props: { readonly fleet: Fleet }): JSX.Element {
  const { nowMs } = useConsole();
  const nodes = createMemo((): readonly AgentNode[] => {
    const state = props.fleet.state();
    return state === undefined ? [] : agentTree(state, props.fleet.presences(), nowMs());
  });
  /** [DEVICES-8] */
  const others = createMemo((): Pick<OperatorSession, 'newDevices' | 'renamedDevices' | 'newAgents'> => {
    const none = { newDevices: [], renamedDevices: [], newAgents: [] };
    if (props.fleet.state() === undefined) return none;
    try {
      const { newDevices, renamedDevices, newAgents } = props.fleet.session();
      return { newDevices, renamedDevices, newAgents };
    } catch {
      return none; // no connection just now
    }
  });
  const warnings = createMemo(() => warningsOf({ nodes: nodes(), refused: props.fleet.refusedSignals(), ...others() }));
  const doing = createMemo(() => doingNow(nodes()));
  return (
    <>
      <AskCards fleet={props.fleet}>
        <Show when={props.fleet.state() !== undefined} fallback={<Empty title="Reading the fleet" />}>
          <Show when={warnings().every(({ kind }) => kind === 'info')}>
            <Empty title={quietWords(nodes(), props.fleet.pulse()?.atMs, nowMs())}>
              <Show when={nodes().length === 0}>
                <a href="/pair">Pair an agent</a>
              </Show>
            </Empty>
          </Show>
        </Show>
      </AskCards>
      <Show when={props.fleet.unfinished()}>
        <Notice kind="warn" title="Something was cut off, and waits to be finished">
          <p>An act of this device or of another one wrote its entry and not what goes with it.</p>
          <Button onClick={() => void props.fleet.finish().catch(() => undefined)}>Finish it</Button>
        </Notice>
      </Show>
      <For each={warnings()}>
        {(each) => (
          <Notice kind={each.kind} title={each.title}>
            <Show when={each.about}>
              <p>{each.about}</p>
            </Show>
            <Show when={each.href}>{(href) => <a href={href()}>{each.link}</a>}</Show>
          </Notice>
        )}
      </For>
      <Show when={doing().length > 0}>
        <section class="page-part">
          <h2>Agents at work</h2>
          <ul class="rows">
            <For each={doing()}>
              {(each) => (
                <li>
                  <a class="row" href={each.href}>
                    <span class="row-title">
                      <bdi>{each.who}</bdi>
                    </span>
                    <bdi class="row-more now-doing">{each.what}</bdi>
                    <span class="row-side">
                      <Mark kind={each.mode} /> <Show when={each.sinceMs}>{(since) => <Ago atMs={since()} />}</Show>
                    </span>
                  </a>
                </li>
              )}
            </For>
          </ul>
        </section>
      </Show>
      <Show when={props.fleet.state()}>
        {(state) => (
          <>
            <Show when={state().agents.size > 0}>
              <section class="page-part" aria-labelledby="today">
                <h2 id="today">Permissioned time today</h2>
                <Suspense fallback={<p class="quiet">Reading what was recorded…</p>}>
                  <UsesStrip stretch="today" />
                </Suspense>
              </section>
            </Show>
            <section class="page-part">
              <h2>Freshness</h2>
              <p>
                {freshnessWords(props.fleet.pulse()?.atMs, state().pulseMaxAgeMs, nowMs())}{' '}
                <a href="/freshness">What stops when</a>
              </p>
            </section>
          </>
        )}
      </Show>
    </>
  );
}
