// Whether the fleet's state is fresh enough to mint, DESIGN §3, spec/freshness.md: the relay's word on our heads at most 60 s old and an
// operator's pulse within what the fleet allows. Ages count on the monotonic clock and on the wall clock; the larger one holds, so that
// neither a wall clock set back nor a suspended machine makes anything younger.

import type { ErrorCode } from '@holdfast/protocol/errors';
import type { Clock } from './ports.ts';

export const maxRelayAgeMs = 60_000;
/** A pulse may be dated this far ahead of our clock; further ahead it is not believed. */
export const maxPulseAheadMs = 5 * 60_000;

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
  /** When the pulse was first seen here, and how old it already was then. */
  private pulse: (Mark & { readonly atMs: number; readonly ageMs: number }) | undefined;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  mark(): Mark {
    return { wallMs: this.clock.nowMs(), monotonicMs: this.clock.monotonicMs() };
  }

  /** The relay confirmed our control head in answer to a nonce; the proof is as old as the moment the nonce was SENT. */
  relayConfirmed(asked: Mark): void {
    if (this.relay === undefined || asked.monotonicMs > this.relay.monotonicMs) this.relay = asked; // [FRESHNESS-5]
  }

  /** A verified pulse. Older ones than the one held are ignored; one from the future is not believed. */
  pulseSeen(atMs: number): 'taken' | 'ignored' {
    const seen = this.mark();
    if (atMs > seen.wallMs + maxPulseAheadMs) return 'ignored';
    if (this.pulse !== undefined && atMs <= this.pulse.atMs) return 'ignored';
    this.pulse = { ...seen, atMs, ageMs: Math.max(0, seen.wallMs - atMs) };
    return 'taken';
  }

  get pulseAtMs(): number | undefined {
    return this.pulse?.atMs;
  }

  private ageOf(mark: Mark): number {
    const now = this.mark();
    return Math.max(now.monotonicMs - mark.monotonicMs, now.wallMs - mark.wallMs, 0);
  }

  view(pulseMaxAgeMs: number): FreshnessView {
    const relayAgeMs = this.relay && this.ageOf(this.relay);
    const pulseAgeMs = this.pulse && this.pulse.ageMs + this.ageOf(this.pulse);
    const refusal =
      relayAgeMs === undefined || relayAgeMs > maxRelayAgeMs
        ? 'stale_relay'
        : pulseAgeMs === undefined || pulseAgeMs > pulseMaxAgeMs
          ? 'stale_pulse'
          : undefined;
    return { relayAgeMs, pulseAgeMs, pulseMaxAgeMs, refusal };
  }
}
