// An agent's log as the relay keeps it, for operators: also at a place that never saw the agent's machine, spec/audit-shipping.md. Read whole, opened,
// and held against the agent's topic and the newest that this device saw; whoever follows a log takes the same steps one by one.

import { readCheckpoint, type LogIdentity } from '../audit/checkpoint.ts';
import { openShipped, verifyShippedLog, type ShippedLog } from '../audit/shipped-log.ts';
import type { Anchor, AuditVerdict } from '../audit/verify.ts';
import type { ShippedPiece } from '../blind/shipment.ts';
import { toHex } from '../codec/bytes.ts';
import { HoldfastError } from '../errors.ts';
import { readShipments } from '../exchange/shipment-calls.ts';
import { agentAudience } from '../journal/bodies.ts';
import type { Agent } from '../journal/state.ts';
import { logIdentity, maxReadBytes, topicsCheckpoint, type SeenCheckpoints } from './log-anchors.ts';
import type { OperatorSession } from './session.ts';

/** Twice as long as a daemon takes to ship what it has signed for. */
const shippedWithinMs = 20_000;
const askAgainMs = 1000;

/** Of a clock that is never set back. */
export interface Patience {
  readonly monotonicMs: () => number;
  readonly wait: (ms: number) => Promise<void>;
}

/** As the relay shows it: opened, and nothing of it verified. */
export interface UnverifiedLog extends ShippedLog {
  readonly whose: LogIdentity;
  /** The newest checkpoint of the agent's topic, whose author is verified. */
  readonly anchor?: Uint8Array;
}

export interface VerifiedLog extends ShippedLog, LogIdentity {
  readonly anchor?: Uint8Array;
  readonly verdict: AuditVerdict;
}

/** Throws what [SHIP-7] and [SHIP-8] name, `entry_gap`, and `audit_unavailable` where nothing was shipped. */
export async function openLog(session: OperatorSession, agent: Agent): Promise<UnverifiedLog> {
  const anchor = await topicsCheckpoint(session, agent);
  const read = await opened(session, agent.id);
  if (read.leaves.length + read.events.length === 0 && anchor === undefined)
    throw new HoldfastError('audit_unavailable', 'the relay has no audit log of this agent', {
      next: 'its daemon ships it while it is connected',
    });
  return { whose: logIdentity(session, agent), ...read, ...(anchor !== undefined && { anchor }) };
}

async function opened({ facts, operator, relay }: OperatorSession, agent: Uint8Array): Promise<ShippedLog> {
  const { key } = await operator.replica.epochKey(agentAudience(agent), 0); // [AUDIT-18]
  try {
    const secrets = { primitives: relay.primitives, key, fleet: facts.fleet, agent };
    return await openShipped(secrets, bounded(readShipments(relay, agent)));
  } finally {
    key.fill(0);
  }
}

async function* bounded(pieces: AsyncIterable<ShippedPiece>): AsyncGenerator<ShippedPiece> {
  let read = 0;
  for await (const piece of pieces) {
    read += piece.bytes.length;
    if (read > maxReadBytes) throw new HoldfastError('limit_exceeded', 'the relay has more of this log than can be read at once');
    yield piece;
  }
}

/** What is left of the log in the relay, and what the agent's topic says that there is. */
export function sizesOf(
  primitives: Parameters<typeof readCheckpoint>[0],
  { leaves, events, anchor }: Pick<UnverifiedLog, 'leaves' | 'events' | 'anchor'>,
): { readonly there: number; readonly topic: number } {
  const topic = anchor === undefined ? 0 : readCheckpoint(primitives, anchor).statement.size;
  return { there: leaves.length + events.length, topic };
}

/** Asks again while the topic is ahead of what was shipped, which it is for moments; then it is a log that was cut. [CLI-70] */
export async function onceShipped(
  primitives: Parameters<typeof readCheckpoint>[0],
  open: () => Promise<UnverifiedLog>,
  { monotonicMs, wait }: Patience,
  withinMs = shippedWithinMs,
): Promise<UnverifiedLog> {
  const untilMs = monotonicMs() + withinMs;
  for (;;) {
    const log = await open();
    const { there, topic } = sizesOf(primitives, log);
    if (topic <= there || monotonicMs() >= untilMs) return log;
    await wait(Math.min(askAgainMs, withinMs));
  }
}

/**
 * Holds the log against the topic's checkpoint, the newest that this device saw of it, and `known`; remembers its own newest. Throws what
 * [SHIP-9] names: then what was seen stays.
 */
export async function verifyShipped(
  { ports: { primitives } }: Pick<OperatorSession, 'ports'>,
  seen: SeenCheckpoints,
  { whose, anchor, ...log }: UnverifiedLog,
  known: readonly Anchor[] = [],
): Promise<AuditVerdict> {
  const name = toHex(whose.agent);
  const wires = [anchor, await seen.get(name)].filter((each) => each !== undefined);
  const verdict = await verifyShippedLog(primitives, whose, log, { wires, known });
  const newest = log.checkpoints.at(-1);
  if (newest !== undefined) await seen.keep(name, newest);
  return verdict;
}

/** Read, opened and verified. Throws what [SHIP-7] to [SHIP-9] name, and `audit_unavailable` where nothing was shipped. */
export async function readShipped(
  session: OperatorSession,
  name: string,
  { seen, ...patience }: Patience & { readonly seen: SeenCheckpoints },
): Promise<VerifiedLog> {
  const agent = session.agent(name);
  const { whose, ...log } = await onceShipped(session.ports.primitives, () => openLog(session, agent), patience);
  const verdict = await verifyShipped(session, seen, { whose, ...log });
  return { ...whose, ...log, verdict };
}
