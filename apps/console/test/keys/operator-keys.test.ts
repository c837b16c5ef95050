// The operator's keys of a browser: made, kept as ciphertext, unlocked by what is not kept, locked, and asked for each act.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { toHex, utf8 } from '@holdfast/protocol/codec/bytes';
import { encodeValue } from '@holdfast/protocol/codec/cbor';
import { HoldfastError } from '@holdfast/protocol/errors';
import { verifySignature } from '@holdfast/protocol/keys/domain';
import { webPrimitives } from '@holdfast/protocol/primitives/web';
import { share } from '@holdfast/testkit/shares';
import { outcomeOf } from '@holdfast/testkit/vectors';
import { readKeyRecord } from '../../src/keys/key-record.ts';
import type { OperatorKeys, Unlocked } from '../../src/keys/operator-keys.ts';
import { stretchInPieces } from '../../src/keys/passphrase.ts';
import type { Way } from '../../src/keys/ways.ts';
import { facts, KeyWorld, passkey, phrase, stretch } from './key-world.ts';
import { PlayedAuthenticator } from './played-authenticator.ts';

const statement = utf8('a statement');

async function pulses({ holder }: Unlocked): Promise<void> {
  const signature = await holder.sign('pulse', statement);
  const publicKey = holder.publicKeys.sign;
  await verifySignature(webPrimitives, { domain: 'pulse', statement, signature, publicKey });
}

const outcome = (keys: OperatorKeys, ...way: Parameters<OperatorKeys['unlock']>) =>
  outcomeOf(async () => pulses(await keys.unlock(...way)));

describe('the operator key of a browser', () => {
  for (const [name, way] of [
    ['a passkey', passkey],
    ['a passphrase', phrase()],
  ] as const) {
    it(`is made with ${name}, and is the same key on every visit`, async () => {
      const world = new KeyWorld();
      const made = await world.made(way);
      await pulses(made);
      const again = await world.visit().unlock(way);
      assert.deepEqual(again.holder.publicKeys, made.holder.publicKeys);
      assert.equal(again.facts.fleetName, 'home');
      await pulses(again);
    });
  }

  it('is made with a passkey that gives its PRF only when asked again', async () => {
    const world = new KeyWorld();
    world.authenticator.prfAtOnce = false;
    await world.made();
    assert.equal(await outcome(world.visit(), passkey), 'ok');
  });

  it('[BKEY-5] a passkey without PRF is unfit, a prompt that ends without one refused; then nothing is kept', async () => {
    const world = new KeyWorld();
    world.authenticator.hasPrf = false;
    assert.equal(await outcomeOf(() => world.made()), 'passkey_unfit');
    world.authenticator.says = 'no';
    assert.equal(await outcomeOf(() => world.made()), 'passkey_refused');
    assert.equal(await outcomeOf(() => world.made(phrase('short'))), 'usage');
    assert.equal(world.records.kept.size, 0);
    assert.equal(await outcome(world.keys, passkey), 'operator_absent');
  });

  it('[BKEY-4] opens for nothing else: another passphrase, another authenticator, none', async () => {
    const world = new KeyWorld();
    await world.made();
    const before = world.records.kept.get('key');
    assert.equal(await outcome(world.visit(), phrase()), 'passphrase_wrong');
    assert.equal(await outcome(world.visit(new PlayedAuthenticator()), passkey), 'passkey_refused');
    await world.keys.add(passkey, phrase());
    assert.equal(await outcome(world.visit(), phrase('correct horsf')), 'passphrase_wrong');
    assert.equal(await outcome(world.visit(), phrase()), 'ok');
    world.authenticator.says = 'no';
    assert.equal(await outcome(world.visit(), passkey), 'passkey_refused');
    world.authenticator.says = 'yes';
    const [mine] = world.authenticator.passkeys;
    assert.ok(mine && before);
    mine.prfSecret.fill(1); // the same name, another key
    assert.equal(await outcome(world.visit(), passkey), 'passkey_wrong');
    world.authenticator.hasPrf = false;
    assert.equal(await outcome(world.visit(), passkey), 'passkey_wrong');
  });

  it('[BKEY-3] opens with no byte of its record changed', async () => {
    const world = new KeyWorld();
    await world.made();
    const record = world.records.kept.get('key');
    assert.ok(record);
    const step = Math.ceil(record.length / share({ ci: 150, soak: record.length }));
    const name = Buffer.from(record).indexOf('home');
    assert.ok(name > 0);
    const places = new Set([name, ...Array.from({ length: Math.ceil(record.length / step) }, (_, number) => number * step)]);
    for (const at of places) {
      world.records.kept.set(
        'key',
        record.map((byte, index) => (index === at ? byte ^ 1 : byte)),
      );
      assert.match(await outcome(world.visit(), passkey), /^(key_invalid|passkey_wrong|passkey_refused)$/, `byte ${at}`);
    }
    world.records.kept.set('key', record);
    assert.equal(await outcome(world.visit(), passkey), 'ok');
    world.records.kept.set('key', record.slice(0, -1));
    assert.equal(await outcome(world.visit(), passkey), 'key_invalid');
  });

  it('[BKEY-1] keeps no byte of a private key, master key, passphrase or PRF', async (t) => {
    const world = new KeyWorld();
    const secrets: string[] = [];
    const random = webPrimitives.random;
    t.mock.method(webPrimitives, 'random', (length: number) => {
      const drawn = random(length);
      if (length === 128 || length === 64) secrets.push(toHex(drawn.slice(0, 32)), toHex(drawn.slice(-32)));
      return drawn;
    });
    const unlocked = await world.made();
    await world.keys.add(passkey, phrase());
    assert.equal(secrets.length, 6);
    const kept = [...world.records.kept.values()].map(toHex).join();
    for (const secret of [...secrets, toHex(utf8('correct horse'))]) assert.ok(!kept.includes(secret));
    assert.ok(kept.includes(toHex(unlocked.holder.publicKeys.sign)), 'what is public is there');
  });

  it('[BKEY-6] another way is added and removed by who unlocks; the last one stays', async () => {
    const world = new KeyWorld();
    const made = await world.made();
    assert.equal(await outcomeOf(() => world.keys.add(phrase(), phrase('another horse'))), 'passphrase_wrong');
    assert.equal(
      await outcomeOf(() => world.keys.remove(passkey, readKeyRecord(record(world)).unlocks.flatMap(credentialOf)[0])),
      'usage',
    );
    await world.keys.add(passkey, phrase());
    await world.keys.add(phrase(), phrase('another horse')); // in place of the one before
    assert.equal(await outcome(world.visit(), phrase()), 'passphrase_wrong');
    for (const way of [passkey, phrase('another horse')]) {
      const { holder } = await world.visit().unlock(way);
      assert.deepEqual(holder.publicKeys, made.holder.publicKeys);
    }
    const credential = readKeyRecord(record(world)).unlocks.flatMap(credentialOf)[0];
    assert.ok(credential);
    await world.keys.remove(phrase('another horse'), credential);
    assert.equal(await outcome(world.visit(), passkey), 'passkey_refused');
    assert.equal(await outcome(world.visit(), phrase('another horse')), 'ok');
    assert.equal(await outcomeOf(() => world.keys.remove(phrase('another horse'), undefined)), 'usage');
  });

  it('[BKEY-6] a change that another tab was faster than, or that the disk refuses, leaves the record as it was', async () => {
    const world = new KeyWorld();
    await world.made();
    const both = [world.visit().add(passkey, phrase()), world.visit().add(passkey, phrase('another horse'))];
    const ended = await Promise.all(both.map((each) => outcomeOf(() => each)));
    assert.deepEqual(ended.toSorted(), ['already_running', 'ok']);
    world.records.failure = new HoldfastError('store_failed', 'full');
    const before = record(world);
    assert.equal(await outcomeOf(() => world.keys.add(passkey, phrase('a third horse'))), 'store_failed');
    assert.deepEqual(record(world), before);
  });

  it('a second fleet is not written over the first', async () => {
    const world = new KeyWorld();
    await world.made();
    assert.equal(await outcomeOf(() => world.made()), 'operator_exists');
    await world.keys.forget();
    assert.equal(await outcomeOf(() => world.made()), 'ok');
  });

  it('[BKEY-8] new keys sign once what they were made for; unlocked ones nothing by that', async () => {
    const world = new KeyWorld();
    const made = await world.keys.make(passkey, 'home');
    assert.equal(await outcomeOf(() => made.holder.sign('entry', statement)), 'step_up_needed');
    assert.equal(await outcomeOf(() => made.within(() => made.holder.sign('entry', statement))), 'ok');
    assert.equal(await outcomeOf(() => made.within(() => made.holder.sign('entry', statement))), 'step_up_needed');
    const { holder } = await world.keys.save(made, facts);
    assert.equal(await outcomeOf(() => holder.sign('entry', statement)), 'step_up_needed');
    const again = await world.visit().unlock(passkey);
    assert.equal(await outcomeOf(() => again.holder.sign('entry', statement)), 'step_up_needed');
  });

  it('[BKEY-9] an act is confirmed by the passphrase, and by no other', async () => {
    const world = new KeyWorld();
    const unlocked = await world.made(phrase());
    const act = (text: string) =>
      outcomeOf(() => unlocked.withLeave('revoke main', phrase(text), () => unlocked.holder.sign('entry', statement)));
    assert.equal(await act('correct horsf'), 'passphrase_wrong');
    assert.equal(await act('correct horse'), 'ok');
    assert.equal(await outcomeOf(() => unlocked.holder.sign('entry', statement)), 'step_up_needed');
  });

  it('[BKEY-9] an act is confirmed once: the next one asks again, and a no signs nothing', async () => {
    const world = new KeyWorld();
    const unlocked = await world.made();
    const { asked } = world.authenticator;
    const act = () => outcomeOf(() => unlocked.withLeave('revoke main', passkey, () => unlocked.holder.sign('entry', statement)));
    assert.equal(await act(), 'ok');
    assert.equal(await act(), 'ok');
    assert.equal(world.authenticator.asked, asked + 2);
    world.authenticator.says = 'no';
    assert.equal(await act(), 'passkey_refused');
  });

  it('[BKEY-9] who writes a passkey or a passphrase of their own into the record confirms nothing with it', async () => {
    const world = new KeyWorld();
    const unlocked = await world.made();
    const thief = new KeyWorld();
    await thief.made();
    await thief.keys.add(passkey, phrase());
    const mine = readKeyRecord(record(world));
    const { unlocks } = readKeyRecord(record(thief));
    world.records.kept.set('key', encodeValue({ ...mine, unlocks: unlocks.map((each) => ({ ...each })) }));
    world.authenticator.passkeys.splice(0, 1, ...thief.authenticator.passkeys);
    const act = (way: Way) =>
      outcomeOf(() => unlocked.withLeave('revoke main', way, () => unlocked.holder.sign('entry', statement)));
    assert.equal(await act(passkey), 'key_invalid');
    assert.equal(await act(phrase()), 'key_invalid');
  });

  it('[BKEY-6] after a way was added here an act is confirmed by it; another tab opens the key anew first', async () => {
    const world = new KeyWorld();
    const unlocked = await world.made();
    const keys = world.visit();
    const other = await keys.unlock(passkey);
    await world.keys.add(passkey, phrase());
    const act = (tab: Unlocked) =>
      outcomeOf(() => tab.withLeave('revoke main', phrase(), () => tab.holder.sign('entry', statement)));
    assert.equal(await act(unlocked), 'ok');
    assert.equal(await act(other), 'key_invalid');
    assert.equal(await act(await keys.unlock(phrase())), 'ok');
  });

  it('[BKEY-11] after a lock nothing is signed or opened, also by work that is under way', async () => {
    const world = new KeyWorld();
    const unlocked = await world.made();
    const work = unlocked.withLeave('revoke main', passkey, async () => {
      world.keys.lock();
      return unlocked.holder.sign('entry', statement);
    });
    assert.equal(await outcomeOf(() => work), 'key_invalid');
    assert.equal(await outcomeOf(() => pulses(unlocked)), 'key_invalid');
    assert.equal(await outcome(world.keys, passkey), 'ok');
    assert.equal(await outcomeOf(() => pulses(unlocked)), 'key_invalid');
  });

  it('stretches a passphrase in pieces as OpenSSL does at once', async () => {
    const salt = new Uint8Array(16).fill(7);
    assert.deepEqual(await stretchInPieces(utf8('correct horse'), salt, 14), await stretch(utf8('correct horse'), salt, 14));
  });
});

const record = (world: KeyWorld): Uint8Array => world.records.kept.get('key') ?? new Uint8Array(0);
const credentialOf = (unlock: ReturnType<typeof readKeyRecord>['unlocks'][number]): readonly Uint8Array[] =>
  unlock.kind === 'passkey' ? [unlock.credential] : [];
