// What an author's memory topic says, spec/memory.md: versions of memories and marks on them, a batch an entry. The words themselves are not here: an entry
// keeps the hash of a text that can be deleted.

import { utf8 } from '../codec/bytes.ts';
import {
  bytes,
  bytesUpTo,
  decode,
  encode,
  integer,
  list,
  oneOf,
  optional,
  record,
  text,
  union,
  type Infer,
} from '../codec/schema.ts';
import { digest, fleetId, principalId, wallClockMs } from '../keys/public-keys.ts';
import type { Primitives } from '../primitives/primitives.ts';
import { maxBodyBytes } from '../seal/body.ts';

const memoryId = bytes(16);
const moment = integer(wallClockMs);

/** From least to most; a memory is worth no more than the least of what was in context when it was written. [MEMORY-9] */
export const sources = ['untrusted', 'tool', 'agent', 'operator'] as const;
export type Source = (typeof sources)[number];

const memoryKinds = ['fact', 'preference', 'decision', 'procedure', 'open-loop', 'episode', 'note'] as const;

const reason = text({ max: 256, pattern: /^[^\p{C}]*$/u });
/** Makes two that say the same two: the id is made of what is said. */
const nonce = bytes(16);

const said = union({
  /** `before`: the versions that it was made from, of one memory; none: a new memory. */
  write: {
    nonce,
    before: list(memoryId, { max: 8 }),
    of: oneOf(...memoryKinds),
    source: oneOf(...sources),
    /** Versions of memories that were in context. */
    lineage: list(memoryId, { max: 64 }),
    /** Memories that are not to be shown beside it. */
    supersedes: list(memoryId, { max: 8 }),
    validFromMs: optional(moment),
    validUntilMs: optional(moment),
    /** From then on it is shown to nobody. */
    expiresAtMs: optional(moment),
    /** SHA-256 of the sealed text. */
    text: digest,
  },
  /** What that earlier version of the same memory said, in its place. */
  restore: { nonce, before: list(memoryId, { min: 1, max: 8 }), version: memoryId },
  /** The texts of all its versions are to be deleted; for good. */
  forget: { nonce, memory: memoryId, reason },
  /** It, and all that was written under its influence, is shown to nobody. */
  hold: { nonce, memory: memoryId, reason },
  release: { nonce, memory: memoryId },
  /** Somebody has read that version, and it may be shown. */
  accept: { nonce, version: memoryId },
});
export type Said = Infer<typeof said>;
export type SaidOf<K extends Said['kind']> = Extract<Said, { kind: K }>;

/** Of one entry. [MEMORY-2] */
export const maxBatch = 256;
const batch = record({ said: list(bytesUpTo(8 * 1024), { min: 1, max: maxBatch }) });

/** Who said it, when, and to whom, as the verified entry around it has it. */
export interface SaidBy {
  readonly author: Uint8Array;
  readonly role: 'operator' | 'agent';
  readonly atMs: number;
  readonly audience: string;
}

/** A version or a mark, and its id. */
export interface Heard extends SaidBy {
  readonly id: Uint8Array;
  readonly said: Said;
}

/** A version that counts. */
export interface Version {
  /** In hex, here and below. */
  readonly id: string;
  readonly memory: string;
  readonly heard: Heard & { readonly said: SaidOf<'write'> | SaidOf<'restore'> };
  /** Those that it was made from. */
  readonly before: readonly Version[];
  /** The version whose words it says: itself, or what it restored. */
  readonly words: string;
}

export type Mark = Heard & { readonly said: SaidOf<'forget' | 'hold' | 'release' | 'accept'> };

const named = record({ fleet: fleetId, author: principalId, said: bytesUpTo(8 * 1024) });

/** [MEMORY-3] Of who says it and what: nobody gives another's id to what is theirs. */
function idOf(primitives: Primitives, fleet: Uint8Array, author: Uint8Array, wire: Uint8Array): Uint8Array {
  return primitives.sha256(utf8('holdfast/v1 memory-version\0'), encode(named, { fleet, author, said: wire })).slice(0, 16);
}

/** [MEMORY-1] The topic that only this author writes memories to. */
export function memoryTopic(primitives: Primitives, author: Uint8Array): Uint8Array {
  return primitives.sha256(utf8('holdfast/v1 memory-topic\0'), author).slice(0, 16);
}

/** A body for an entry of that author's, and the ids of what is in it, in order. Throws `codec_*`. */
export function encodeBatch(
  primitives: Primitives,
  { fleet, author }: { readonly fleet: Uint8Array; readonly author: Uint8Array },
  all: readonly Said[],
): { readonly body: Uint8Array; readonly ids: readonly Uint8Array[] } {
  const wires = all.map((each) => encode(said, each));
  return { body: encode(batch, { said: wires }), ids: wires.map((wire) => idOf(primitives, fleet, author, wire)) };
}

/** What a verified entry's body says. Throws `codec_*`: then all of it counts for nothing. [MEMORY-2] */
export function decodeBatch(primitives: Primitives, fleet: Uint8Array, by: SaidBy, body: Uint8Array): readonly Heard[] {
  return decode(batch, body, maxBodyBytes).said.map((wire) => ({
    ...by,
    id: idOf(primitives, fleet, by.author, wire),
    said: decode(said, wire, 8 * 1024),
  }));
}
