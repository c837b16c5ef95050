// node scripts/vectors/attestation.ts: vectors of spec/attestation.md: what a machine shows of its TPM and what the TPM says, one fault each, made by a TPM that
// is played here: it says whatever it is told to.

import { concat } from '@holdfast/protocol/codec/bytes';
import { encode } from '@holdfast/protocol/codec/schema';
import { keyEvidence, keyProof, qualifyingData, type KeyEvidence } from '@holdfast/protocol/custody/attestation';
import { SoftwareKeyHolder } from '@holdfast/protocol/seal/software-key-holder';
import { seededPrimitives } from '@holdfast/testkit/seeded';
import { writeVectors } from './write.ts';

const primitives = seededPrimitives('vectors/attestation');
const seed = 'vectors/attestation/challenge';
/** What the operator's side draws first. */
const secret = seededPrimitives(seed).random(32);
const offerHash = primitives.random(32);
const { publicKeys } = await SoftwareKeyHolder.generate(primitives);
const { publicKeys: otherKeys } = await SoftwareKeyHolder.generate(primitives);
const attestingScalar = concat(Uint8Array.of(0x20), primitives.random(31));
const otherScalar = concat(Uint8Array.of(0x20), primitives.random(31));
const modulus = concat(Uint8Array.of(0xc1), primitives.random(255));

const u16 = (value: number) => Uint8Array.of(value >>> 8, value & 0xff);
const u32 = (value: number) => Uint8Array.of(value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff);
const sized = (content: Uint8Array) => concat(u16(content.length), content);

const leaf = 0x0472; // fixedTPM, fixedParent, sensitiveDataOrigin, userWithAuth, noDA
const [sign, decrypt, restricted] = [1 << 18, 1 << 17, 1 << 16];
const [fixedTpm, fixedParent, sensitiveDataOrigin] = [1 << 1, 1 << 4, 1 << 5];
const [ecdsa, ecdh, p256, p384] = [0x18, 0x19, 3, 4];

function ecc(point: Uint8Array, attributes: number, scheme: number, curve = p256): Uint8Array {
  return concat(
    ...[u16(0x23), u16(0x0b), u32(attributes), u16(0), u16(0x10), u16(scheme), u16(0x0b), u16(curve), u16(0x10)],
    ...[sized(point.subarray(1, 33)), sized(point.subarray(33))],
  );
}

const policy = Uint8Array.from(Buffer.from('837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa', 'hex'));
const endorsementArea = (attributes = 0x000300b2) =>
  concat(
    ...[u16(1), u16(0x0b), u32(attributes), sized(policy), u16(6), u16(128), u16(0x43), u16(0x10), u16(2048), u32(0)],
    sized(modulus),
  );

const attestingPoint = await primitives.p256PublicKey(attestingScalar);
const agreePoint = publicKeys.seal.subarray(-65);
const areas = {
  attest: ecc(attestingPoint, leaf | restricted | sign, ecdsa),
  sign: ecc(publicKeys.sign, leaf | sign, ecdsa),
  agree: ecc(agreePoint, leaf | decrypt, ecdh),
};

const evidence: KeyEvidence = {
  v: 1,
  endorsement: Uint8Array.of(0x30, 0x00), // certificates are judged elsewhere
  endorsementKey: endorsementArea(),
  attestationKey: areas.attest,
  sign: areas.sign,
  agree: areas.agree,
};

const nameOf = (area: Uint8Array) => concat(u16(0x0b), primitives.sha256(area));

interface Said {
  readonly area: Uint8Array;
  readonly magic?: number;
  readonly type?: number;
  readonly data?: Uint8Array;
  readonly more?: Uint8Array;
  readonly by?: Uint8Array;
}

async function said({ area, magic = 0xff544347, type = 0x8017, data, more = new Uint8Array(0), by = attestingScalar }: Said) {
  const attest = concat(
    ...[u32(magic), u16(type), sized(nameOf(areas.attest)), sized(data ?? qualifyingData(primitives, secret, offerHash))],
    ...[new Uint8Array(17), new Uint8Array(8), sized(nameOf(area)), sized(nameOf(area)), more],
  );
  return { attest, signature: await primitives.p256Sign(by, attest) };
}

const good = { v: 1, sign: await said({ area: areas.sign }), agree: await said({ area: areas.agree }) } as const;
const ours = { seed, offerHash, sign: publicKeys.sign, seal: publicKeys.seal, modulus };

const shown = (change: Partial<KeyEvidence>) => ({
  ...ours,
  evidence: encode(keyEvidence, { ...evidence, ...change }),
  proof: encode(keyProof, good),
});
/** The TPM certifies what was shown, whatever it is. */
async function consistent(change: Partial<KeyEvidence>) {
  const all = { ...evidence, ...change };
  const proof = { v: 1, sign: await said({ area: all.sign }), agree: await said({ area: all.agree }) } as const;
  return { ...ours, evidence: encode(keyEvidence, all), proof: encode(keyProof, proof) };
}
async function proved(use: 'sign' | 'agree', change: Partial<Said>) {
  const proof = { ...good, [use]: await said({ area: areas[use], ...change }) };
  return { ...ours, evidence: encode(keyEvidence, evidence), proof: encode(keyProof, proof) };
}
const flipped = (bytes: Uint8Array, at: number) => bytes.map((byte, index) => (index === at ? byte ^ 1 : byte));
const fault = (name: string, clause: string, vector: object) => ({
  name,
  clause,
  expect: 'attestation_invalid' as const,
  ...vector,
});

writeVectors(
  'attestation/tpm',
  'What a TPM shows and says, and whether an operator believes it; `seed` draws the challenge, `evidence` and `proof` are messages.',
  [
    { name: 'both keys in one TPM', clause: 'ATTEST-7', expect: 'ok', ...shown({}) },

    fault(
      'an endorsement key of another certificate',
      'ATTEST-3',
      shown({ endorsementKey: flipped(evidence.endorsementKey, 100) }),
    ),
    fault(
      'an endorsement key that its user may use otherwise',
      'ATTEST-3',
      shown({ endorsementKey: endorsementArea(0x000300f2) }),
    ),
    fault('an endorsement key that may sign', 'ATTEST-3', shown({ endorsementKey: endorsementArea(0x000700b2) })),
    fault('an endorsement key cut short', 'ATTEST-3', shown({ endorsementKey: evidence.endorsementKey.subarray(0, -1) })),
    fault(
      'an endorsement key with something after it',
      'ATTEST-3',
      shown({ endorsementKey: concat(evidence.endorsementKey, u16(0)) }),
    ),

    fault(
      'an attestation key that signs anything',
      'ATTEST-4',
      await consistent({ attestationKey: ecc(attestingPoint, leaf | sign, ecdsa) }),
    ),
    fault(
      'an attestation key that could leave the TPM',
      'ATTEST-4',
      await consistent({ attestationKey: ecc(attestingPoint, (leaf & ~fixedTpm) | restricted | sign, ecdsa) }),
    ),
    fault(
      'an attestation key that was brought there',
      'ATTEST-4',
      await consistent({ attestationKey: ecc(attestingPoint, (leaf & ~sensitiveDataOrigin) | restricted | sign, ecdsa) }),
    ),
    fault(
      'an attestation key that decrypts',
      'ATTEST-4',
      await consistent({ attestationKey: ecc(attestingPoint, leaf | restricted | sign | decrypt, ecdsa) }),
    ),
    fault(
      'an attestation key on another curve',
      'ATTEST-4',
      await consistent({ attestationKey: ecc(attestingPoint, leaf | restricted | sign, ecdsa, p384) }),
    ),

    fault(
      'a signing key that could leave the TPM',
      'ATTEST-5',
      await consistent({ sign: ecc(publicKeys.sign, (leaf & ~fixedTpm) | sign, ecdsa) }),
    ),
    fault(
      'a signing key that could leave its parent',
      'ATTEST-5',
      await consistent({ sign: ecc(publicKeys.sign, (leaf & ~fixedParent) | sign, ecdsa) }),
    ),
    fault(
      'a signing key that was brought there',
      'ATTEST-5',
      await consistent({ sign: ecc(publicKeys.sign, (leaf & ~sensitiveDataOrigin) | sign, ecdsa) }),
    ),
    fault(
      'an agreement key that could leave the TPM',
      'ATTEST-5',
      await consistent({ agree: ecc(agreePoint, (leaf & ~fixedTpm) | decrypt, ecdh) }),
    ),
    fault(
      'an agreement key that was brought there',
      'ATTEST-5',
      await consistent({ agree: ecc(agreePoint, (leaf & ~sensitiveDataOrigin) | decrypt, ecdh) }),
    ),
    fault('an agreement key that signs', 'ATTEST-5', await consistent({ agree: ecc(agreePoint, leaf | decrypt | sign, ecdh) })),
    fault('another signing key than is offered', 'ATTEST-5', await consistent({ sign: ecc(otherKeys.sign, leaf | sign, ecdsa) })),
    fault(
      'another agreement key than is offered',
      'ATTEST-5',
      await consistent({ agree: ecc(otherKeys.seal.subarray(-65), leaf | decrypt, ecdh) }),
    ),
    fault(
      'a point with a number too long',
      'ATTEST-5',
      shown({ sign: concat(areas.sign.subarray(0, -68), sized(new Uint8Array(33)), areas.sign.subarray(-34)) }),
    ),

    fault(
      'a challenge that was not opened',
      'ATTEST-6',
      await proved('sign', { data: qualifyingData(primitives, primitives.random(32), offerHash) }),
    ),
    fault(
      "yesterday's word, about another offer",
      'ATTEST-6',
      await proved('agree', { data: qualifyingData(primitives, secret, primitives.random(32)) }),
    ),
    fault('no challenge at all', 'ATTEST-6', await proved('sign', { data: new Uint8Array(0) })),

    fault('a statement that the TPM did not make', 'ATTEST-7', await proved('sign', { magic: 0xff544348 })),
    fault('a quote of registers', 'ATTEST-7', await proved('sign', { type: 0x8018 })),
    fault('another key certified', 'ATTEST-7', await proved('sign', { area: ecc(otherKeys.sign, leaf | sign, ecdsa) })),
    fault('the signing key certified twice', 'ATTEST-7', await proved('agree', { area: areas.sign })),
    fault(
      'the same key with other attributes certified',
      'ATTEST-7',
      await proved('agree', { area: ecc(agreePoint, (leaf & ~fixedTpm) | decrypt, ecdh) }),
    ),
    fault('signed by another key', 'ATTEST-7', await proved('agree', { by: otherScalar })),
    fault('something after the statement', 'ATTEST-7', await proved('sign', { more: u16(0) })),
    fault('a changed signature', 'ATTEST-7', {
      ...ours,
      evidence: encode(keyEvidence, evidence),
      proof: encode(keyProof, { ...good, sign: { ...good.sign, signature: flipped(good.sign.signature, 40) } }),
    }),
    fault('a changed statement', 'ATTEST-7', {
      ...ours,
      evidence: encode(keyEvidence, evidence),
      proof: encode(keyProof, { ...good, agree: { ...good.agree, attest: flipped(good.agree.attest, 90) } }),
    }),
    {
      name: 'a message with something after it',
      clause: 'ATTEST-10',
      expect: 'codec_trailing',
      ...ours,
      evidence: concat(encode(keyEvidence, evidence), u16(0)),
      proof: encode(keyProof, good),
    },
    {
      name: 'a message cut short',
      clause: 'ATTEST-10',
      expect: 'codec_truncated',
      ...ours,
      evidence: encode(keyEvidence, evidence),
      proof: encode(keyProof, good).subarray(0, -1),
    },
  ],
);
