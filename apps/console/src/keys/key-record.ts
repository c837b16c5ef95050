// The operator key at rest in a browser, spec/console-key.md: private keys sealed under a random master key, which is wrapped once for each way to
// unlock. Whoever has the record still needs the passkey or the passphrase. No platform but WebCrypto; runs in Node as well.

import { concat, utf8 } from '@holdfast/protocol/codec/bytes';
import {
  bytes,
  bytesUpTo,
  decode,
  encode,
  integer,
  list,
  literal,
  oneOf,
  record,
  text,
  union,
  type Infer,
} from '@holdfast/protocol/codec/schema';
import { HoldfastError } from '@holdfast/protocol/errors';
import { fleetId, principalId, publicKeys, type PublicKeys } from '@holdfast/protocol/keys/public-keys';
import type { OperatorFacts } from '@holdfast/protocol/operator/ports';
import type { Primitives } from '@holdfast/protocol/primitives/primitives';
import { aesKey, aesKeyFrom, openWith, sealWith, type AesKey } from './aes-key.ts';

/** Where it lies. */
export const keyName = 'key';

/** scrypt cost (RFC 7914) of a new passphrase: 128 MiB, about a second in a browser. [BKEY-4] */
export const writtenLogN = 17;
const maxRecordBytes = 32 * 1024;
const maxUnlocks = 8;
export const masterBytes = 32;

const nonce = bytes(12);
const wrapped = bytes(masterBytes + 16);

const unlock = union({
  passphrase: { salt: bytes(16), logN: integer({ min: 14, max: 18 }), nonce, sealed: wrapped }, // [BKEY-4]
  passkey: {
    /** The credential's id, as the authenticator chose it. */
    credential: bytesUpTo(1023),
    algorithm: oneOf('ES256', 'RS256'),
    /** SubjectPublicKeyInfo. */
    publicKey: bytesUpTo(1024),
    nonce,
    sealed: wrapped,
  },
});
export type Unlock = Infer<typeof unlock>;
export type PasskeyUnlock = Extract<Unlock, { kind: 'passkey' }>;
export type PassphraseUnlock = Extract<Unlock, { kind: 'passphrase' }>;

const keyRecord = record({
  v: literal(1),
  fleet: fleetId,
  fleetName: text({ max: 256 }),
  device: principalId,
  relayUrl: text({ max: 2048 }),
  relayKey: bytes(65),
  keys: publicKeys,
  prfSalt: bytes(32),
  unlocks: list(unlock, { min: 1, max: maxUnlocks }),
  nonce,
  sealed: bytesUpTo(512),
});
export type KeyRecord = Infer<typeof keyRecord>;

/** spec/keys.md: what the seal holds. Whoever has it overwrites it. */
const privateKeys = record({ v: literal(1), sign: bytes(32), agree: bytes(32), kem: bytes(64) });
export type PrivateKeys = Omit<Infer<typeof privateKeys>, 'v'>;

export function overwrite({ sign, agree, kem }: PrivateKeys): void {
  for (const secret of [sign, agree, kem]) secret.fill(0);
}

/** Throws `key_invalid`: nothing of a damaged record is believed. [BKEY-3] */
export function readKeyRecord(wire: Uint8Array): KeyRecord {
  try {
    return decode(keyRecord, wire, maxRecordBytes);
  } catch (cause) {
    throw damaged(cause);
  }
}

function damaged(cause?: unknown): HoldfastError {
  return new HoldfastError('key_invalid', 'the operator key of this browser is damaged', {
    cause,
    next: 'recover with the recovery kit, or add this browser from another device',
  });
}

/** What makes a wrap's key, once the person has shown what they have. */
export type Opener =
  | { readonly kind: 'passphrase'; readonly stretched: Uint8Array }
  | { readonly kind: 'passkey'; readonly credential: Uint8Array; readonly prf: Uint8Array };

/** Overwrites what it is given. */
async function wrapKey(opener: Opener): Promise<AesKey> {
  if (opener.kind === 'passphrase') return aesKey(opener.stretched);
  return aesKeyFrom(opener.prf, concat(utf8('holdfast/v1 console passkey\0'), opener.credential));
}

function wrapAssociated(each: Unlock): Uint8Array {
  return concat(utf8('holdfast/v1 console unlock\0'), encode(unlock, { ...each, sealed: new Uint8Array(masterBytes + 16) }));
}

/** Distributes over the union, unlike `Omit`. */
type Unsealed<T> = T extends Unlock ? Omit<T, 'nonce' | 'sealed'> : never;

/** The unlock that gives `master`, which stays the caller's. Overwrites what `opener` holds. */
export async function wrapMaster(
  primitives: Primitives,
  clear: Unsealed<Unlock>,
  opener: Opener,
  master: Uint8Array,
): Promise<Unlock> {
  const unsealed = { ...clear, nonce: primitives.random(12), sealed: new Uint8Array(masterBytes + 16) } as Unlock;
  const sealed = await sealWith(await wrapKey(opener), unsealed.nonce, wrapAssociated(unsealed), master);
  return { ...unsealed, sealed };
}

/** The master key, which the caller overwrites. Overwrites what `opener` holds. Throws `passphrase_wrong`, `passkey_wrong`. [BKEY-4] */
export async function openMaster(each: Unlock, opener: Opener): Promise<Uint8Array> {
  try {
    return await openWith(await wrapKey(opener), each.nonce, wrapAssociated(each), each.sealed);
  } catch (cause) {
    throw each.kind === 'passphrase'
      ? new HoldfastError('passphrase_wrong', 'the passphrase does not open the operator key', {
          cause,
          next: 'try again; nothing was changed',
        })
      : new HoldfastError('passkey_wrong', 'this passkey does not open the operator key', {
          cause,
          next: 'use the passkey that was made here, or the passphrase',
        });
  }
}

/** What the seal authenticates besides the keys: everything that stands in the record. [BKEY-3] */
function associated(clear: Omit<KeyRecord, 'sealed'>): Uint8Array {
  return encode(keyRecord, { ...clear, sealed: new Uint8Array(0) });
}

const keysKey = (master: Uint8Array): Promise<AesKey> => aesKeyFrom(master.slice(), utf8('holdfast/v1 console keys\0'));
/** For what is remembered of the fleet; good as long as the master key. */
export const stateKeyOf = (master: Uint8Array): Promise<AesKey> =>
  aesKeyFrom(master.slice(), utf8('holdfast/v1 console state\0'));

export interface ToSeal {
  readonly facts: OperatorFacts;
  readonly keys: PublicKeys;
  readonly prfSalt: Uint8Array;
  readonly unlocks: readonly Unlock[];
}

/** The record as it is stored: ciphertext, and what is public. `master` and `held` stay the caller's. [BKEY-1] */
export async function sealRecord(
  primitives: Primitives,
  { facts, keys, prfSalt, unlocks }: ToSeal,
  master: Uint8Array,
  held: PrivateKeys,
): Promise<Uint8Array> {
  const { fleet, fleetName, device, relayUrl, relayKey } = facts;
  const owner = { fleet, fleetName, device, relayUrl, relayKey };
  const clear = { v: 1, ...owner, keys, prfSalt, unlocks, nonce: primitives.random(12) } as const;
  const { sign, agree, kem } = held;
  const secret = encode(privateKeys, { v: 1, sign, agree, kem });
  try {
    const sealed = await sealWith(await keysKey(master), clear.nonce, associated(clear), secret);
    return encode(keyRecord, { ...clear, sealed });
  } finally {
    secret.fill(0);
  }
}

/** The private keys, which the caller overwrites. Throws `key_invalid`. [BKEY-3] */
export async function openRecord({ sealed, ...clear }: KeyRecord, master: Uint8Array): Promise<PrivateKeys> {
  let secret: Uint8Array | undefined;
  try {
    secret = await openWith(await keysKey(master), clear.nonce, associated(clear), sealed);
    const { sign, agree, kem } = decode(privateKeys, secret, 512);
    return { sign, agree, kem };
  } catch (cause) {
    throw damaged(cause);
  } finally {
    secret?.fill(0);
  }
}
