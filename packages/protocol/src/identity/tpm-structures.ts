// The TPM 2.0 structures (Part 2) that an attestation is made of, read from bytes that somebody sent: every length is checked, nothing may be left over,
// and every fault is `attestation_invalid`.

import { concat, equalBytes } from '../codec/bytes.ts';
import { HoldfastError } from '../errors.ts';

const algEcc = 0x0023;
const algRsa = 0x0001;
const algSha256 = 0x000b;
const algNull = 0x0010;
const algEcdsa = 0x0018;
const algEcdh = 0x0019;
const algAes = 0x0006;
const algCfb = 0x0043;
const curveP256 = 0x0003;

const attribute = {
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
const bornHere = attribute.fixedTpm | attribute.fixedParent | attribute.sensitiveDataOrigin | attribute.userWithAuth;

const u16 = (value: number): Uint8Array => Uint8Array.of(value >>> 8, value & 0xff);
const u32 = (value: number): Uint8Array => Uint8Array.of(value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff);
export const sized = (content: Uint8Array): Uint8Array => concat(u16(content.length), content);

function invalid(message: string): never {
  throw new HoldfastError('attestation_invalid', message);
}

class Reader {
  readonly #bytes: Uint8Array;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  take(length: number): Uint8Array {
    const end = this.#offset + length;
    if (end > this.#bytes.length) invalid('a structure of the TPM ends too soon');
    const taken = this.#bytes.subarray(this.#offset, end);
    this.#offset = end;
    return taken;
  }

  u16(): number {
    const [high = 0, low = 0] = this.take(2);
    return high * 0x100 + low;
  }

  u32(): number {
    return this.u16() * 0x10000 + this.u16();
  }

  sized(): Uint8Array {
    return this.take(this.u16());
  }

  end(): void {
    if (this.#offset !== this.#bytes.length) invalid('a structure of the TPM is too long');
  }
}

/** The public area of an ECC key on P-256, SHA-256 as its name's hash, up to its point. */
function eccHead(attributes: number, scheme: number): Uint8Array {
  const signing = concat(u16(scheme), u16(algSha256));
  return concat(
    ...[u16(algEcc), u16(algSha256), u32(attributes | attribute.noDictionaryAttack), u16(0), u16(algNull), signing],
    ...[u16(curveP256), u16(algNull)],
  );
}

/** [ATTEST-4] [ATTEST-5] Exactly these attributes and schemes, and no others. */
export const heads = {
  sign: eccHead(bornHere | attribute.sign, algEcdsa),
  agree: eccHead(bornHere | attribute.decrypt, algEcdh),
  attest: eccHead(bornHere | attribute.restricted | attribute.sign, algEcdsa),
} as const;

/** SEC1, uncompressed, of a public area that begins with `head`. Throws `attestation_invalid`. */
export function pointOf(area: Uint8Array, head: Uint8Array): Uint8Array {
  if (!equalBytes(area.subarray(0, head.length), head)) invalid('a key of the TPM is of another kind, or could leave it');
  const reader = new Reader(area.subarray(head.length));
  const [x, y] = [padded(reader.sized()), padded(reader.sized())];
  reader.end();
  return concat(Uint8Array.of(4), x, y);
}

/** TPMs may leave out leading zeros. */
function padded(number: Uint8Array): Uint8Array {
  if (number.length > 32) invalid('a number of the TPM is too long');
  return concat(new Uint8Array(32 - number.length), number);
}

/** PolicySecret of the endorsement hierarchy: TCG EK Credential Profile, template L-1 (RSA 2048). */
const endorsementPolicy = Uint8Array.from(
  '837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa'.match(/../g) ?? [],
  (pair) => Number.parseInt(pair, 16),
);
const endorsementHead = concat(
  ...[u16(algRsa), u16(algSha256)],
  u32(
    attribute.fixedTpm |
      attribute.fixedParent |
      attribute.sensitiveDataOrigin |
      attribute.adminWithPolicy |
      attribute.restricted |
      attribute.decrypt,
  ),
  ...[sized(endorsementPolicy), u16(algAes), u16(128), u16(algCfb), u16(algNull), u16(2048), u32(0)],
);

/** [ATTEST-3] The modulus of an endorsement key of the TCG's template L-1. Throws `attestation_invalid`. */
export function endorsementModulus(area: Uint8Array): Uint8Array {
  if (!equalBytes(area.subarray(0, endorsementHead.length), endorsementHead)) invalid('the endorsement key is of another kind');
  const reader = new Reader(area.subarray(endorsementHead.length));
  const modulus = reader.sized();
  reader.end();
  return modulus;
}

/** TPM_GENERATED_VALUE: no restricted key signs what begins so, unless the TPM itself made it. */
const generated = 0xff544347;
const certify = 0x8017;

/** What a TPM said when it certified a key. */
export interface Certified {
  readonly extraData: Uint8Array;
  readonly name: Uint8Array;
}

/** Reads a TPMS_ATTEST of TPM2_Certify. Throws `attestation_invalid`. */
export function readCertified(attest: Uint8Array): Certified {
  const reader = new Reader(attest);
  if (reader.u32() !== generated) invalid('the TPM did not make this statement'); // [ATTEST-7]
  if (reader.u16() !== certify) invalid('the TPM states something else'); // [ATTEST-7]
  reader.sized(); // name of the key that signs: its signature is checked
  const extraData = reader.sized();
  reader.take(8 + 4 + 4 + 1 + 8); // clock, resets, restarts, whether the clock is safe, firmware
  const name = reader.sized();
  reader.sized(); // name with its parents
  reader.end();
  return { extraData, name };
}

/** The name of an object: its hash's id and the hash of its public area. */
export function nameOf(sha256: (area: Uint8Array) => Uint8Array, area: Uint8Array): Uint8Array {
  return concat(u16(algSha256), sha256(area));
}
