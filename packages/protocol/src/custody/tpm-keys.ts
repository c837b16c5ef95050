// The public areas of the keys that live in a TPM 2.0 (Part 2 §12.2), as custody orders them and as the operator's side compares them. A key is known by
// the head of its area, byte by byte: exactly these attributes and schemes, and no others.

import { concat, equalBytes, fromHex } from '../codec/bytes.ts';
import { HoldfastError, type ErrorCode } from '../errors.ts';
import { Reader, sized, u16, u32 } from './tpm-marshal.ts';

/** TPM_ALG_ID and TPM_ECC_CURVE, as far as they are used. */
export const alg = {
  rsa: 0x0001,
  aes: 0x0006,
  keyedHash: 0x0008,
  sha256: 0x000b,
  none: 0x0010,
  ecdsa: 0x0018,
  ecdh: 0x0019,
  ecc: 0x0023,
  cfb: 0x0043,
} as const;
const curveP256 = 0x0003;

/** TPMA_OBJECT. */
export const attribute = {
  fixedTpm: 1 << 1,
  fixedParent: 1 << 4,
  sensitiveDataOrigin: 1 << 5,
  userWithAuth: 1 << 6,
  adminWithPolicy: 1 << 7,
  noDictionaryAttack: 1 << 10,
  restricted: 1 << 16,
  decrypt: 1 << 17,
  sign: 1 << 18,
} as const;
/** Made in the TPM, by it alone, never to leave it. */
const bornHere = attribute.fixedTpm | attribute.fixedParent | attribute.sensitiveDataOrigin;

/** An ECC key on P-256, SHA-256 as its name's hash, up to its point. */
function eccHead(use: number, symmetric: Uint8Array, scheme: Uint8Array): Uint8Array {
  const attributes = bornHere | attribute.userWithAuth | attribute.noDictionaryAttack | use;
  return concat(
    ...[u16(alg.ecc), u16(alg.sha256), u32(attributes), sized(), symmetric, scheme],
    ...[u16(curveP256), u16(alg.none)],
  );
}
const leafHead = (use: number, scheme: number): Uint8Array => eccHead(use, u16(alg.none), concat(u16(scheme), u16(alg.sha256)));

/** PolicySecret(TPM_RH_ENDORSEMENT). */
const endorsementPolicy = '837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa';
const aes128Cfb = concat(u16(alg.aes), u16(128), u16(alg.cfb));

/** [ATTEST-4] [ATTEST-5] */
export const heads = {
  sign: leafHead(attribute.sign, alg.ecdsa),
  agree: leafHead(attribute.decrypt, alg.ecdh),
  /** Signs nothing but what the TPM itself says. */
  attest: leafHead(attribute.restricted | attribute.sign, alg.ecdsa),
  /** TCG EK Credential Profile, template H-2 for storage keys: every tool on the machine arrives at the same key. */
  storage: eccHead(attribute.restricted | attribute.decrypt, aes128Cfb, u16(alg.none)),
  /** Template L-1 (RSA 2048). [ATTEST-3] */
  endorsement: concat(
    ...[u16(alg.rsa), u16(alg.sha256)],
    u32(bornHere | attribute.adminWithPolicy | attribute.restricted | attribute.decrypt),
    sized(fromHex(endorsementPolicy) ?? new Uint8Array(0)),
    ...[aes128Cfb, u16(alg.none), u16(2048), u32(0)],
  ),
} as const;

/** What follows `head` in an area that begins with it; undefined for a key of another kind. */
export function afterHead(area: Uint8Array, head: Uint8Array): Uint8Array | undefined {
  return equalBytes(area.subarray(0, head.length), head) ? area.subarray(head.length) : undefined;
}

/** The coordinates at the end of an ECC key's area, 32 bytes each. Throws `fault`. */
export function coordinates(unique: Uint8Array, fault?: ErrorCode): { readonly x: Uint8Array; readonly y: Uint8Array } {
  const reader = new Reader(unique, fault);
  const point = { x: padded(reader.sized(), fault), y: padded(reader.sized(), fault) };
  reader.end();
  return point;
}

/** To 32 bytes: TPMs may leave out leading zeros. Throws `fault`. */
export function padded(number: Uint8Array, fault: ErrorCode = 'key_store_failed'): Uint8Array {
  if (number.length > 32) throw new HoldfastError(fault, 'a number of the TPM is too long');
  return concat(new Uint8Array(32 - number.length), number);
}

/** The name of an object: its hash's id and the hash of its public area. */
export function nameOf(sha256: (area: Uint8Array) => Uint8Array, area: Uint8Array): Uint8Array {
  return concat(u16(alg.sha256), sha256(area));
}
