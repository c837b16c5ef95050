// The uses of an agent's grants and under its budgets, and the bytes that passed with them, as its audit log has them, spec/fence.md: the durable record of a use or of a
// reservation is its count, so there is nothing else that could be lost, rolled back or reset. What was counted of the log so far is kept as an index:
// an older one means reading more, not counting less.

import { readCheckpoint } from '@holdfast/protocol/audit/checkpoint';
import { decodeEvent, type AuditEvent } from '@holdfast/protocol/audit/event';
import { toHex } from '@holdfast/protocol/codec/bytes';
import { bytes, decode, encode, integer, list, optional, record, type Infer } from '@holdfast/protocol/codec/schema';
import { HoldfastError } from '@holdfast/protocol/errors';
import type { Primitives } from '@holdfast/protocol/primitives/primitives';
import { wallClockMs } from '@holdfast/protocol/keys/public-keys';
import { maxWindowMs, maxWindowUses } from '@holdfast/protocol/vault/circumstances';
import { grantId } from '@holdfast/protocol/vault/item';
import { lostEvidenceNext } from '../audit/stored-log.ts';
import type { AuditWriter } from '../audit/writer.ts';
import type { StateStore } from '../state/store.ts';
import type { ByteCounts } from '../vault/byte-counts.ts';
import { ByteLedger, maxRecent } from '../vault/byte-ledger.ts';
import type { UseCounts } from '../vault/use-counts.ts';

const indexVersion = 2;
/** `grant`: here and below, also a budget's id. */
const counted = record({ grant: grantId, total: integer(), recentAtMs: list(integer(wallClockMs), { max: maxWindowUses }) });
const passed = record({ fromMs: integer(wallClockMs), atMs: integer(wallClockMs), bytes: integer() });
const countedBytes = record({ grant: grantId, total: integer(), recent: list(passed, { max: maxRecent }) });
const openBytes = record({ grant: grantId, handle: bytes(16), older: integer(), newest: integer() });
/** `size`: how many records of the log are counted in it. `open`: uses whose bytes were not returned by then. */
const index = record({
  /** Of an older one the size alone is believed: who wrote it did not count all that is counted now. */
  v: integer({ min: 1, max: indexVersion }),
  size: integer(),
  grants: list(counted, { max: 100_000 }),
  bytes: optional(list(countedBytes, { max: 100_000 })),
  open: optional(list(openBytes, { max: 100_000 })),
});
type Counted = Infer<typeof counted>;
const nothingCounted: Infer<typeof index> = { v: indexVersion, size: 0, grants: [] };

const maxIndexBytes = 64 * 1024 * 1024;
const pageRecords = 4096;
/** What a record of interest holds somewhere, its kind. */
const kinds = ['consumed', 'bytes-reserved', 'bytes-returned', 'daemon-start'].map((kind) => Buffer.from(kind));

export interface CountedLog {
  readonly primitives: Primitives;
  readonly agent: Uint8Array;
  readonly audit: AuditWriter;
  readonly store: StateStore;
}

/**
 * Counts all uses of the log, and all bytes. Throws `audit_truncated` for a log that is shorter than what was counted of it, or of which more was
 * pruned, `audit_corrupt`, `store_failed`.
 */
export async function countUses(
  log: CountedLog,
  { uses, bytes: byteCounts }: { readonly uses: UseCounts; readonly bytes: ByteCounts },
): Promise<void> {
  const { all, ledger, countTo, size } = await indexed(log);
  await countTo(size, log.audit.size);
  for (const each of all.values()) uses.add(each.grant, each.total, each.recentAtMs);
  byteCounts.add(ledger);
}

/** How many records the index counts, on disk, when this returns, and the handles of uses that were open then. Throws as `countUses`. [AUDIT-69] */
export async function countedSoFar(log: CountedLog): Promise<{ readonly size: number; readonly open: readonly Uint8Array[] }> {
  const { size, ledger } = await indexed(log);
  return { size, open: ledger.open().map(({ handle }) => handle) };
}

interface Indexed {
  /** What is counted of the first `size` records. */
  readonly size: number;
  readonly all: Map<string, { grant: Uint8Array; total: number; recentAtMs: number[] }>;
  readonly ledger: ByteLedger;
  readonly countTo: (from: number, to: number) => Promise<void>;
}

/** The index, as far as the newest signed checkpoint, and written down so. */
async function indexed({ primitives, agent, audit, store }: CountedLog): Promise<Indexed> {
  const kept = store.useIndex(agent);
  const read = kept === undefined ? nothingCounted : decode(index, kept, maxIndexBytes);
  if (read.size > audit.size)
    throw new HoldfastError('audit_truncated', `the uses of ${read.size} audit records were counted, ${audit.size} are left`, {
      next: lostEvidenceNext,
    }); // [FENCE-32]
  const { size, ...before } = read.v === indexVersion ? read : nothingCounted;
  if (size < audit.firstKept)
    throw new HoldfastError(
      'audit_truncated',
      `the uses of ${size} audit records were counted, those up to ${audit.firstKept} were pruned`,
      {
        next: lostEvidenceNext,
      },
    ); // [AUDIT-69]
  const all = new Map(before.grants.map((each) => [toHex(each.grant), { ...each, recentAtMs: [...each.recentAtMs] }]));
  const ledger = new ByteLedger();
  ledger.add(before.bytes ?? [], before.open);
  const countTo = async (from: number, to: number): Promise<void> => {
    for (let at = from; at < to;) {
      const page = await audit.read({ from: at, limit: Math.min(pageRecords, to - at) });
      for (const wire of page) {
        const whole = Buffer.from(wire.buffer, wire.byteOffset, wire.length);
        if (!kinds.some((kind) => whole.includes(kind))) continue;
        const event = decodeEvent(wire);
        countUse(all, event);
        countBytes(ledger, event);
      }
      at += page.length;
    }
  };
  // What a signed checkpoint covers is on the disk; what follows may still be lost with the power, and is no reason to call the log cut.
  const newest = audit.newestCheckpoint;
  const signed = newest === undefined ? 0 : readCheckpoint(primitives, newest).statement.size;
  await countTo(size, signed);
  if (signed > size) {
    const grants = [...all.values()].map(trimmed);
    const open = [...ledger.open()];
    store.saveUseIndex(agent, encode(index, { v: indexVersion, size: signed, grants, bytes: [...ledger.grants()], open }));
  }
  return { size: Math.max(size, signed), all, ledger, countTo };
}

function countBytes(ledger: ByteLedger, event: AuditEvent): void {
  if (event.kind === 'bytes-reserved') for (const grant of countedIn(event)) ledger.reserved({ ...event, grant }, event.atMs);
  else if (event.kind === 'bytes-returned')
    for (const grant of countedIn(event)) ledger.returned({ ...event, grant }, event.atMs);
  else if (event.kind === 'daemon-start') ledger.ended(event.atMs); // of a run that was killed
}

function countUse(all: Map<string, { grant: Uint8Array; total: number; recentAtMs: number[] }>, event: AuditEvent): void {
  if (event.kind !== 'consumed') return;
  for (const grant of countedIn(event)) {
    const key = toHex(grant);
    const known = all.get(key) ?? { grant, total: 0, recentAtMs: [] };
    all.set(key, known);
    known.total += 1;
    known.recentAtMs.push(event.atMs);
    if (known.recentAtMs.length >= 2 * maxWindowUses) known.recentAtMs = known.recentAtMs.slice(-maxWindowUses);
  }
}

/** [VAULT-17] */
const countedIn = ({ grant, budget }: { readonly grant: Uint8Array; readonly budget?: Uint8Array }): readonly Uint8Array[] =>
  budget === undefined ? [grant] : [grant, budget];

function trimmed({ grant, total, recentAtMs }: Counted): Counted {
  const newestMs = recentAtMs.at(-1) ?? 0;
  return { grant, total, recentAtMs: recentAtMs.slice(-maxWindowUses).filter((atMs) => atMs > newestMs - maxWindowMs) };
}
