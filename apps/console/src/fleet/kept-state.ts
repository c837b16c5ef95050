// Keeps what was verified for the next start, and shows what was kept when the relay can't be reached before anything was read. [BKEY-14]

import type { Replica } from '@holdfast/protocol/journal/replica';
import type { Known, LastKnown } from '../store/last-known.ts';
import type { LiveClock } from './live-fleet.ts';

/** A fleet where much happens is written down not more often. */
const keptEveryMs = 10_000;

export class KeptState {
  readonly #lastKnown: Pick<LastKnown, 'read' | 'keep'>;
  readonly #clock: LiveClock;
  readonly #show: (known: Known) => void;
  readonly #ended = new AbortController();
  #hasRead = false;
  #isKeeping = false;
  #keptAtMs = 0;

  constructor(lastKnown: Pick<LastKnown, 'read' | 'keep'>, clock: LiveClock, show: (known: Known) => void) {
    this.#lastKnown = lastKnown;
    this.#clock = clock;
    this.#show = show;
  }

  /** The relay can't be reached. */
  async lost(): Promise<void> {
    if (this.#hasRead) return;
    const known = await this.#lastKnown.read();
    if (known !== undefined && !this.#hasRead && !this.#ended.signal.aborted) this.#show(known);
  }

  /** Something was read and verified. What comes until it is written down is in it. */
  async read(replica: Pick<Replica, 'snapshot'>): Promise<void> {
    this.#hasRead = true;
    if (this.#isKeeping) return;
    this.#isKeeping = true;
    const leftMs = Math.max(0, Math.min(keptEveryMs, this.#keptAtMs + keptEveryMs - this.#clock.nowMs()));
    await this.#clock.wait(leftMs, this.#ended.signal);
    this.#isKeeping = false;
    if (this.#ended.signal.aborted) return; // locked: the replica is wiped
    this.#keptAtMs = this.#clock.nowMs();
    await this.#lastKnown.keep(replica.snapshot(), this.#keptAtMs);
  }

  end(): void {
    this.#ended.abort();
  }
}
