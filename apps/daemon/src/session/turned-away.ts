// What came to a session's port and was no request, counted by code: a flood is on record, and does not fill it.

import type { ErrorCode } from '@holdfast/protocol/errors';

/** How long a count may wait for its record. [AUDIT-63] */
const tellMs = 1000;

export interface Counted {
  readonly code: ErrorCode;
  readonly count: number;
}

export class TurnedAway {
  readonly #record: (counts: readonly Counted[]) => void;
  readonly #counts = new Map<ErrorCode, number>();
  #timer: NodeJS.Timeout | undefined;

  constructor(record: (counts: readonly Counted[]) => void) {
    this.#record = record;
  }

  count(code: ErrorCode): void {
    this.#counts.set(code, (this.#counts.get(code) ?? 0) + 1);
    this.#timer ??= setTimeout(() => this.tell(), tellMs).unref();
  }

  /** Has recorded what there is, for whoever ends. */
  tell(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#counts.size === 0) return;
    const counts = [...this.#counts].map(([code, count]) => ({ code, count }));
    this.#counts.clear();
    this.#record(counts);
  }
}
