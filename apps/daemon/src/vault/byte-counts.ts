// How many bytes may still pass with each grant of one agent, spec/fence.md: reserved before they pass, for all its sessions and children together.
// Spans are measured by the monotonic clock: a wall clock that is set makes nothing older.

import { HoldfastError } from '@holdfast/protocol/errors';
import type { AmountLimits } from '@holdfast/protocol/vault/circumstances';
import type { Clock } from '../ports.ts';
import { ByteLedger, type Passed } from './byte-ledger.ts';
import type { Used } from './use-counts.ts';

/** A use's first reservation, and its largest: each is one durable record, and what is lost of it by a crash. */
const firstStepBytes = 16 * 1024;
const maxStepBytes = 1024 * 1024;
const stepGrowth = 4;
/** Of what is left, so that many at once have some. */
const shareOfWhatIsLeft = 8;

interface ByUse {
  readonly grant: Uint8Array;
  readonly handle: Uint8Array;
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

  usedOf(grant: Uint8Array, { windows }: AmountLimits): Used {
    const nowMs = this.#clock.monotonicMs();
    return this.#ledger.usedOf(
      grant,
      windows.map(({ windowMs }) => nowMs - windowMs),
    );
  }

  /** Throws `fence_bytes`. */
  assertLeft(grant: Uint8Array, limits: AmountLimits, bytes = 1): void {
    if (this.#leftOf(grant, limits) < bytes)
      throw new HoldfastError('fence_bytes', 'no more bytes may pass with this credential', {
        next: 'wait, if it may be used again later; else ask the operator for another grant',
      }); // [FENCE-38]
  }

  /** So many for what waits, and some of `step` besides, at once: of many together no more than are left. Throws `fence_bytes`. */
  reserve(by: ByUse, limits: AmountLimits, { bytes, step }: { readonly bytes: number; readonly step: number }): number {
    this.assertLeft(by.grant, limits, bytes);
    const share = Math.floor(this.#leftOf(by.grant, limits) / shareOfWhatIsLeft);
    const reserved = Math.max(bytes, Math.min(step, share));
    this.#ledger.reserved({ ...by, bytes: reserved }, this.#clock.monotonicMs());
    return reserved;
  }

  giveBack(by: ByUse, bytes: number): void {
    this.#ledger.returned({ ...by, bytes }, this.#clock.monotonicMs());
  }

  #leftOf(grant: Uint8Array, limits: AmountLimits): number {
    const { total, windows } = this.usedOf(grant, limits);
    return Math.min(
      (limits.total ?? Infinity) - total,
      ...limits.windows.map(({ max }, index) => max - (windows[index] ?? Infinity)),
    );
  }
}

/** The bytes of one use, both ways together. What passed is told before it passes; after `end` nothing does. */
export class ByteFlow {
  readonly #counts: ByteCounts;
  readonly #by: ByUse;
  readonly #limits: AmountLimits;
  readonly #record: ByteRecord;
  /** Reserved durably, and passed by nothing. */
  #free = 0;
  #step = firstStepBytes;
  #reserved = false;
  #ended = false;
  /** One reservation after the other: what is left of one is used with the next. */
  #turn: Promise<void> = Promise.resolve();

  constructor(counts: ByteCounts, by: ByUse, limits: AmountLimits, record: ByteRecord) {
    this.#counts = counts;
    this.#by = by;
    this.#limits = limits;
    this.#record = record;
  }

  /** Undefined: they may pass. Else they may when it resolves. Rejects with `fence_bytes`, `audit_unavailable`, `request_cut`; then none of them may. */
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
    this.#counts.giveBack(this.#by, this.#free);
    this.#record.returned(this.#free); // [FENCE-39]
    this.#free = 0;
  }

  async #takeMore(bytes: number): Promise<void> {
    this.#assertGoing();
    const reserves = Math.max(0, bytes - this.#free);
    if (reserves === 0) return void (this.#free -= bytes);
    const reserved = this.#counts.reserve(this.#by, this.#limits, { bytes: reserves, step: this.#step });
    const rest = this.#free + reserved - bytes;
    this.#free = 0; // assigned to these bytes, whatever else comes meanwhile
    this.#reserved = true;
    this.#step = Math.min(this.#step * stepGrowth, maxStepBytes);
    await this.#record.reserved(reserved); // [FENCE-39] no record, no byte
    this.#assertGoing();
    this.#free += rest;
  }

  #assertGoing(): void {
    if (this.#ended) throw new HoldfastError('request_cut', 'the use of this credential is over');
  }
}
