// Presentations as stories: an agent proves who it is, and what others make of what they saw.

import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import fc from 'fast-check';

import { fromBase64url, toBase64url, toHex } from '@holdfast/protocol/codec/bytes';
import { bindKey } from '@holdfast/protocol/custody/key-binding';
import { HoldfastError } from '@holdfast/protocol/errors';
import { disclose, rootOf } from '@holdfast/protocol/identity/credential';
import { verifyPresentation, type Expected } from '@holdfast/protocol/identity/presentation';
import { issueStatusList, StatusList } from '@holdfast/protocol/identity/status-list';
import { share } from '@holdfast/testkit/shares';
import { outcomeOf } from '@holdfast/testkit/vectors';
import { World, type AgentActor } from '@holdfast/testkit/world';

const audience = 'https://api.example.com';
const nonce = 'a challenge of enough characters'.replaceAll(' ', '-');

describe('a presentation', () => {
  let world: World;
  let main: AgentActor;
  let wire: Uint8Array;
  let nowMs: number;
  const seen = new Set<string>();
  const expected = (change: Partial<Expected> = {}): Expected => ({
    root: rootOf(toHex(world.fleet), world.operator.holder.publicKeys.sign),
    audience,
    challenge: nonce,
    nowMs: () => nowMs,
    firstUse: (name) => !seen.has(name) && seen.add(name) !== undefined,
    assertInForce: async () => {},
    ...change,
  });
  const present = async (credential = disclose(wire, () => true)) =>
    credential + (await bindKey(world.primitives, main.holder, { audience, nonce, credential }, nowMs));
  const outcome = async (presentation: string, change: Partial<Expected> = {}) =>
    outcomeOf(() => verifyPresentation(world.primitives, presentation, expected(change)));

  before(async () => {
    world = await World.begin();
    main = await world.enroll('main');
    wire = main.replica.state.agents.get(toHex(main.id))?.credential ?? assert.fail();
    nowMs = world.tick();
  });

  it('[PRESENT-10]: is taken once, also in the other form of its signature, and by 200 at once', async () => {
    const presentation = await present();
    assert.equal(await outcome(presentation), 'ok');
    assert.equal(await outcome(presentation), 'presentation_replayed');
    const at = presentation.lastIndexOf('.') + 1;
    const signature = fromBase64url(presentation.slice(at)) ?? assert.fail();
    const mirrored = presentation.slice(0, at) + toBase64url(otherForm(signature));
    assert.equal(await outcome(mirrored), 'presentation_replayed');

    nowMs += 1000;
    const next = await present();
    const count = share({ ci: 50, soak: 200 });
    const outcomes = await Promise.all(Array.from({ length: count }, async () => outcome(next)));
    assert.equal(outcomes.filter((each) => each === 'ok').length, 1);
    assert.equal(outcomes.filter((each) => each === 'presentation_replayed').length, count - 1);
  });

  it('[PRESENT-10]: is remembered until it is too old to be taken', async () => {
    let until = 0;
    const presentation = await present();
    await verifyPresentation(world.primitives, presentation, expected({ firstUse: (_name, untilMs) => (until = untilMs) > 0 }));
    assert.equal(await outcome(presentation, { nowMs: () => until, firstUse: () => true }), 'presentation_time');
  });

  it('[PRESENT-11]: is refused when the standing of its credential is bad or not known', async () => {
    for (const code of ['credential_revoked', 'credential_suspended', 'status_stale'] as const) {
      const assertInForce = async () => {
        throw new HoldfastError(code, 'so');
      };
      assert.equal(await outcome(await present(), { assertInForce }), code);
    }
  });

  it('[PRESENT-6]: any flipped bit is refused', async () => {
    const presentation = await present();
    await fc.assert(
      fc.asyncProperty(fc.nat(presentation.length - 1), fc.nat(7), async (at, bit) => {
        const changed =
          presentation.slice(0, at) + String.fromCharCode(presentation.charCodeAt(at) ^ (1 << bit)) + presentation.slice(at + 1);
        assert.notEqual(await outcome(changed, { firstUse: () => true }), 'ok');
      }),
      { numRuns: share({ ci: 150, soak: 5000 }) },
    );
  });

  it('throws nothing but its own codes, whatever it is given', async () => {
    const whole = await present();
    const piece = fc.constantFrom(...whole.split(/([.~])/), '~', '.', '', 'e30', 'bnVsbA', 'W10');
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 12 }), async (pieces) => {
        const text = pieces.join('');
        assert.notEqual(await outcome(text, { firstUse: () => true }), text === whole ? 'internal' : 'ok');
        assert.notEqual(await outcome(text, { firstUse: () => true }), 'internal');
      }),
      { numRuns: share({ ci: 200, soak: 5000 }) },
    );
  });

  it('[STATUS-5]: ends with the entry of its agent in a list that the operator signed', async () => {
    const agent = main.replica.state.agents.get(toHex(main.id)) ?? assert.fail();
    const uri = 'https://relay.example/status';
    const { root } = expected();
    const assertInForce =
      (standing: 'in force' | 'revoked' | 'suspended'): Expected['assertInForce'] =>
      async ({ status }) => {
        const terms = {
          fleet: world.fleet,
          device: world.operator.id,
          uri,
          standings: new Map([[agent.position, standing]]),
          length: agent.position + 1,
          control: 9,
          issuedAtMs: nowMs,
          livesMs: 86_400_000,
        };
        const token = await issueStatusList(world.operator.holder, terms);
        (await StatusList.verify(world.primitives, token, { root, uri: status.uri, nowMs })).assertInForce(status.index, []);
      };
    nowMs += 1000;
    assert.equal(await outcome(await present(), { assertInForce: assertInForce('suspended') }), 'credential_suspended');
    assert.equal(await outcome(await present(), { assertInForce: assertInForce('in force') }), 'ok');
    nowMs += 1000;
    assert.equal(await outcome(await present(), { assertInForce: assertInForce('revoked') }), 'credential_revoked');
  });
});

/** The second valid signature of the same: s replaced by the order less s. */
function otherForm(signature: Uint8Array): Uint8Array {
  const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
  const s = BigInt(`0x${Buffer.from(signature.subarray(32)).toString('hex')}`);
  const form = signature.slice();
  form.set(Buffer.from((order - s).toString(16).padStart(64, '0'), 'hex'), 32);
  return form;
}
