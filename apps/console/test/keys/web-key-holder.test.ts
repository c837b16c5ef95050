// Keys that script can use and not read: they do what every key holder does, the vectors of sealings open with them, and no byte of them stays.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { toHex, utf8 } from '@holdfast/protocol/codec/bytes';
import { bytes, decode, literal, record } from '@holdfast/protocol/codec/schema';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';
import { webPrimitives } from '@holdfast/protocol/primitives/web';
import { openSealed, sealPurpose, sealTo } from '@holdfast/protocol/seal/hpke';
import { kemPublicKey } from '@holdfast/protocol/seal/hybrid-kem';
import { SoftwareKeyHolder } from '@holdfast/protocol/seal/software-key-holder';
import { keyHolderContract } from '@holdfast/testkit/key-holder-contract';
import { fromVectorHex as hex, outcomeOf, ownVectors, type VectorEntry } from '@holdfast/testkit/vectors';
import type { PrivateKeys } from '../../src/keys/key-record.ts';
import { Leaves } from '../../src/keys/leaves.ts';
import { WebKeyHolder } from '../../src/keys/web-key-holder.ts';

type Sealing = VectorEntry & {
  private: string;
  purpose: string;
  associated: string;
  encapsulated: string;
  ciphertext: string;
  plaintext?: string;
};

const { subtle } = crypto;
const privateForm = record({ v: literal(1), sign: bytes(32), agree: bytes(32), kem: bytes(64) });

async function holderOf(keys: PrivateKeys, leaves = new Leaves(() => 0), primitives = webPrimitives): Promise<WebKeyHolder> {
  const publicKeys = {
    sign: await nodePrimitives.p256PublicKey(keys.sign),
    seal: await kemPublicKey(nodePrimitives, keys),
  };
  return WebKeyHolder.of(primitives, leaves, keys, publicKeys);
}

async function drawn(): Promise<PrivateKeys> {
  const software = await SoftwareKeyHolder.generate(nodePrimitives);
  return decode(privateForm, software.exportBytes(), 512);
}

/** A holder with a leave that lasts as long as the test. */
async function withLeave(): Promise<WebKeyHolder> {
  const leaves = new Leaves(() => 0);
  const holder = await holderOf(await drawn(), leaves);
  await new Promise<void>((begun) => {
    void leaves.during(
      async () => {},
      () => {
        begun();
        return new Promise(() => {});
      },
    );
  });
  return holder;
}

keyHolderContract('a web key holder', withLeave);

describe('a web key holder', () => {
  for (const vector of ownVectors<Sealing>('hpke/sealings').entries) {
    it(`${vector.clause} a sealing, ${vector.name}: ${vector.expect}`, async () => {
      const holder = await holderOf(decode(privateForm, hex(vector.private), 512));
      const sealed = { encapsulated: hex(vector.encapsulated), ciphertext: hex(vector.ciphertext) };
      const purpose = decode(sealPurpose, hex(vector.purpose), 1024);
      const open = (): Promise<Uint8Array> => openSealed(holder, webPrimitives, purpose, sealed, hex(vector.associated));
      assert.equal(await outcomeOf(open), vector.expect);
      if (vector.expect === 'ok') assert.equal(toHex(await open()), vector.plaintext);
    });
  }

  it('[BKEY-2] has no handle that can be read, and overwrites what it was made from', async (t) => {
    const handles: Parameters<typeof subtle.exportKey>[1][] = [];
    const importKey = subtle.importKey.bind(subtle);
    t.mock.method(subtle, 'importKey', async (...args: Parameters<typeof subtle.importKey>) => {
      const handle = await importKey(...args);
      handles.push(handle);
      return handle;
    });
    const keys = await drawn();
    await holderOf(keys);
    const uses = handles.map(({ algorithm, usages }) => `${algorithm.name} ${usages.join()}`);
    assert.deepEqual(uses, ['AES-GCM encrypt,decrypt', 'ECDSA sign', 'ECDH deriveBits']);
    for (const handle of handles) {
      assert.equal(handle.extractable, false);
      for (const format of ['raw', 'pkcs8', 'jwk'] as const) await assert.rejects(subtle.exportKey(format, handle));
    }
    assert.ok([keys.sign, keys.agree, keys.kem].every((secret) => secret.every((byte) => byte === 0)));
  });

  it('[BKEY-2] opens the seed for one decapsulation and overwrites it, also when it fails', async () => {
    const seeds: Uint8Array[] = [];
    const spying = {
      ...webPrimitives,
      mlkem768Decapsulate: async (seed: Uint8Array, ciphertext: Uint8Array) => {
        assert.ok(seed.some((byte) => byte !== 0));
        seeds.push(seed);
        return webPrimitives.mlkem768Decapsulate(seed, ciphertext);
      },
    };
    const holder = await holderOf(await drawn(), new Leaves(() => 0), spying);
    const id = new Uint8Array(16);
    const purpose = { kind: 'grant', fleet: new Uint8Array(32), grant: id, item: id, agent: id } as const;
    const sealed = await sealTo(nodePrimitives, holder.publicKeys.seal, purpose, utf8('x'));
    await openSealed(holder, webPrimitives, purpose, sealed);
    const ciphertext = new Uint8Array(sealed.ciphertext.length);
    assert.equal(await outcomeOf(() => openSealed(holder, webPrimitives, purpose, { ...sealed, ciphertext })), 'open_failed');
    assert.equal(seeds.length, 2);
    assert.ok(seeds.every((seed) => seed.every((byte) => byte === 0)));
  });

  it('refuses keys that are none', async () => {
    const publicKeys = { sign: new Uint8Array(65), seal: new Uint8Array(1249) };
    const make = async (): Promise<unknown> => WebKeyHolder.of(webPrimitives, new Leaves(() => 0), await drawn(), publicKeys);
    assert.equal(await outcomeOf(make), 'key_invalid');
  });
});
