// spec/vectors/attestation: whether an operator believes what a TPM shows and says.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { decode } from '@holdfast/protocol/codec/schema';
import { keyEvidence, keyProof } from '@holdfast/protocol/custody/attestation';
import { Attestation, type Endorsed } from '@holdfast/protocol/identity/tpm-attestation';
import type { PairingOffer } from '@holdfast/protocol/blind/pairing-offer';
import { seededPrimitives } from '@holdfast/testkit/seeded';
import { fromVectorHex, outcomeOf, ownVectors, type VectorEntry } from '@holdfast/testkit/vectors';

interface TpmVector extends VectorEntry {
  readonly seed: string;
  readonly offerHash: string;
  readonly sign: string;
  readonly seal: string;
  readonly modulus: string;
  readonly evidence: string;
  readonly proof: string;
}

async function judged(vector: TpmVector): Promise<void> {
  const primitives = seededPrimitives(vector.seed);
  const offer = { keys: { sign: fromVectorHex(vector.sign), seal: fromVectorHex(vector.seal) } } as PairingOffer;
  const endorsed: Endorsed = {
    modulus: fromVectorHex(vector.modulus),
    seal: async (_label, secret) => secret,
    cipher: async (_key, plaintext) => plaintext,
  };
  const evidence = decode(keyEvidence, fromVectorHex(vector.evidence), 16 * 1024);
  const terms = { offer, offerHash: fromVectorHex(vector.offerHash), endorsed };
  const attestation = await Attestation.begin(primitives, evidence, terms);
  await attestation.verify(decode(keyProof, fromVectorHex(vector.proof), 16 * 1024));
}

describe('attestation vectors', () => {
  const { entries } = ownVectors<TpmVector>('attestation/tpm');
  for (const vector of entries) {
    it(`${vector.clause} ${vector.name}: ${vector.expect}`, async () => {
      assert.equal(await outcomeOf(() => judged(vector)), vector.expect);
    });
  }

  it('[ATTEST-7] with any bit of the proof flipped is believed by nobody', async () => {
    const good = entries.find(({ expect }) => expect === 'ok');
    assert.ok(good !== undefined);
    for (let at = 0; at < good.proof.length / 2; at += 7) {
      const bytes = Buffer.from(good.proof, 'hex');
      bytes[at] = (bytes[at] ?? 0) ^ 4;
      assert.notEqual(await outcomeOf(() => judged({ ...good, proof: bytes.toString('hex') })), 'ok', `byte ${at}`);
    }
  });
});
