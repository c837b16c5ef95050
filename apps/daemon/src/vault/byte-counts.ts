// How many bytes may still pass with each grant of one agent, and under its budget, spec/fence.md: reserved before they pass, for all its sessions and
// children together.
// Spans are measured by the monotonic clock: a wall clock that is set makes nothing older.

import { HoldfastError } from '@holdfast/protocol/errors';
import type { AmountLimits } from '@holdfast/protocol/vault/circumstances';
import type { Clock } from '../ports.ts';
import { spent, type Account } from './account.ts';
import { ByteLedger, type Passed } from './byte-ledger.ts';
import type { Used } from './use-counts.ts';

/** A use's first reservation, and its largest: each is one durable record, and what is lost of it by a crash. */
const firstStepBytes = 16 * 1024;
const maxStepBytes = 1024 * 1024;
const stepGrowth = 4;
/** Of what is left, so that many at once have some. */
const shareOfWhatIsLeft = 8;

/** What bytes are taken from before they pass. */
export interface BytePurse {
  /** At this moment; infinity: nothing limits them. */
  left(): number;
  take(bytes: number): void;
  giveBack(bytes: number): void;
  /** Why no more may pass. */
  spent(): HoldfastError;
}

/** Where a use's reservations are written. */
export interface ByteRecord {
  /** Resolves when it would survive a power loss. */
  reserved(bytes: number): Promise<void>;
  returned(bytes: number): void;
}

export class ByteCounts {
  readonly #clock: Clock;
  readonly #ledger = new ByteLedger();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** What passed by the log, told by the wall clock; what is open in it is so no more. A time that lies ahead is now. */
  add(log: ByteLedger): void {
    const [nowMs, monotonicMs] = [this.#clock.nowMs(), this.#clock.monotonicMs()];
    log.ended(nowMs);
    const here = (atMs: number): number => monotonicMs - Math.max(0, nowMs - atMs);
    const passed = ({ fromMs, atMs, bytes }: Passed): Passed => ({ fromMs: here(fromMs), atMs: here(atMs), bytes });
    this.#ledger.add(log.grants().map((each) => ({ ...each, recent: each.recent.map(passed) })));
  }

  usedOf(id: Uint8Array, { windows }: AmountLimits): Used {
    const nowMs = this.#clock.monotonicMs();
    return this.#ledger.usedOf(
      id,
      windows.map(({ windowMs }) => nowMs - windowMs),
    );
  }

  /** Throws `fence_bytes`, `budget_spent`. */
  assertLeft(account: Account): void {
    if (this.#leftOf(account) < 1) throw spent(account, 'bytes'); // [FENCE-38]
  }

  /** For one use. `limits`: those that hold when it is asked. */
  purse({ id, kind }: Account, handle: Uint8Array, limits: () => AmountLimits | undefined): BytePurse {
    const by = { grant: id, handle };
    return {
      left: () => this.#leftOf({ id, bytes: limits() }),
      take: (bytes) => this.#ledger.reserved({ ...by, bytes }, this.#clock.monotonicMs()),
      giveBack: (bytes) => this.#ledger.returned({ ...by, bytes }, this.#clock.monotonicMs()),
      spent: () => spent({ kind }, 'bytes'),
    };
  }

  #leftOf({ id, bytes: limits }: Pick<Account, 'id' | 'bytes'>): number {
    if (limits === undefined) return Infinity;
    const { total, windows } = this.usedOf(id, limits);
    return Math.min(
      (limits.total ?? Infinity) - total,
      ...limits.windows.map(({ max }, index) => max - (windows[index] ?? Infinity)),
    );
  }
}

/** The bytes of one use, both ways together. What passed is told before it passes; after `end` nothing does. */
export class ByteFlow {
  readonly #purses: readonly BytePurse[];
  readonly #record: ByteRecord;
  /** Reserved durably, and passed by nothing. */
  #free = 0;
  #step = firstStepBytes;
  #reserved = false;
  #ended = false;
  /** One reservation after the other: what is left of one is used with the next. */
  #turn: Promise<void> = Promise.resolve();

  /** Each has to have what passes. */
  constructor(purses: readonly BytePurse[], record: ByteRecord) {
    this.#purses = purses;
    this.#record = record;
  }

  /** Undefined: they may pass. Else they may when it resolves. Rejects with what a purse is spent with, `audit_unavailable`, `request_cut`; then none of them may. */
  take(bytes: number): Promise<void> | undefined {
    if (bytes <= this.#free && !this.#ended) {
      this.#free -= bytes;
      return undefined;
    }
    const taken = this.#turn.then(() => this.#takeMore(bytes));
    this.#turn = taken.catch(() => {});
    return taken;
  }

  /** Reserves so many ahead. Rejects as `take`. */
  async ready(bytes: number): Promise<void> {
    await this.take(bytes);
    this.#free += bytes;
  }

  /** Gives back what did not pass. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    if (!this.#reserved) return;
    for (const purse of this.#purses) purse.giveBack(this.#free);
    this.#record.returned(this.#free); // [FENCE-39]
    this.#free = 0;
  }

  async #takeMore(bytes: number): Promise<void> {
    this.#assertGoing();
    const reserves = Math.max(0, bytes - this.#free);
    if (reserves === 0) return void (this.#free -= bytes);
    const reserved = this.#reserve(reserves);
    const rest = this.#free + reserved - bytes;
    this.#free = 0; // assigned to these bytes, whatever else comes meanwhile
    this.#reserved = true;
    this.#step = Math.min(this.#step * stepGrowth, maxStepBytes);
    await this.#record.reserved(reserved); // [FENCE-39] no record, no byte
    this.#assertGoing();
    this.#free += rest;
  }

  /** So many for what waits, and some of its step besides, at once: of many together no more than are left. */
  #reserve(bytes: number): number {
    const left = this.#purses.map((purse) => ({ purse, bytes: purse.left() }));
    const empty = left.find((each) => each.bytes < bytes);
    if (empty !== undefined) throw empty.purse.spent(); // [FENCE-38]
    const share = Math.min(...left.map((each) => Math.floor(each.bytes / shareOfWhatIsLeft)));
    const reserved = Math.max(bytes, Math.min(this.#step, share));
    for (const { purse } of left) purse.take(reserved);
    return reserved;
  }

  #assertGoing(): void {
    if (this.#ended) throw new HoldfastError('request_cut', 'the use of this credential is over');
  }
}
