// A passkey's yes counts for one act on this page, by a verified user, and for nothing else.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { utf8 } from '@holdfast/protocol/codec/bytes';
import { outcomeOf } from '@holdfast/testkit/vectors';
import type { PasskeyAsserted } from '../../src/keys/authenticator.ts';
import type { Unlocked } from '../../src/keys/operator-keys.ts';
import { KeyWorld, passkey } from './key-world.ts';
import type { Faults } from './played-authenticator.ts';

const sign = (unlocked: Unlocked) => (): Promise<Uint8Array> => unlocked.holder.sign('entry', utf8('revoke main'));
const confirm = (unlocked: Unlocked) => outcomeOf(() => unlocked.withLeave('revoke main', passkey, sign(unlocked)));

describe('an assertion [BKEY-9]', () => {
  for (const algorithm of ['ES256', 'RS256'] as const) {
    it(`confirms an act by ${algorithm}, over a challenge that is never the same`, async () => {
      const world = new KeyWorld();
      world.authenticator.algorithm = algorithm;
      const unlocked = await world.made();
      for (let times = 0; times < 8; times += 1) assert.equal(await confirm(unlocked), 'ok');
      const challenges = world.authenticator.challenges.map((each) => Buffer.from(each).toString('hex'));
      assert.equal(new Set(challenges).size, challenges.length);
    });
  }

  const faulty: readonly (readonly [string, Faults])[] = [
    ['for another host', { host: 'evil.example' }],
    ['given to another origin', { origin: 'http://localhost:7435' }],
    ['given in a frame of another page', { crossOrigin: true }],
    ['that made a passkey', { type: 'webauthn.create' }],
    ['without user verification', { flags: 0x01 }],
    ['without anybody present', { flags: 0x04 }],
    ['of another challenge', { challenge: new Uint8Array(32) }],
  ];
  for (const [name, faults] of faulty) {
    it(`${name} confirms nothing`, async () => {
      const world = new KeyWorld();
      const unlocked = await world.made();
      world.authenticator.faults = faults;
      assert.equal(await confirm(unlocked), 'passkey_refused');
      world.authenticator.faults = {};
      assert.equal(await confirm(unlocked), 'ok');
    });
  }

  it('confirms nothing with one bit of it flipped, nor cut off, nor of another passkey', async () => {
    const world = new KeyWorld();
    const unlocked = await world.made();
    const other = new KeyWorld();
    await other.made();
    const asked = world.authenticator.assert.bind(world.authenticator);
    const altering = async (alter: (given: PasskeyAsserted) => PasskeyAsserted): Promise<string> => {
      world.authenticator.assert = async (wanted) => alter(await asked(wanted));
      return confirm(unlocked);
    };
    const flip = (bytes: Uint8Array, at: number): Uint8Array => bytes.map((byte, index) => (index === at ? byte ^ 1 : byte));
    for (let at = 0; at < 8; at += 1) {
      assert.equal(await altering((given) => ({ ...given, signature: flip(given.signature, at) })), 'passkey_refused');
      const data = (given: PasskeyAsserted) => flip(given.authenticatorData, 29 + at);
      assert.equal(await altering((given) => ({ ...given, authenticatorData: data(given) })), 'passkey_refused');
    }
    assert.equal(await altering((given) => ({ ...given, signature: given.signature.slice(0, -1) })), 'passkey_refused');
    assert.equal(await altering((given) => ({ ...given, signature: new Uint8Array(0) })), 'passkey_refused');
    assert.equal(
      await altering((given) => ({ ...given, authenticatorData: given.authenticatorData.slice(0, 32) })),
      'passkey_refused',
    );
    assert.equal(await altering((given) => ({ ...given, clientData: utf8('null') })), 'passkey_refused');
    assert.equal(await altering((given) => ({ ...given, clientData: Uint8Array.of(0xff) })), 'passkey_refused');
    const [stranger] = other.authenticator.passkeys;
    assert.ok(stranger);
    assert.equal(await altering((given) => ({ ...given, credential: stranger.credential })), 'passkey_refused');
    const foreign = async (): Promise<PasskeyAsserted> =>
      other.authenticator.assert({
        credentials: [stranger.credential],
        challenge: world.authenticator.challenges.at(-1) ?? utf8(''),
      });
    world.authenticator.assert = async (wanted) => {
      const { credential } = await asked(wanted);
      return { ...(await foreign()), credential };
    };
    assert.equal(await confirm(unlocked), 'passkey_refused');
    assert.equal(await altering((given) => given), 'ok');
  });
});
