// Stopping everything at once, spec/journal.md: every agent that may act is suspended in one act, with one access list without any of them, and let go
// on again the same way.

import type { AccessList } from '../blind/access-list.ts';
import { accessAfter } from './compose-agents.ts';
import { drafted, type Composed, type Operator } from './draft.ts';
import { actingAgents, liveAgents, type Agent } from './state.ts';

type Stopped = Composed & { readonly access: AccessList; readonly agents: readonly Agent[] };

/** Suspends all who may act now. `accessVersion`: of the list in force. Throws `codec_*`. */
export async function suspendAll(
  operator: Operator,
  { reason, accessVersion }: { readonly reason: string; readonly accessVersion: number },
): Promise<Stopped> {
  const agents = actingAgents(operator.replica.state);
  const { state, ...composed } = await drafted(operator, async (draft) => {
    for (const { id: agent } of agents) await draft.write('fleet', { kind: 'agent-suspend', agent, reason });
  });
  return { ...composed, agents, access: await accessAfter(operator, state, accessVersion + 1) };
}

/** Resumes all who are suspended now, whoever suspended them. */
export async function resumeAll(operator: Operator, { accessVersion }: { readonly accessVersion: number }): Promise<Stopped> {
  const agents = liveAgents(operator.replica.state).filter(({ suspended }) => suspended !== undefined);
  const { state, ...composed } = await drafted(operator, async (draft) => {
    for (const { id: agent } of agents) await draft.write('fleet', { kind: 'agent-resume', agent });
  });
  return { ...composed, agents, access: await accessAfter(operator, state, accessVersion + 1) };
}
