// Whether an agent's two keys live in one TPM that a maker vouches for, spec/attestation.md, as the operator's side asks it: a challenge that only that
// TPM can open, and its word about both keys, given over what was in the challenge. Certificates are judged by whoever calls (`Endorsed`).

import { concat, equalBytes, utf8 } from '../codec/bytes.ts';
import { qualifyingData, type KeyChallenge, type KeyEvidence, type KeyProof } from '../custody/attestation.ts';
import { heads, nameOf } from '../custody/tpm-keys.ts';
import { sized } from '../custody/tpm-marshal.ts';
import { HoldfastError } from '../errors.ts';
import type { PairingOffer } from '../blind/pairing-offer.ts';
import type { Primitives } from '../primitives/primitives.ts';
import { endorsementModulus, pointOf, readCertified } from './tpm-statements.ts';

const secretBytes = 32;
const pointBytes = 65;

/** An endorsement key whose certificate leads to a root that the operator installed: only the verifier of certificates makes one. */
export interface Endorsed {
  /** RSA modulus, big-endian. */
  readonly modulus: Uint8Array;
  /** RSA-OAEP with SHA-256 (RFC 8017), `label` as it is. */
  seal(label: Uint8Array, secret: Uint8Array): Promise<Uint8Array>;
  /** AES-128 in cipher feedback mode, initialization vector of zeros. */
  cipher(key: Uint8Array, plaintext: Uint8Array): Promise<Uint8Array>;
}

/** One attestation, from evidence to proof. */
export class Attestation {
  readonly challenge: KeyChallenge;
  readonly #primitives: Primitives;
  readonly #evidence: KeyEvidence;
  readonly #expected: Uint8Array;
  readonly #attestationPoint: Uint8Array;

  private constructor(
    primitives: Primitives,
    evidence: KeyEvidence,
    { challenge, expected, attestationPoint }: { challenge: KeyChallenge; expected: Uint8Array; attestationPoint: Uint8Array },
  ) {
    this.#primitives = primitives;
    this.#evidence = evidence;
    this.challenge = challenge;
    this.#expected = expected;
    this.#attestationPoint = attestationPoint;
  }

  /** Looks at what the machine shows, and makes the challenge. Throws `attestation_invalid`. */
  static async begin(
    primitives: Primitives,
    evidence: KeyEvidence,
    { offer, offerHash, endorsed }: { readonly offer: PairingOffer; readonly offerHash: Uint8Array; readonly endorsed: Endorsed },
  ): Promise<Attestation> {
    if (!equalBytes(endorsementModulus(evidence.endorsementKey), endorsed.modulus))
      invalid('the certificate is of another endorsement key'); // [ATTEST-3]
    const attestationPoint = pointOf(evidence.attestationKey, heads.attest); // [ATTEST-4]
    const { sign, seal } = offer.keys;
    if (!equalBytes(pointOf(evidence.sign, heads.sign), sign)) invalid('the signing key is not the one that is offered'); // [ATTEST-5]
    if (!equalBytes(pointOf(evidence.agree, heads.agree), seal.subarray(-pointBytes)))
      invalid('the agreement key is not the one that is offered'); // [ATTEST-5]
    const secret = primitives.random(secretBytes);
    const challenge = await makeCredential(primitives, endorsed, nameOf(primitives.sha256, evidence.attestationKey), secret);
    const expected = qualifyingData(primitives, secret, offerHash);
    secret.fill(0);
    return new Attestation(primitives, evidence, { challenge, expected, attestationPoint });
  }

  /** Returns nothing or throws `attestation_invalid`. */
  async verify(proof: KeyProof): Promise<void> {
    for (const use of ['sign', 'agree'] as const) {
      const { attest, signature } = proof[use];
      if (!(await this.#primitives.p256Verify(this.#attestationPoint, attest, signature)))
        invalid('another key than the attestation key signed'); // [ATTEST-7]
      const { extraData, name } = readCertified(attest);
      if (!equalBytes(extraData, this.#expected)) invalid('the challenge was not opened, or is another'); // [ATTEST-6]
      if (!equalBytes(name, nameOf(this.#primitives.sha256, this.#evidence[use]))) invalid('another key was certified'); // [ATTEST-7]
    }
  }
}

function invalid(message: string): never {
  throw new HoldfastError('attestation_invalid', message);
}

/** TPM2_MakeCredential, Part 1 §24, in software: `name` is of the attestation key that has to be loaded beside the endorsement key. */
async function makeCredential(
  primitives: Primitives,
  endorsed: Endorsed,
  name: Uint8Array,
  secret: Uint8Array,
): Promise<KeyChallenge> {
  const seed = primitives.random(32);
  const none = new Uint8Array(0);
  const identity = await endorsed.cipher(kdfA(primitives, seed, 'STORAGE', name).subarray(0, 16), sized(secret));
  const integrity = primitives.hmacSha256(kdfA(primitives, seed, 'INTEGRITY', none), concat(identity, name));
  const sealed = await endorsed.seal(utf8('IDENTITY\0'), seed);
  seed.fill(0);
  return { v: 1, credential: concat(sized(integrity), identity), secret: sealed };
}

/** Part 1 §11.4.10.2: KDFa with SHA-256 for up to 256 bits; the length is part of the input, `STORAGE` asks for 128. */
function kdfA(primitives: Primitives, key: Uint8Array, label: 'STORAGE' | 'INTEGRITY', context: Uint8Array): Uint8Array {
  const bits = label === 'STORAGE' ? 128 : 256;
  const input = concat(Uint8Array.of(0, 0, 0, 1), utf8(`${label}\0`), context, Uint8Array.of(0, 0, bits >>> 8, bits & 0xff));
  return primitives.hmacSha256(key, input);
}
