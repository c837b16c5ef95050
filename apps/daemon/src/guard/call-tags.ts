// Names for single calls, spec/guard.md [GUARD-30]: what a call starts shows its tag to the broker, and so is known as that call's, and as the sub-agent's
// that makes it. A tag tells apart and proves nothing: whatever runs in the session can show another's, or none.

import type { Cause } from '@holdfast/protocol/audit/event';
import { toBase64url } from '@holdfast/protocol/codec/bytes';
import { keepNewest } from '../newest.ts';
import type { SubAgent } from './sub-agents.ts';

/** As a regular expression of JavaScript's and of bash's. */
export const tagPattern = 'hft_[A-Za-z0-9_-]{43}';
const tagBytes = 32;

/** What a shell has begun may go on for as long as its session does. */
const maxTags = 16_384;
/** Calls under way. */
const maxCalls = 1024;

/** `by` undefined: the agent itself. */
export interface TaggedCall {
  readonly by: SubAgent | undefined;
  readonly cause: Cause;
}

export class CallTags {
  readonly #random: (length: number) => Uint8Array;
  readonly #calls = new Map<string, TaggedCall & { tag?: string }>();
  readonly #tags = new Map<string, TaggedCall>();

  constructor(random: (length: number) => Uint8Array) {
    this.#random = random;
  }

  /** A call, by the harness's id, may run. */
  begins(call: string, { by, cause }: TaggedCall): void {
    const known = this.#calls.get(call);
    if (known === undefined || known.by?.id !== by?.id) this.#calls.set(call, { by, cause });
    keepNewest(this.#calls, maxCalls);
  }

  over(call: string): void {
    this.#calls.delete(call);
  }

  /** Undefined where none of that id is under way. */
  callOf(call: string): TaggedCall | undefined {
    return this.#calls.get(call);
  }

  /** The tag of a call that has begun, always the same. */
  tagFor(call: string): string {
    const begun = this.#calls.get(call);
    const tag = begun?.tag ?? `hft_${toBase64url(this.#random(tagBytes))}`;
    if (begun === undefined || begun.tag !== undefined) return tag;
    begun.tag = tag;
    this.#tags.set(tag, begun);
    keepNewest(this.#tags, maxTags);
    return tag;
  }

  /** The tag that a call has already. */
  tagOf(call: string): string | undefined {
    return this.#calls.get(call)?.tag;
  }

  /** Undefined for one that was never given, or is forgotten. */
  named(tag: string): TaggedCall | undefined {
    return this.#tags.get(tag);
  }
}
