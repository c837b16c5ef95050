// What a browser knew last of its fleet: ciphertext, opened by its own key for its own fleet, and thrown away where it does not open.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { toHex, utf8 } from '@holdfast/protocol/codec/bytes';
import { webPrimitives } from '@holdfast/protocol/primitives/web';
import { World } from '@holdfast/testkit/world';
import { freshAesKey } from '../../src/keys/aes-key.ts';
import { LastKnown } from '../../src/store/last-known.ts';
import { MemoryRecords } from './memory-records.ts';

const itemName = 'easy-to-find';

async function kept() {
  const world = await World.begin();
  await world.operator.keep(itemName, utf8('a-secret-that-fits'));
  const { replica } = world.operator;
  const records = new MemoryRecords();
  const key = await freshAesKey(webPrimitives);
  const known = new LastKnown(webPrimitives, records, key, world.fleet);
  assert.equal(await known.read(), undefined);
  assert.ok(Buffer.from(replica.snapshot()).includes(itemName), 'it holds names');
  await known.keep(replica.snapshot(), 1_800_000_000_000);
  return { world, replica, records, key, known };
}

describe('the last known state of a fleet', () => {
  it('comes back with its time, and nothing of it lies in clear [BKEY-1]', async () => {
    const { replica, records, known } = await kept();
    assert.deepEqual(await known.read(), { state: replica.state, atMs: 1_800_000_000_000 });
    assert.ok(
      ![...records.kept.values()]
        .map(toHex)
        .join()
        .includes(toHex(utf8(itemName))),
    );
  });

  it('opens under no other key, for no other fleet and with no byte changed, and is thrown away [BKEY-14]', async () => {
    const { world, records, key } = await kept();
    const wire = records.kept.get('state');
    assert.ok(wire);
    const altered = (at: number): Uint8Array => wire.map((byte, index) => (index === at ? byte ^ 1 : byte));
    const faults: readonly (readonly [Uint8Array, typeof key, Uint8Array])[] = [
      [wire, await freshAesKey(webPrimitives), world.fleet],
      [wire, key, new Uint8Array(32)],
      [wire.slice(0, -1), key, world.fleet],
      ...[0, 5, 20, 60, wire.length - 1].map((at) => [altered(at), key, world.fleet] as const),
    ];
    for (const [damaged, withKey, fleet] of faults) {
      records.kept.set('state', damaged);
      assert.equal(await new LastKnown(webPrimitives, records, withKey, fleet).read(), undefined);
      assert.equal(records.kept.size, 0);
    }
    records.kept.set('state', wire);
    assert.ok(await new LastKnown(webPrimitives, records, key, world.fleet).read());
  });
});
