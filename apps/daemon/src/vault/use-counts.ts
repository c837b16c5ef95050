// How often each grant of one agent was used, and all of them under its budget, spec/fence.md: counted before the use is written, and read back from the audit log, whose durable record
// of a use is what counts. Spans are measured by the monotonic clock: a wall clock that is set makes no use older.

import { toHex } from '@holdfast/protocol/codec/bytes';
import { maxWindowMs, maxWindowUses, type AmountLimits } from '@holdfast/protocol/vault/circumstances';
import type { Clock } from '../ports.ts';
import { spent, type Account } from './account.ts';

export interface Used {
  readonly total: number;
  /** Within each window of the limits, in their order. */
  readonly windows: readonly number[];
}

interface Count {
  total: number;
  /** When the last uses were, by the monotonic clock; oldest first. */
  recent: number[];
}

export class UseCounts {
  readonly #clock: Clock;
  readonly #counts = new Map<string, Count>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Uses of the log, oldest first: `total` of them, the last ones at these times. A time that lies ahead is now. */
  add(id: Uint8Array, total: number, recentAtMs: readonly number[]): void {
    const [nowMs, monotonicMs] = [this.#clock.nowMs(), this.#clock.monotonicMs()];
    const count = this.#countOf(id);
    count.total += total;
    for (const atMs of recentAtMs) count.recent.push(monotonicMs - Math.max(0, nowMs - atMs));
    count.recent.sort((one, other) => one - other); // the wall clock may have been set between two
  }

  usedOf(id: Uint8Array, { windows }: AmountLimits): Used {
    const nowMs = this.#clock.monotonicMs();
    const count = this.#counts.get(toHex(id)) ?? { total: 0, recent: [] };
    return { total: count.total, windows: windows.map(({ windowMs }) => within(count.recent, nowMs - windowMs)) };
  }

  /** Throws `fence_uses`, `budget_spent`. */
  assertLeft(account: Account): void {
    const limits = account.uses;
    if (limits === undefined) return;
    const { total, windows } = this.usedOf(account.id, limits);
    const isLeft =
      total < (limits.total ?? Infinity) && limits.windows.every(({ max }, index) => (windows[index] ?? Infinity) < max);
    if (!isLeft) throw spent(account, 'uses'); // [FENCE-31]
  }

  /** One use, before it is written: of many at once no more pass than are left. One that cannot be written stays counted. Throws `fence_uses`, `budget_spent`. */
  take(accounts: readonly Account[]): void {
    for (const account of accounts) this.assertLeft(account);
    const nowMs = this.#clock.monotonicMs();
    for (const { id } of accounts) {
      const count = this.#countOf(id);
      count.total += 1;
      count.recent.push(nowMs);
      if (count.recent.length >= 2 * maxWindowUses)
        count.recent = count.recent.slice(-maxWindowUses).filter((atMs) => atMs > nowMs - maxWindowMs);
    }
  }

  #countOf(id: Uint8Array): Count {
    const key = toHex(id);
    const count = this.#counts.get(key) ?? { total: 0, recent: [] };
    this.#counts.set(key, count);
    return count;
  }
}

/** How many lie after `sinceMs`; the last ones, since they are in order. */
function within(recent: readonly number[], sinceMs: number): number {
  let index = recent.length;
  while (index > 0 && (recent[index - 1] ?? sinceMs) > sinceMs) index -= 1;
  return recent.length - index;
}
