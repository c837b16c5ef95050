// Shipped audit logs at the relay: order, repeats, who may, how much, and what lasts.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import type { ShippedPiece } from '@holdfast/protocol/blind/shipment';
import { putShipment, readShipments, shipmentHead } from '@holdfast/protocol/exchange/shipment-calls';
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
