// What every KeyHolder does, whatever its keys live in: its signatures verify and nothing altered does, what is sealed to it opens for its purpose
// and no other, and after `wipe` it does nothing. Called at the top of a test file.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { toHex, utf8 } from '@holdfast/protocol/codec/bytes';
import { controlTopic, parseEntry, signEntry, verifyEntry } from '@holdfast/protocol/blind/entry';
import { verifySignature } from '@holdfast/protocol/keys/domain';
import type { KeyHolder } from '@holdfast/protocol/keys/key-holder';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { isLowS } from '@holdfast/protocol/primitives/p256-scalar';
import { openSealed, sealTo } from '@holdfast/protocol/seal/hpke';
import { outcomeOf } from './vectors.ts';

type Holder = KeyHolder & { wipe(): void };

const fleet = new Uint8Array(32).fill(1);
const agent = new Uint8Array(16).fill(2);
const grant = { kind: 'grant', fleet, grant: agent, item: agent, agent } as const;

function flip(bytes: Uint8Array, bit: number): Uint8Array {
  const flipped = bytes.slice();
  flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return flipped;
}

/** `make`: new keys each time. */
export function keyHolderContract(name: string, make: () => Promise<Holder>): void {
  describe(`${name}, as every key holder`, () => {
    it('signs what verifies; any flipped bit of statement or signature is refused', async () => {
      const holder = await make();
      const statement = utf8('a statement');
      const signature = await holder.sign('pulse', statement);
      const signed = { domain: 'pulse', statement, signature, publicKey: holder.publicKeys.sign } as const;
      assert.equal(await outcomeOf(() => verifySignature(primitives, signed)), 'ok');
      for (let bit = 0; bit < 8 * statement.length; bit += 1) {
        assert.equal(
          await outcomeOf(() => verifySignature(primitives, { ...signed, statement: flip(statement, bit) })),
          'signature_invalid',
        );
      }
      for (let bit = 0; bit < 8 * signature.length; bit += 1) {
        assert.equal(
          await outcomeOf(() => verifySignature(primitives, { ...signed, signature: flip(signature, bit) })),
          'signature_invalid',
        );
      }
    });

    it('signs with the smaller s, each time', async () => {
      const holder = await make();
      for (let times = 0; times < 24; times += 1) assert.ok(isLowS(await holder.sign('pulse', Uint8Array.of(times))));
    });

    it('signs an entry of which no bit can be changed', async () => {
      const holder = await make();
      const entry = await signEntry(primitives, holder, {
        v: 1,
        fleet,
        topic: controlTopic,
        position: 0,
        previous: new Uint8Array(32),
        id: agent,
        author: agent,
        atMs: 1,
        audience: 'fleet',
        epoch: 0,
        keyCommitment: fleet,
        sealed: utf8('sealed'),
      });
      const read = async (wire: Uint8Array): Promise<unknown> =>
        verifyEntry(primitives, parseEntry(primitives, wire), holder.publicKeys.sign);
      assert.equal(await outcomeOf(async () => read(entry.wire)), 'ok');
      for (let bit = 0; bit < 8 * entry.wire.length; bit += 1) {
        assert.match(await outcomeOf(async () => read(flip(entry.wire, bit))), /^(codec_\w+|signature_invalid)$/, `bit ${bit}`);
      }
    });

    it('opens what is sealed to it, for its purpose and no other', async () => {
      const holder = await make();
      const sealed = await sealTo(primitives, holder.publicKeys.seal, grant, utf8('a secret'));
      for (let times = 0; times < 2; times += 1)
        assert.equal(toHex(await openSealed(holder, primitives, grant, sealed)), toHex(utf8('a secret')));
      const other = { ...grant, item: fleet.slice(0, 16) };
      assert.equal(await outcomeOf(() => openSealed(holder, primitives, other, sealed)), 'open_failed');
      assert.equal(await outcomeOf(async () => openSealed(await make(), primitives, grant, sealed)), 'open_failed');
      const last = 8 * sealed.encapsulated.length - 1;
      for (const bit of [0, 8 * 1087, 8 * 1088, 8 * 1088 + 1, last]) {
        const altered = { ...sealed, encapsulated: flip(sealed.encapsulated, bit) };
        assert.equal(await outcomeOf(() => openSealed(holder, primitives, grant, altered)), 'open_failed', `bit ${bit}`);
      }
    });

    it('does nothing any more after wipe', async () => {
      const holder = await make();
      const { encapsulated } = await sealTo(primitives, holder.publicKeys.seal, grant, utf8('x'));
      holder.wipe();
      holder.wipe();
      assert.equal(await outcomeOf(() => holder.sign('pulse', utf8(''))), 'key_invalid');
      assert.equal(await outcomeOf(() => holder.open(grant, encapsulated)), 'key_invalid');
    });
  });
}
