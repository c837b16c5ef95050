// The operator's side of an attestation, spec/attestation.md: before a machine is approved, its key store is asked for proof, if its maker is somebody whom the
// operator installed. What cannot be proved is what the machine says; what is proved falsely is refused.

import type { PairingOffer } from '@holdfast/protocol/blind/pairing-offer';
import { decode, encode } from '@holdfast/protocol/codec/schema';
import { keyChallenge, keyEvidence, keyProof } from '@holdfast/protocol/custody/attestation';
import { codeOf } from '@holdfast/protocol/errors';
import type { CustodyEvidence } from '@holdfast/protocol/identity/credential';
import type { OpenedOffer } from '@holdfast/protocol/identity/pairing';
import { agentPairing } from '@holdfast/protocol/identity/pairing-kind';
import { Attestation } from '@holdfast/protocol/identity/tpm-attestation';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';
import { putPart, takePart } from '@holdfast/protocol/operator/admit';
import { readRoots } from './custody-roots.ts';
import { endorsedBy } from './endorsement.ts';
import type { LocalOperator } from './session.ts';

const maxPartBytes = 16 * 1024;
/** It lies there before the offer does. */
const evidenceWaitMs = 5_000;
/** A chip that is asked for two signatures and one opening. */
const proofWaitMs = 60_000;

export interface Attested {
  readonly evidence: CustodyEvidence;
  /** Who vouches, or why nobody does. */
  readonly because: string;
}

/** Throws `attestation_invalid` for evidence or proof that does not hold; `key_invalid` for roots that this operator did not install. */
export async function attestKeys(
  session: LocalOperator,
  { offer, hash }: OpenedOffer<PairingOffer>,
  code: Uint8Array,
): Promise<Attested> {
  if (offer.custody !== 'tpm') return claimed('only a TPM proves where its keys live'); // [ATTEST-9]
  const { operator, facts, paths, relay } = session;
  const roots = await readRoots({ folder: paths.operator, fleet: facts.fleet, holder: operator.holder });
  if (roots.length === 0) return claimed('no root is installed: holdfast roots add FILE');
  const place = { kind: agentPairing, code } as const;
  const shown = await takePart(relay, { ...place, part: 'evidence' }, evidenceWaitMs);
  if (shown === undefined) return claimed('the machine shows no certificate of its TPM');
  const evidence = decode(keyEvidence, shown, maxPartBytes); // [ATTEST-10]
  let found: ReturnType<typeof endorsedBy>;
  try {
    found = endorsedBy(evidence.endorsement, roots, operator.nowMs);
  } catch (thrown) {
    if (codeOf(thrown) !== 'attestation_untrusted' || !(thrown instanceof Error)) throw thrown;
    return claimed(thrown.message);
  }
  const { endorsed, authority } = found;
  const attestation = await Attestation.begin(nodePrimitives, evidence, { offer, offerHash: hash, endorsed });
  await putPart(relay, { ...place, part: 'challenge' }, encode(keyChallenge, attestation.challenge));
  const proof = await takePart(relay, { ...place, part: 'proof' }, proofWaitMs);
  if (proof === undefined) return claimed('the machine did not answer the challenge');
  await attestation.verify(decode(keyProof, proof, maxPartBytes));
  return { evidence: 'attested', because: `by ${authority}` };
}

function claimed(because: string): Attested {
  return { evidence: 'claimed', because };
}
