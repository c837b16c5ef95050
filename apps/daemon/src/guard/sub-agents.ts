// The sub-agents of one session, as its harness tells of them, spec/guard.md "Sub-agents": of which type each is, who started it, and which of the agent's
// children it is. A harness does not say who started it; where two could have, what holds for either holds. Nothing that it says gives anything.

import type { Cause } from '@holdfast/protocol/audit/event';
import { equalBytes } from '@holdfast/protocol/codec/bytes';
import { HoldfastError } from '@holdfast/protocol/errors';
import type { Child } from '../children/child.ts';
import { keepNewest } from '../newest.ts';

/** A sub-agent that acts. */
export interface SubAgent {
  /** The harness's own id of it. */
  readonly id: string;
  /** Its type, then those of whoever started it, as rules see them; each once. */
  readonly types: readonly [string, ...string[]];
  /** What it does is done as this one: its own, or the nearest above it where no more may stand below that. Undefined: the session's. */
  readonly child: Child | undefined;
  /** The turn that it was started in; absent: not known. */
  readonly trace?: Uint8Array;
}

export interface SubAgentPorts {
  /** Of a clock that never falls. */
  nowMs(): number;
  /** A child of `parent`, or else of the session; undefined where none may stand below. Throws as the agent's children do. */
  enrol(name: string, parent: Child | undefined, cause: Cause): Promise<Child | undefined>;
  retire(child: Child): void;
}

/** All that is known of one. A harness may wake one that had ended, so it outlives its child. */
interface Entry {
  readonly id: string;
  types: SubAgent['types'];
  /** All that may stand above it, the nearest first, each once. */
  readonly above: readonly Entry[];
  readonly cause: Cause;
  own: Child | undefined;
  /** `own`, or the one above that it acts as. */
  as: Child | undefined;
  enrolled: Promise<SubAgent['child']> | undefined;
}

interface Wanted {
  readonly by: Entry | undefined;
  /** Undefined where the call does not say. */
  readonly type: string | undefined;
  readonly cause: Cause;
}

/** What a harness never says to be over must not fill the memory; the oldest is forgotten first. */
const maxKnown = 1024;
/** At once. Nobody starts so many; whoever makes events of its own must not keep the daemon busy. */
const maxLiving = 256;
const maxWanted = 256;
/** Each is a signature by a key store, which others wait for as well. */
const maxInMinute = 60;
/** For one of which nobody said what it is. */
const untold = 'unknown';

export class SubAgents {
  readonly #ports: SubAgentPorts;
  readonly #known = new Map<string, Entry>();
  readonly #living = new Set<Entry>();
  /** Calls that start one and may still do so, by their ids. */
  readonly #wanted = new Map<string, Wanted>();
  /** When children were asked for in the last minute. */
  #asked: readonly number[] = [];

  constructor(ports: SubAgentPorts) {
    this.#ports = ports;
  }

  /** A call that starts a sub-agent may run. */
  wants(call: string, by: SubAgent | undefined, type: string | undefined, cause: Cause = {}): void {
    this.#wanted.set(call, { by: by && this.#known.get(by.id), type, cause });
    keepNewest(this.#wanted, maxWanted);
  }

  /** That call is over: what it started has begun. */
  over(call: string): void {
    this.#wanted.delete(call);
  }

  /**
   * It begins, goes on after it had ended, or is about to do something: a harness may have kept its beginning to itself. Throws `child_ended` where an
   * operator ended it, or one that may have started it; and as the agent's children do.
   */
  async acts(id: string, type: string | undefined): Promise<SubAgent> {
    const entry = this.#known.get(id) ?? {
      id,
      ...this.#origin(type ?? untold),
      own: undefined,
      as: undefined,
      enrolled: undefined,
    };
    if (type !== undefined && entry.types[0] !== type)
      entry.types = [type, ...entry.types.filter((each) => each !== type && each !== untold)];
    if (!this.#living.has(entry) && this.#living.size >= maxLiving)
      throw new HoldfastError('limit_exceeded', `more than ${maxLiving} sub-agents at once`); // [GUARD-29]
    this.#known.delete(id);
    this.#known.set(id, entry);
    this.#living.add(entry);
    this.#forgetOldest();
    if ([entry, ...entry.above].some(({ own }) => own?.ended === 'revoked'))
      throw new HoldfastError('child_ended', 'an operator ended this sub-agent'); // [GUARD-29]
    if (entry.as?.ended !== undefined) entry.enrolled = undefined; // its time was over, or its parent's
    const enrolled = (entry.enrolled ??= this.#enrol(entry));
    try {
      const { trace } = entry.cause;
      return { id, types: entry.types, child: await enrolled, ...(trace !== undefined && { trace }) };
    } catch (thrown) {
      if (entry.enrolled === enrolled) {
        entry.enrolled = undefined;
        this.#living.delete(entry);
      }
      throw thrown;
    }
  }

  /** What is forgotten has ended; what an operator ended is not forgotten. */
  #forgetOldest(): void {
    for (const [oldest, { own }] of this.#known) {
      if (this.#known.size <= maxKnown) return;
      if (own?.ended === 'revoked') continue;
      this.ends(oldest);
      this.#known.delete(oldest);
    }
  }

  ends(id: string): void {
    const entry = this.#known.get(id);
    if (entry === undefined) return;
    this.#living.delete(entry);
    for (const [call, { by }] of this.#wanted) if (by === entry) this.#wanted.delete(call);
    entry.enrolled = undefined;
    if (entry.own !== undefined) this.#ports.retire(entry.own);
  }

  async #enrol(entry: Entry): Promise<SubAgent['child']> {
    const parent = entry.above.find(({ own }) => own !== undefined && own.ended === undefined)?.own;
    this.#count();
    const child = await this.#ports.enrol(entry.types[0], parent, entry.cause);
    if (entry.own !== undefined && entry.own.ended === undefined) this.#ports.retire(entry.own); // it ended and began again meanwhile
    entry.own = child;
    entry.as = child ?? parent;
    if (child !== undefined && !this.#living.has(entry)) this.#ports.retire(child);
    return entry.as;
  }

  #count(): void {
    const nowMs = this.#ports.nowMs();
    const recent = this.#asked.filter((atMs) => atMs > nowMs - 60_000);
    if (recent.length >= maxInMinute)
      throw new HoldfastError('limit_exceeded', `more than ${maxInMinute} sub-agents in a minute`); // [GUARD-29]
    this.#asked = [...recent, nowMs];
  }

  /** [GUARD-28] */
  #origin(type: string): Pick<Entry, 'types' | 'above' | 'cause'> {
    const asked = [...this.#wanted].filter(([, wanted]) => wanted.type === undefined || wanted.type === type);
    const starters = new Set(asked.map(([, { by }]) => by));
    const [only] = asked;
    if (only !== undefined && starters.size === 1) this.#wanted.delete(only[0]);
    // Nobody asked for it: it may be anybody's.
    const nearest = (only === undefined ? [...this.#living] : [...starters]).filter((each) => each !== undefined);
    const above = [...new Set([...nearest, ...nearest.flatMap((each) => each.above)])];
    const types = [type, ...new Set(nearest.flatMap((each) => each.types).filter((each) => each !== type))] as const;
    return { above, types, cause: sharedBy(asked.map(([, { cause }]) => cause)) };
  }
}

/** What holds whichever of these it was. [GUARD-33] */
function sharedBy(causes: readonly Cause[]): Cause {
  const [first, ...others] = causes;
  const one = (name: keyof Cause): Cause => {
    const id = first?.[name];
    return id !== undefined && others.every((each) => each[name] !== undefined && equalBytes(each[name], id))
      ? { [name]: id }
      : {};
  };
  return { ...one('trace'), ...one('from') };
}
