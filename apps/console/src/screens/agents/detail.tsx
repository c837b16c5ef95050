// One agent: what it is, what it does, what it can do right now, and the ways to stop it.

import { grantsOf } from '@holdfast/protocol/journal/state';
import { canDo } from '@holdfast/protocol/journal/can-do';
import { toHex } from '@holdfast/protocol/codec/bytes';
import { instant, visible } from '@holdfast/protocol/codec/shown';
import { createMemo, createSignal, For, lazy, Show, Suspense, type JSX } from 'solid-js';
import { useConsole } from '../../app/console.tsx';
import { Ago } from '../../design/ago.tsx';
import { Button } from '../../design/button.tsx';
import { Fact, Facts } from '../../design/facts.tsx';
import { Mark } from '../../design/mark.tsx';
import { Notice } from '../../design/notice.tsx';
import { Page } from '../../design/page.tsx';
import type { Fleet } from '../../fleet/fleet.ts';
import { isHardware, keyStoreName } from '../../fleet/key-stores.ts';
import { endChild, resume, suspend } from './acts.ts';
import { RevokeDialog } from './revoke.tsx';
import { Children } from './row.tsx';
import type { AgentNode, ChildNode } from './tree.ts';
import { doingWords, heardWords, newestWords, sentences, sessionsWords } from './words.ts';

/** It reads logs: who an agent is does not wait for that. */
const UsesStrip = lazy(() => import('../time/uses-strip.tsx'));

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const byHand = 'by hand, from a console';

export function AgentDetail(props: { readonly fleet: Fleet; readonly node: AgentNode }): JSX.Element {
  const { nowMs } = useConsole();
  const [revoking, setRevoking] = createSignal(false);
  const [busy, setBusy] = createSignal(false);
  const agent = () => props.node.agent;
  const able = createMemo(() => {
    const state = props.fleet.state();
    if (state === undefined) return undefined;
    const guarded = props.node.guarded > 0;
    return canDo(state, agent().id, { nowMs: nowMs(), pulseAtMs: props.fleet.pulse()?.atMs, guarded, reader: { zone } });
  });
  /** Where it went wrong stands with the acts. */
  const act = (work: () => Promise<unknown>): void => {
    setBusy(true);
    void work()
      .catch(() => undefined)
      .finally(() => setBusy(false));
  };
  const grants = () => {
    const state = props.fleet.state();
    return state === undefined ? [] : grantsOf(state, agent().id);
  };
  const endButton = (node: ChildNode): JSX.Element => (
    <Button
      kind="stop"
      label={`End ${visible(node.child.name)}`}
      onClick={() =>
        act(() =>
          props.fleet.act(sentences.revokeChild(agent(), node.child.name), (session) =>
            endChild(session, agent().id, node.child.child, byHand),
          ),
        )
      }
    >
      End
    </Button>
  );
  return (
    <Page
      title={agent().scope}
      actions={
        <Show when={props.node.standing !== 'revoked'}>
          <Show
            when={props.node.standing === 'suspended'}
            fallback={
              <Button
                kind="stop"
                busy={busy()}
                onClick={() =>
                  act(() => props.fleet.act(sentences.suspend(agent()), (session) => suspend(session, agent().id, byHand)))
                }
              >
                Suspend
              </Button>
            }
          >
            <Button
              busy={busy()}
              onClick={() => act(() => props.fleet.act(sentences.resume(agent()), (session) => resume(session, agent().id)))}
            >
              Resume
            </Button>
          </Show>
        </Show>
      }
    >
      <Facts>
        <Fact label="State">
          <Mark kind={props.node.standing} />
        </Fact>
        <Fact label="Machine">
          <bdi>{visible(agent().machine)}</bdi>
        </Fact>
        <Fact label="Key">
          <span class="agent-marks">
            {keyStoreName(agent().custody)} <Mark kind={isHardware(agent().custody) ? 'hardware' : 'software'} />
            <Mark kind={props.node.evidence} />
          </span>
        </Fact>
        <Fact label="Sessions">{sessionsWords(props.node)}</Fact>
        <Fact label="Heard">{heardWords(props.node, nowMs())}</Fact>
        <Fact label="Has your newest change">{newestWords(props.node)}</Fact>
        <Fact label="Admitted">
          <Ago atMs={agent().enrolledAtMs} />
        </Fact>
        <Show when={props.node.expiresAtMs}>
          {(until) => <Fact label="Credential until">{`${instant(until(), zone)}; renewed while you show life`}</Fact>}
        </Show>
        <Fact label="Id">
          <code class="agent-id">{toHex(agent().id)}</code>
        </Fact>
      </Facts>
      <Show when={agent().revoked}>
        {(revoked) => (
          <Notice kind="info" title="Revoked for good">
            <p>
              <Ago atMs={revoked().atMs} />
              {`: ${visible(revoked().reason)}`}
            </p>
          </Notice>
        )}
      </Show>
      <Show when={agent().revoked === undefined && agent().suspended}>
        {(suspended) => (
          <Notice kind="warn" title="Suspended: it does nothing until you resume it">
            <p>
              <Ago atMs={suspended().atMs} />
              {`: ${visible(suspended().reason)}`}
            </p>
          </Notice>
        )}
      </Show>
      <Show when={(props.node.heard?.presence.incidents.length ?? 0) > 0}>
        <Notice kind="stop" title="Something is wrong on its machine">
          <p class="mono">{props.node.heard?.presence.incidents.join(', ')}</p>
        </Notice>
      </Show>
      <Show when={props.node.sessions.length > 0}>
        <section class="page-part">
          <h2>Now</h2>
          <ul class="agent-sessions">
            <For each={props.node.sessions}>
              {(session) => (
                <li>
                  <Mark kind={session.mode} /> <bdi>{visible(session.program)}</bdi>
                  {`, ${session.calls === 1 ? '1 act' : `${session.calls} acts`}`}
                  <Show when={doingWords(session)} fallback={<span class="quiet">; nothing just now</span>}>
                    {(words) => <bdi class="agent-row-doing">{words()}</bdi>}
                  </Show>
                </li>
              )}
            </For>
          </ul>
        </section>
      </Show>
      <Show when={props.node.children.length > 0}>
        <section class="page-part">
          <h2>Started by it</h2>
          <Children nodes={props.node.children} act={endButton} />
        </section>
      </Show>
      <section class="page-part" aria-labelledby="agent-time">
        <h2 id="agent-time">Permissioned time</h2>
        <Suspense fallback={<p class="quiet">Reading what was recorded…</p>}>
          <UsesStrip agent={props.node.id} stretch="thirty days" />
        </Suspense>
      </section>
      <section class="page-part">
        <h2>Can do right now</h2>
        <Show when={able()?.because}>{(because) => <p class="agent-hindered">{because()}</p>}</Show>
        <ul class="agent-able" classList={{ 'agent-able-hindered': able()?.because !== undefined }}>
          <For each={able()?.abilities ?? []}>
            {(each) => (
              <li>
                {each.sentence.text}
                <Show when={each.over}> Its time is over.</Show>
              </li>
            )}
          </For>
          <For each={able()?.held ?? []}>{(each) => <li class="quiet">{each}</li>}</For>
          <Show when={agent().capabilities.length > 0}>
            <li class="quiet">{`It may show to others that it may: ${agent().capabilities.join(', ')}.`}</li>
          </Show>
        </ul>
      </section>
      <Show when={props.node.standing !== 'revoked'}>
        <section class="page-part agent-end">
          <h2>End it for good</h2>
          <p>Suspending can be taken back. Revoking cannot.</p>
          <div>
            <Button kind="stop" onClick={() => setRevoking(true)}>
              Revoke…
            </Button>
          </div>
        </section>
      </Show>
      {/* It outlives the standing: what to rotate is said after it as well. */}
      <Show when={revoking()}>
        <RevokeDialog fleet={props.fleet} node={props.node} grants={grants().length} onClose={() => setRevoking(false)} />
      </Show>
    </Page>
  );
}
