// Sealing the body of an entry, spec/body.md: under a key and nonce of its own, made from its audience's epoch key and all that
// the statement says in clear; the seal authenticates that too. So a body fits one entry and no other.

import { concat, equalBytes, utf8 } from '../codec/bytes.ts';
import { encode } from '../codec/schema.ts';
import { HoldfastError } from '../errors.ts';
import { entryStatement, maxSealedBytes, type EntryStatement } from '../blind/entry.ts';
import type { OneTimeKey } from '../keys/key-holder.ts';
import type { Primitives } from '../primitives/primitives.ts';
import { hkdf } from './hkdf.ts';

export const epochKeyBytes = 32;
export const maxBodyBytes = maxSealedBytes - 16;

/** What a statement is before its body is sealed; the rest is made here. */
export type StatementToSeal = Omit<EntryStatement, 'id' | 'keyCommitment' | 'sealed'>;

/** [BODY-1] What entries say of their epoch key: whoever signed one can't have it open with two keys. */
export function commitToKey(primitives: Primitives, epochKey: Uint8Array): Uint8Array {
  if (epochKey.length !== epochKeyBytes) throw new HoldfastError('key_invalid', 'epoch key is not of 32 bytes');
  return primitives.sha256(utf8('holdfast/v1 epoch-key\0'), epochKey);
}

/** The statement with `sealed` empty: goes into the body's key and is authenticated with it. */
function clearPart(statement: Omit<EntryStatement, 'sealed'>): Uint8Array {
  return encode(entryStatement, { ...statement, sealed: new Uint8Array(0) });
}

function bodyKey(primitives: Primitives, epochKey: Uint8Array, clear: Uint8Array): OneTimeKey {
  const both = hkdf(primitives, { secret: epochKey, info: concat(utf8('holdfast/v1 body\0'), clear), length: 32 + 12 }); // [BODY-3]
  const oneTime = { key: both.slice(0, 32), nonce: both.slice(32) };
  both.fill(0);
  return oneTime;
}

/**
 * The whole statement, ready to sign. [BODY-2] The id is drawn here and nowhere else, so that no two bodies are ever sealed under one key.
 * `body` and `epochKey` stay the caller's. Throws `codec_limit` for a body past `maxBodyBytes`, `key_invalid`.
 */
export async function sealBody(
  primitives: Primitives,
  epochKey: Uint8Array,
  toSeal: StatementToSeal,
  body: Uint8Array,
): Promise<EntryStatement> {
  if (body.length > maxBodyBytes) throw new HoldfastError('codec_limit', `body is longer than ${maxBodyBytes} bytes`);
  const statement = { ...toSeal, id: primitives.random(16), keyCommitment: commitToKey(primitives, epochKey) };
  const clear = clearPart(statement);
  const { key, nonce } = bodyKey(primitives, epochKey, clear);
  try {
    return { ...statement, sealed: await primitives.aeadSeal(key, nonce, clear, body) };
  } finally {
    key.fill(0);
    nonce.fill(0);
  }
}

/** The body, which the caller owns. Throws `open_failed`, also for a key that the entry does not commit to. */
export async function openBody(primitives: Primitives, epochKey: Uint8Array, statement: EntryStatement): Promise<Uint8Array> {
  if (!equalBytes(commitToKey(primitives, epochKey), statement.keyCommitment)) {
    throw new HoldfastError('open_failed', 'body does not open'); // [BODY-1]
  }
  const clear = clearPart(statement);
  const { key, nonce } = bodyKey(primitives, epochKey, clear);
  try {
    return await primitives.aeadOpen(key, nonce, clear, statement.sealed); // [BODY-4]
  } finally {
    key.fill(0);
    nonce.fill(0);
  }
}
