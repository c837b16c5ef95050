// The sub-agents of one session, as its harness tells of them, spec/guard.md "Sub-agents": of which type each is, and who started it. A harness does not say
// who did; where two could have, what holds for either holds. Nothing in here gives a sub-agent anything.

/** A sub-agent that acts. */
export interface SubAgent {
  /** The harness's own id of it. */
  readonly id: string;
  /** Its type, then those of whoever started it, as rules see them; each once. */
  readonly types: readonly [string, ...string[]];
}

interface Wanted {
  /** Undefined: the agent itself. */
  readonly by: SubAgent | undefined;
  /** Undefined where the call does not say. */
  readonly type: string | undefined;
}

/** What a harness never says to be over must not fill the memory; the oldest is forgotten first. */
const maxKnown = 1024;
const maxWanted = 256;
/** For one of which nobody said what it is. */
const untold = 'unknown';

export class SubAgents {
  /** Those that ended as well: a harness may wake them, without saying by whom they were started. */
  readonly #known = new Map<string, SubAgent>();
  readonly #living = new Map<string, SubAgent>();
  /** Calls that start one and may still do so, by their ids. */
  readonly #wanted = new Map<string, Wanted>();

  /** A call that starts a sub-agent may run. */
  wants(call: string, by: SubAgent | undefined, type: string | undefined): void {
    this.#wanted.set(call, { by, type });
    forget(this.#wanted, maxWanted);
  }

  /** That call is over: what it started has begun. */
  over(call: string): void {
    this.#wanted.delete(call);
  }

  /** It begins, or goes on after it had ended. */
  begins(id: string, type: string | undefined): SubAgent {
    const subAgent = this.#known.get(id) ?? { id, types: this.#typesOf(type ?? untold) };
    this.#living.set(id, subAgent);
    this.#known.delete(id);
    this.#known.set(id, subAgent);
    forget(this.#known, maxKnown);
    forget(this.#living, maxKnown);
    return subAgent;
  }

  /** It is about to do something; a harness may have kept its beginning to itself. */
  acts(id: string, type: string | undefined): SubAgent {
    const living = this.#living.get(id) ?? this.begins(id, type);
    if (type === undefined || living.types[0] === type) return living;
    const renamed: SubAgent = { id, types: [type, ...living.types.filter((each) => each !== type)] };
    this.#living.set(id, renamed);
    this.#known.set(id, renamed);
    return renamed;
  }

  ends(id: string): void {
    this.#living.delete(id);
    for (const [call, { by }] of this.#wanted) if (by?.id === id) this.#wanted.delete(call);
  }

  /** [GUARD-28] */
  #typesOf(type: string): SubAgent['types'] {
    const asked = [...this.#wanted].filter(([, wanted]) => wanted.type === undefined || wanted.type === type);
    const starters = new Set(asked.map(([, { by }]) => by));
    const [only] = asked;
    if (only !== undefined && starters.size === 1) this.#wanted.delete(only[0]);
    // Nobody asked for it: it may be anybody's.
    const above = only === undefined ? [...this.#living.values()] : [...starters];
    return [type, ...new Set(above.flatMap((by) => by?.types ?? []).filter((each) => each !== type))];
  }
}

function forget(map: Map<string, unknown>, most: number): void {
  for (const oldest of map.keys()) {
    if (map.size <= most) break;
    map.delete(oldest);
  }
}
