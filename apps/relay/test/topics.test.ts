// Topics under load: order, conditions, following, freshness, restarts.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { equalBytes } from '@holdfast/protocol/codec/bytes';
import { controlTopic, parseEntry, type Head, type UnverifiedEntry } from '@holdfast/protocol/blind/entry';
import { compareHeads, headOf } from '@holdfast/protocol/blind/freshness';
import * as relay from '@holdfast/protocol/exchange/relay-calls';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { headAfter, newActor, worldStartMs, type Actor, type FleetWorld } from '../../../packages/testkit/src/fleet-world.ts';
import { share } from '../../../packages/testkit/src/shares.ts';
import { codeFrom, RelayWorld } from './relay-world.ts';

/** The next `count` entries of a topic. */
async function chain(
  world: FleetWorld,
  author: Actor,
  topic: Uint8Array,
  after: Head | undefined,
  count: number,
  size = 48,
): Promise<UnverifiedEntry[]> {
  const entries: UnverifiedEntry[] = [];
  for (let head = after; entries.length < count;) {
    const entry = await world.entry(author, { topic, after: head, sealed: primitives.random(size) });
    entries.push(entry);
    head = headAfter(entry);
  }
  return entries;
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, index) => from + index);

test('of 200 appends racing for one head one wins, and the others learn the head', async (context) => {
  const relays = await RelayWorld.start(context);
  const { world, device } = await relays.fleet();
  const second = await relays.client({ world, as: world.device });
  const entries = await Promise.all(
    range(0, 200).map(async () => world.entry(world.device, { topic: controlTopic, after: headAfter(world.genesis) })),
  );
  const outcomes = await Promise.all(
    entries.map(async (entry, index) => relay.appendEntry((index % 2 === 0 ? device : second).exchange, entry)),
  );
  const winners = entries.filter((_, index) => outcomes[index]?.kind === 'appended');
  assert.equal(winners.length, 1); // [RELAY-21]
  const [winner] = winners;
  assert.ok(winner !== undefined);
  for (const outcome of outcomes) if (outcome.kind === 'conflict') assert.deepEqual(outcome.head, headAfter(winner));
  assert.deepEqual(await relay.appendEntry(second.exchange, winner), { kind: 'appended' });
});

test('appends sent without waiting take their places in order', async (context) => {
  const relays = await RelayWorld.start(context);
  const { world, device } = await relays.fleet();
  const entries = await chain(world, world.device, controlTopic, headAfter(world.genesis), 300);
  const outcomes = await Promise.all(entries.map(async (entry) => relay.appendEntry(device.exchange, entry)));
  assert.ok(outcomes.every(({ kind }) => kind === 'appended')); // [RELAY-13]
});

test('an entry dated before its predecessor is refused', async (context) => {
  const relays = await RelayWorld.start(context);
  const { world, device } = await relays.fleet();
  const early = await world.entry(world.device, { topic: controlTopic, after: headAfter(world.genesis), atMs: worldStartMs - 1 });
  assert.equal(await codeFrom(relay.appendEntry(device.exchange, early)), 'entry_time'); // [RELAY-21]
});

test('pushes come once and in order under load, to readers who came early, in the middle, and from a position', async (context) => {
  const relays = await RelayWorld.start(context, { pushBufferBytes: 16 * 1024 });
  const agent = await newActor();
  const { world, device } = await relays.fleet([agent]);
  const writer = await relays.client({ world, as: agent });
  const count = share({ ci: 600, soak: 20_000 });
  const entries = await chain(world, agent, agent.id, undefined, count, 1500);
  const early = await relays.client({ world, as: world.device });
  await relay.watchTopics(early.exchange, [
    { topic: agent.id, from: 0 },
    { topic: controlTopic, from: 0 },
  ]);
  const written = entries.map(async (entry) => relay.appendEntry(writer.exchange, entry));
  await written[Math.floor(count / 3)];
  const middle = await relays.client({ world, as: world.device });
  await relay.watchTopics(middle.exchange, [{ topic: agent.id, from: 0 }]);
  await written[Math.floor(count / 2)];
  await relay.watchTopics(device.exchange, [{ topic: agent.id, from: 100 }]);
  await Promise.all(written);
  await early.pushed(count + 1);
  await middle.pushed(count);
  await device.pushed(count - 100);
  assert.deepEqual(early.positions(agent.id), range(0, count)); // [RELAY-15]
  assert.deepEqual(early.positions(), [0]);
  assert.deepEqual(middle.positions(agent.id), range(0, count));
  assert.deepEqual(device.positions(agent.id), range(100, count));
});

test('a reader resumes after a lost connection and a restarted relay without gap or duplicate', async (context) => {
  const relays = await RelayWorld.start(context);
  const { world, device } = await relays.fleet();
  const entries = await chain(world, world.device, controlTopic, headAfter(world.genesis), 60);
  const first = await relays.client({ world, as: world.device });
  await relay.watchTopics(first.exchange, [{ topic: controlTopic, from: 1 }]);
  for (const entry of entries.slice(0, 20)) await relay.appendEntry(device.exchange, entry);
  await first.pushed(20);
  await relays.restart();
  const [writer, second] = [await relays.client({ world, as: world.device }), await relays.client({ world, as: world.device })];
  const writing = entries.slice(20).map(async (entry) => relay.appendEntry(writer.exchange, entry));
  await relay.watchTopics(second.exchange, [{ topic: controlTopic, from: (first.positions().at(-1) ?? 0) + 1 }]);
  await Promise.all(writing);
  await second.pushed(40);
  assert.deepEqual([...first.positions(), ...second.positions()], range(1, 61)); // [RELAY-15]
});

test('watching again begins anew; a position ahead of the head waits for it', async (context) => {
  const relays = await RelayWorld.start(context);
  const { world, device } = await relays.fleet();
  const entries = await chain(world, world.device, controlTopic, headAfter(world.genesis), 3);
  await relay.watchTopics(device.exchange, [{ topic: controlTopic, from: 0 }]);
  await device.pushed(1);
  await relay.watchTopics(device.exchange, [{ topic: controlTopic, from: 3 }]);
  for (const entry of entries) await relay.appendEntry(device.exchange, entry);
  await device.pushed(2);
  assert.deepEqual(device.positions(), [0, 3]); // [RELAY-15]
});

test('pages are bounded, and reading goes over them', async (context) => {
  const relays = await RelayWorld.start(context);
  const { world, device } = await relays.fleet();
  const entries = await chain(world, world.device, controlTopic, headAfter(world.genesis), 6, 200_000);
  for (const entry of entries) await relay.appendEntry(device.exchange, entry);
  const page = await device.exchange.request({ kind: 'read', topic: controlTopic, from: 0, max: 1024 });
  assert.equal(page.entries.length, 3); // [RELAY-14]
  const read: Uint8Array[] = [];
  for await (const entry of relay.readTopic(device.exchange, controlTopic, 0)) read.push(entry);
  assert.deepEqual(read, [world.genesis.wire, ...entries.map(({ wire }) => wire)]);
});

test('freshness tells what is on disk, and shows a relay that was rolled back', async (context) => {
  const relays = await RelayWorld.start(context);
  const agent = await newActor();
  const { world, device } = await relays.fleet([agent]);
  const { relayKey } = await device.exchange.ready;
  const ask = { fleet: world.fleet, relayKey, topics: [agent.id] };
  const before = await relay.askFreshness(device.exchange, ask);
  assert.deepEqual(headOf(before, controlTopic), headAfter(world.genesis)); // [RELAY-18]
  assert.equal(headOf(before, agent.id), undefined);
  const [entry] = await chain(world, world.device, controlTopic, headAfter(world.genesis), 1);
  assert.ok(entry !== undefined);
  await relay.appendEntry(device.exchange, entry);
  const after = await relay.askFreshness(device.exchange, ask);
  assert.equal(compareHeads(headOf(before, controlTopic), headOf(after, controlTopic)), 'ahead');
  assert.throws(() => compareHeads(headOf(after, controlTopic), headOf(before, controlTopic)), { code: 'entry_stale' }); // [FRESH-7]
  await relays.restart();
  const again = await relays.client({ world, as: world.device, relayKey });
  assert.ok(equalBytes((await again.exchange.ready).relayKey, relayKey));
});

test('a full store refuses appends by name, loses nothing, and serves reads', async (context) => {
  const relays = await RelayWorld.start(context, {}, 512 * 1024);
  const { world, device } = await relays.fleet();
  let head = headAfter(world.genesis);
  let code = 'ok';
  while (code === 'ok') {
    const [entry] = await chain(world, world.device, controlTopic, head, 1, 50_000);
    assert.ok(entry !== undefined);
    code = await codeFrom(relay.appendEntry(device.exchange, entry));
    if (code === 'ok') head = headAfter(entry);
  }
  assert.equal(code, 'store_full'); // [RELAY-22]
  let last = 0;
  for await (const entry of relay.readTopic(device.exchange, controlTopic, 0))
    last = parseEntry(primitives, entry).statement.position;
  assert.equal(last, head.position);
  await relays.restart();
  const again = await relays.client({ world, as: world.device });
  const [entry] = await chain(world, world.device, controlTopic, head, 1, 50_000);
  assert.ok(entry !== undefined);
  assert.deepEqual(await relay.appendEntry(again.exchange, entry), { kind: 'appended' });
});
