// What an operator's device holds a shipped log against, spec/audit-shipping.md: who signs it by the journal, what the agent's topic says of it, and the
// newest that this device saw. Apart from reading, so that a page which follows logs need not load what opens them.

import type { LogIdentity } from '../audit/checkpoint.ts';
import { headOf } from '../blind/freshness.ts';
import { HoldfastError } from '../errors.ts';
import { askFreshness } from '../exchange/relay-calls.ts';
import { latestCheckpoint, topicTip, type Agent } from '../journal/state.ts';
import type { OperatorSession } from './session.ts';

/** More than can be shown; a relay could go on without end. [SHIP-7] */
export const maxReadBytes = 1024 * 1024 * 1024;

/** The newest checkpoints that this device saw of logs, by the agent's id in hex: no relay may show less later. [SHIP-9] */
export interface SeenCheckpoints {
  /** Throws `store_failed`, `key_invalid`. */
  get(agent: string): Promise<Uint8Array | undefined>;
  keep(agent: string, checkpoint: Uint8Array): Promise<void>;
}

/** By the journal. */
export function logIdentity({ facts: { fleet } }: OperatorSession, { id: agent, keys, earlierKeys }: Agent): LogIdentity {
  return { fleet, agent, agentKey: keys.sign, earlierKeys: earlierKeys.map(({ sign }) => sign) };
}

/** The newest of the agent's topic, read up to where the relay signs that it ends; of a revoked agent, up to what its revocation accepts. Throws `entry_gap`. [SHIP-9] */
export async function topicsCheckpoint(session: OperatorSession, { id, revoked }: Agent): Promise<Uint8Array | undefined> {
  const { fleet, relayKey } = session.facts;
  const told = headOf(await askFreshness(session.relay, { fleet, relayKey, topics: [id] }), id);
  const isBehind = (): boolean => told !== undefined && (topicTip(session.state, id)?.position ?? -1) < told.position;
  if (told === undefined || isBehind()) await session.readAgentTopic(id);
  if (revoked === undefined && isBehind())
    throw new HoldfastError('entry_gap', "the relay does not show all of the agent's topic");
  return latestCheckpoint(session.state, id);
}
