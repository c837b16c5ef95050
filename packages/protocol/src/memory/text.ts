// The words of one version, spec/memory.md: sealed under a key of its own and kept apart from the entry that names them by their hash, so that they can be
// deleted, and the entry stays as what is left of them.

import { concat, equalBytes, utf8 } from '../codec/bytes.ts';
import { decode, encode, list, literal, record, text, type Infer } from '../codec/schema.ts';
import { HoldfastError } from '../errors.ts';
import type { Primitives } from '../primitives/primitives.ts';
import { hkdf } from '../seal/hkdf.ts';

/** Goes into agents' context and onto terminals. */
const words = (max: number) => text({ max, pattern: /^(?:[\n\t]|[^\p{Cc}\p{Cs}])*$/u });

const memoryText = record({
  v: literal(1),
  claim: words(2000),
  detail: words(16_000),
  tags: list(words(64), { max: 16 }),
  /** Files that it is a note on, from their repository on. */
  paths: list(words(512), { max: 32 }),
});
export type MemoryText = Omit<Infer<typeof memoryText>, 'v'>;

/** Of UTF-8, sealed. */
const maxTextBytes = 96 * 1024;

interface Place {
  readonly fleet: Uint8Array;
  readonly audience: string;
  /** Drawn for this text: no two are sealed under one key. */
  readonly nonce: Uint8Array;
}

function sealing(primitives: Primitives, epochKey: Uint8Array, { fleet, audience, nonce }: Place) {
  const info = concat(utf8('holdfast/v1 memory-text\0'), fleet, nonce, utf8(audience));
  const both = hkdf(primitives, { secret: epochKey, info, length: 44 });
  return { key: both.slice(0, 32), nonce: both.slice(32) };
}

/** Ready to be kept, and its hash for the entry. `nonce` is the version's. Throws `codec_*`. [MEMORY-4] */
export async function sealText(
  primitives: Primitives,
  epochKey: Uint8Array,
  place: Place,
  said: MemoryText,
): Promise<{ readonly sealed: Uint8Array; readonly hash: Uint8Array }> {
  const plain = encode(memoryText, { v: 1, ...said });
  if (plain.length > maxTextBytes) throw new HoldfastError('codec_limit', `a memory is longer than ${maxTextBytes} bytes`);
  const { key, nonce } = sealing(primitives, epochKey, place);
  const sealed = await primitives.aeadSeal(key, nonce, utf8('memory-text'), plain);
  return { sealed, hash: primitives.sha256(sealed) };
}

/** Throws `memory_altered` for bytes that are not those the entry names, `open_failed`, `codec_*`. [MEMORY-5] */
export async function openText(
  primitives: Primitives,
  epochKey: Uint8Array,
  place: Place,
  { sealed, hash }: { readonly sealed: Uint8Array; readonly hash: Uint8Array },
): Promise<MemoryText> {
  if (!equalBytes(primitives.sha256(sealed), hash))
    throw new HoldfastError('memory_altered', 'the text of a memory is not the one that its author signed');
  const { key, nonce } = sealing(primitives, epochKey, place);
  const plain = await primitives.aeadOpen(key, nonce, utf8('memory-text'), sealed);
  const { claim, detail, tags, paths } = decode(memoryText, plain, maxTextBytes);
  return { claim, detail, tags, paths };
}
