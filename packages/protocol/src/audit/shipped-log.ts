// An audit log as its pieces at the relay make it up, spec/audit-shipping.md: put together, opened with the key of the agent's audience, and held
// together. Whether it is what the agent signed, `verifyAudit` says.

import type { SegmentPlace, ShippedPiece } from '../blind/shipment.ts';
import { concat } from '../codec/bytes.ts';
import { codeOf, HoldfastError } from '../errors.ts';
import type { Primitives } from '../primitives/primitives.ts';
import { verifyCheckpoint, type LogIdentity } from './checkpoint.ts';
import {
  checkpointsOf,
  leavesOf,
  openSegment,
  recordsOf,
  segmentName,
  type OpenedSegment,
  type SegmentSecrets,
} from './segment.ts';
import { verifyAudit, type Anchor, type AuditVerdict } from './verify.ts';

export interface ShippedLog {
  /** Leaf hashes of the records that were pruned before they were shipped; they come before all others. */
  readonly leaves: readonly Uint8Array[];
  /** Encoded events and checkpoints, oldest first, as the daemon stored them. */
  readonly events: readonly Uint8Array[];
  readonly checkpoints: readonly Uint8Array[];
}

const missing = (what: string): HoldfastError =>
  new HoldfastError('audit_gap', `part of the shipped log is missing: ${what}`, {
    next: 'the relay dropped it or was put back: read the log on the machine itself',
  });

/** Of one file, as far as it was shipped. */
interface Assembled {
  readonly ordinal: number;
  readonly first: number;
  readonly parts: Uint8Array[];
  bytes: number;
}

interface Opened extends ShippedLog {
  readonly segment: OpenedSegment;
}

/**
 * Takes pieces one after the other, also those that come later, and opens each file once: when the next one begins, or, of the last one, as far as it is
 * there. After a throw it takes no more. What was cut off the end shows only against a checkpoint. [SHIP-8]
 */
export class ShippedReader {
  readonly #secrets: SegmentSecrets;
  readonly #leaves: Uint8Array[] = [];
  readonly #events: Uint8Array[] = [];
  readonly #checkpoints: Uint8Array[] = [];
  #current: Assembled | undefined;

  constructor(secrets: SegmentSecrets) {
    this.#secrets = secrets;
  }

  /** Where the next piece begins, if it goes on in the same file. */
  get place(): SegmentPlace {
    return { ordinal: this.#current?.ordinal ?? 0, offset: this.#current?.bytes ?? 0 };
  }

  /** Throws `audit_gap` where part is missing between others, `audit_corrupt` where something does not open. */
  async take({ ordinal, offset, first, bytes }: ShippedPiece): Promise<void> {
    const before = this.#current;
    if (before?.ordinal !== ordinal) {
      if (before !== undefined) await this.#close(before);
      if (ordinal !== (before === undefined ? 0 : before.ordinal + 1)) throw missing(`file ${ordinal - 1}`);
      this.#current = { ordinal, first, parts: [], bytes: 0 };
    }
    const current = this.#current;
    if (current === undefined || first !== current.first || offset !== current.bytes)
      throw missing(`bytes of ${segmentName({ ordinal, first: current?.first ?? first })}`);
    current.parts.push(bytes);
    current.bytes += bytes.length;
  }

  /** All that was taken so far; what it answered before is the beginning of what it answers later. Throws as `take`. */
  async read(): Promise<ShippedLog> {
    const last = this.#current && (await this.#open(this.#current)); // of it, the beginning may be all that was shipped so far
    return {
      leaves: [...this.#leaves, ...(last?.leaves ?? [])],
      events: [...this.#events, ...(last?.events ?? [])],
      checkpoints: [...this.#checkpoints, ...(last?.checkpoints ?? [])],
    };
  }

  async #close(file: Assembled): Promise<void> {
    const opened = await this.#open(file);
    if (opened === undefined)
      throw new HoldfastError('audit_corrupt', `${segmentName(file)} does not open as this agent's`, {
        next: 'the relay changed it: read the log on the machine itself',
      });
    if (!opened.segment.whole) throw missing(`the end of file ${file.ordinal}`);
    for (const leaf of opened.leaves) this.#leaves.push(leaf);
    for (const event of opened.events) this.#events.push(event);
    for (const checkpoint of opened.checkpoints) this.#checkpoints.push(checkpoint);
  }

  async #open({ parts, ordinal, first }: Assembled): Promise<Opened | undefined> {
    const next = this.#leaves.length + this.#events.length;
    if (first !== next) throw missing(`records ${next} to ${first - 1}`);
    const segment = await openSegment(this.#secrets, { ordinal, first }, concat(...parts));
    if (segment === undefined) return undefined;
    if (segment.pruned && this.#events.length > 0)
      throw missing(`records ${first} and more were pruned, and earlier ones were not`); // [AUDIT-65]
    return {
      segment,
      leaves: segment.pruned ? leavesOf(this.#secrets.primitives, segment) : [],
      events: segment.pruned ? [] : recordsOf(segment),
      checkpoints: checkpointsOf(segment),
    };
  }
}

/** All records and checkpoints of a log as it was shipped. Throws as `ShippedReader`. [SHIP-8] */
export async function openShipped(secrets: SegmentSecrets, pieces: AsyncIterable<ShippedPiece>): Promise<ShippedLog> {
  const reader = new ShippedReader(secrets);
  for await (const piece of pieces) await reader.take(piece);
  return reader.read();
}

/**
 * That it is what the agent signed, under keys that the journal has: held against checkpoints of it from elsewhere (`wires`), which are verified first, and
 * against what else is known. Throws what [SHIP-9] names.
 */
export async function verifyShippedLog(
  primitives: Primitives,
  whose: LogIdentity,
  log: ShippedLog,
  { wires, known = [] }: { readonly wires: readonly Uint8Array[]; readonly known?: readonly Anchor[] },
): Promise<AuditVerdict> {
  const own = await Promise.all(wires.map(async (wire) => (await verifyCheckpoint(primitives, wire, whose)).statement));
  try {
    return { ...(await verifyAudit(primitives, whose, { ...log, anchors: [...own, ...known] })), keyPinned: true }; // by the journal [SHIP-9]
  } catch (cause) {
    if (!codeOf(cause).startsWith('codec_')) throw cause;
    throw new HoldfastError('audit_altered', 'the log holds what no daemon writes', { cause });
  }
}
