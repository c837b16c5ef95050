// One suite for both adapters of the primitives, and each against the other.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import fc from 'fast-check';

import { equalBytes, toHex, utf8 } from '@holdfast/protocol/codec/bytes';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';
import { isLowS, lowS } from '@holdfast/protocol/primitives/p256-scalar';
import type { Primitives } from '@holdfast/protocol/primitives/primitives';
import { webPrimitives } from '@holdfast/protocol/primitives/web';
import { hkdf } from '@holdfast/protocol/seal/hkdf';
import { externalGzipLines, fromVectorHex as hex, noExternalVectors, outcomeOf, wycheproof } from '@holdfast/testkit/vectors';

const adapters: readonly (readonly [string, Primitives])[] = [
  ['node', nodePrimitives],
  ['web', webPrimitives],
];

const order = 'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551';
const needsVectors = { skip: noExternalVectors };

for (const [name, primitives] of adapters) {
  const other = primitives === nodePrimitives ? webPrimitives : nodePrimitives;

  describe(`primitives: ${name}`, () => {
    it('hashes as the standards say', () => {
      assert.equal(
        toHex(primitives.sha256(utf8('a'), utf8('bc'))),
        'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
      );
      assert.equal(toHex(primitives.sha3(utf8('abc'))), '3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532');
      assert.equal(toHex(primitives.shake128(utf8(''), 16)), '7f9c2ba4e88f827d616045507605853e');
      assert.equal(toHex(primitives.shake256(utf8(''), 16)), '46b9dd2b0ba88d13233b3feb743eeb24');
      // RFC 4231, case 2
      const mac = primitives.hmacSha256(utf8('Jefe'), utf8('what do ya want for nothing?'));
      assert.equal(toHex(mac), '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843');
    });

    it('gives plain arrays that share no memory', () => {
      const results = [primitives.sha256(), primitives.sha3(utf8('')), primitives.random(8), primitives.random(8)];
      for (const result of results) assert.equal(Object.getPrototypeOf(result), Uint8Array.prototype);
      assert.equal(new Set(results.map((result) => result.buffer)).size, results.length);
    });

    it('agrees with the other adapter on hashes and sealing', async () => {
      const bytes = fc.uint8Array({ maxLength: 300 });
      await fc.assert(
        fc.asyncProperty(bytes, bytes, fc.constantFrom(16, 32), async (a, b, keyBytes) => {
          assert.deepEqual(primitives.sha256(a, b), other.sha256(a, b));
          assert.deepEqual(primitives.hmacSha256(a, b), other.hmacSha256(a, b));
          assert.deepEqual(primitives.sha3(a), other.sha3(a));
          assert.deepEqual(primitives.shake128(a, b.length), other.shake128(a, b.length));
          assert.deepEqual(primitives.shake256(a, b.length), other.shake256(a, b.length));
          const key = primitives.random(keyBytes);
          const nonce = primitives.random(12);
          const sealed = await primitives.aeadSeal(key, nonce, a, b);
          assert.deepEqual(sealed, await other.aeadSeal(key, nonce, a, b));
          assert.deepEqual(await other.aeadOpen(key, nonce, a, sealed), b);
        }),
        { numRuns: 40 },
      );
    });

    it('refuses a sealing with any bit flipped, and keys of other lengths', async () => {
      const key = primitives.random(32);
      const nonce = primitives.random(12);
      const sealed = await primitives.aeadSeal(key, nonce, utf8('about'), utf8('text'));
      for (let bit = 0; bit < 8 * sealed.length; bit += 1) {
        const flipped = sealed.slice();
        flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        assert.equal(await outcomeOf(() => primitives.aeadOpen(key, nonce, utf8('about'), flipped)), 'open_failed');
      }
      assert.equal(await outcomeOf(() => primitives.aeadOpen(key, nonce, utf8('other'), sealed)), 'open_failed');
      assert.equal(await outcomeOf(() => primitives.aeadOpen(key, nonce, utf8('about'), sealed.subarray(0, 15))), 'open_failed');
      assert.equal(await outcomeOf(() => primitives.aeadSeal(key.subarray(0, 24), nonce, utf8(''), sealed)), 'key_invalid');
    });

    it('signs low-S what the other adapter verifies, and refuses what was altered', async () => {
      const scalar = primitives.random(32).fill(1, 0, 1);
      const publicKey = await primitives.p256PublicKey(scalar);
      assert.deepEqual(publicKey, await other.p256PublicKey(scalar));
      for (let round = 0; round < 16; round += 1) {
        const message = primitives.random(round);
        const signature = await primitives.p256Sign(scalar, message);
        assert.ok(isLowS(signature));
        assert.equal(await other.p256Verify(publicKey, message, signature), true);
        assert.equal(await primitives.p256Verify(publicKey, utf8('something else'), signature), false);
        const flipped = signature.slice();
        flipped[4 * round] = (flipped[4 * round] ?? 0) ^ 1;
        assert.equal(await primitives.p256Verify(publicKey, message, flipped), false);
      }
      assert.equal(await primitives.p256Verify(publicKey.subarray(1), utf8(''), new Uint8Array(64)), false);
      assert.equal(await primitives.p256Verify(new Uint8Array(65).fill(4, 0, 1), utf8(''), new Uint8Array(64)), false);
    });

    it('verifies with the key that it is given, whichever it was given before', async () => {
      const message = utf8('message');
      const made = async () => {
        const scalar = primitives.random(32).fill(1, 0, 1);
        return { publicKey: await primitives.p256PublicKey(scalar), signature: await primitives.p256Sign(scalar, message) };
      };
      const [mine, others] = [await made(), await made()];
      const given = mine.publicKey.slice();
      assert.equal(await primitives.p256Verify(given, message, mine.signature), true);
      given.set(others.publicKey); // the same memory, another key
      assert.equal(await primitives.p256Verify(given, message, mine.signature), false);
      assert.equal(await primitives.p256Verify(given, message, others.signature), true);
      for (let bit = 8; bit < 65 * 8; bit += 8) {
        const near = mine.publicKey.slice();
        near[bit / 8] = (near[bit / 8] ?? 0) ^ 1;
        assert.equal(await primitives.p256Verify(near, message, mine.signature), false);
      }
      // More keys than an adapter may remember, then the first again.
      for (let count = 0; count < 300; count += 1) {
        const { publicKey, signature } = await made();
        assert.equal(await primitives.p256Verify(publicKey, message, signature), true);
        assert.equal(await primitives.p256Verify(publicKey, message, mine.signature), false);
      }
      assert.equal(await primitives.p256Verify(mine.publicKey, message, mine.signature), true);
      assert.equal(await primitives.p256Verify(mine.publicKey, message, others.signature), false);
    });

    it('signs and verifies Ed25519 as RFC 8032, the other adapter and Wycheproof have it', needsVectors, async () => {
      const seed = hex('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60');
      const publicKey = await primitives.ed25519PublicKey(seed);
      assert.equal(toHex(publicKey), 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a');
      const signature = await primitives.ed25519Sign(seed, utf8('message'));
      assert.deepEqual(signature, await other.ed25519Sign(seed, utf8('message')));
      assert.equal(await primitives.ed25519Verify(publicKey, utf8('another'), signature), false);
      assert.equal(await outcomeOf(() => primitives.ed25519Sign(seed.subarray(1), utf8(''))), 'key_invalid');
      assert.equal(await outcomeOf(() => primitives.ed25519PublicKey(seed.subarray(1))), 'key_invalid');
      type Group = { publicKey: { pk: string } };
      for (const group of wycheproof<{ msg: string; sig: string }, Group>('ed25519')) {
        for (const { tcId, msg, sig, result } of group.tests) {
          const verdict = await primitives.ed25519Verify(hex(group.publicKey.pk), hex(msg), hex(sig));
          assert.equal(verdict, result === 'valid', `tcId ${tcId}`);
        }
      }
    });

    it('takes as private keys only what is one', async () => {
      const below = hex(order);
      below[31] = (below[31] ?? 0) - 1;
      assert.equal(await outcomeOf(() => primitives.p256PublicKey(below)), 'ok');
      for (const scalar of [
        hex(order),
        new Uint8Array(32),
        new Uint8Array(32).fill(255),
        new Uint8Array(31).fill(1),
        new Uint8Array(33).fill(1),
      ]) {
        assert.equal(await outcomeOf(() => primitives.p256PublicKey(scalar)), 'key_invalid');
        assert.equal(await outcomeOf(() => primitives.p256Sign(scalar, utf8(''))), 'key_invalid');
        assert.equal(await outcomeOf(() => primitives.p256SharedX(scalar, hex(`04${'00'.repeat(64)}`))), 'key_invalid');
      }
    });

    it('encapsulates to seeds that the other adapter decapsulates', async () => {
      const seed = primitives.random(64);
      const publicKey = await primitives.mlkem768PublicKey(seed);
      assert.deepEqual(publicKey, await other.mlkem768PublicKey(seed));
      const { sharedSecret, ciphertext } = await primitives.mlkem768Encapsulate(publicKey);
      assert.deepEqual(await other.mlkem768Decapsulate(seed, ciphertext), sharedSecret);
      ciphertext[0] = (ciphertext[0] ?? 0) ^ 1;
      assert.ok(!equalBytes(await other.mlkem768Decapsulate(seed, ciphertext), sharedSecret));
      assert.equal(await outcomeOf(() => primitives.mlkem768Decapsulate(seed, ciphertext.subarray(1))), 'key_invalid');
      assert.equal(await outcomeOf(() => primitives.mlkem768PublicKey(seed.subarray(1))), 'key_invalid');
      assert.equal(await outcomeOf(() => primitives.mlkem768Encapsulate(publicKey.subarray(1))), 'key_invalid');
    });

    it('verifies ES256 as Wycheproof says', needsVectors, async () => {
      type Group = { publicKey: { uncompressed: string } };
      let checked = 0;
      for (const group of wycheproof<{ msg: string; sig: string }, Group>('ecdsa_secp256r1_sha256_p1363')) {
        for (const { tcId, msg, sig, result } of group.tests) {
          const verdict = await primitives.p256Verify(hex(group.publicKey.uncompressed), hex(msg), hex(sig));
          assert.equal(verdict, result === 'valid', `test ${tcId}`);
          checked += 1;
        }
      }
      assert.equal(checked, 262);
    });

    it('agrees on P-256 as Wycheproof says; of key encodings it takes the uncompressed point alone', needsVectors, async () => {
      const spki = '3059301306072a8648ce3d020106082a8648ce3d030107034200';
      let plain = 0;
      for (const group of wycheproof<{ public: string; private: string; shared: string }>('ecdh_secp256r1')) {
        for (const test of group.tests) {
          // The point is what remains after the ordinary header; ASN.1 and its faults never reach us.
          if (!test.public.startsWith(spki) || test.flags.includes('InvalidAsn')) continue;
          const scalar = hex(test.private.padStart(64, '0').slice(-64));
          const point = hex(test.public.slice(spki.length));
          if (test.result === 'invalid' || point.length !== 65) {
            assert.equal(await outcomeOf(() => primitives.p256SharedX(scalar, point)), 'key_invalid', `test ${test.tcId}`);
          } else {
            assert.equal(toHex(await primitives.p256SharedX(scalar, point)), test.shared, `test ${test.tcId}`);
            plain += 1;
          }
        }
      }
      assert.ok(plain > 300, `only ${plain} keys were in the ordinary form`);
    });

    it('seals with AES-GCM as Wycheproof says', needsVectors, async () => {
      type Case = { key: string; iv: string; aad: string; msg: string; ct: string; tag: string };
      let checked = 0;
      for (const group of wycheproof<Case, { ivSize: number; keySize: number }>('aes_gcm')) {
        if (group.ivSize !== 96 || group.keySize === 192) continue;
        for (const { tcId, key, iv, aad, msg, ct, tag, result } of group.tests) {
          const act = (): Promise<Uint8Array> => primitives.aeadOpen(hex(key), hex(iv), hex(aad), hex(ct + tag));
          if (result === 'invalid') {
            assert.equal(await outcomeOf(act), 'open_failed', `test ${tcId}`);
          } else {
            assert.equal(toHex(await act()), msg, `test ${tcId}`);
            assert.equal(toHex(await primitives.aeadSeal(hex(key), hex(iv), hex(aad), hex(msg))), ct + tag, `test ${tcId}`);
          }
          checked += 1;
        }
      }
      assert.ok(checked > 130, `only ${checked} vectors of our sizes`);
    });

    it('derives by HKDF as Wycheproof says', needsVectors, async () => {
      for (const group of wycheproof<{ ikm: string; salt: string; info: string; size: number; okm: string }>('hkdf_sha256')) {
        for (const { tcId, ikm, salt, info, size, okm, result } of group.tests) {
          const act = (): Uint8Array => hkdf(primitives, { secret: hex(ikm), salt: hex(salt), info: hex(info), length: size });
          if (result === 'invalid') assert.equal(await outcomeOf(act), 'usage', `test ${tcId}`);
          else assert.equal(toHex(act()), okm, `test ${tcId}`);
        }
      }
    });

    it('makes ML-KEM-768 keys and secrets as Wycheproof says', needsVectors, async () => {
      for (const group of wycheproof<{ seed: string; ek: string }>('mlkem_768_keygen_seed')) {
        for (const { tcId, seed, ek } of group.tests) {
          assert.equal(toHex(await primitives.mlkem768PublicKey(hex(seed))), ek, `key test ${tcId}`);
        }
      }
      let valid = 0;
      for (const group of wycheproof<{ seed: string; ek: string; c: string; K: string }>('mlkem_768')) {
        for (const { tcId, seed, c, K, result } of group.tests) {
          if (result === 'invalid') {
            assert.equal(await outcomeOf(() => primitives.mlkem768Decapsulate(hex(seed), hex(c))), 'key_invalid', `test ${tcId}`);
          } else {
            assert.equal(toHex(await primitives.mlkem768Decapsulate(hex(seed), hex(c))), K, `test ${tcId}`);
            valid += 1;
          }
        }
      }
      assert.equal(valid, 153);
    });

    it('refuses every encapsulation key that Wycheproof and CCTV call invalid', needsVectors, async () => {
      for (const group of wycheproof<{ ek: string }>('mlkem_768_encaps')) {
        for (const { tcId, ek, result } of group.tests) {
          const outcome = await outcomeOf(() => primitives.mlkem768Encapsulate(hex(ek)));
          assert.equal(outcome, result === 'invalid' ? 'key_invalid' : 'ok', `test ${tcId}`);
        }
      }
      const unreduced = externalGzipLines('cctv/ml-kem/modulus/ML-KEM-768.txt.gz');
      assert.equal(unreduced.length, 780);
      for (const ek of unreduced) assert.equal(await outcomeOf(() => primitives.mlkem768Encapsulate(hex(ek))), 'key_invalid');
    });
  });
}

describe('the other signature', () => {
  it('is normalised to the smaller s, and both stand for the same', async () => {
    const scalar = new Uint8Array(32).fill(7);
    const publicKey = await nodePrimitives.p256PublicKey(scalar);
    const low = await nodePrimitives.p256Sign(scalar, utf8('message'));
    const s = BigInt(`0x${toHex(low.subarray(32))}`);
    const high = hex(toHex(low.subarray(0, 32)) + (BigInt(`0x${order}`) - s).toString(16).padStart(64, '0'));
    assert.ok(!isLowS(high));
    assert.equal(await nodePrimitives.p256Verify(publicKey, utf8('message'), high), true);
    assert.deepEqual(lowS(high), low);
    assert.deepEqual(lowS(low), low);
  });
});
