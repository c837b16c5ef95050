// What a verifier remembers: presentations that it took, until they are too old to be taken, and challenges that were answered. Bounded; when it is full
// it refuses instead of forgetting. Only who has proved to be an agent takes room in it: strangers can't fill it.

import { concat, equalBytes, fromBase64url, toBase64url } from '@holdfast/protocol/codec/bytes';
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

  has(name: string, nowMs: number): boolean {
    return (this.#ends.get(name) ?? 0) > nowMs;
  }
}

/** For one process: what it took is forgotten when it ends, and a presentation of the last minute could be taken again. */
export function replayMemory({ max = 100_000, nowMs = () => Date.now() } = {}): ReplayMemory {
  const taken = new Expiring(max);
  return { firstUse: (name, untilMs) => taken.add(name, untilMs, nowMs()) };
}

const challengeLifeMs = 120_000;
const randomBytes = 12;
const endBytes = 8;
const tagBytes = 16;

/** Challenges that say themselves, under a key of this verifier's, until when they are good: those that are open take no room. */
export class Challenges {
  readonly #primitives: Primitives;
  readonly #nowMs: () => number;
  readonly #key: Uint8Array;
  readonly #answered: Expiring;

  constructor(primitives: Primitives, nowMs: () => number, max = 100_000) {
    this.#primitives = primitives;
    this.#nowMs = nowMs;
    this.#key = primitives.random(32);
    this.#answered = new Expiring(max);
  }

  /** Good for two minutes and one presentation. */
  give(): string {
    const end = new Uint8Array(endBytes);
    new DataView(end.buffer).setBigUint64(0, BigInt(Math.trunc(this.#nowMs() + challengeLifeMs)));
    const said = concat(this.#primitives.random(randomBytes), end);
    return toBase64url(concat(said, this.#tagOf(said)));
  }

  /** Given out here, not over and not answered. */
  isOpen(challenge: string): boolean {
    return this.#endOf(challenge) > this.#nowMs() && !this.#answered.has(challenge, this.#nowMs());
  }

  /** True once for a challenge that is open: whoever answered it has proved who it is. */
  answer(challenge: string): boolean {
    return this.isOpen(challenge) && this.#answered.add(challenge, this.#endOf(challenge), this.#nowMs());
  }

  /** 0 for one that was not given out here. */
  #endOf(challenge: string): number {
    const bytes = fromBase64url(challenge);
    if (bytes?.length !== randomBytes + endBytes + tagBytes) return 0;
    const said = bytes.slice(0, -tagBytes);
    if (!equalBytes(bytes.slice(-tagBytes), this.#tagOf(said))) return 0;
    return Number(new DataView(said.buffer).getBigUint64(randomBytes));
  }

  #tagOf(said: Uint8Array): Uint8Array {
    return this.#primitives.hmacSha256(this.#key, said).slice(0, tagBytes);
  }
}
