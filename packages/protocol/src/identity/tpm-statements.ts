// What somebody sends of a TPM 2.0 for an attestation, read: every fault is `attestation_invalid`.

import { concat } from '../codec/bytes.ts';
import { afterHead, coordinates, heads } from '../custody/tpm-keys.ts';
import { Reader } from '../custody/tpm-marshal.ts';
import { HoldfastError } from '../errors.ts';

const fault = 'attestation_invalid';

function invalid(message: string): never {
  throw new HoldfastError(fault, message);
}

/** SEC1, uncompressed, of a public area that begins with `head`. Throws `attestation_invalid`. */
export function pointOf(area: Uint8Array, head: Uint8Array): Uint8Array {
  const unique = afterHead(area, head) ?? invalid('a key of the TPM is of another kind, or could leave it');
  const { x, y } = coordinates(unique, fault);
  return concat(Uint8Array.of(4), x, y);
}

/** [ATTEST-3] The modulus of an endorsement key of the TCG's template L-1. Throws `attestation_invalid`. */
export function endorsementModulus(area: Uint8Array): Uint8Array {
  const reader = new Reader(afterHead(area, heads.endorsement) ?? invalid('the endorsement key is of another kind'), fault);
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
  const reader = new Reader(attest, fault);
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
