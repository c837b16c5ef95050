// `holdfast agents` and `holdfast revoke`.

import { toHex } from '@holdfast/protocol/codec/bytes';
import { codeOf, HoldfastError } from '@holdfast/protocol/errors';
import { readCredential } from '@holdfast/protocol/identity/credential';
import { rekeyFleet } from '@holdfast/protocol/journal/compose';
import { revokeAgent } from '@holdfast/protocol/journal/compose-agents';
import { standingOf, topicTip, type FleetState } from '@holdfast/protocol/journal/state';
import { askDaemon, findHome } from '../door-client.ts';
import { asOperator, type OperatorSession } from '../operator/session.ts';
import { plainText, visible, type Output } from '../output.ts';
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
}

export async function list(output: Output, options: { readonly passphraseFile?: string }): Promise<void> {
  if (options.passphraseFile === undefined) {
    const { agents } = await askDaemon(findHome(), { kind: 'machine' }, 'machine');
    show(
      output,
      'machine',
      agents.map(({ fleet: _fleet, ...shown }) => shown),
    );
    return;
  }
  await asOperator(output, options, async (session) => {
    const { agents } = session.state;
    for (const { id } of agents.values()) await session.readAgentTopic(id);
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
        };
      }),
    );
  });
}

function show(output: Output, view: string, agents: readonly Shown[]): void {
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
    return [`${toHex(agent)}  ${scope.padEnd(12)} ${state.padEnd(9)} ${visible(machine)}`, `  ${about.join('; ')}`];
  });
  output.result({ view, agents }, lines.length === 0 ? ['no agent is enrolled yet; on its machine: holdfast enroll'] : lines);
}

/** Names of the credentials that this agent could have opened: what to rotate upstream. */
function toRotate(state: FleetState, agent: Uint8Array): string[] {
  return [...(state.grants.get(toHex(agent))?.values() ?? [])].map(({ name }) => name);
}

export async function revoke(
  output: Output,
  name: string,
  options: { readonly passphraseFile?: string; readonly reason: string },
): Promise<void> {
  const reason = plainText('the reason', options.reason, 256);
  await asOperator(output, options, async (session) => {
    const agent = session.agent(name);
    if (agent.revoked !== undefined)
      throw new HoldfastError('agent_revoked', `${name} is revoked already`, {
        next: 'nothing is left to do; see: holdfast agents',
      });
    const rotate = toRotate(session.state, agent.id);
    await session.readAgentTopic(agent.id);
    await session.write(async (operator) =>
      revokeAgent(operator, { agent: agent.id, reason, accessVersion: await session.accessVersion() }),
    );
    await session.publishStatus();
    const applied = await reachedHere(session, agent.id);
    await session.write((operator) => rekeyFleet(operator));
    output.result({ agent: agent.id, revoked: true, applied: applied === 'applied', rotate }, [
      `${agent.scope} is revoked${heard[applied]}`,
      rotate.length === 0 ? 'it held no credential' : `rotate upstream: ${rotate.map(visible).join(', ')}`,
    ]);
  });
}

export const heard = {
  applied: ', here already',
  absent: '; its machine hears of it through the relay',
  late: '; the daemon of this machine has not heard of it yet, see: holdfast status',
};

/** Only a daemon that has this very agent is waited for: others hear of it in their own time. */
export async function reachedHere(session: OperatorSession, agent: Uint8Array): Promise<keyof typeof heard> {
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
