// Reads an audit log back while it is written: closed segments from the disk, one kept for the next page, the growing end from memory. Of its first
// segments hashes alone may be left, spec/audit.md "Pruning".

import {
  checkpointsOf,
  leavesOf,
  recordsOf,
  segmentName,
  type OpenedSegment,
  type SegmentId,
  type SegmentSecrets,
} from '@holdfast/protocol/audit/segment';
import { equalBytes } from '@holdfast/protocol/codec/bytes';
import { HoldfastError } from '@holdfast/protocol/errors';
import { leafHash } from '@holdfast/protocol/primitives/merkle';
import type { AuditFiles } from './files.ts';
import { readClosedSegment } from './stored-log.ts';
import type { Tail } from './tail.ts';

/** Fits a page into one frame of the door. */
const defaultPageBytes = 768 * 1024;

export interface AuditRange {
  readonly from: number;
  readonly limit: number;
  readonly maxBytes?: number;
}

export interface SyncedSegment {
  readonly first: number;
  readonly bytes: Uint8Array;
  readonly closed: boolean;
}

/** `next`: the number of the record after its last. */
export interface ClosedSegment extends SegmentId {
  readonly next: number;
}

interface Page {
  readonly first: number;
  readonly records: readonly Uint8Array[];
  /** Of a segment that was pruned, in place of its records. */
  readonly leaves?: readonly Uint8Array[];
}

export class AuditReader {
  private readonly files: AuditFiles;
  private readonly secrets: SegmentSecrets;
  private readonly tail: Tail;
  private page: Page | undefined;
  private prunedSegments: number;
  /** The one that is pruned at this moment. */
  private going: number | undefined;

  constructor(files: AuditFiles, secrets: SegmentSecrets, tail: Tail, pruned: number) {
    this.files = files;
    this.secrets = secrets;
    this.tail = tail;
    this.prunedSegments = pruned;
  }

  /** The number of the first record that can be read. */
  get firstKept(): number {
    const { closed, recent } = this.tail;
    return closed[this.prunedSegments]?.first ?? recent.first;
  }

  /** The closed segments whose records can be read, oldest first, each with the number of the record after its last. */
  kept(): readonly ClosedSegment[] {
    const { closed, recent } = this.tail;
    return closed.map((id, index) => ({ ...id, next: closed[index + 1]?.first ?? recent.first })).slice(this.prunedSegments);
  }

  /** The first segment whose records can be read is pruned by `work`; none of them is read from here on. Rejects with what `work` says. */
  async pruning(work: () => Promise<void>): Promise<void> {
    this.going = this.prunedSegments;
    this.prunedSegments += 1;
    this.page = undefined;
    try {
      await work();
    } catch (thrown) {
      this.prunedSegments -= 1;
      throw thrown;
    } finally {
      this.going = undefined;
    }
  }

  /** Leaf hashes from number `from` on, at most `limit`; at least one if there is one. Throws `audit_corrupt`. */
  async leaves({ from, limit }: Pick<AuditRange, 'from' | 'limit'>): Promise<Uint8Array[]> {
    if (from >= this.tail.size) return [];
    const { first, records, leaves } = await this.recordsAround(from);
    const [start, end] = [from - first, from - first + limit];
    const found = leaves?.slice(start, end) ?? records.slice(start, end).map((each) => leafHash(this.secrets.primitives, each));
    if (found.length === 0) throw new HoldfastError('audit_corrupt', `audit record ${from} is missing`);
    return found;
  }

  /**
   * Encoded events from number `from`, as many as fit `limit` and `maxBytes`; at least one if there is one. Throws `audit_corrupt`, `audit_gap` where
   * the first one was pruned.
   */
  async read({ from, limit, maxBytes = defaultPageBytes }: AuditRange): Promise<Uint8Array[]> {
    const events: Uint8Array[] = [];
    for (let at = from, bytes = 0; at < this.tail.size && events.length < limit; at += 1) {
      const { first, records, leaves } = await this.recordsAround(at);
      if (leaves !== undefined || at < this.firstKept)
        throw new HoldfastError('audit_gap', `audit record ${at} was pruned`, { next: 'holdfast audit show' });
      const event = records[at - first];
      if (event === undefined) throw new HoldfastError('audit_corrupt', `audit record ${at} is missing`);
      bytes += event.length;
      if (events.length > 0 && bytes > maxBytes) break;
      events.push(event);
    }
    return events;
  }

  /** All checkpoints, oldest first, as stored. Throws `audit_corrupt`. */
  async checkpoints(): Promise<Uint8Array[]> {
    const found: Uint8Array[] = [];
    const { closed, recent } = this.tail;
    for (const index of closed.keys()) found.push(...checkpointsOf(await this.segment(closed, index, recent.first)));
    return [...found, ...recent.checkpoints];
  }

  /** Newest first: what the fleet has seen last is hardly ever far back. Throws `audit_corrupt`. */
  async hasCheckpoint(wanted: Uint8Array): Promise<boolean> {
    const { closed, recent, checkpoint } = this.tail;
    if ([checkpoint?.wire, ...recent.checkpoints].some((each) => each !== undefined && equalBytes(each, wanted))) return true;
    for (let index = closed.length - 1; index >= 0; index -= 1) {
      const segment = await this.segment(closed, index, recent.first);
      if (checkpointsOf(segment).some((each) => equalBytes(each, wanted))) return true;
    }
    return false;
  }

  /** What is synced of the file with that number, as it lies on the disk; `closed`: it grows no more. Undefined: there is no such file. */
  async syncedSegment(ordinal: number): Promise<SyncedSegment | undefined> {
    const place = this.tail.syncedPart(ordinal);
    const file = place && (await this.files.read(segmentName(place.id)));
    if (place === undefined || file === undefined) return undefined;
    return { first: place.id.first, bytes: file.subarray(0, place.bytes ?? file.length), closed: place.bytes === undefined };
  }

  private async recordsAround(at: number): Promise<Page> {
    const { recent, closed } = this.tail;
    if (at >= recent.first) return recent;
    const { page } = this;
    if (page !== undefined && at >= page.first && at < page.first + page.records.length) return page;
    const index = closed.findLastIndex(({ first }) => first <= at);
    const opened = await this.segment(closed, index, recent.first);
    const first = closed[index]?.first ?? 0;
    const leaves = opened.pruned ? leavesOf(this.secrets.primitives, opened) : undefined;
    return (this.page = { first, records: recordsOf(opened), ...(leaves !== undefined && { leaves }) });
  }

  /** A segment ends where the next one begins, the last one where the held records do. */
  private async segment(closed: readonly SegmentId[], index: number, recentFirst: number): Promise<OpenedSegment> {
    const id = closed[index];
    if (id === undefined) throw new HoldfastError('audit_corrupt', 'an audit file is missing');
    const [before, going] = [this.prunedSegments, this.going];
    const opened = await readClosedSegment(this.files, this.secrets, id, closed[index + 1]?.first ?? recentFirst);
    const isAsKnown = [before, this.prunedSegments].some((count) => opened.pruned === index < count);
    if (!isAsKnown && index !== going)
      throw new HoldfastError('audit_corrupt', `audit file ${segmentName(id)} is not in its turn of those that were pruned`); // [AUDIT-65]
    return opened;
  }
}
