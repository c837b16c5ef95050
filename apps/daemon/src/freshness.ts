// Whether the fleet's state is fresh enough to mint, DESIGN §3, spec/freshness.md and spec/pulse.md: the relay's word on our heads at most 60 s
// old and an operator's pulse within what the fleet allows. Ages count on the monotonic clock and on the wall clock; the larger one holds, so
// that neither a wall clock set back nor a suspended machine makes anything younger.

import type { ErrorCode } from '@holdfast/protocol/errors';
import type { Clock } from './ports.ts';

/** How old the relay's word on our heads may be when a handle is minted. */
const maxRelayAgeMs = 60_000;

interface Mark {
  readonly wallMs: number;
  readonly monotonicMs: number;
}

export interface FreshnessView {
  readonly relayAgeMs: number | undefined;
  readonly pulseAgeMs: number | undefined;
  readonly pulseMaxAgeMs: number;
  readonly refusal: ErrorCode | undefined;
}

export class Freshness {
  private readonly clock: Clock;
  private relay: Mark | undefined;
  /** When the pulse was first counted here, and how old it already was then. */
  private pulse: (Mark & { readonly atMs: number; readonly ageMs: number }) | undefined;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  mark(): Mark {
    return { wallMs: this.clock.nowMs(), monotonicMs: this.clock.monotonicMs() };
  }

  /** The relay confirmed our control head in answer to a nonce; the proof is as old as the moment the nonce was SENT. */
  relayConfirmed(asked: Mark): void {
    if (this.relay === undefined || asked.monotonicMs > this.relay.monotonicMs) this.relay = asked; // [FRESH-8]
  }

  /** What the relay confirmed is worth nothing any more. */
  relayDoubted(): void {
    this.relay = undefined;
  }

  /**
   * A verified pulse; one that is not newer than the one held changes nothing. `countedMs`: how old it was counted before a restart, so
   * that a clock set back meanwhile makes it no younger.
   */
  pulseSeen(atMs: number, countedMs = 0): void {
    if (this.pulse !== undefined && atMs <= this.pulse.atMs) return;
    const seen = this.mark();
    this.pulse = { ...seen, atMs, ageMs: Math.max(countedMs, seen.wallMs - atMs, 0) }; // [PULSE-7]
  }

  /** Undefined: none yet. */
  get pulseAgeMs(): number | undefined {
    return this.pulse && this.pulse.ageMs + this.ageOf(this.pulse); // [PULSE-7]
  }

  /** The wall clock's time, but no earlier than the newest pulse and its age: a clock that was set back does not bring back the past. [FENCE-30] */
  get nowMs(): number {
    const { pulse, pulseAgeMs = 0 } = this;
    return Math.max(this.clock.nowMs(), pulse === undefined ? 0 : pulse.atMs + pulseAgeMs);
  }

  view(pulseMaxAgeMs: number): FreshnessView {
    const relayAgeMs = this.relay && this.ageOf(this.relay);
    const { pulseAgeMs } = this;
    const refusal =
      relayAgeMs === undefined || relayAgeMs > maxRelayAgeMs
        ? 'stale_relay' // [FRESH-8]
        : pulseAgeMs === undefined || pulseAgeMs > pulseMaxAgeMs
          ? 'stale_pulse' // [PULSE-6]
          : undefined;
    return { relayAgeMs, pulseAgeMs, pulseMaxAgeMs, refusal };
  }

  private ageOf(mark: Mark): number {
    const now = this.mark();
    return Math.max(now.monotonicMs - mark.monotonicMs, now.wallMs - mark.wallMs, 0); // [FRESH-8]
  }
}
