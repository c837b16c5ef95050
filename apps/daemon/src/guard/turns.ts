// The turns of one session's conversations, spec/guard.md [GUARD-32]: each prompt that a harness tells of begins one, under an id that is made here. Nothing
// that comes from a session is ever taken for such an id. A child's session has one: what its parent's turn began.

import { keepNewest } from '../newest.ts';

/** A session holds a few. */
const maxConversations = 256;
const idBytes = 16;

export class Turns {
  readonly #random: (length: number) => Uint8Array;
  readonly #parents: Uint8Array | undefined;
  readonly #newest = new Map<string, Uint8Array>();

  /** `parents`: what began the child whose session it is. */
  constructor(random: (length: number) => Uint8Array, parents?: Uint8Array) {
    this.#random = random;
    this.#parents = parents;
  }

  /** The id of the turn that begins. */
  begin(conversation: string): Uint8Array {
    const trace = this.#parents ?? this.#random(idBytes); // [GUARD-33]
    this.#newest.delete(conversation);
    this.#newest.set(conversation, trace);
    keepNewest(this.#newest, maxConversations);
    return trace;
  }

  /** Undefined before a conversation's first prompt: then its acts are of the session alone. */
  of(conversation: string): Uint8Array | undefined {
    return this.#parents ?? this.#newest.get(conversation);
  }
}
