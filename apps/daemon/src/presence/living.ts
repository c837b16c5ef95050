// The living sessions of one agent as an operator elsewhere is shown them, spec/presence.md: what each is, what it does just now as its harness says,
// and under which of the operators' words its last turn was. In memory alone; nothing is decided by it.

import type { PresentSession } from '@holdfast/protocol/approvals/presence';
import { beginningOf } from '@holdfast/protocol/approvals/presence';
import { actOf } from '@holdfast/protocol/approvals/call';
import { blotted, withoutPlaceholders } from '@holdfast/protocol/audit/act';
import { toHex } from '@holdfast/protocol/codec/bytes';
import type { ToolCall } from '@holdfast/protocol/rules/call';
import { keepNewest } from '../newest.ts';

/** A harness that never says that a call is over fills no memory. */
const maxUnderWay = 256;
/** So much of a text is searched for secrets before it is cut. */
const maxSearched = 4096;
const maxNamed = 128;

/** What the daemon knows of a session when it begins. */
export interface LivingFacts {
  readonly session: Uint8Array;
  readonly mode: 'sealed' | 'guarded';
  readonly program: string;
  readonly startedAtMs: number;
  readonly child?: Uint8Array | undefined;
  /** Its harness lets acts pass when a hook fails. */
  readonly unfit?: boolean;
}

type Doing = NonNullable<PresentSession['now']>;

export class LivingSession {
  readonly #facts: LivingFacts;
  readonly #nowMs: () => number;
  readonly #changed: () => void;
  readonly #underWay = new Map<string, Doing>();
  #calls = 0;
  #movedAtMs: number;
  #suspended = false;
  #turnAtMs: number | undefined;
  #rules: number | undefined;
  #bedrock: number | undefined;

  constructor(facts: LivingFacts, nowMs: () => number, changed: () => void) {
    this.#facts = facts;
    this.#nowMs = nowMs;
    this.#changed = changed;
    this.#movedAtMs = facts.startedAtMs;
  }

  /** A call of a tool is about to be judged; `id`: the harness's own. */
  begins(id: string, call: ToolCall): void {
    this.#underWay.delete(id);
    this.#underWay.set(id, { ...shown(call), sinceMs: this.#move() });
    keepNewest(this.#underWay, maxUnderWay);
    this.#changed();
  }

  /** It has run, or will not. */
  over(id: string): void {
    if (this.#underWay.delete(id)) this.#changed();
  }

  /** An act was judged by this set of rules; undefined: by none. [PRESENCE-8] */
  judged(rules: number | undefined): void {
    this.#calls += 1;
    this.#rules = rules;
    this.#move();
    this.#changed();
  }

  /** A turn begins: whatever was under way in that harness was interrupted. [PRESENCE-8] */
  turns(rules: number | undefined): void {
    this.#underWay.clear();
    this.#rules = rules;
    this.#turnAtMs = this.#move();
    this.#changed();
  }

  /** The context of its newest turn has this version of bedrock. [PRESENCE-8] */
  hears(bedrock: number): void {
    this.#bedrock = bedrock;
    this.#changed();
  }

  set suspended(is: boolean) {
    if (this.#suspended === is) return;
    this.#suspended = is;
    this.#changed();
  }

  get suspended(): boolean {
    return this.#suspended;
  }

  /** When it last did something. */
  get movedAtMs(): number {
    return this.#movedAtMs;
  }

  view(): PresentSession {
    const { session, mode, program, startedAtMs, child, unfit } = this.#facts;
    const [now] = [...this.#underWay.values()].slice(-1);
    const more = this.#underWay.size - 1;
    return {
      ...{ session, mode, program, startedAtMs, calls: this.#calls },
      ...(child !== undefined && { child }),
      ...(now !== undefined && { now }),
      ...(more > 0 && { more }),
      ...(this.#suspended && { suspended: true as const }),
      ...(unfit === true && { unfit: true as const }),
      ...(this.#turnAtMs !== undefined && { turnAtMs: this.#turnAtMs }),
      ...(this.#rules !== undefined && { rules: this.#rules }),
      ...(this.#bedrock !== undefined && { bedrock: this.#bedrock }),
    };
  }

  #move(): number {
    this.#movedAtMs = Math.trunc(this.#nowMs());
    return this.#movedAtMs;
  }
}

/** Secrets of known shapes are blotted before anything is cut. [PRESENCE-9] */
function shown(call: ToolCall): Omit<Doing, 'sinceMs'> {
  const [path] = call.paths ?? [];
  const said = call.command ?? call.url ?? path ?? wordsOf(call);
  const searched = beginningOf(said, maxSearched);
  const begun = beginningOf(blotted(withoutPlaceholders(searched.text)));
  const cut = (begun.cut ?? 0) + (searched.cut ?? 0);
  return {
    tool: call.tool,
    name: beginningOf(call.name, maxNamed).text,
    text: begun.text,
    ...(cut > 0 && { cut }),
  };
}

function wordsOf(call: ToolCall): string {
  try {
    const act = actOf(call);
    return act.kind === 'tool-call' ? act.text : '';
  } catch {
    return ''; // what has no canonical form is judged elsewhere, and denied
  }
}

export class LivingSessions {
  readonly #nowMs: () => number;
  readonly #sessions = new Map<string, LivingSession>();
  #changed: () => void = () => {};

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** Who is told of each change; at most one. */
  onChange(changed: () => void): void {
    this.#changed = changed;
  }

  begin(facts: LivingFacts): LivingSession {
    const session = new LivingSession(facts, this.#nowMs, () => this.#changed());
    this.#sessions.set(toHex(facts.session), session);
    this.#changed();
    return session;
  }

  end(session: Uint8Array): void {
    if (this.#sessions.delete(toHex(session))) this.#changed();
  }

  /** Those that did something last come first. */
  all(): readonly LivingSession[] {
    return [...this.#sessions.values()].toSorted((a, b) => b.movedAtMs - a.movedAtMs);
  }
}
