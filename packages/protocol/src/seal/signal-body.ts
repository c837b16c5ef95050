// Sealing the body of a signal, spec/signal.md: like an entry's body, under a key and nonce made from its audience's epoch key and from all that
// the statement says in clear. The random id makes the key a fresh one.

import { concat, utf8 } from '../codec/bytes.ts';
import { encode } from '../codec/schema.ts';
import { HoldfastError } from '../errors.ts';
import { maxSignalBytes, signalStatement, type SignalStatement } from '../blind/signal.ts';
import type { OneTimeKey } from '../keys/key-holder.ts';
import type { Primitives } from '../primitives/primitives.ts';
import { hkdf } from './hkdf.ts';

/** What a statement has room for, its own fields and the seal's tag left out. */
export const maxSignalBodyBytes = maxSignalBytes - 1024 - 16;

export type SignalToSeal = Omit<SignalStatement, 'id' | 'sealed'>;

function oneTimeKey(primitives: Primitives, epochKey: Uint8Array, clear: Uint8Array): OneTimeKey {
  const both = hkdf(primitives, { secret: epochKey, info: concat(utf8('holdfast/v1 signal\0'), clear), length: 32 + 12 }); // [SIGNAL-7]
  const oneTime = { key: both.slice(0, 32), nonce: both.slice(32) };
  both.fill(0);
  return oneTime;
}

const clearPart = (statement: Omit<SignalStatement, 'sealed'>): Uint8Array =>
  encode(signalStatement, { ...statement, sealed: new Uint8Array(0) });

/** The whole statement, ready to sign; its id is drawn here and nowhere else. `body` and `epochKey` stay the caller's. Throws `codec_limit`. */
export async function sealSignal(
  primitives: Primitives,
  epochKey: Uint8Array,
  toSeal: SignalToSeal,
  body: Uint8Array,
): Promise<SignalStatement> {
  if (body.length > maxSignalBodyBytes)
    throw new HoldfastError('codec_limit', `a signal's body is longer than ${maxSignalBodyBytes} bytes`);
  const statement = { ...toSeal, id: primitives.random(16) };
  const clear = clearPart(statement);
  const { key, nonce } = oneTimeKey(primitives, epochKey, clear);
  try {
    return { ...statement, sealed: await primitives.aeadSeal(key, nonce, clear, body) };
  } finally {
    key.fill(0);
    nonce.fill(0);
  }
}

/** The body, which the caller owns. Throws `open_failed`. */
export async function openSignal(primitives: Primitives, epochKey: Uint8Array, statement: SignalStatement): Promise<Uint8Array> {
  const clear = clearPart(statement);
  const { key, nonce } = oneTimeKey(primitives, epochKey, clear);
  try {
    return await primitives.aeadOpen(key, nonce, clear, statement.sealed); // [SIGNAL-8]
  } finally {
    key.fill(0);
    nonce.fill(0);
  }
}
