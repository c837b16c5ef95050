// spec/vectors/{hpke,body,lockbox}, over both adapters of the primitives.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { toHex } from '@holdfast/protocol/codec/bytes';
import { decode } from '@holdfast/protocol/codec/schema';
import { entryStatement, maxEntryBytes } from '@holdfast/protocol/blind/entry';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';
import { webPrimitives } from '@holdfast/protocol/primitives/web';
import { openBody } from '@holdfast/protocol/seal/body';
import { openSealed, sealPurpose } from '@holdfast/protocol/seal/hpke';
import { openLockbox, openPreviousKey } from '@holdfast/protocol/seal/lockbox';
import { SoftwareKeyHolder } from '@holdfast/protocol/seal/software-key-holder';
import { fromVectorHex as hex, outcomeOf, ownVectors, type VectorEntry } from '@holdfast/testkit/vectors';

type Sealing = VectorEntry & {
  private: string;
  purpose: string;
  associated: string;
  encapsulated: string;
  ciphertext: string;
  plaintext?: string;
};
type Body = VectorEntry & { statement: string; epochKey: string; body?: string };
type Epoch = { fleet: string; audience: string; epoch: number };
type Lockbox = VectorEntry & Epoch & { private: string; member: string; lockbox: string; commitment: string; key?: string };
type Previous = VectorEntry & Epoch & { epochKey: string; sealedKey: string; commitment: string; key?: string };

const epochOf = ({ fleet, audience, epoch }: Epoch) => ({ fleet: hex(fleet), audience, epoch });

for (const [name, primitives] of [
  ['node', nodePrimitives],
  ['web', webPrimitives],
] as const) {
  /** The vector's verdict, and where it is `ok` what came out. */
  const check = async ({ expect }: VectorEntry, act: () => Promise<Uint8Array>, out: string | undefined): Promise<void> => {
    assert.equal(await outcomeOf(act), expect);
    if (expect === 'ok') assert.equal(toHex(await act()), out);
  };

  describe(`sealing over ${name}`, () => {
    for (const vector of ownVectors<Sealing>('hpke/sealings').entries) {
      it(`${vector.clause} a sealing, ${vector.name}: ${vector.expect}`, async () => {
        const holder = await SoftwareKeyHolder.fromBytes(primitives, hex(vector.private));
        const sealed = { encapsulated: hex(vector.encapsulated), ciphertext: hex(vector.ciphertext) };
        const purpose = decode(sealPurpose, hex(vector.purpose), 1024);
        await check(vector, () => openSealed(holder, primitives, purpose, sealed, hex(vector.associated)), vector.plaintext);
      });
    }

    for (const vector of ownVectors<Body>('body/bodies').entries) {
      it(`${vector.clause} a body, ${vector.name}: ${vector.expect}`, async () => {
        const statement = decode(entryStatement, hex(vector.statement), maxEntryBytes);
        await check(vector, () => openBody(primitives, hex(vector.epochKey), statement), vector.body);
      });
    }

    for (const vector of ownVectors<Lockbox>('lockbox/lockboxes').entries) {
      it(`${vector.clause} a lockbox, ${vector.name}: ${vector.expect}`, async () => {
        const holder = await SoftwareKeyHolder.fromBytes(primitives, hex(vector.private));
        const open = (): Promise<Uint8Array> =>
          openLockbox(primitives, holder, epochOf(vector), hex(vector.member), hex(vector.lockbox), hex(vector.commitment));
        await check(vector, open, vector.key);
      });
    }

    for (const vector of ownVectors<Previous>('lockbox/previous-keys').entries) {
      it(`${vector.clause} a previous key, ${vector.name}: ${vector.expect}`, async () => {
        const open = (): Promise<Uint8Array> =>
          openPreviousKey(primitives, epochOf(vector), hex(vector.epochKey), hex(vector.sealedKey), hex(vector.commitment));
        await check(vector, open, vector.key);
      });
    }
  });
}
