// The joint for key stores that can prove where their keys live, spec/attestation.md: a TPM with its maker's certificate.

import type { KeyChallenge, KeyEvidence, KeyProof } from '@holdfast/protocol/custody/attestation';

/** Shows that both halves live in hardware, to whoever trusts its maker. */
export interface Attester {
  /** Throws `attestation_absent`: there is nothing to show. */
  evidence(): Promise<KeyEvidence>;
  /** For one offer, after `evidence`. */
  prove(challenge: KeyChallenge, offerHash: Uint8Array): Promise<KeyProof>;
}
