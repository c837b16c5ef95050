// Sealing over all inputs: what is sealed opens, any flipped bit is refused, and what was secret on the way is overwritten.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import fc from 'fast-check';

import { toHex, utf8 } from '@holdfast/protocol/codec/bytes';
import type { KeyHolder, OneTimeKey, SealPurpose } from '@holdfast/protocol/keys/key-holder';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { webPrimitives } from '@holdfast/protocol/primitives/web';
import { maxBodyBytes, openBody, sealBody } from '@holdfast/protocol/seal/body';
import { deriveOneTimeKey, maxSealedPlaintextBytes, openSealed, sealTo } from '@holdfast/protocol/seal/hpke';
import { encapsulate } from '@holdfast/protocol/seal/hybrid-kem';
import { makeLockbox, openLockbox, openPreviousKey, sealPreviousKey } from '@holdfast/protocol/seal/lockbox';
import { commitToKey } from '@holdfast/protocol/seal/body';
import { SoftwareKeyHolder } from '@holdfast/protocol/seal/software-key-holder';
import { share } from '@holdfast/testkit/shares';
import { outcomeOf } from '@holdfast/testkit/vectors';

const fleet = new Uint8Array(32).fill(1);
const other = new Uint8Array(16).fill(9);
const agent = new Uint8Array(16).fill(2);
const holder = await SoftwareKeyHolder.generate(primitives);
const runs = { numRuns: share({ ci: 40, soak: 2000 }) };

const id16 = fc.uint8Array({ minLength: 16, maxLength: 16 });
const id32 = fc.uint8Array({ minLength: 32, maxLength: 32 });
const audience = fc.oneof(
  fc.constantFrom('fleet', 'operators'),
  id16.map((id) => `agent:${toHex(id)}`),
);
const purpose: fc.Arbitrary<SealPurpose> = fc.oneof(
  fc.record({ kind: fc.constant('lockbox' as const), fleet: id32, audience, epoch: fc.nat(), member: id16 }),
  fc.record({ kind: fc.constant('grant' as const), fleet: id32, grant: id16, item: id16, agent: id16 }),
  fc.record({
    ...{ kind: fc.constant('use' as const), fleet: id32, agent: id16, session: id16, ask: id16, grant: id16, item: id16 },
    ...{ call: id32, expiresAtMs: fc.nat() },
  }),
);

function flip(bytes: Uint8Array, bit: number): Uint8Array {
  const flipped = bytes.slice();
  flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return flipped;
}

const clear = {
  v: 1,
  fleet,
  topic: agent,
  position: 4,
  previous: fleet,
  author: agent,
  atMs: 5,
  audience: 'fleet',
  epoch: 3,
} as const;

describe('sealing to a key', () => {
  it('opens for its purpose, sealed by either adapter', async () => {
    await fc.assert(
      fc.asyncProperty(
        purpose,
        fc.uint8Array({ maxLength: 200 }),
        fc.uint8Array({ maxLength: 20 }),
        fc.boolean(),
        async (what, text, about, web) => {
          const sealed = await sealTo(web ? webPrimitives : primitives, holder.publicKeys.seal, what, text, about);
          assert.deepEqual(await openSealed(holder, primitives, what, sealed, about), text);
        },
      ),
      runs,
    );
  });

  it('opens for no other purpose [HPKE-5]', async () => {
    const sealed = await sealTo(
      primitives,
      holder.publicKeys.seal,
      { kind: 'grant', fleet, grant: agent, item: agent, agent },
      utf8('x'),
    );
    await fc.assert(
      fc.asyncProperty(purpose, async (what) => {
        assert.equal(await outcomeOf(() => openSealed(holder, primitives, what, sealed)), 'open_failed');
      }),
      runs,
    );
  });

  it('opens with no bit flipped', async () => {
    const what = { kind: 'grant', fleet, grant: agent, item: agent, agent } as const;
    const sealed = await sealTo(primitives, holder.publicKeys.seal, what, utf8('secret'));
    for (let bit = 0; bit < 8 * sealed.ciphertext.length; bit += 1) {
      const changed = { ...sealed, ciphertext: flip(sealed.ciphertext, bit) };
      assert.equal(await outcomeOf(() => openSealed(holder, primitives, what, changed)), 'open_failed');
    }
    // Every bit of the point, and of ML-KEM's ciphertext every 61st, or all in a soak run.
    for (let bit = 0; bit < 8 * sealed.encapsulated.length; bit += bit < 8 * 1088 ? share({ ci: 61, soak: 1 }) : 1) {
      const changed = { ...sealed, encapsulated: flip(sealed.encapsulated, bit) };
      assert.equal(await outcomeOf(() => openSealed(holder, primitives, what, changed)), 'open_failed');
    }
  });

  it('refuses keys that are none, purposes out of shape and documents', async () => {
    const what = { kind: 'grant', fleet, grant: agent, item: agent, agent } as const;
    const { seal } = holder.publicKeys;
    assert.equal(await outcomeOf(() => sealTo(primitives, seal.subarray(1), what, utf8(''))), 'key_invalid');
    assert.equal(await outcomeOf(() => sealTo(primitives, flip(seal, 8 * 1249 - 1), what, utf8(''))), 'key_invalid');
    assert.equal(await outcomeOf(() => sealTo(primitives, new Uint8Array(1249).fill(255), what, utf8(''))), 'key_invalid');
    assert.equal(await outcomeOf(() => sealTo(primitives, seal, { ...what, fleet: agent }, utf8(''))), 'codec_shape');
    assert.equal(
      await outcomeOf(() => sealTo(primitives, seal, what, new Uint8Array(maxSealedPlaintextBytes + 1))),
      'codec_limit',
    );
  });

  it('overwrites the one-time key and the shared secret, also when it fails [HPKE-6]', async () => {
    const what = { kind: 'grant', fleet, grant: agent, item: agent, agent } as const;
    const lent: OneTimeKey[] = [];
    const spying: KeyHolder = {
      publicKeys: holder.publicKeys,
      sign: async (domain, statement) => holder.sign(domain, statement),
      open: async (asked, encapsulated) => {
        const key = await holder.open(asked, encapsulated);
        lent.push(key);
        return key;
      },
    };
    const sealed = await sealTo(primitives, holder.publicKeys.seal, what, utf8('secret'));
    await openSealed(spying, primitives, what, sealed);
    assert.equal(
      await outcomeOf(() => openSealed(spying, primitives, what, { ...sealed, ciphertext: flip(sealed.ciphertext, 0) })),
      'open_failed',
    );
    assert.equal(lent.length, 2);
    for (const { key, nonce } of lent) assert.ok([...key, ...nonce].every((byte) => byte === 0));

    const { shared } = await encapsulate(primitives, holder.publicKeys.seal);
    deriveOneTimeKey(primitives, shared, what);
    assert.ok(shared.every((byte) => byte === 0));
  });
});

describe('sealing a body', () => {
  const epochKey = primitives.random(32);

  it('opens with its epoch key, each time under another key [BODY-2]', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (body) => {
        const first = await sealBody(primitives, epochKey, clear, body);
        const second = await sealBody(primitives, epochKey, clear, body);
        assert.deepEqual(await openBody(primitives, epochKey, first), body);
        assert.notDeepEqual(first.sealed, second.sealed);
        assert.notDeepEqual(first.id, second.id);
      }),
      runs,
    );
  });

  it('opens in no statement of which a bit is flipped', async () => {
    const statement = await sealBody(primitives, epochKey, { ...clear, control: { position: 1, hash: fleet } }, utf8('body'));
    const byteFields = ['fleet', 'topic', 'previous', 'id', 'author', 'keyCommitment', 'sealed'] as const;
    for (const field of byteFields) {
      for (let bit = 0; bit < 8 * statement[field].length; bit += 1) {
        const changed = { ...statement, [field]: flip(statement[field], bit) };
        assert.equal(await outcomeOf(() => openBody(primitives, epochKey, changed)), 'open_failed', `${field} ${bit}`);
      }
    }
    const { control: _, ...withoutControl } = statement;
    const changes = [
      { position: 5 },
      { atMs: 6 },
      { audience: 'operators' },
      { epoch: 4 },
      { control: { position: 2, hash: fleet } },
    ];
    for (const changed of [withoutControl, ...changes.map((change) => ({ ...statement, ...change }))]) {
      assert.equal(await outcomeOf(() => openBody(primitives, epochKey, changed)), 'open_failed');
    }
  });

  it('takes what fits into an entry', async () => {
    assert.equal(await outcomeOf(() => sealBody(primitives, epochKey, clear, new Uint8Array(maxBodyBytes))), 'ok');
    assert.equal(await outcomeOf(() => sealBody(primitives, epochKey, clear, new Uint8Array(maxBodyBytes + 1))), 'codec_limit');
    assert.equal(await outcomeOf(() => sealBody(primitives, epochKey.subarray(1), clear, utf8(''))), 'key_invalid');
  });
});

describe('lockboxes', () => {
  const name = { fleet, audience: 'fleet', epoch: 3 };

  it('give their member the key, and with any bit flipped nothing', async () => {
    const key = primitives.random(32);
    const commitment = commitToKey(primitives, key);
    const box = await makeLockbox(primitives, name, { member: agent, recipient: holder.publicKeys.seal }, key);
    const open = (wire: Uint8Array): Promise<Uint8Array> => openLockbox(primitives, holder, name, agent, wire, commitment);
    assert.deepEqual(await open(box), key);
    for (let bit = 0; bit < 8 * box.length; bit += share({ ci: 23, soak: 1 })) {
      assert.match(await outcomeOf(() => open(flip(box, bit))), /^(codec_\w+|open_failed)$/, `bit ${bit}`);
    }
    assert.equal(await outcomeOf(() => openLockbox(primitives, holder, name, other, box, commitment)), 'open_failed');
    assert.equal(
      await outcomeOf(() => makeLockbox(primitives, name, { member: agent, recipient: holder.publicKeys.seal }, key.subarray(1))),
      'key_invalid',
    );
  });

  it('chain back to the key before', async () => {
    const [older, newer] = [primitives.random(32), primitives.random(32)];
    const sealed = await sealPreviousKey(primitives, name, newer, older);
    assert.equal(sealed.length, 48);
    assert.deepEqual(await openPreviousKey(primitives, name, newer, sealed, commitToKey(primitives, older)), older);
    for (let bit = 0; bit < 8 * sealed.length; bit += 1) {
      const open = (): Promise<Uint8Array> =>
        openPreviousKey(primitives, name, newer, flip(sealed, bit), commitToKey(primitives, older));
      assert.equal(await outcomeOf(open), 'open_failed');
    }
    assert.equal(
      await outcomeOf(() => openPreviousKey(primitives, name, older, sealed, commitToKey(primitives, older))),
      'open_failed',
    );
  });
});
