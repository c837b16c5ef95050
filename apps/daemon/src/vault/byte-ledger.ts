// What the records of reserved and returned bytes come to, spec/fence.md: how many passed with each grant, or under a budget, and when. Pure, and the same for records that
// are read back and for those that are just being written; times are of whichever clock the caller has. Never says less than what passed.

import { toHex } from '@holdfast/protocol/codec/bytes';

/** Of one grant: past this many they are told in fewer, which leaves less than half. */
export const maxRecent = 2048;
/** By this part of its age, at most, is something told to be younger then. */
const partOfAge = 16;

/** Bytes that passed from one moment to another, and count as of the later one. */
export interface Passed {
  readonly fromMs: number;
  readonly atMs: number;
  readonly bytes: number;
}

/** Of one use that goes on. */
export interface OpenBytes {
  /** Or a budget. */
  readonly grant: Uint8Array;
  readonly handle: Uint8Array;
  /** What its newest reservation and the one before it brought: the rest has passed. */
  readonly older: number;
  readonly newest: number;
}

/** Of a grant, or of a budget. */
export interface GrantBytes {
  readonly grant: Uint8Array;
  /** With what is open. */
  readonly total: number;
  /** Without. */
  readonly recent: readonly Passed[];
}

interface Count {
  readonly grant: Uint8Array;
  total: number;
  open: number;
  recent: Passed[];
}

interface Reservation {
  readonly grant: Uint8Array;
  readonly handle: Uint8Array;
  readonly bytes: number;
}

export class ByteLedger {
  readonly #counts = new Map<string, Count>();
  readonly #open = new Map<string, OpenBytes>();

  /** What was kept of an earlier one. */
  add(grants: readonly GrantBytes[], open: readonly OpenBytes[] = []): void {
    for (const { grant, total, recent } of grants) {
      const count = this.#countOf(grant);
      count.total += total;
      count.recent.push(...recent);
    }
    for (const each of open) {
      this.#open.set(keyOf(each), each);
      this.#countOf(each.grant).open += each.older + each.newest;
    }
  }

  /** A use reserves anew only with what it had assigned to bytes that wait for this very record: so what came two steps before has passed by then. [FENCE-43] */
  reserved({ grant, handle, bytes }: Reservation, atMs: number): void {
    const count = this.#countOf(grant);
    count.total += bytes;
    count.open += bytes;
    const { older = 0, newest = 0 } = this.#open.get(keyOf({ grant, handle })) ?? {};
    pass(count, older, atMs);
    this.#open.set(keyOf({ grant, handle }), { grant, handle, older: newest, newest: bytes });
  }

  /** The use is over, and so many of its bytes did not pass. */
  returned({ grant, handle, bytes }: Reservation, atMs: number): void {
    const known = this.#open.get(keyOf({ grant, handle }));
    if (known === undefined) return;
    const count = this.#countOf(grant);
    const back = Math.min(bytes, known.older + known.newest);
    count.total -= back;
    count.open -= back;
    pass(count, known.older + known.newest - back, atMs);
    this.#open.delete(keyOf({ grant, handle }));
  }

  /** All uses are over, and what was open counts as passed. */
  ended(atMs: number): void {
    for (const { grant, handle } of this.#open.values()) this.returned({ grant, handle, bytes: 0 }, atMs);
  }

  /** What is open counts as passing now. [FENCE-43] */
  usedOf(grant: Uint8Array, sinceMs: readonly number[]): { readonly total: number; readonly windows: readonly number[] } {
    const { total, open, recent } = this.#counts.get(toHex(grant)) ?? { total: 0, open: 0, recent: [] };
    const within = (since: number): number => recent.reduce((sum, { atMs, bytes }) => (atMs > since ? sum + bytes : sum), open);
    return { total, windows: sinceMs.map(within) };
  }

  grants(): readonly GrantBytes[] {
    return [...this.#counts.values()].map(({ grant, total, recent }) => ({ grant, total, recent }));
  }

  open(): readonly OpenBytes[] {
    return [...this.#open.values()];
  }

  #countOf(grant: Uint8Array): Count {
    const key = toHex(grant);
    const count = this.#counts.get(key) ?? { grant, total: 0, open: 0, recent: [] };
    this.#counts.set(key, count);
    return count;
  }
}

const keyOf = ({ grant, handle }: Pick<OpenBytes, 'grant' | 'handle'>): string => toHex(grant) + toHex(handle);

function pass(count: Count, bytes: number, atMs: number): void {
  if (bytes === 0) return;
  count.open -= bytes;
  count.recent.push({ fromMs: atMs, atMs, bytes });
  if (count.recent.length > maxRecent) count.recent = inFewer(count.recent);
}

/** What lies close together for its age, as one: it counts for longer, never for less. [FENCE-43] */
function inFewer(recent: readonly Passed[]): Passed[] {
  const inOrder = recent.toSorted((one, other) => one.atMs - other.atMs); // the wall clock may have been set between two
  const newestMs = inOrder.at(-1)?.atMs ?? 0;
  const fewer: Passed[] = [];
  for (const next of inOrder) {
    const last = fewer.at(-1);
    const fromMs = Math.min(last?.fromMs ?? next.fromMs, next.fromMs);
    if (last !== undefined && next.atMs - fromMs <= (newestMs - next.atMs) / partOfAge)
      fewer[fewer.length - 1] = { fromMs, atMs: next.atMs, bytes: last.bytes + next.bytes };
    else fewer.push(next);
  }
  return fewer;
}
