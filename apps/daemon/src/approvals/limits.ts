// How often a session may ask, spec/approval.md: an operator who is asked again and again approves by reflex in the end. Counted on the monotonic
// clock, of a session and all that it starts beside itself together, forgotten with it.

import type { Act, Outcome } from '@holdfast/protocol/approvals/ask';
import { toHex, utf8 } from '@holdfast/protocol/codec/bytes';
import type { Primitives } from '@holdfast/protocol/primitives/primitives';
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
  /** Until when acts are denied unasked. */
  readonly denied: Map<string, number>;
}

/** One for what an operator would answer alike: of an act all but who says it, in which words, and for which ask. Never throws. */
export function sameActs(primitives: Primitives, act: Act): string {
  const beside = ['key', 'reported', 'reason', 'subagent', 'directory'];
  const said = JSON.stringify(act, (name, value: unknown) => (beside.includes(name) ? undefined : value));
  return toHex(primitives.sha256(utf8(said)));
}

export class AskLimits {
  private readonly clock: Clock;
  private readonly sessions = new Map<string, Session>();
  /** Of sessions that a session started: the first one above them. */
  private readonly first = new Map<string, string>();

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** `session` was started by `parent`, and asks as a part of it from now on, until it is forgotten. */
  beside(session: Uint8Array, parent: Uint8Array): void {
    this.first.set(toHex(session), this.countedAs(parent));
  }

  /** The session that asks of this one count for. A caller keeps it from `begin` to `end`: the session may be gone by then. */
  countedAs(session: Uint8Array): string {
    const key = toHex(session);
    return this.first.get(key) ?? key;
  }

  /** `ask`: a place is taken until `end`. Otherwise what the answer is without asking. `act` tells what is asked, whoever asks. [APPROVAL-8] */
  begin(counted: string, act: string): 'ask' | 'crowded' | 'denied' {
    const nowMs = this.clock.monotonicMs();
    const found = this.of(counted);
    if ((found.denied.get(act) ?? -Infinity) > nowMs) return 'denied';
    found.begun = found.begun.filter((atMs) => atMs > nowMs - windowMs);
    if (found.open >= maxOpen || found.begun.length >= maxBegun) return 'crowded';
    found.open += 1;
    found.begun.push(nowMs);
    return 'ask';
  }

  end(counted: string, act: string, outcome: Outcome): void {
    const found = this.of(counted);
    found.open = Math.max(0, found.open - 1);
    const nowMs = this.clock.monotonicMs();
    for (const [each, untilMs] of found.denied) if (untilMs <= nowMs) found.denied.delete(each);
    if (outcome === 'denied') found.denied.set(act, nowMs + deniedMs);
  }

  forget(session: Uint8Array): void {
    this.first.delete(toHex(session));
    this.sessions.delete(toHex(session));
  }

  private of(key: string): Session {
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
