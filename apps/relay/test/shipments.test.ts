// Shipped audit logs at the relay: order, repeats, who may, how much, and what lasts.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import type { ShippedPiece } from '@holdfast/protocol/blind/shipment';
import { placeAfter, putShipment, readShipments, shipmentHead, watchShipments } from '@holdfast/protocol/exchange/shipment-calls';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { newActor } from '../../../packages/testkit/src/fleet-world.ts';
import { codeFrom, RelayWorld, type Client } from './relay-world.ts';

const piece = (ordinal: number, offset: number, first = ordinal * 100, length = 1000): ShippedPiece => ({
  ordinal,
  offset,
  first,
  bytes: primitives.random(length),
});
const put = async (client: Client, each: ShippedPiece): Promise<string> => (await putShipment(client.exchange, each)).kind;
const all = async (client: Client, agent: Uint8Array): Promise<ShippedPiece[]> => {
  const found: ShippedPiece[] = [];
  for await (const each of readShipments(client.exchange, agent)) found.push(each);
  return found;
};

test('[SHIP-2, SHIP-3] a log goes on where it ends, a repeat is no fault, and all of it is there after a restart', async (context) => {
  const relays = await RelayWorld.start(context);
  const [agent, other] = [await newActor(), await newActor()];
  const { world, device } = await relays.fleet([agent, other]);
  const client = await relays.client({ world, as: agent });
  assert.equal(await shipmentHead(client.exchange, agent.id), undefined);
  const pieces = [
    piece(0, 0),
    piece(0, 1000),
    piece(1, 0),
    piece(3, 0),
    ...Array.from({ length: 30 }, (_, n) => piece(3, 1000 + 20_000 * n, 300, 20_000)),
  ];
  for (const each of pieces) assert.equal(await put(client, each), 'put');
  const [first = piece(9, 0)] = pieces;
  assert.equal(await put(client, first), 'put', 'the answer to it was lost');
  for (const wrong of [
    { ...first, bytes: primitives.random(1000) },
    piece(0, 2000),
    piece(2, 0),
    piece(3, 999),
    piece(3, 602_000),
    piece(3, 601_000, 301),
    piece(4, 1),
    piece(4, 0, 299),
  ]) {
    const outcome = await putShipment(client.exchange, wrong);
    assert.equal(outcome.kind, 'elsewhere');
    const digest = primitives.sha256(...pieces.filter(({ ordinal }) => ordinal === 3).map(({ bytes }) => bytes));
    assert.deepEqual(outcome.kind === 'elsewhere' && outcome.head, { ordinal: 3, offset: 601_000, first: 300, digest });
  }
  await relays.restart();
  const after = await relays.client({ world, as: world.device });
  assert.deepEqual(await all(after, agent.id), pieces);
  assert.deepEqual(await all(after, other.id), []);
  device.exchange.close();
});

test('[SHIP-1, SHIP-4] an agent ships its own log and reads no other; devices read all and ship none', async (context) => {
  const relays = await RelayWorld.start(context);
  const [agent, other] = [await newActor(), await newActor()];
  const { world, device } = await relays.fleet([agent, other]);
  const client = await relays.client({ world, as: agent });
  await put(client, piece(0, 0));
  assert.equal((await all(client, agent.id)).length, 1);
  assert.equal(await codeFrom(all(client, other.id)), 'relay_refused');
  assert.equal(await codeFrom(shipmentHead(client.exchange, other.id)), 'relay_refused');
  assert.equal(await codeFrom(put(device, piece(0, 0))), 'relay_refused');
  assert.equal(await codeFrom(put(client, piece(0, 1000, 0, 0))), 'codec_shape');
  assert.equal(await codeFrom(put(client, piece(0, 64 * 1024 * 1024 - 999, 0, 1000))), 'codec_limit');
  assert.equal(await put(client, piece(0, 64 * 1024 * 1024 - 1000, 0, 1000)), 'elsewhere');
  const stranger = await relays.client();
  assert.equal(await codeFrom(all(stranger, agent.id)), 'relay_refused');
});

test('[SHIP-5] past its quota an agent is told so by name; what is there stays, and others ship on', async (context) => {
  const relays = await RelayWorld.start(context, { maxShippedBytes: 3 * 1000 + 3 * 256 - 1 });
  const [agent, other] = [await newActor(), await newActor()];
  const { world } = await relays.fleet([agent, other]);
  const [client, second] = [await relays.client({ world, as: agent }), await relays.client({ world, as: other })];
  assert.equal(await put(client, piece(0, 0)), 'put');
  assert.equal(await put(client, piece(0, 1000)), 'put');
  assert.equal(await codeFrom(put(client, piece(0, 2000))), 'shipment_full');
  assert.equal(await codeFrom(put(client, piece(1, 0))), 'shipment_full');
  assert.equal(await put(client, piece(0, 2000, 0, 999)), 'put', 'what still fits, each piece with its row');
  assert.equal(await put(second, piece(0, 0)), 'put');
  assert.equal((await all(client, agent.id)).length, 3);
});

test('a head is told of a file in a hundred thousand pieces, goes on with it, and is the same after a restart', async (context) => {
  const relays = await RelayWorld.start(context);
  const agent = await newActor();
  const { world } = await relays.fleet([agent]);
  const first = await relays.client({ world, as: agent });
  const parts = [piece(0, 0), { ...piece(1, 0), bytes: Uint8Array.of(7) }];
  for (const each of parts) await put(first, each);
  await relays.relay.close();
  const count = 130_000;
  const database = new DatabaseSync(join(relays.folder, 'relay.db'));
  database.exec(`WITH RECURSIVE n(at) AS (SELECT 1 UNION ALL SELECT at + 1 FROM n WHERE at < ${count - 1})
    INSERT INTO shipments SELECT fleet, agent, ordinal, n.at, first, piece FROM shipments, n WHERE ordinal = 1;
    UPDATE shipped_logs SET end = ${count}`);
  database.close();
  await relays.restart();
  const client = await relays.client({ world, as: agent });
  const bytes = new Uint8Array(count).fill(7);
  const long = { ordinal: 1, offset: count, first: 100, digest: primitives.sha256(bytes) };
  assert.deepEqual(await shipmentHead(client.exchange, agent.id), long);
  const more = piece(1, count);
  assert.equal(await put(client, more), 'put');
  const grown = { ordinal: 1, offset: count + 1000, first: 100, digest: primitives.sha256(bytes, more.bytes) };
  assert.deepEqual(await shipmentHead(client.exchange, agent.id), grown);
  const next = piece(2, 0);
  assert.equal(await put(client, next), 'put');
  const begun = { ordinal: 2, offset: 1000, first: 200, digest: primitives.sha256(next.bytes) };
  assert.deepEqual(await shipmentHead(client.exchange, agent.id), begun);
  await relays.restart();
  const after = await relays.client({ world, as: agent });
  assert.deepEqual(await shipmentHead(after.exchange, agent.id), begun);
});

const shipped = (client: Client): readonly ShippedPiece[] =>
  client.pushes.flatMap((push) => {
    if (push.kind !== 'push-shipment') return [];
    const { ordinal, offset, first, bytes } = push;
    return [{ ordinal, offset, first, bytes }];
  });

test('[RELAY-31] whoever reads along gets what is there and what comes, once and in order, and of no other log', async (context) => {
  const relays = await RelayWorld.start(context);
  const [agent, other] = [await newActor(), await newActor()];
  const { world, device } = await relays.fleet([agent, other]);
  const [client, second] = [await relays.client({ world, as: agent }), await relays.client({ world, as: other })];
  const begin = { ordinal: 0, offset: 0 };
  const pieces = [piece(0, 0), piece(0, 1000), piece(1, 0)];
  for (const each of pieces.slice(0, 2)) await put(client, each);
  await put(second, piece(0, 0));
  await watchShipments(device.exchange, [{ agent: agent.id, ...begin }]);
  const [, , last = piece(9, 0)] = pieces;
  await put(client, last);
  await put(client, last); // the answer was lost
  await put(second, piece(0, 1000));
  await device.pushed(3);
  assert.deepEqual(shipped(device), pieces);

  const again = await relays.client({ world, as: world.device });
  const [behind] = [pieces.slice(0, 2).reduce(placeAfter, begin)];
  await watchShipments(again.exchange, [{ agent: agent.id, ...behind }]); // resumed
  await again.pushed(1);
  assert.deepEqual(shipped(again), [last]);
  await watchShipments(device.exchange, []); // no more
  await put(client, piece(1, 1000));
  await again.pushed(2);
  assert.equal(shipped(device).length, 3);
  await watchShipments(device.exchange, [{ agent: agent.id, ...begin }]);
  await device.pushed(7);
  assert.deepEqual(
    shipped(device)
      .slice(3)
      .map(({ ordinal, offset }) => [ordinal, offset]),
    [
      [0, 0],
      [0, 1000],
      [1, 0],
      [1, 1000],
    ],
  );
});

test('[RELAY-31, SHIP-10] only devices read along, in their own fleet, and a piece from before, or an empty one, is found', async (context) => {
  const relays = await RelayWorld.start(context);
  const [agent, other] = [await newActor(), await newActor()];
  const { world, device } = await relays.fleet([agent, other]);
  const { device: mallory } = await relays.fleet();
  const client = await relays.client({ world, as: agent });
  const stranger = await relays.client();
  const wanted = [{ agent: agent.id, ordinal: 0, offset: 0 }];
  assert.equal(await codeFrom(watchShipments(client.exchange, wanted)), 'relay_refused');
  assert.equal(await codeFrom(watchShipments(stranger.exchange, wanted)), 'relay_refused');
  await watchShipments(mallory.exchange, wanted);
  await watchShipments(device.exchange, wanted);
  await put(client, piece(0, 0));
  await device.pushed(1);
  await shipmentHead(mallory.exchange, agent.id);
  assert.deepEqual(mallory.pushes, []);
  assert.deepEqual(client.pushes, [{ kind: 'push-watched' }], 'and of another fleet nobody is told');
  const at = { ordinal: 2, offset: 100 };
  const codes = [piece(2, 0), piece(1, 500), { ...piece(2, 100), bytes: new Uint8Array() }].map(async (each) =>
    codeFrom(Promise.resolve().then(() => placeAfter(at, each))),
  );
  assert.deepEqual(await Promise.all(codes), ['relay_protocol', 'relay_protocol', 'relay_protocol']);
});

test('[RELAY-31] a slow reader is waited for, in the store', async (context) => {
  const relays = await RelayWorld.start(context, { pushBufferBytes: 64 * 1024 });
  const agent = await newActor();
  const { world, device } = await relays.fleet([agent]);
  const client = await relays.client({ world, as: agent });
  await watchShipments(device.exchange, [{ agent: agent.id, ordinal: 0, offset: 0 }]);
  const pieces = Array.from({ length: 60 }, (_, n) => piece(0, 100_000 * n, 0, 100_000));
  for (const each of pieces) assert.equal(await put(client, each), 'put');
  await device.pushed(pieces.length);
  assert.deepEqual(shipped(device), pieces);
});

test('[RELAY-32] an agent is told while somebody reads along: at once, when it connects, and again', async (context) => {
  const relays = await RelayWorld.start(context, { pingMs: 50 });
  const [agent, other] = [await newActor(), await newActor()];
  const { world, device } = await relays.fleet([agent, other]);
  const [client, second] = [await relays.client({ world, as: agent }), await relays.client({ world, as: other })];
  await watchShipments(device.exchange, [{ agent: agent.id, ordinal: 0, offset: 0 }]);
  await client.pushed(3);
  const back = await relays.client({ world, as: agent });
  await back.pushed(1);
  assert.ok([...client.pushes, ...back.pushes].every(({ kind }) => kind === 'push-watched'));
  assert.deepEqual(second.pushes, []);
  await watchShipments(device.exchange, []);
  await shipmentHead(client.exchange, agent.id);
  const told = client.pushes.length;
  await new Promise<void>((resolve) => void setTimeout(resolve, 150)); // three times it would have been told
  assert.equal(client.pushes.length, told);
});
