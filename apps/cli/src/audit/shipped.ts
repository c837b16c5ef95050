// An agent's log as the relay keeps it, for operators: also on a device that never saw the agent's machine, spec/audit-shipping.md.

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as later } from 'node:timers/promises';
import { maxCheckpointBytes, readCheckpoint, verifyCheckpoint, type LogIdentity } from '@holdfast/protocol/audit/checkpoint';
import { openShipped } from '@holdfast/protocol/audit/shipped-log';
import { verifyAudit, type Anchor, type AuditVerdict } from '@holdfast/protocol/audit/verify';
import { headOf } from '@holdfast/protocol/blind/freshness';
import type { ShippedPiece } from '@holdfast/protocol/blind/shipment';
import { toHex } from '@holdfast/protocol/codec/bytes';
import { codeOf, HoldfastError } from '@holdfast/protocol/errors';
import { askFreshness } from '@holdfast/protocol/exchange/relay-calls';
import { readShipments } from '@holdfast/protocol/exchange/shipment-calls';
import { agentAudience } from '@holdfast/protocol/journal/bodies';
import { latestCheckpoint, topicTip, type Agent } from '@holdfast/protocol/journal/state';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { isAbsent, writeAtomically } from '../operator/key-file.ts';
import type { LocalOperator } from '../operator/session.ts';
import type { Log } from './log.ts';

/** More than can be shown; a relay could go on without end. */
const maxReadBytes = 1024 * 1024 * 1024;
/** Twice as long as a daemon takes to ship what it has signed for. */
const shippedWithinMs = 20_000;
const askAgainMs = 1000;

export interface ShippedLog extends Log {
  readonly verdict: AuditVerdict;
}

/** As the relay shows it: opened, and nothing of it verified. */
export interface UnverifiedLog {
  readonly whose: LogIdentity;
  /** Of what was pruned before it was shipped. */
  readonly leaves: readonly Uint8Array[];
  readonly events: readonly Uint8Array[];
  readonly checkpoints: readonly Uint8Array[];
  /** The newest checkpoint of the agent's topic, whose author is verified. */
  readonly anchor?: Uint8Array;
}

/** Throws what [SHIP-7] and [SHIP-8] name, `entry_gap`, and `audit_unavailable` where nothing was shipped. */
export async function openLog(session: LocalOperator, { id: agent, keys, earlierKeys }: Agent): Promise<UnverifiedLog> {
  const { fleet } = session.facts;
  const whose: LogIdentity = { fleet, agent, agentKey: keys.sign, earlierKeys: earlierKeys.map(({ sign }) => sign) };
  const anchor = await topicsCheckpoint(session, agent);
  const read = await opened(session, agent);
  if (read.leaves.length + read.events.length === 0 && anchor === undefined)
    throw new HoldfastError('audit_unavailable', 'the relay has no audit log of this agent', {
      next: 'its daemon ships it while it is connected',
    });
  return { whose, ...read, ...(anchor !== undefined && { anchor }) };
}

/** What is left of the log in the relay, and what the agent's topic says that there is. */
export function sizesOf({ leaves, events, anchor }: Pick<UnverifiedLog, 'leaves' | 'events' | 'anchor'>): {
  readonly there: number;
  readonly topic: number;
} {
  const topic = anchor === undefined ? 0 : readCheckpoint(primitives, anchor).statement.size;
  return { there: leaves.length + events.length, topic };
}

/** Asks again while the topic is ahead of what was shipped, which it is for moments; then it is a log that was cut. [CLI-70] */
export async function onceShipped(open: () => Promise<UnverifiedLog>, withinMs = shippedWithinMs): Promise<UnverifiedLog> {
  const untilMs = performance.now() + withinMs;
  for (;;) {
    const log = await open();
    const { there, topic } = sizesOf(log);
    if (topic <= there || performance.now() >= untilMs) return log;
    await later(Math.min(askAgainMs, withinMs));
  }
}

/** Read, opened and verified. Throws what [SHIP-7] to [SHIP-9] name, and `audit_unavailable` where nothing was shipped. */
export async function readShipped(session: LocalOperator, name: string): Promise<ShippedLog> {
  const agent = session.agent(name);
  const { whose, ...log } = await onceShipped(() => openLog(session, agent));
  const verdict = await verifyShipped(session, { whose, ...log });
  return { ...whose, ...log, verdict };
}

/**
 * Holds the log against the topic's checkpoint, the newest that this device saw of it, and `known`; remembers its own newest. Throws what
 * [SHIP-9] names: then what was seen stays.
 */
export async function verifyShipped(
  session: LocalOperator,
  { whose, leaves, events, checkpoints, anchor }: UnverifiedLog,
  known: readonly Anchor[] = [],
): Promise<AuditVerdict> {
  const seen = seenFile(session, whose.agent);
  const wires = [anchor, seenBefore(seen)].filter((each) => each !== undefined);
  const own = await Promise.all(wires.map(async (wire) => (await verifyCheckpoint(primitives, wire, whose)).statement));
  const verdict = await verified(whose, { leaves, events, checkpoints, anchors: [...own, ...known] });
  const newest = checkpoints.at(-1);
  if (newest !== undefined) writeAtomically(seen, newest);
  return verdict;
}

async function opened({ facts: { fleet }, operator, relay }: LocalOperator, agent: Uint8Array): ReturnType<typeof openShipped> {
  const { key } = await operator.replica.epochKey(agentAudience(agent), 0); // [AUDIT-18]
  try {
    return await openShipped({ primitives, key, fleet, agent }, bounded(readShipments(relay, agent)));
  } finally {
    key.fill(0);
  }
}

async function verified(whose: LogIdentity, log: Parameters<typeof verifyAudit>[2]): Promise<AuditVerdict> {
  try {
    return { ...(await verifyAudit(primitives, whose, log)), keyPinned: true }; // by the journal [SHIP-9]
  } catch (cause) {
    if (!codeOf(cause).startsWith('codec_')) throw cause;
    throw new HoldfastError('audit_altered', 'the log holds what no daemon writes', { cause });
  }
}

/** The newest of the agent's topic, read up to where the relay signs that it ends; of a revoked agent, up to what its revocation accepts. */
async function topicsCheckpoint(session: LocalOperator, agent: Uint8Array): Promise<Uint8Array | undefined> {
  const { fleet, relayKey } = session.facts;
  const told = headOf(await askFreshness(session.relay, { fleet, relayKey, topics: [agent] }), agent);
  await session.readAgentTopic(agent);
  const read = topicTip(session.state, agent)?.position ?? -1;
  const isLive = session.state.agents.get(toHex(agent))?.revoked === undefined;
  if (isLive && told !== undefined && read < told.position)
    throw new HoldfastError('entry_gap', "the relay does not show all of the agent's topic"); // [SHIP-9]
  return latestCheckpoint(session.state, agent);
}

async function* bounded(pieces: AsyncIterable<ShippedPiece>): AsyncGenerator<ShippedPiece> {
  let read = 0;
  for await (const piece of pieces) {
    read += piece.bytes.length;
    if (read > maxReadBytes) throw new HoldfastError('limit_exceeded', 'the relay has more of this log than can be read at once');
    yield piece;
  }
}

/** Where this device keeps the newest checkpoint that it saw of a log: the relay must not show less later. [SHIP-9] */
function seenFile({ paths }: LocalOperator, agent: Uint8Array): string {
  return path.join(paths.operator, `audit-${toHex(agent)}`);
}

function seenBefore(file: string): Uint8Array | undefined {
  try {
    const wire = readFileSync(file);
    if (wire.length <= maxCheckpointBytes) return new Uint8Array(wire);
  } catch (thrown) {
    if (isAbsent(thrown)) return undefined;
    throw new HoldfastError('store_failed', `${file} cannot be read`, { cause: thrown, next: 'check its permissions' });
  }
  throw new HoldfastError('key_invalid', `${file} is damaged`, { next: 'remove it, if you know why' });
}
