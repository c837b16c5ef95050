// Whether somebody set the wall clock, spec/audit.md: held against the monotonic clock within a run, and against the last record before it.

import type { AuditReport } from '@holdfast/protocol/audit/event';

/** Less is what a clock that is kept right by a time service does, and a process that waited between two readings. */
const toleratedMs = 5000;

/** Both clocks, read at once. */
export interface Moment {
  readonly wallMs: number;
  readonly monotonicMs: number;
}

export class WallClock {
  /** What the wall clock is ahead of the monotonic one, as last told. */
  private offsetMs: number | undefined;
  /** Of the last record of the run before. */
  private readonly lastAtMs: number;

  constructor(lastAtMs = 0) {
    this.lastAtMs = lastAtMs;
  }

  /** What to record before the record of this moment; each move is told once. [AUDIT-41] */
  moved({ wallMs, monotonicMs }: Moment): Extract<AuditReport, { kind: 'clock-moved' }> | undefined {
    const offsetMs = wallMs - monotonicMs;
    const byMs = Math.round(this.offsetMs === undefined ? Math.min(0, wallMs - this.lastAtMs) : offsetMs - this.offsetMs);
    this.offsetMs ??= offsetMs;
    if (Math.abs(byMs) <= toleratedMs) return undefined;
    this.offsetMs = offsetMs;
    return { kind: 'clock-moved', to: byMs < 0 ? 'back' : 'forward', byMs: Math.abs(byMs) };
  }
}
