// HPKE (RFC 9180, draft-ietf-hpke-pq), base mode, one message a sealing, spec/hpke.md: KEM 0x0050 MLKEM768-P256, KDF 0x0001
// HKDF-SHA256, AEAD 0x0002 AES-256-GCM. What a sealing is for is typed, and goes into its keys.

import { concat, utf8 } from '../codec/bytes.ts';
import { bytes, bytesUpTo, encode, integer, record, union, type Infer } from '../codec/schema.ts';
import { audienceName } from '../blind/entry.ts';
import type { KeyHolder, OneTimeKey, SealPurpose } from '../keys/key-holder.ts';
import { digest, fleetId, principalId, wallClockMs } from '../keys/public-keys.ts';
import type { Primitives } from '../primitives/primitives.ts';
import { hkdfExpand, hkdfExtract } from './hkdf.ts';
import { encapsulate, encapsulatedBytes } from './hybrid-kem.ts';

/** Largest plaintext of one sealing: a secret or an epoch key, never a document. */
export const maxSealedPlaintextBytes = 16 * 1024;

/** One kind for each use; a new use is a new kind. */
export const sealPurpose = union({
  lockbox: { fleet: fleetId, audience: audienceName, epoch: integer({ max: 2 ** 32 }), member: principalId },
  grant: { fleet: fleetId, grant: bytes(16), item: bytes(16), agent: principalId },
  use: {
    fleet: fleetId,
    agent: principalId,
    session: bytes(16),
    ask: bytes(16),
    grant: bytes(16),
    item: bytes(16),
    call: digest,
    expiresAtMs: integer(wallClockMs),
  },
});

export const sealed = record({ encapsulated: bytes(encapsulatedBytes), ciphertext: bytesUpTo(maxSealedPlaintextBytes + 16) });
export type Sealed = Infer<typeof sealed>;

const prefix = utf8('holdfast/v1 seal\0');

/** HPKE's `info`. Throws `codec_*` for a purpose that is out of its shape. */
function infoOf(purpose: SealPurpose): Uint8Array {
  return concat(prefix, encode(sealPurpose, purpose)); // [HPKE-5]
}

/** What the KDF ids of a sealing's keys are mixed with (RFC 9180 §5.1). */
export interface Suite {
  readonly kem: number;
  readonly kdf: number;
  readonly aead: number;
  readonly keyBytes: number;
}

/** [HPKE-1] The only suite that we use. */
const ourSuite: Suite = { kem: 0x0050, kdf: 0x0001, aead: 0x0002, keyBytes: 32 };

const version = utf8('HPKE-v1');
const empty = new Uint8Array(0);

/** RFC 9180 §5.1 in base mode, with a two-stage KDF over SHA-256. `shared` stays the caller's. */
export function keySchedule(primitives: Primitives, suite: Suite, shared: Uint8Array, info: Uint8Array): OneTimeKey {
  const suiteId = concat(utf8('HPKE'), ...[suite.kem, suite.kdf, suite.aead].map((id) => Uint8Array.of(id >> 8, id & 0xff)));
  const extract = (salt: Uint8Array, label: string, secret: Uint8Array): Uint8Array =>
    hkdfExtract(primitives, salt, concat(version, suiteId, utf8(label), secret));
  const context = concat(Uint8Array.of(0), extract(empty, 'psk_id_hash', empty), extract(empty, 'info_hash', info));
  const secret = extract(shared, 'secret', empty);
  const expand = (label: string, length: number): Uint8Array =>
    hkdfExpand(
      primitives,
      secret,
      concat(Uint8Array.of(length >> 8, length & 0xff), version, suiteId, utf8(label), context),
      length,
    );
  const oneTime = { key: expand('key', suite.keyBytes), nonce: expand('base_nonce', 12) }; // [HPKE-6]
  secret.fill(0);
  return oneTime;
}

/** The receiver's half for who has the KEM's shared secret, which it overwrites. Custody and software key holders end here. */
export function deriveOneTimeKey(primitives: Primitives, shared: Uint8Array, purpose: SealPurpose): OneTimeKey {
  try {
    return keySchedule(primitives, ourSuite, shared, infoOf(purpose));
  } finally {
    shared.fill(0);
  }
}

/**
 * Seals `plaintext` (it stays the caller's) to the owner of `recipient`, 1,249 bytes, for one purpose.
 * Throws `key_invalid` for a key that is none, `codec_*` for a purpose out of its shape or a plaintext that is too long.
 */
export async function sealTo(
  primitives: Primitives,
  recipient: Uint8Array,
  purpose: SealPurpose,
  plaintext: Uint8Array,
  associated: Uint8Array = empty,
): Promise<Sealed> {
  bytesUpTo(maxSealedPlaintextBytes).parse(plaintext, 'plaintext');
  const { shared, encapsulated } = await encapsulate(primitives, recipient);
  const oneTime = deriveOneTimeKey(primitives, shared, purpose);
  try {
    return { encapsulated, ciphertext: await primitives.aeadSeal(oneTime.key, oneTime.nonce, associated, plaintext) };
  } finally {
    wipe(oneTime);
  }
}

/** The plaintext, which the caller owns and overwrites. Throws `open_failed`, and whatever `holder.open` throws. */
export async function openSealed(
  holder: KeyHolder,
  primitives: Primitives,
  purpose: SealPurpose,
  { encapsulated, ciphertext }: Sealed,
  associated: Uint8Array = empty,
): Promise<Uint8Array> {
  const oneTime = await holder.open(purpose, encapsulated);
  try {
    return await primitives.aeadOpen(oneTime.key, oneTime.nonce, associated, ciphertext); // [HPKE-7]
  } finally {
    wipe(oneTime);
  }
}

function wipe({ key, nonce }: OneTimeKey): void {
  key.fill(0);
  nonce.fill(0);
}
