// Lockboxes, spec/lockbox.md: an audience's epoch key sealed to one of its members, kept at the relay outside of the journal; and
// the key of the epoch before, sealed under the new one, for those who may read history.

import { concat, equalBytes, utf8 } from '../codec/bytes.ts';
import { decode, encode, integer, literal, record, type Infer } from '../codec/schema.ts';
import { HoldfastError } from '../errors.ts';
import { audienceName } from '../blind/entry.ts';
import { maxLockboxBytes } from '../blind/frames.ts';
import type { KeyHolder } from '../keys/key-holder.ts';
import { fleetId } from '../keys/public-keys.ts';
import type { Primitives } from '../primitives/primitives.ts';
import { commitToKey, epochKeyBytes } from './body.ts';
import { hkdf } from './hkdf.ts';
import { openSealed, sealed, sealTo } from './hpke.ts';

/** One epoch of one audience. */
const epochName = record({ fleet: fleetId, audience: audienceName, epoch: integer({ max: 2 ** 32 }) });
export type EpochName = Infer<typeof epochName>;

/** Where a relay keeps a lockbox: which epoch key, told by its commitment, sealed to whom. [LOCKBOX-6] */
export interface LockboxPlace {
  readonly audience: string;
  readonly epoch: number;
  /** 32 bytes, as in the entry that starts the epoch. */
  readonly keyCommitment: Uint8Array;
  readonly member: Uint8Array;
}

const lockbox = record({ v: literal(1), sealed }); // [LOCKBOX-2]

/** The lockbox of `member`, whose sealing key is `recipient`. `epochKey` stays the caller's. Throws `key_invalid`. */
export async function makeLockbox(
  primitives: Primitives,
  { fleet, audience, epoch }: EpochName,
  { member, recipient }: { member: Uint8Array; recipient: Uint8Array },
  epochKey: Uint8Array,
): Promise<Uint8Array> {
  if (epochKey.length !== epochKeyBytes) throw new HoldfastError('key_invalid', 'epoch key is not of 32 bytes');
  const purpose = { kind: 'lockbox', fleet, audience, epoch, member } as const; // [LOCKBOX-1]
  return encode(lockbox, { v: 1, sealed: await sealTo(primitives, recipient, purpose, epochKey) });
}

/**
 * The epoch key, which the caller owns, checked against the commitment in the signed entry that starts the epoch: anyone can
 * seal to a public key. Throws `codec_*`, `open_failed`, `lockbox_invalid`.
 */
export async function openLockbox(
  primitives: Primitives,
  holder: KeyHolder,
  { fleet, audience, epoch }: EpochName,
  member: Uint8Array,
  wire: Uint8Array,
  keyCommitment: Uint8Array,
): Promise<Uint8Array> {
  const box = decode(lockbox, wire, maxLockboxBytes);
  const key = await openSealed(holder, primitives, { kind: 'lockbox', fleet, audience, epoch, member }, box.sealed);
  return checked(primitives, key, keyCommitment);
}

/** Takes ownership of `key`. */
function checked(primitives: Primitives, key: Uint8Array, keyCommitment: Uint8Array): Uint8Array {
  if (key.length === epochKeyBytes && equalBytes(commitToKey(primitives, key), keyCommitment)) return key;
  key.fill(0);
  throw new HoldfastError('lockbox_invalid', 'lockbox holds another key than the epoch'); // [LOCKBOX-3]
}

/** Key and nonce that seal one message, the previous epoch's key, under `epochKey`. The caller overwrites it. */
function chainKey(primitives: Primitives, epochKey: Uint8Array, { fleet, audience, epoch }: EpochName): Uint8Array {
  const info = concat(utf8('holdfast/v1 previous-key\0'), encode(epochName, { fleet, audience, epoch }));
  return hkdf(primitives, { secret: epochKey, info, length: 32 + 12 }); // [LOCKBOX-4]
}

/** Seals the key of the epoch before `name` under the key of `name`: 48 bytes. Both keys stay the caller's. */
export async function sealPreviousKey(
  primitives: Primitives,
  name: EpochName,
  epochKey: Uint8Array,
  previousKey: Uint8Array,
): Promise<Uint8Array> {
  const chain = chainKey(primitives, epochKey, name);
  try {
    return await primitives.aeadSeal(chain.subarray(0, 32), chain.subarray(32), new Uint8Array(0), previousKey);
  } finally {
    chain.fill(0);
  }
}

/** The key of the epoch before `name`, checked against its own entry's commitment; the caller's. Throws `open_failed`, `lockbox_invalid`. */
export async function openPreviousKey(
  primitives: Primitives,
  name: EpochName,
  epochKey: Uint8Array,
  sealedKey: Uint8Array,
  keyCommitment: Uint8Array,
): Promise<Uint8Array> {
  const chain = chainKey(primitives, epochKey, name);
  try {
    const key = await primitives.aeadOpen(chain.subarray(0, 32), chain.subarray(32), new Uint8Array(0), sealedKey);
    return checked(primitives, key, keyCommitment);
  } finally {
    chain.fill(0);
  }
}
