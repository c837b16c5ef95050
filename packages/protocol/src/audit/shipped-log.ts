// An audit log as its pieces at the relay make it up, spec/audit-shipping.md: put together, opened with the key of the agent's audience, and held
// together. Whether it is what the agent signed, `verifyAudit` says.

import type { ShippedPiece } from '../blind/shipment.ts';
import { concat } from '../codec/bytes.ts';
import { HoldfastError } from '../errors.ts';
import {
  checkpointsOf,
  leavesOf,
  openSegment,
  recordsOf,
  segmentName,
  type OpenedSegment,
  type SegmentSecrets,
} from './segment.ts';

export interface ShippedLog {
  /** Leaf hashes of the records that were pruned before they were shipped; they come before all others. */
  readonly leaves: readonly Uint8Array[];
  /** Encoded events and checkpoints, oldest first, as the daemon stored them. */
  readonly events: readonly Uint8Array[];
  readonly checkpoints: readonly Uint8Array[];
}

interface Assembled {
  readonly ordinal: number;
  readonly first: number;
  readonly parts: Uint8Array[];
  bytes: number;
}

const missing = (what: string): HoldfastError =>
  new HoldfastError('audit_gap', `part of the shipped log is missing: ${what}`, {
    next: 'the relay dropped it or was put back: read the log on the machine itself',
  });

/** Segments in their order, each without a gap in it. Throws `audit_gap`. [SHIP-8] */
async function* segmentsOf(pieces: AsyncIterable<ShippedPiece>): AsyncGenerator<Assembled> {
  let current: Assembled | undefined;
  for await (const { ordinal, offset, first, bytes } of pieces) {
    if (current?.ordinal !== ordinal) {
      if (current !== undefined) yield current;
      if (ordinal !== (current === undefined ? 0 : current.ordinal + 1)) throw missing(`file ${ordinal - 1}`);
      current = { ordinal, first, parts: [], bytes: 0 };
    }
    if (first !== current.first || offset !== current.bytes) throw missing(`bytes of ${segmentName(current)}`);
    current.parts.push(bytes);
    current.bytes += bytes.length;
  }
  if (current !== undefined) yield current;
}

/**
 * All records and checkpoints of a log as it was shipped. Throws `audit_gap` where part is missing between others, `audit_corrupt` where something
 * does not open. What was cut off the end shows only against a checkpoint. [SHIP-8]
 */
export async function openShipped(secrets: SegmentSecrets, pieces: AsyncIterable<ShippedPiece>): Promise<ShippedLog> {
  const leaves: Uint8Array[] = [];
  const events: Uint8Array[] = [];
  const checkpoints: Uint8Array[] = [];
  let before: OpenedSegment | undefined;
  let closed: string | undefined;
  for await (const { parts, ...id } of segmentsOf(pieces)) {
    if (closed !== undefined)
      throw new HoldfastError('audit_corrupt', `${closed} does not open as this agent's`, {
        next: 'the relay changed it: read the log on the machine itself',
      });
    if (before?.whole === false) throw missing(`the end of file ${id.ordinal - 1}`);
    const next = leaves.length + events.length;
    if (id.first !== next) throw missing(`records ${next} to ${id.first - 1}`);
    const opened = await openSegment(secrets, id, concat(...parts));
    if (opened === undefined) {
      closed = segmentName(id); // of the last one, the beginning may be all that was shipped so far
      continue;
    }
    if (opened.pruned && events.length > 0) throw missing(`records ${id.first} and more were pruned, and earlier ones were not`); // [AUDIT-65]
    if (opened.pruned) leaves.push(...leavesOf(secrets.primitives, opened));
    else events.push(...recordsOf(opened));
    checkpoints.push(...checkpointsOf(opened));
    before = opened;
  }
  return { leaves, events, checkpoints };
}
