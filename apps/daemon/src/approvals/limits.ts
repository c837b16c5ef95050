// How often a session may ask, spec/approval.md: an operator who is asked again and again approves by reflex in the end. Counted on the monotonic
// clock, a session's own, forgotten with it.

import { toHex } from '@holdfast/protocol/codec/bytes';
import type { Outcome } from '@holdfast/protocol/approvals/ask';
import type { Clock } from '../ports.ts';

const maxOpen = 3;
const maxBegun = 20;
const windowMs = 10 * 60_000;
/** How long an operator's no stands for the same call. */
const deniedMs = 5 * 60_000;
/** Sessions that nobody ends (guarded ones) must not pile up; the one that asked longest ago is forgotten. */
const maxSessions = 1024;

interface Session {
  open: number;
  /** When asks began, within the window. */
  begun: number[];
  /** Until when calls are denied unasked. */
  readonly denied: Map<string, number>;
}

export class AskLimits {
  private readonly clock: Clock;
  private readonly sessions = new Map<string, Session>();

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** `ask`: a place is taken until `end`. Otherwise what the answer is without asking. [APPROVAL-8] */
  begin(session: Uint8Array, call: Uint8Array): 'ask' | 'crowded' | 'denied' {
    const nowMs = this.clock.monotonicMs();
    const found = this.of(session);
    if ((found.denied.get(toHex(call)) ?? -Infinity) > nowMs) return 'denied';
    found.begun = found.begun.filter((atMs) => atMs > nowMs - windowMs);
    if (found.open >= maxOpen || found.begun.length >= maxBegun) return 'crowded';
    found.open += 1;
    found.begun.push(nowMs);
    return 'ask';
  }

  end(session: Uint8Array, call: Uint8Array, outcome: Outcome): void {
    const found = this.of(session);
    found.open = Math.max(0, found.open - 1);
    const nowMs = this.clock.monotonicMs();
    for (const [each, untilMs] of found.denied) if (untilMs <= nowMs) found.denied.delete(each);
    if (outcome === 'denied') found.denied.set(toHex(call), nowMs + deniedMs);
  }

  forget(session: Uint8Array): void {
    this.sessions.delete(toHex(session));
  }

  private of(session: Uint8Array): Session {
    const key = toHex(session);
    const found = this.sessions.get(key) ?? { open: 0, begun: [], denied: new Map<string, number>() };
    this.sessions.delete(key);
    this.sessions.set(key, found); // the youngest now
    for (const [oldest, { open }] of this.sessions) {
      if (this.sessions.size <= maxSessions) break;
      if (open === 0) this.sessions.delete(oldest);
    }
    return found;
  }
}
