// What a browser knew last of its fleet: ciphertext, each piece in its own place, dropped where it does not hold.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { toHex, utf8 } from '@holdfast/protocol/codec/bytes';
import { webPrimitives } from '@holdfast/protocol/primitives/web';
import { freshAesKey } from '../../src/keys/aes-key.ts';
import { StateCache } from '../../src/store/state-cache.ts';
import { MemoryRecords } from './memory-records.ts';

const fleet = new Uint8Array(32).fill(1);
const entries = (from: number, to: number): readonly Uint8Array[] =>
  Array.from({ length: to - from }, (_, index) => utf8(`entry number ${from + index}`));

async function filled(): Promise<{ readonly records: MemoryRecords; readonly cache: StateCache }> {
  const records = new MemoryRecords();
  const cache = new StateCache(webPrimitives, records, await freshAesKey(webPrimitives), fleet);
  await cache.keep(0, entries(0, 3));
  await cache.keep(3, entries(3, 4));
  await cache.keep(4, entries(4, 9));
  return { records, cache };
}

describe('the state that a browser keeps', () => {
  it('comes back in order, and nothing of it lies in clear [BKEY-1]', async () => {
    const { records, cache } = await filled();
    assert.deepEqual(await cache.read(), entries(0, 9));
    const kept = [...records.kept.values()].map(toHex).join();
    assert.ok(!kept.includes(toHex(utf8('entry number'))));
  });

  it('opens under no other key and for no other fleet [BKEY-14]', async () => {
    for (const other of ['key', 'fleet'] as const) {
      const records = new MemoryRecords();
      const key = await freshAesKey(webPrimitives);
      await new StateCache(webPrimitives, records, key, fleet).keep(0, entries(0, 3));
      const cache =
        other === 'key'
          ? new StateCache(webPrimitives, records, await freshAesKey(webPrimitives), fleet)
          : new StateCache(webPrimitives, records, key, new Uint8Array(32));
      assert.deepEqual(await cache.read(), []);
      assert.equal(records.kept.size, 0);
    }
  });

  it('a piece that is damaged, out of its place or gone is dropped with all after it [BKEY-14]', async () => {
    const [first, second, third] = ['state/000000000000000', 'state/000000000000003', 'state/000000000000004'] as const;
    const faults: readonly (readonly [(records: MemoryRecords) => void, number])[] = [
      [
        ({ kept }) =>
          kept.set(
            second,
            (kept.get(second) ?? fleet).map((byte, at) => (at === 40 ? byte ^ 1 : byte)),
          ),
        3,
      ],
      [({ kept }) => kept.set(second, kept.get(third) ?? fleet), 3],
      [({ kept }) => kept.delete(second), 3],
      [({ kept }) => kept.set(first, fleet), 0],
      [({ kept }) => kept.delete(third), 4],
    ];
    for (const [fault, left] of faults) {
      const { records, cache } = await filled();
      fault(records);
      assert.deepEqual(await cache.read(), entries(0, left));
      await cache.keep(left, entries(left, 9));
      assert.deepEqual(await cache.read(), entries(0, 9));
    }
  });

  it('becomes one piece again when there are many', async () => {
    const { records, cache } = await filled();
    for (let at = 9; at < 200; at += 1) await cache.keep(at, entries(at, at + 1));
    assert.deepEqual(await cache.read(), entries(0, 200));
    assert.ok(records.kept.size <= 64);
  });
});
