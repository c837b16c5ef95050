// What the agents screen says, in plain words; names of agents and machines come from elsewhere and are written out where a screen would obey them.

import type { PresentSession } from '@holdfast/protocol/approvals/presence';
import { ago, coarse, listed, visible } from '@holdfast/protocol/codec/shown';
import type { Agent } from '@holdfast/protocol/journal/state';
import type { AgentNode, ChildNode } from './tree.ts';

const whoOf = ({ scope, machine }: Pick<Agent, 'scope' | 'machine'>): string => `${scope} on ${visible(machine)}`;

/** One line of what a session does just now; undefined: nothing. */
export function doingWords({ now, more, waiting, suspended }: PresentSession): string | undefined {
  if (suspended !== undefined) return 'stopped until you let it go on';
  if (waiting !== undefined) return waiting === 1 ? 'waits for you' : `waits for you, ${waiting} times`;
  if (now === undefined) return undefined;
  const beside = more === undefined ? '' : `, and ${more} more`;
  return `${visible(now.name)}: ${visible(now.text)}${now.cut === undefined ? '' : `… (${now.cut} more characters)`}${beside}`;
}

/** What its sessions are: "2 sealed", "1 sealed and 1 guarded", "nothing runs". */
export function sessionsWords({ sealed, guarded, heard }: Pick<AgentNode, 'sealed' | 'guarded' | 'heard'>): string {
  if (heard === undefined) return 'what runs there is not known';
  const said = [...(sealed > 0 ? [`${sealed} sealed`] : []), ...(guarded > 0 ? [`${guarded} guarded`] : [])];
  return said.length === 0 ? 'nothing runs' : listed(said);
}

export function heardWords({ lastHeardAtMs, heard }: Pick<AgentNode, 'lastHeardAtMs' | 'heard'>, nowMs: number): string {
  if (lastHeardAtMs === undefined) return 'never heard of';
  const words = `last heard ${ago(Math.max(0, nowMs - lastHeardAtMs))}`;
  return heard === undefined ? `${words}; its machine is away, or the relay holds it back` : words;
}

export function newestWords({ hasNewest, standing }: Pick<AgentNode, 'hasNewest' | 'standing'>): string {
  if (standing === 'revoked') return 'it hears nothing any more';
  if (hasNewest === undefined) return 'not known: its machine has not said';
  return hasNewest ? 'yes' : 'not yet';
}

export function childWords({ child }: ChildNode, nowMs: number): string {
  const kind = { session: 'a sealed session', 'sub-agent': 'a sub-agent', key: 'a process with a key of its own' }[child.kind];
  return [
    kind,
    ...(child.capabilities.length === 0 ? [] : [`may ${child.capabilities.join(', ')}`]),
    ...(child.credentials === undefined
      ? []
      : [child.credentials.length === 0 ? 'uses no credential' : `uses ${child.credentials.join(', ')}`]),
    ...(child.usesLeft === undefined ? [] : [child.usesLeft === 1 ? '1 use left' : `${child.usesLeft} uses left`]),
    child.expiresAtMs > nowMs ? `ends in ${coarse(child.expiresAtMs - nowMs)} at the latest` : 'its time is up',
  ].join(' · ');
}

export const sentences = {
  suspend: (agent: Agent): string => `Suspend ${whoOf(agent)}: its sessions end now, and it does nothing until you resume it`,
  resume: (agent: Agent): string => `Resume ${whoOf(agent)}: it may act again; what ran before does not come back`,
  revoke: (agent: Agent): string =>
    `Revoke ${whoOf(agent)} for good: its sessions end now, and it never comes back under this key`,
  revokeChild: (agent: Agent, name: string): string => `End ${visible(name)}, a child of ${whoOf(agent)}, and all below it`,
  stopAll: (count: number): string =>
    `Stop the whole fleet: suspend ${count === 1 ? 'the 1 agent that may act' : `all ${count} agents that may act`}`,
  resumeAll: (count: number): string =>
    `Resume ${count === 1 ? 'the 1 agent that is suspended' : `all ${count} agents that are suspended`}`,
} as const;

/** What revoking ends, before it is done. */
export function endsWords(node: AgentNode, grants: number): readonly string[] {
  return [
    node.heard === undefined
      ? 'Whatever it runs now ends as soon as its machine hears of it.'
      : node.sealed + node.guarded === 0
        ? 'Nothing of it runs now.'
        : `${node.sealed + node.guarded === 1 ? 'Its session ends' : `Its ${node.sealed + node.guarded} sessions end`} at once.`,
    ...(node.children.length === 0
      ? []
      : [`All that it started ends with it: ${listed(node.children.map(({ child }) => visible(child.name)))}.`]),
    grants === 0
      ? 'It holds no credential.'
      : `${grants === 1 ? 'Its grant ends' : `Its ${grants} grants end`}; streams that run with them are cut.`,
    'Services that check its credential hear it with the next status list, which goes out at once.',
    'It cannot be undone: the machine enrols anew if it is to come back.',
  ];
}

/** A name that was typed, against the one that is meant: exactly, so that no one is revoked by habit. */
export const namesIt = (typed: string, { scope }: Pick<Agent, 'scope'>): boolean => typed.trim() === scope;
