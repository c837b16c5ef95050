// What a verifier remembers: presentations that it took, until they are too old to be taken, and challenges that it gave out. Bounded; when it is full
// it refuses instead of forgetting.

import { toBase64url } from '@holdfast/protocol/codec/bytes';
import type { Primitives } from '@holdfast/protocol/primitives/primitives';

/** Where several processes serve one audience, they need one that they share: a key that is set only once, with an expiry. */
export interface ReplayMemory {
  /** True once for each name, until at least `untilMs`; in one step, also where many ask at once. */
  firstUse(name: string, untilMs: number): boolean | Promise<boolean>;
}

/** Names with their ends, in the order in which they came. */
class Expiring {
  readonly #ends = new Map<string, number>();
  readonly #max: number;

  constructor(max: number) {
    this.#max = max;
  }

  /** False when the name is there, or when there is no room. */
  add(name: string, untilMs: number, nowMs: number): boolean {
    if (this.#ends.size >= this.#max) for (const [known, end] of this.#ends) if (end <= nowMs) this.#ends.delete(known);
    const end = this.#ends.get(name);
    if ((end !== undefined && end > nowMs) || this.#ends.size >= this.#max) return false;
    this.#ends.set(name, untilMs);
    return true;
  }

  take(name: string, nowMs: number): boolean {
    const end = this.#ends.get(name);
    this.#ends.delete(name);
    return end !== undefined && end > nowMs;
  }
}

/** For one process: what it took is forgotten when it ends, and a presentation of the last minute could be taken again. */
export function replayMemory({ max = 100_000, nowMs = () => Date.now() } = {}): ReplayMemory {
  const taken = new Expiring(max);
  return { firstUse: (name, untilMs) => taken.add(name, untilMs, nowMs()) };
}

const challengeLifeMs = 120_000;

export class Challenges {
  readonly #primitives: Primitives;
  readonly #nowMs: () => number;
  readonly #given: Expiring;

  constructor(primitives: Primitives, nowMs: () => number, max = 100_000) {
    this.#primitives = primitives;
    this.#nowMs = nowMs;
    this.#given = new Expiring(max);
  }

  /** 144 random bits, good for two minutes and one presentation. Undefined: too many are open. */
  give(): string | undefined {
    const challenge = toBase64url(this.#primitives.random(18));
    const nowMs = this.#nowMs();
    return this.#given.add(challenge, nowMs + challengeLifeMs, nowMs) ? challenge : undefined;
  }

  /** True once for a challenge that was given out. */
  take(challenge: string): boolean {
    return this.#given.take(challenge, this.#nowMs());
  }
}
