// How fresh the fleet is: when an operator was last heard of, what stops without one and when, and how far each agent has read.

import { toHex } from '@holdfast/protocol/codec/bytes';
import { topicTip, type Agent, type FleetState } from '@holdfast/protocol/journal/state';
import { createMemo, For, Show } from 'solid-js';
import { useConsole } from '../../app/console.tsx';
import { Ago } from '../../design/ago.tsx';
import { Button } from '../../design/button.tsx';
import { Empty } from '../../design/empty.tsx';
import { Fact, Facts } from '../../design/facts.tsx';
import { Mark } from '../../design/mark.tsx';
import { Notice } from '../../design/notice.tsx';
import { Page } from '../../design/page.tsx';
import { duration } from '@holdfast/protocol/codec/shown';

/** From when on an old pulse is worth a word. */
const oldPart = 3 / 4;

/** @public By its route. */
export default function Freshness() {
  const { fleet, nowMs } = useConsole();
  const state = (): FleetState | undefined => fleet()?.state();
  const pulse = () => fleet()?.pulse();
  const ageMs = createMemo(() => {
    const newest = pulse();
    return newest === undefined ? undefined : Math.max(0, nowMs() - newest.atMs);
  });
  const leftMs = createMemo(() => {
    const [age, now] = [ageMs(), state()];
    return age === undefined || now === undefined ? undefined : now.pulseMaxAgeMs - age;
  });
  const device = (): string => {
    const newest = pulse();
    return (newest && state()?.devices.get(toHex(newest.device))?.name) ?? 'an operator device';
  };
  const agents = (): readonly Agent[] => [...(state()?.agents.values() ?? [])].filter(({ revoked }) => revoked === undefined);

  return (
    <Page
      title="Freshness"
      actions={
        <Button kind="plain" onClick={() => void fleet()?.pulseNow()}>
          Pulse now
        </Button>
      }
    >
      <Show
        when={state()}
        fallback={<Empty title="Nothing is read yet">The relay has not shown the fleet to this browser.</Empty>}
      >
        {(now) => (
          <>
            <Show when={(leftMs() ?? 1) <= 0}>
              <Notice kind="stop" title="No agent gets a credential">
                No operator was heard of for longer than {duration(now().pulseMaxAgeMs)}. An unlocked console is a sign of life.
              </Notice>
            </Show>
            <Facts>
              <Fact label="Last pulse">
                <Show when={pulse()} fallback="not heard of yet">
                  {(newest) => (
                    <>
                      <Ago atMs={newest().atMs} /> by {device()}{' '}
                      <Mark kind={(ageMs() ?? 0) < now().pulseMaxAgeMs * oldPart ? 'fresh' : 'stale'} />
                    </>
                  )}
                </Show>
              </Fact>
              <Fact label="It holds for">{duration(now().pulseMaxAgeMs)}</Fact>
              <Fact label="What stops without one">
                {leftMs() === undefined || (leftMs() ?? 0) <= 0
                  ? 'Now: no handle is minted, so no credential is used. Rules stay in force.'
                  : `In ${duration(leftMs() ?? 0)}: no handle is minted, so no credential is used. Rules stay in force.`}
              </Fact>
              <Fact label="While the relay withholds">
                A daemon needs the relay's signature over its heads, at most a minute old. Without it nothing is minted either.
              </Fact>
            </Facts>
            <h2>Agents</h2>
            <Show
              when={agents().length > 0}
              fallback={<Empty title="No agent is enrolled">On its machine: holdfast enroll</Empty>}
            >
              <table class="agents-read">
                <thead>
                  <tr>
                    <th scope="col">Agent</th>
                    <th scope="col">Last wrote</th>
                    <th scope="col">Had read</th>
                  </tr>
                </thead>
                <tbody>
                  <For each={agents()}>
                    {(agent) => {
                      const tip = () => topicTip(now(), agent.id);
                      return (
                        <tr>
                          <th scope="row">
                            <a href={`/agents/${toHex(agent.id)}`}>{agent.scope}</a> <span class="quiet">{agent.machine}</span>
                          </th>
                          <td>
                            <Show when={tip()} fallback="nothing yet">
                              {(last) => <Ago atMs={last().atMs} />}
                            </Show>
                          </td>
                          <td>{`entry ${now().topics.get(toHex(agent.id))?.at(-1)?.control ?? agent.position} of ${now().control.position}`}</td>
                        </tr>
                      );
                    }}
                  </For>
                </tbody>
              </table>
            </Show>
          </>
        )}
      </Show>
    </Page>
  );
}
