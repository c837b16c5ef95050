// What an operator does to agents, as `holdfast suspend`, `resume` and `revoke` do it: the entry, what goes with it at the relay, and the status list
// by which services hear of it.

import { rekeyFleet } from '@holdfast/protocol/journal/compose';
import { resumeAgent, revokeAgent, revokeChild, suspendAgent } from '@holdfast/protocol/journal/compose-agents';
import { resumeAll, suspendAll } from '@holdfast/protocol/journal/compose-stop';
import type { OperatorSession } from '@holdfast/protocol/operator/session';

export async function suspend(session: OperatorSession, agent: Uint8Array, reason: string): Promise<void> {
  await session.write(async (operator) =>
    suspendAgent(operator, { agent, reason, accessVersion: await session.accessVersion() }),
  );
  await session.publishStatus();
}

export async function resume(session: OperatorSession, agent: Uint8Array): Promise<void> {
  await session.write(async (operator) => resumeAgent(operator, { agent, accessVersion: await session.accessVersion() }));
  await session.publishStatus();
}

export async function stopFleet(session: OperatorSession, reason: string): Promise<void> {
  await session.write(async (operator) => suspendAll(operator, { reason, accessVersion: await session.accessVersion() }));
  await session.publishStatus();
}

export async function resumeFleet(session: OperatorSession): Promise<void> {
  await session.write(async (operator) => resumeAll(operator, { accessVersion: await session.accessVersion() }));
  await session.publishStatus();
}

/** Its last word is read first, so that all it wrote until now counts. */
export async function revoke(session: OperatorSession, agent: Uint8Array, reason: string): Promise<void> {
  await session.readAgentTopic(agent);
  await session.write(async (operator) => revokeAgent(operator, { agent, reason, accessVersion: await session.accessVersion() }));
  await session.publishStatus();
  await session.write((operator) => rekeyFleet(operator));
}

export async function endChild(session: OperatorSession, agent: Uint8Array, child: Uint8Array, reason: string): Promise<void> {
  await session.write((operator) => revokeChild(operator, { agent, child, reason }));
  await session.publishStatus();
}
