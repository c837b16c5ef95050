// The uses of an agent's grants as its audit log has them, spec/fence.md: the durable record of a use is its count, so there is nothing else that could
// be lost, rolled back or reset. What was counted of the log so far is kept as an index: an older one means reading more, not counting less.

import { readCheckpoint } from '@holdfast/protocol/audit/checkpoint';
import { decodeEvent } from '@holdfast/protocol/audit/event';
import { toHex } from '@holdfast/protocol/codec/bytes';
import { decode, encode, integer, list, literal, record, type Infer } from '@holdfast/protocol/codec/schema';
import { HoldfastError } from '@holdfast/protocol/errors';
import type { Primitives } from '@holdfast/protocol/primitives/primitives';
import { wallClockMs } from '@holdfast/protocol/keys/public-keys';
import { maxWindowMs, maxWindowUses } from '@holdfast/protocol/vault/circumstances';
import { grantId } from '@holdfast/protocol/vault/item';
import { lostEvidenceNext } from '../audit/stored-log.ts';
import type { AuditWriter } from '../audit/writer.ts';
import type { StateStore } from '../state/store.ts';
import type { UseCounts } from '../vault/use-counts.ts';

const counted = record({ grant: grantId, total: integer(), recentAtMs: list(integer(wallClockMs), { max: maxWindowUses }) });
/** `size`: how many records of the log are counted in it. */
const index = record({ v: literal(1), size: integer(), grants: list(counted, { max: 100_000 }) });
type Counted = Infer<typeof counted>;

const maxIndexBytes = 64 * 1024 * 1024;
const pageRecords = 4096;
const consumed = Buffer.from('consumed');

export interface CountedLog {
  readonly primitives: Primitives;
  readonly agent: Uint8Array;
  readonly audit: AuditWriter;
  readonly store: StateStore;
}

/**
 * Counts all uses of the log. Throws `audit_truncated` for a log that is shorter than what was counted of it, `audit_corrupt`, `store_failed`.
 */
export async function countUses({ primitives, agent, audit, store }: CountedLog, counts: UseCounts): Promise<void> {
  const kept = store.useIndex(agent);
  const { size, grants } = kept === undefined ? { size: 0, grants: [] } : decode(index, kept, maxIndexBytes);
  if (size > audit.size)
    throw new HoldfastError('audit_truncated', `the uses of ${size} audit records were counted, ${audit.size} are left`, {
      next: lostEvidenceNext,
    }); // [FENCE-32]
  const all = new Map(grants.map((each) => [toHex(each.grant), { ...each, recentAtMs: [...each.recentAtMs] }]));
  const countTo = async (from: number, to: number): Promise<void> => {
    for (let at = from; at < to;) {
      const page = await audit.read({ from: at, limit: Math.min(pageRecords, to - at) });
      for (const wire of page) count(all, wire);
      at += page.length;
    }
  };
  // What a signed checkpoint covers is on the disk; what follows may still be lost with the power, and is no reason to call the log cut.
  const newest = audit.newestCheckpoint;
  const signed = newest === undefined ? 0 : readCheckpoint(primitives, newest).statement.size;
  await countTo(size, signed);
  if (signed > size) store.saveUseIndex(agent, encode(index, { v: 1, size: signed, grants: [...all.values()].map(trimmed) }));
  await countTo(Math.max(size, signed), audit.size);
  for (const each of all.values()) counts.add(each.grant, each.total, each.recentAtMs);
}

/** Most records are others, and need no decoding to be told apart. */
function count(all: Map<string, { grant: Uint8Array; total: number; recentAtMs: number[] }>, wire: Uint8Array): void {
  if (!Buffer.from(wire.buffer, wire.byteOffset, wire.length).includes(consumed)) return;
  const event = decodeEvent(wire);
  if (event.kind !== 'consumed') return;
  const key = toHex(event.grant);
  const known = all.get(key) ?? { grant: event.grant, total: 0, recentAtMs: [] };
  all.set(key, known);
  known.total += 1;
  known.recentAtMs.push(event.atMs);
  if (known.recentAtMs.length >= 2 * maxWindowUses) known.recentAtMs = known.recentAtMs.slice(-maxWindowUses);
}

function trimmed({ grant, total, recentAtMs }: Counted): Counted {
  const newestMs = recentAtMs.at(-1) ?? 0;
  return { grant, total, recentAtMs: recentAtMs.slice(-maxWindowUses).filter((atMs) => atMs > newestMs - maxWindowMs) };
}
