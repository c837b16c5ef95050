// `holdfast agents`, and how far what an operator wrote of an agent has come.

import type { Presences } from '@holdfast/protocol/approvals/presence';
import type { Tip } from '@holdfast/protocol/blind/entry';
import { equalBytes, toHex } from '@holdfast/protocol/codec/bytes';
import type { DoorReplyOf } from '@holdfast/protocol/door/wire';
import { codeOf } from '@holdfast/protocol/errors';
import { readCredential } from '@holdfast/protocol/identity/credential';
import { standingOf, topicTip } from '@holdfast/protocol/journal/state';
import { askDaemon, findHome } from '../door-client.ts';
import { PresenceEars, presentLines, presentOf, type Present } from '../operator/present.ts';
import { asOperator, type LocalOperator } from '../operator/session.ts';
import { size, visible, type Output } from '../output.ts';
import { keyStoreName } from '../status/key-stores.ts';

interface Shown {
  readonly agent: Uint8Array;
  readonly scope: string;
  readonly machine: string;
  readonly custody: string;
  readonly evidence: string;
  readonly capabilities: readonly string[];
  readonly state: string;
  readonly enrolledAtMs: number;
  readonly guarded?: true | undefined;
  readonly expiresAtMs: number;
  /** When it last wrote to its topic. */
  readonly seenAtMs?: number | undefined;
  /** On the machine that is asked: whether it is its own, and how many sealed sessions it has there. */
  readonly here?: boolean;
  readonly sealed?: number;
  /** Its own living ones, spec/delegation.md; absent where its machine is not the one that is asked. */
  readonly children?: readonly Child[];
  /** By its machine's own word; absent: nothing of it lives at the relay. */
  readonly present?: Present;
}

type Child = Omit<DoorReplyOf<'machine'>['children'][number], 'agent'>;

type Machine = DoorReplyOf<'machine'>;

/** Those of one agent, as the daemon of this machine knows them. */
function childrenOf(agent: Uint8Array, { children }: Machine): readonly Child[] {
  return children.flatMap(({ agent: of, ...child }) => (equalBytes(of, agent) ? [child] : []));
}

/** Children stand in no journal: their agent's own machine alone knows who lives. [CLI-9] */
async function machineHere(): Promise<Machine | undefined> {
  try {
    return await askDaemon(findHome(), { kind: 'machine' }, 'machine');
  } catch (thrown) {
    if (codeOf(thrown) === 'daemon_unreachable') return undefined;
    throw thrown;
  }
}

export async function list(output: Output, options: { readonly passphraseFile?: string }): Promise<void> {
  if (options.passphraseFile === undefined) {
    const machine = await askDaemon(findHome(), { kind: 'machine' }, 'machine');
    const { agents, operators } = machine;
    show(
      output,
      'machine',
      agents.map(({ fleet: _fleet, ...shown }) => ({ ...shown, children: childrenOf(shown.agent, machine) })),
      operators.map(({ device, name }) => ({ device, name })),
    );
    return;
  }
  const ears = new PresenceEars();
  const look = async (session: LocalOperator): Promise<void> => {
    const { agents, control } = session.state;
    const presences = await ears.heard(session);
    for (const { id } of agents.values()) await session.readAgentTopic(id);
    const here = await machineHere();
    const isHere = (id: Uint8Array) => here?.agents.some((each) => each.here && equalBytes(each.agent, id)) === true;
    show(
      output,
      'operator',
      [...agents.values()].map(({ id, scope, machine, custody, capabilities, enrolledAtMs, ...member }) => {
        const credential = readCredential(member.credential);
        return {
          agent: id,
          scope,
          machine,
          custody,
          evidence: credential.custody.evidence,
          capabilities,
          state: standingOf(member),
          enrolledAtMs,
          expiresAtMs: credential.expiresAtMs,
          seenAtMs: topicTip(session.state, id)?.atMs,
          ...(here !== undefined && isHere(id) && { children: childrenOf(id, here) }),
          ...presentBy(presences, id, control),
        };
      }),
      [...session.state.devices.values()].map(({ id: device, name }) => ({ device, name })),
    );
  };
  await asOperator(output, options, look, { onPush: (push) => ears.hear(push) });
}

/** [CLI-99] */
function presentBy(presences: Presences, agent: Uint8Array, control: Tip): { readonly present?: Present } {
  const heard = presences.of(agent, Date.now());
  return heard === undefined ? {} : { present: presentOf(heard, control) };
}

interface Operator {
  readonly device: Uint8Array;
  readonly name: string;
}

/** Operators, their agents, and below each its children. */
function show(output: Output, view: string, agents: readonly Shown[], operators: readonly Operator[]): void {
  const day = (ms: number) => new Date(ms).toISOString().slice(0, 10);
  const lines = agents.flatMap((each) => {
    const { agent, scope, machine, custody, evidence, state, capabilities, expiresAtMs, seenAtMs, sealed, guarded } = each;
    const about = [
      `keys: ${keyStoreName(custody)}, ${evidence}`,
      `until ${day(expiresAtMs)}`,
      ...(seenAtMs === undefined ? [] : [`seen ${new Date(seenAtMs).toISOString().slice(0, 16)}Z`]),
      ...(sealed === undefined || sealed === 0 ? [] : [`${sealed} sealed now`]),
      ...(guarded === true ? ['guarded: started by hand as well'] : []),
      ...(capabilities.length === 0 ? [] : [`may: ${capabilities.join(', ')}`]),
    ];
    return [
      `${toHex(agent)}  ${scope.padEnd(12)} ${state.padEnd(9)} ${visible(machine)}`,
      `  ${about.join('; ')}`,
      ...(each.present === undefined ? [] : presentLines(each.present, Date.now())),
      ...linesBelow(each.children ?? [], undefined, '  '),
    ];
  });
  const by = operators.length === 0 ? [] : [`operators: ${operators.map(({ name }) => visible(name)).join(', ')}`];
  const isUnseen = agents.some(({ state, children }) => state === 'live' && children === undefined);
  const elsewhere = isUnseen ? ['children of agents on other machines are seen there alone: holdfast agents'] : [];
  const none = 'no agent is enrolled yet; on its machine: holdfast enroll';
  output.result({ view, operators, agents }, lines.length === 0 ? [none] : [...by, ...lines, ...elsewhere]);
}

function linesBelow(children: readonly Child[], parent: Uint8Array | undefined, indent: string): string[] {
  const isBelow = (child: Child): boolean =>
    parent === undefined || child.parent === undefined ? child.parent === parent : equalBytes(child.parent, parent);
  return children.filter(isBelow).flatMap((child) => {
    const { kind, name, capabilities, credentials, hosts, usesLeft, bytesLeft, expiresAtMs, seenAtMs } = child;
    const minute = (ms: number) => `${new Date(ms).toISOString().slice(0, 16)}Z`;
    const about = [
      kind === 'session' ? 'a sealed session' : kind,
      kind === 'key' ? 'key: its own affair' : "key: in the daemon's memory",
      `until ${minute(expiresAtMs)}`,
      `seen ${minute(seenAtMs)}`,
      ...(capabilities.length === 0 ? [] : [`may: ${capabilities.join(', ')}`]),
      ...(credentials.length === 0 ? [] : [`uses: ${credentials.map(visible).join(', ')}`]),
      ...(usesLeft === undefined ? [] : [`${usesLeft} uses left`]),
      ...(bytesLeft === undefined ? [] : [`${size(bytesLeft)} left`]),
      ...(hosts === undefined ? [] : [`to: ${hosts.join(', ')}`]),
    ];
    return [
      `${indent}${toHex(child.child)}  ${visible(name)}`,
      `${indent}  ${about.join('; ')}`,
      ...linesBelow(children, child.child, `${indent}  `),
    ];
  });
}

export const heard = {
  applied: ', here already',
  absent: '; its machine hears of it through the relay',
  late: '; the daemon of this machine has not heard of it yet, see: holdfast status',
};

/** Only a daemon that has this very agent is waited for: others hear of it in their own time. */
export async function reachedHere(session: LocalOperator, agent: Uint8Array): Promise<keyof typeof heard> {
  return (await isHere(agent)) ? session.appliedHere() : 'absent';
}

async function isHere(agent: Uint8Array): Promise<boolean> {
  try {
    const { agents } = await askDaemon(findHome(), { kind: 'status' }, 'status');
    return agents.some((each) => toHex(each.agent) === toHex(agent));
  } catch (thrown) {
    if (codeOf(thrown) === 'daemon_unreachable') return false;
    throw thrown;
  }
}
