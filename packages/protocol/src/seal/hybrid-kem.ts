// MLKEM768-P256, HPKE KEM 0x0050, spec/hpke.md: draft-irtf-cfrg-concrete-hybrid-kems over FIPS 203 and P-256.
// A sealing opens only for who can break both halves. The P-256 half may be a key in hardware; then only the shared point leaves it.

import { concat, utf8 } from '../codec/bytes.ts';
import { codeOf, HoldfastError } from '../errors.ts';
import { isScalar } from '../primitives/p256-scalar.ts';
import type { Primitives } from '../primitives/primitives.ts';

const kemPublicBytes = 1184;
const kemCiphertextBytes = 1088;
const pointBytes = 65;
const label = utf8('MLKEM768-P256');

/** ML-KEM ciphertext ‖ ephemeral P-256 point. */
export const encapsulatedBytes = kemCiphertextBytes + pointBytes;

/** The private halves: a P-256 scalar (32 bytes) and an ML-KEM seed d‖z (64 bytes). Whoever made it owns and overwrites it. */
export interface KemPrivateKey {
  readonly agree: Uint8Array;
  readonly kem: Uint8Array;
}

/** The private halves as decapsulation uses them; the P-256 half may be a key in hardware. */
export interface KemHalves {
  /** SEC1, uncompressed: the public key of the P-256 half. */
  readonly point: Uint8Array;
  /** The ML-KEM seed d‖z. */
  readonly kem: Uint8Array;
  /** x-coordinate of the point shared with `other`, 32 bytes, which `decapsulate` overwrites. Throws `key_invalid` for one off the curve. */
  agree(other: Uint8Array): Promise<Uint8Array>;
}

export async function kemPublicKey(primitives: Primitives, { agree, kem }: KemPrivateKey): Promise<Uint8Array> {
  return concat(await primitives.mlkem768PublicKey(kem), await primitives.p256PublicKey(agree));
}

/** [HPKE-2] The draft's expansion of a 32-byte seed. Throws `key_invalid` with a chance below 2^-128. */
export function expandSeed(primitives: Primitives, seed: Uint8Array): KemPrivateKey {
  const expanded = primitives.shake256(seed, 64 + 128);
  try {
    return { kem: expanded.slice(0, 64), agree: firstScalar(expanded.subarray(64)) };
  } finally {
    expanded.fill(0);
  }
}

/** The first 32-byte piece of uniform bytes that is a private key: rejection, so that no scalar is likelier than another. A copy. */
export function firstScalar(uniform: Uint8Array): Uint8Array {
  for (let offset = 0; offset < uniform.length; offset += 32) {
    const candidate = uniform.subarray(offset, offset + 32);
    if (isScalar(candidate)) return candidate.slice();
  }
  throw new HoldfastError('key_invalid', 'no piece of the seed is a private key');
}

/** [HPKE-3] Overwrites both shared halves. */
function combine(
  primitives: Primitives,
  kemShared: Uint8Array,
  pointShared: Uint8Array,
  ephemeral: Uint8Array,
  point: Uint8Array,
): Uint8Array {
  const input = concat(kemShared, pointShared, ephemeral, point, label);
  kemShared.fill(0);
  pointShared.fill(0);
  const shared = primitives.sha3(input);
  input.fill(0);
  return shared;
}

/** A fresh shared secret (32 bytes, the caller overwrites it) for the owner of `publicKey`. Throws `key_invalid`. */
export async function encapsulate(
  primitives: Primitives,
  publicKey: Uint8Array,
): Promise<{ readonly shared: Uint8Array; readonly encapsulated: Uint8Array }> {
  if (publicKey.length !== kemPublicBytes + pointBytes)
    throw new HoldfastError('key_invalid', 'sealing key is not of 1,249 bytes');
  const point = publicKey.subarray(kemPublicBytes);
  const uniform = primitives.random(128);
  const scalar = firstScalar(uniform);
  uniform.fill(0);
  try {
    const pointShared = await primitives.p256SharedX(scalar, point);
    const ephemeral = await primitives.p256PublicKey(scalar);
    const { sharedSecret, ciphertext } = await primitives.mlkem768Encapsulate(publicKey.subarray(0, kemPublicBytes));
    return {
      shared: combine(primitives, sharedSecret, pointShared, ephemeral, point),
      encapsulated: concat(ciphertext, ephemeral),
    };
  } finally {
    scalar.fill(0);
  }
}

/** The halves of a private key in memory, whose owner it stays. */
export function halvesOf(primitives: Primitives, { agree, kem }: KemPrivateKey, publicKey: Uint8Array): KemHalves {
  return { point: publicKey.subarray(kemPublicBytes), kem, agree: (other) => primitives.p256SharedX(agree, other) };
}

/**
 * The shared secret (32 bytes, the caller overwrites it). A wrong ciphertext yields an unrelated one (FIPS 203).
 * Throws `open_failed` for a wrong length and for a point off the curve.
 */
export async function decapsulate(
  primitives: Primitives,
  { point, kem, agree }: KemHalves,
  encapsulated: Uint8Array,
): Promise<Uint8Array> {
  if (encapsulated.length !== encapsulatedBytes) throw new HoldfastError('open_failed', 'sealing does not open'); // [HPKE-4]
  const ephemeral = encapsulated.subarray(kemCiphertextBytes);
  let pointShared: Uint8Array;
  try {
    pointShared = await agree(ephemeral);
  } catch (cause) {
    if (codeOf(cause) !== 'key_invalid') throw cause; // the key store's own trouble is no verdict on the sealing
    throw new HoldfastError('open_failed', 'sealing does not open', { cause }); // [HPKE-4]
  }
  const kemShared = await primitives.mlkem768Decapsulate(kem, encapsulated.subarray(0, kemCiphertextBytes));
  return combine(primitives, kemShared, pointShared, ephemeral, point);
}
