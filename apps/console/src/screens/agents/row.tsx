// One agent in a list, with what it started below it.

import { visible } from '@holdfast/protocol/codec/shown';
import { For, Show, type JSX } from 'solid-js';
import { useConsole } from '../../app/console.tsx';
import { Mark } from '../../design/mark.tsx';
import { isHardware } from '../../fleet/key-stores.ts';
import type { AgentNode, ChildNode } from './tree.ts';
import { childWords, doingWords, heardWords, sessionsWords } from './words.ts';
import './agents.css';

export function AgentRow(props: { readonly node: AgentNode; readonly current: boolean }): JSX.Element {
  const { nowMs } = useConsole();
  const doing = (): string[] => props.node.sessions.flatMap((session) => doingWords(session) ?? []);
  return (
    <li class="agent-row">
      <a class="row" href={`/agents/${props.node.id}`} aria-current={props.current ? 'page' : undefined}>
        <span class="row-title">
          <bdi>{props.node.agent.scope}</bdi>
        </span>
        <span class="row-more">
          <bdi>{visible(props.node.agent.machine)}</bdi> {'· '}
          {props.node.standing === 'revoked' ? 'revoked' : `${sessionsWords(props.node)} · ${heardWords(props.node, nowMs())}`}
        </span>
        <span class="row-side agent-row-marks">
          <Mark kind={props.node.standing} />
          <Mark kind={isHardware(props.node.agent.custody) ? 'hardware' : 'software'} />
        </span>
        <For each={doing()}>{(words) => <bdi class="agent-row-doing">{words}</bdi>}</For>
      </a>
      <Children nodes={props.node.children} />
    </li>
  );
}

/** With a line down to each: who has its name from whom. */
export function Children(props: {
  readonly nodes: readonly ChildNode[];
  readonly act?: (node: ChildNode) => JSX.Element;
}): JSX.Element {
  const { nowMs } = useConsole();
  return (
    <Show when={props.nodes.length > 0}>
      <ul class="agent-children">
        <For each={props.nodes}>
          {(node) => (
            <li class="agent-child">
              <div class="agent-child-line">
                <bdi class="agent-child-name">{visible(node.child.name)}</bdi>
                <span class="agent-child-about">{childWords(node, nowMs())}</span>
                <Show when={node.doing}>
                  {(doing) => <bdi class="agent-row-doing">{`${visible(doing().name)}: ${visible(doing().text)}`}</bdi>}
                </Show>
                {props.act?.(node)}
              </div>
              <Children nodes={node.below} act={props.act ?? (() => undefined)} />
            </li>
          )}
        </For>
      </ul>
    </Show>
  );
}
