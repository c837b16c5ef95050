// What a key store shows of its keys, spec/attestation.md: the TPM's endorsement, the key that attests, and what it attests. The structures inside are
// the TPM's own (TPM 2.0 Part 2) and are read where they are judged, identity/tpm-attestation.ts.

import { concat, utf8 } from '../codec/bytes.ts';
import { bytesUpTo, literal, record, type Infer } from '../codec/schema.ts';
import { signature } from '../keys/public-keys.ts';
import type { Primitives } from '../primitives/primitives.ts';

const area = bytesUpTo(512);

/** What the machine shows first: nothing of it is proved yet. */
export const keyEvidence = record({
  v: literal(1),
  /** The maker's certificate of the endorsement key, X.509 in DER. */
  endorsement: bytesUpTo(4096),
  /** Public areas (TPMT_PUBLIC). */
  endorsementKey: area,
  attestationKey: area,
  sign: area,
  agree: area,
});
export type KeyEvidence = Infer<typeof keyEvidence>;

/** A secret that only the TPM with that endorsement key and that attestation key can open (TPM2_MakeCredential). */
export const keyChallenge = record({ v: literal(1), credential: bytesUpTo(128), secret: bytesUpTo(512) });
export type KeyChallenge = Infer<typeof keyChallenge>;

const certified = record({ attest: bytesUpTo(512), signature });
/** TPMS_ATTEST about each key, signed by the attestation key. */
export const keyProof = record({ v: literal(1), sign: certified, agree: certified });
export type KeyProof = Infer<typeof keyProof>;

/** [ATTEST-6] What the TPM signs along: only who opened the challenge knows it, and it is for one offer. 32 bytes. */
export function qualifyingData(primitives: Primitives, secret: Uint8Array, offerHash: Uint8Array): Uint8Array {
  return primitives.sha256(concat(utf8('holdfast/v1 attestation\0'), secret, offerHash));
}
