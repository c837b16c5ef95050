// What an operator's device holds a shipped log against, spec/audit-shipping.md: who signs it by the journal, what the agent's topic says of it, and the
// newest that this device saw. Apart from reading, so that a page which follows logs need not load what opens them.

import type { LogIdentity } from '../audit/checkpoint.ts';
import { headOf } from '../blind/freshness.ts';
import { logName } from '../blind/log-note.ts';
import { verifyDeviceNote } from '../blind/witness.ts';
import { toHex } from '../codec/bytes.ts';
import { HoldfastError } from '../errors.ts';
import { askFreshness } from '../exchange/relay-calls.ts';
import { askWitnessed } from '../exchange/witness-calls.ts';
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

/** How much of a log an operator's device has read and cosigned, and when, by its own clock. */
export interface Cosigned {
  readonly device: string;
  readonly size: number;
  readonly root: Uint8Array;
  readonly atMs: number;
}

/**
 * What devices that are in force have cosigned of this agent's log, as the relay shows it, each verified: a log must have that root at that size. What does not
 * verify, or is of a device that was removed, counts for nothing. Throws what a relay says of requests. [WITNESS-18] [WITNESS-22]
 */
export async function cosignedBy(session: OperatorSession, { id, keys, earlierKeys }: Agent): Promise<readonly Cosigned[]> {
  const { facts, relay, state } = session;
  const { primitives } = relay;
  const log = {
    origin: logName(primitives, facts.fleet, id),
    keys: [...earlierKeys, keys].map(({ sign }) => sign),
  };
  const { devices } = await askWitnessed(relay, id);
  const found = devices.map(async (note): Promise<Cosigned[]> => {
    const device = state.devices.get(toHex(note.device));
    if (device === undefined) return [];
    try {
      const { size, root, atMs } = await verifyDeviceNote(primitives, note, { ...log, deviceKey: device.keys.sign });
      return [{ device: device.name, size, root, atMs }];
    } catch {
      return [];
    }
  });
  return (await Promise.all(found)).flat();
}
