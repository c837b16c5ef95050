// What a browser remembers of its fleet goes only forward, and what is damaged is believed by nobody.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { HoldfastError } from '@holdfast/protocol/errors';
import { outcomeOf } from '@holdfast/testkit/vectors';
import { BrowserStore, forgetAll } from '../../src/store/operator-store.ts';
import { turnsOf } from '../../src/store/turns.ts';
import { MemoryRecords } from './memory-records.ts';

const hash = (fill: number): Uint8Array => new Uint8Array(32).fill(fill);
const at = (position: number, fill = position) => ({ position, hash: hash(fill) });

function opened(): { readonly records: MemoryRecords; readonly store: BrowserStore; readonly told: () => number } {
  const records = new MemoryRecords();
  let told = 0;
  const turns = { take: async () => () => {} };
  const store = new BrowserStore({ records, turns, remembered: () => void (told += 1) });
  return { records, store, told: () => told };
}

describe('what a browser remembers', () => {
  it('[BKEY-12] never goes back, neither head nor list, and tells only what is new', async () => {
    const { store, told } = opened();
    assert.equal(await store.seen(), undefined);
    await store.remember({ control: at(5), access: 3 });
    await store.remember({ control: at(4), access: 2 });
    await store.remember({ control: at(5, 9) });
    assert.deepEqual(await store.seen(), { control: at(5), access: 3 });
    assert.equal(told(), 1);
    await store.remember({ control: at(4), access: 4 });
    assert.deepEqual(await store.seen(), { control: at(5), access: 4 });
    await store.remember({ control: at(6) });
    assert.deepEqual(await store.seen(), { control: at(6), access: 4 });
    assert.equal(told(), 3);
  });

  it('[BKEY-12] of two tabs at once the one that saw less does not win', async () => {
    const { store } = opened();
    await Promise.all([7, 3, 9, 1].map((position) => store.remember({ control: at(position) })));
    assert.deepEqual((await store.seen())?.control, at(9));
  });

  it('[BKEY-13] what is damaged is believed by nobody, and not written over', async () => {
    const { records, store } = opened();
    await store.remember({ control: at(5) });
    const kept = records.kept.get('heads');
    assert.ok(kept);
    for (const damaged of [kept.slice(1), new Uint8Array(0), Uint8Array.of(0xf6)]) {
      records.kept.set('heads', damaged);
      assert.equal(await outcomeOf(() => store.seen()), 'key_invalid');
      assert.equal(await outcomeOf(() => store.remember({ control: at(9) })), 'key_invalid');
      assert.deepEqual(records.kept.get('heads'), damaged);
    }
  });

  it('[BKEY-13] what could not be written is told, and the one before stays', async () => {
    const { records, store, told } = opened();
    await store.remember({ control: at(5) });
    records.failure = new HoldfastError('store_failed', 'full');
    assert.equal(await outcomeOf(() => store.remember({ control: at(6) })), 'store_failed');
    assert.equal(await outcomeOf(() => store.keepUnsent(hash(1))), 'store_failed');
    assert.deepEqual((await store.seen())?.control, at(5));
    assert.equal(told(), 1);
  });

  it('keeps unsent entries of device and code apart, and all of it goes when a browser begins anew', async () => {
    const { records, store } = opened();
    const code = new BrowserStore({ records, turns: { take: async () => () => {} } }, 'code');
    await store.keepUnsent(hash(1));
    await code.keepUnsent(hash(2));
    await store.keepApproved(hash(3));
    await store.remember({ control: at(1) });
    await code.forgetUnsent();
    assert.deepEqual(await store.unsent(), hash(1));
    assert.equal(await code.unsent(), undefined);
    assert.deepEqual(await store.approvedBefore(), hash(3));
    records.kept.set('state', hash(4));
    records.kept.set('preferences', hash(5));
    await forgetAll(records);
    assert.deepEqual([...records.kept.keys()], ['preferences']);
  });
});

describe('turns of tabs [BKEY-12]', () => {
  it('come one after the other, and end with an error for one that waits too long', async () => {
    const name = `turns ${process.pid}`;
    const first = await turnsOf(navigator.locks, name).take();
    assert.equal(await outcomeOf(() => turnsOf(navigator.locks, name, 20).take()), 'already_running');
    const second = turnsOf(navigator.locks, name).take();
    first();
    (await second)();
    (await turnsOf(navigator.locks, name, 5_000).take())();
  });
});
