// When an open page locks by itself, spec/console-key.md: after a time without input, by the clock that says more. A page that slept is locked before
// its first touch counts.

const minute = 60_000;
/** Minutes, as the setting has them. [BKEY-11] */
export const autoLockMinutes = { least: 1, usual: 10, most: 60 } as const;

export interface Clocks {
  /** Does not go back, and may stand still while the machine sleeps. */
  monotonicMs(): number;
  /** Goes on while the machine sleeps, and may be set. */
  wallMs(): number;
  /** Calls once, and returns what ends it. */
  after(ms: number, call: () => void): () => void;
}

export class AutoLock {
  readonly #clocks: Clocks;
  readonly #lock: () => void;
  #afterMs = autoLockMinutes.usual * minute;
  #last: { readonly monotonicMs: number; readonly wallMs: number } | undefined;
  #stop: () => void = () => {};

  /** `lock` is called once for each `start`. */
  constructor(clocks: Clocks, lock: () => void) {
    this.#clocks = clocks;
    this.#lock = lock;
  }

  /** With an unlock. */
  start(minutes: number = autoLockMinutes.usual): void {
    this.minutes = minutes;
    this.#touch();
    this.#wait();
  }

  /** Of the setting; what is out of its bounds becomes the nearest that is not. */
  set minutes(minutes: number) {
    const { least, usual, most } = autoLockMinutes;
    const wanted = Number.isFinite(minutes) ? minutes : usual;
    this.#afterMs = Math.min(most, Math.max(least, wanted)) * minute;
    this.#wait();
  }

  /** An input, here or in another tab. */
  touched(): void {
    if (this.#last === undefined) return;
    this.look(); // before it counts: what was asleep is locked
    if (this.#last !== undefined) this.#touch();
  }

  /** When the page is seen again, thaws, or its timer rings. */
  look(): void {
    if (this.#last === undefined) return;
    if (this.#idleMs(this.#last) >= this.#afterMs) this.now();
  }

  /** By hand, or since the page leaves. */
  now(): void {
    if (this.#last === undefined) return;
    this.#last = undefined;
    this.#stop();
    this.#lock();
  }

  #touch(): void {
    this.#last = { monotonicMs: this.#clocks.monotonicMs(), wallMs: this.#clocks.wallMs() };
  }

  #wait(): void {
    this.#stop();
    if (this.#last === undefined) return;
    const leftMs = Math.max(0, this.#afterMs - this.#idleMs(this.#last));
    this.#stop = this.#clocks.after(leftMs, () => {
      this.look();
      this.#wait();
    });
  }

  #idleMs({ monotonicMs, wallMs }: { readonly monotonicMs: number; readonly wallMs: number }): number {
    return Math.max(this.#clocks.monotonicMs() - monotonicMs, this.#clocks.wallMs() - wallMs);
  }
}
