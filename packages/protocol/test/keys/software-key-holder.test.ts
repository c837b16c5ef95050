// Keys in memory: what they sign verifies, nothing altered does, and after `wipe` they are gone.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { certifySessionKey, verifySessionKey } from '@holdfast/protocol/blind/session-key';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { isScalar } from '@holdfast/protocol/primitives/p256-scalar';
import { SoftwareKeyHolder } from '@holdfast/protocol/seal/software-key-holder';
import { keyHolderContract } from '@holdfast/testkit/key-holder-contract';
import { outcomeOf } from '@holdfast/testkit/vectors';

const fleet = new Uint8Array(32).fill(1);
const agent = new Uint8Array(16).fill(2);

function flip(bytes: Uint8Array, bit: number): Uint8Array {
  const flipped = bytes.slice();
  flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return flipped;
}

keyHolderContract('a software key holder', () => SoftwareKeyHolder.generate(primitives));

describe('software key holder', () => {
  it('certifies a session key of which no bit can be changed', async () => {
    const holder = await SoftwareKeyHolder.generate(primitives);
    const { publicKeys: session } = await SoftwareKeyHolder.generate(primitives);
    const life = { notBeforeMs: 1_000, notAfterMs: 601_000 };
    const wire = await certifySessionKey(holder, { v: 1, fleet, agent, key: session.sign, ...life });
    const asked = { fleet, agent, agentKey: holder.publicKeys.sign, atMs: 1_000 };
    assert.deepEqual((await verifySessionKey(primitives, wire, asked)).key, session.sign);
    for (let bit = 0; bit < 8 * wire.length; bit += 1) {
      assert.match(
        await outcomeOf(() => verifySessionKey(primitives, flip(wire, bit), asked)),
        /^(codec_\w+|signature_invalid)$/,
        `bit ${bit}`,
      );
    }
    assert.equal(
      await outcomeOf(() => certifySessionKey(holder, { v: 1, fleet, agent, key: session.sign, ...life, notAfterMs: 601_001 })),
      'codec_shape',
    );
  });

  it('comes back from its bytes, and makes new keys each time', async () => {
    const holder = await SoftwareKeyHolder.generate(primitives);
    const bytes = holder.exportBytes();
    const again = await SoftwareKeyHolder.fromBytes(primitives, bytes);
    bytes.fill(0);
    assert.deepEqual(again.publicKeys, holder.publicKeys);
    const other = await SoftwareKeyHolder.generate(primitives);
    assert.notDeepEqual(other.publicKeys.sign, holder.publicKeys.sign);
    assert.notDeepEqual(other.publicKeys.seal, holder.publicKeys.seal);
  });

  it('gives out nothing any more after wipe', async () => {
    const holder = await SoftwareKeyHolder.generate(primitives);
    holder.wipe();
    assert.equal(await outcomeOf(() => holder.exportBytes()), 'key_invalid');
  });

  it('overwrites the private keys themselves on wipe', async () => {
    const drawn: Uint8Array[] = [];
    const spying = {
      ...primitives,
      p256PublicKey: async (scalar: Uint8Array) => {
        drawn.push(scalar);
        return primitives.p256PublicKey(scalar);
      },
      mlkem768PublicKey: async (seed: Uint8Array) => {
        drawn.push(seed);
        return primitives.mlkem768PublicKey(seed);
      },
    };
    const holder = await SoftwareKeyHolder.generate(spying);
    assert.equal(drawn.length, 3);
    assert.ok(drawn.every((secret) => secret.some((byte) => byte !== 0)));
    holder.wipe();
    assert.ok(drawn.every((secret) => secret.every((byte) => byte === 0)));
  });
});

describe('P-256 scalars [KEYS-2]', () => {
  it('are 1 to the order less 1', () => {
    const order = Buffer.from('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551', 'hex');
    const near = (change: number): Uint8Array => {
      const bytes = Uint8Array.from(order);
      bytes[31] = (bytes[31] ?? 0) + change;
      return bytes;
    };
    assert.deepEqual([near(-1), near(0), near(1)].map(isScalar), [true, false, false]);
    assert.deepEqual(
      [new Uint8Array(32), new Uint8Array(32).fill(0, 0, 31).fill(1, 31), new Uint8Array(32).fill(255)].map(isScalar),
      [false, true, false],
    );
    assert.deepEqual(
      [31, 33, 0].map((length) => isScalar(new Uint8Array(length).fill(1))),
      [false, false, false],
    );
  });
});
