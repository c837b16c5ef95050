// `holdfast agents` and `holdfast revoke`.

import { toHex } from '@holdfast/protocol/codec/bytes';
import { codeOf, HoldfastError } from '@holdfast/protocol/errors';
import { rekeyFleet, revokeAgent } from '@holdfast/protocol/journal/compose';
import type { FleetState } from '@holdfast/protocol/journal/state';
import { askDaemon, findHome } from '../door-client.ts';
import { asOperator } from '../operator/session.ts';
import { plainText, visible, type Output } from '../output.ts';
import { keyStoreName } from '../status/key-stores.ts';

interface Shown {
  readonly agent: Uint8Array;
  readonly scope: string;
  readonly machine: string;
  readonly custody: string;
  readonly state: string;
  readonly enrolledAtMs: number;
  readonly guarded?: true | undefined;
}

export async function list(output: Output, options: { readonly passphraseFile?: string }): Promise<void> {
  if (options.passphraseFile === undefined) {
    const { agents } = await askDaemon(findHome(), { kind: 'machine' }, 'machine');
    show(
      output,
      'machine',
      agents.map(({ agent, scope, machine, custody, state, enrolledAtMs, here, guarded }) => ({
        agent,
        scope,
        machine,
        custody,
        state,
        enrolledAtMs,
        here,
        ...(guarded !== undefined && { guarded }),
      })),
    );
    return;
  }
  await asOperator(output, options, async (session) => {
    const agents = [...session.state.agents.values()].map(({ id, scope, machine, custody, revoked, enrolledAtMs }) => ({
      agent: id,
      scope,
      machine,
      custody,
      state: revoked === undefined ? 'live' : 'revoked',
      enrolledAtMs,
    }));
    show(output, 'operator', agents);
  });
}

function show(output: Output, view: string, agents: readonly Shown[]): void {
  const lines = agents.map(
    ({ agent, scope, machine, custody, state, guarded }) =>
      `${toHex(agent)}  ${scope.padEnd(12)} ${state.padEnd(8)} ${visible(machine)} (${keyStoreName(custody)})${guarded === true ? ', guarded: started by hand as well' : ''}`,
  );
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
    const applied = (await isHere(agent.id)) ? await session.appliedHere() : 'absent';
    await session.write((operator) => rekeyFleet(operator));
    output.result({ agent: agent.id, revoked: true, applied: applied === 'applied', rotate }, [
      `${agent.scope} is revoked${heard[applied]}`,
      rotate.length === 0 ? 'it held no credential' : `rotate upstream: ${rotate.map(visible).join(', ')}`,
    ]);
  });
}

const heard = {
  applied: ', here already',
  absent: '; its machine hears of it through the relay',
  late: '; the daemon of this machine has not heard of it yet, see: holdfast status',
};

/** Only a daemon that has this very agent is waited for: others hear of it in their own time. */
async function isHere(agent: Uint8Array): Promise<boolean> {
  try {
    const { agents } = await askDaemon(findHome(), { kind: 'status' }, 'status');
    return agents.some((each) => toHex(each.agent) === toHex(agent));
  } catch (thrown) {
    if (codeOf(thrown) === 'daemon_unreachable') return false;
    throw thrown;
  }
}
