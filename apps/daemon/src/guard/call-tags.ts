// Names for single calls of sub-agents, spec/guard.md [GUARD-30]: what a call starts shows its tag to the broker, and so is known as the sub-agent's. A tag
// tells apart and proves nothing: whatever runs in the session can show another's, or none.

import { toBase64url } from '@holdfast/protocol/codec/bytes';
import { keepNewest } from '../newest.ts';
import type { SubAgent } from './sub-agents.ts';

/** As a regular expression of JavaScript's and of bash's. */
export const tagPattern = 'hft_[A-Za-z0-9_-]{43}';
const tagBytes = 32;

/** A shell may go on for as long as its sub-agent does. */
const maxTags = 4096;
/** Calls under way. */
const maxCalls = 1024;

interface Call {
  readonly by: SubAgent;
  tag?: string;
}

export class CallTags {
  readonly #random: (length: number) => Uint8Array;
  readonly #calls = new Map<string, Call>();
  readonly #tags = new Map<string, SubAgent>();

  constructor(random: (length: number) => Uint8Array) {
    this.#random = random;
  }

  /** A sub-agent's call, by the harness's id, may run. */
  begins(call: string, by: SubAgent): void {
    if (this.#calls.get(call)?.by.id !== by.id) this.#calls.set(call, { by });
    keepNewest(this.#calls, maxCalls);
  }

  over(call: string): void {
    this.#calls.delete(call);
  }

  /** Whose call it is; undefined: the agent's own, or none that is under way. */
  byOf(call: string): SubAgent | undefined {
    return this.#calls.get(call)?.by;
  }

  /** The tag of a call that has begun, always the same. */
  tagFor(call: string): string {
    const begun = this.#calls.get(call);
    const tag = begun?.tag ?? `hft_${toBase64url(this.#random(tagBytes))}`;
    if (begun === undefined || begun.tag !== undefined) return tag;
    begun.tag = tag;
    this.#tags.set(tag, begun.by);
    keepNewest(this.#tags, maxTags);
    return tag;
  }

  /** The tag that a call has already. */
  tagOf(call: string): string | undefined {
    return this.#calls.get(call)?.tag;
  }

  /** Undefined for one that was never given, or is forgotten. */
  named(tag: string): SubAgent | undefined {
    return this.#tags.get(tag);
  }
}
