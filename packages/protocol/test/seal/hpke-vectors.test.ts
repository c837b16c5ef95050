// The HPKE working group's vectors for KEM 0x0050, over both adapters: keys, decapsulation, key schedule, every encryption.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { concat, toHex, utf8 } from '@holdfast/protocol/codec/bytes';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';
import type { Primitives } from '@holdfast/protocol/primitives/primitives';
import { webPrimitives } from '@holdfast/protocol/primitives/web';
import { keySchedule } from '@holdfast/protocol/seal/hpke';
import { decapsulate, expandSeed, halvesOf, kemPublicKey } from '@holdfast/protocol/seal/hybrid-kem';
import { externalJson, fromVectorHex as hex, noExternalVectors } from '@holdfast/testkit/vectors';

interface HpkeVector {
  readonly kem_id: number;
  readonly kdf_id: number;
  readonly aead_id: number;
  readonly suite_id: string;
  readonly info: string;
  readonly ikmR: string;
  readonly skRm: string;
  readonly pkRm: string;
  readonly enc: string;
  readonly shared_secret: string;
  readonly key: string;
  readonly base_nonce: string;
  readonly encryptions: readonly { readonly aad: string; readonly ct: string; readonly nonce: string; readonly pt: string }[];
}

const twoBytes = (value: number): Uint8Array => Uint8Array.of(value >> 8, value & 0xff);
const withLength = (part: Uint8Array): Uint8Array => concat(twoBytes(part.length), part);

/** LabeledDerive of draft-ietf-hpke-hpke over a one-stage KDF. We use no such KDF ourselves; the vectors do. */
function labeledInput(secret: Uint8Array, suiteId: Uint8Array, label: string, context: Uint8Array, length: number): Uint8Array {
  return concat(secret, utf8('HPKE-v1'), suiteId, withLength(utf8(label)), twoBytes(length), context);
}

function schedule(primitives: Primitives, vector: HpkeVector, shared: Uint8Array): { key: Uint8Array; nonce: Uint8Array } {
  const keyBytes = vector.key.length / 2;
  if (vector.kdf_id === 1) {
    return keySchedule(primitives, { kem: 0x50, kdf: 1, aead: vector.aead_id, keyBytes }, shared, hex(vector.info));
  }
  assert.equal(vector.kdf_id, 0x10);
  const context = concat(Uint8Array.of(0), withLength(new Uint8Array(0)), withLength(hex(vector.info)));
  const secrets = concat(withLength(new Uint8Array(0)), withLength(shared));
  const length = keyBytes + 12 + 32;
  const derived = primitives.shake128(labeledInput(secrets, hex(vector.suite_id), 'secret', context, length), length);
  return { key: derived.subarray(0, keyBytes), nonce: derived.subarray(keyBytes, keyBytes + 12) };
}

for (const [name, primitives] of [
  ['node', nodePrimitives],
  ['web', webPrimitives],
] as const) {
  describe(`HPKE MLKEM768-P256 over ${name} [HPKE-1] [HPKE-2] [HPKE-3]`, { skip: noExternalVectors }, () => {
    const vectors =
      noExternalVectors === false
        ? externalJson<HpkeVector[]>('hpke-pq/test-vectors.json').filter(({ kem_id }) => kem_id === 0x50)
        : [];

    it('has both vectors', () => {
      assert.deepEqual(
        vectors.map(({ kdf_id, aead_id }) => [kdf_id, aead_id]),
        [
          [1, 1],
          [0x10, 2],
        ],
      );
    });

    it('derives, decapsulates and schedules as they say', async () => {
      for (const vector of vectors) {
        const seed = primitives.shake256(
          labeledInput(hex(vector.ikmR), hex('4b454d0050'), 'DeriveKeyPair', new Uint8Array(0), 32),
          32,
        );
        assert.equal(toHex(seed), vector.skRm);
        const privateKey = expandSeed(primitives, seed);
        assert.equal(toHex(await kemPublicKey(primitives, privateKey)), vector.pkRm);
        const shared = await decapsulate(
          primitives,
          halvesOf(primitives, privateKey, await kemPublicKey(primitives, privateKey)),
          hex(vector.enc),
        );
        assert.equal(toHex(shared), vector.shared_secret);
        const { key, nonce } = schedule(primitives, vector, shared);
        assert.equal(toHex(key), vector.key);
        assert.equal(toHex(nonce), vector.base_nonce);
        assert.ok(vector.encryptions.length > 0);
        for (const { aad, ct, nonce: at, pt } of vector.encryptions) {
          assert.equal(toHex(await primitives.aeadOpen(key, hex(at), hex(aad), hex(ct))), pt);
        }
      }
    });
  });
}
