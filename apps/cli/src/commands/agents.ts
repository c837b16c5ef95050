// `holdfast agents` and `holdfast revoke`.

import { equalBytes, toHex } from '@holdfast/protocol/codec/bytes';
import { HoldfastError } from '@holdfast/protocol/errors';
import { rekeyFleet, revokeAgent } from '@holdfast/protocol/journal/compose';
import type { FleetState } from '@holdfast/protocol/journal/state';
import { askDaemon, findHome } from '../door-client.ts';
import { asOperator } from '../operator/session.ts';
import { visible, type Output } from '../output.ts';

interface Shown {
  readonly agent: Uint8Array;
  readonly scope: string;
  readonly machine: string;
  readonly custody: string;
  readonly state: string;
  readonly enrolledAtMs: number;
}

export async function list(output: Output, options: { readonly passphraseFile?: string }): Promise<void> {
  if (options.passphraseFile === undefined) {
    const { agents } = await askDaemon(findHome(), { kind: 'machine' }, 'machine');
    show(output, 'machine', agents.map(({ agent, scope, machine, custody, state, enrolledAtMs, here }) => ({ agent, scope, machine, custody, state, enrolledAtMs, here })));
    return;
  }
  await asOperator(options, async (session) => {
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
    ({ agent, scope, machine, custody, state }) => `${toHex(agent)}  ${scope.padEnd(12)} ${state.padEnd(8)} ${visible(machine)} (${custody})`,
  );
  output.result({ view, agents }, lines.length === 0 ? ['no agent is enrolled yet; on its machine: holdfast enroll'] : lines);
}

/** Names of the credentials that this agent could have opened: what to rotate upstream. */
function toRotate(state: FleetState, agent: Uint8Array): string[] {
  return [...(state.grants.get(toHex(agent))?.values() ?? [])].map(({ name }) => name);
}

export async function revoke(output: Output, name: string, options: { readonly passphraseFile?: string; readonly reason: string }): Promise<void> {
  await asOperator(options, async (session) => {
    const agent = session.agent(name);
    if (agent.revoked !== undefined) throw new HoldfastError('agent_revoked', `${name} is revoked already`);
    const rotate = toRotate(session.state, agent.id);
    await session.readAgentTopic(agent.id);
    const accessVersion = await session.accessVersion();
    await session.write((operator) => revokeAgent(operator, { agent: agent.id, reason: options.reason, accessVersion }));
    const { agents } = await runsHere(session.facts.fleet, agent.id, () => session.appliedHere(10_000));
    await session.write((operator) => rekeyFleet(operator));
    const applied = agents === 'applied';
    output.result({ agent: agent.id, revoked: true, applied, rotate }, [
      `${agent.scope} is revoked${applied ? ', here already' : '; its machine hears of it through the relay'}`,
      rotate.length === 0 ? 'it held no credential' : `rotate upstream: ${rotate.join(', ')}`,
    ]);
  });
}

/** Waits only for a daemon that has this very agent: others hear of it in their own time. */
async function runsHere(fleet: Uint8Array, agent: Uint8Array, wait: () => Promise<'applied' | 'absent'>): Promise<{ agents: 'applied' | 'absent' }> {
  try {
    const { agents } = await askDaemon(findHome(), { kind: 'status' }, 'status');
    if (!agents.some((each) => equalBytes(each.agent, agent) && equalBytes(each.fleet, fleet))) return { agents: 'absent' };
  } catch (thrown) {
    if (thrown instanceof HoldfastError && thrown.code === 'daemon_unreachable') return { agents: 'absent' };
    throw thrown;
  }
  return { agents: await wait() };
}
