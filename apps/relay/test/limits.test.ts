// What the relay refuses to be: a rendezvous used twice, a flooded store of strangers, a memory full of what slow readers do not read.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { WebSocket as RawSocket } from 'ws';
import { controlTopic } from '@holdfast/protocol/blind/entry';
import { encodeRequest, maxRequestBytes, parseRelayFrame, type RelayFrame } from '@holdfast/protocol/blind/frames';
import { signRelayAuth } from '@holdfast/protocol/blind/relay-auth';
import { parseSignal, signSignal } from '@holdfast/protocol/blind/signal';
import { toHex } from '@holdfast/protocol/codec/bytes';
import * as relay from '@holdfast/protocol/exchange/relay-calls';
import type { RelayExchange } from '@holdfast/protocol/exchange/relay-exchange';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { FleetWorld, headAfter, newActor, worldStartMs } from '../../../packages/testkit/src/fleet-world.ts';
import { Bucket } from '../src/limits.ts';
import { codeFrom, RelayWorld } from './relay-world.ts';

const offer = (): relay.RendezvousPlace => ({ rendezvous: primitives.random(16), slot: 'offer' });
const minuteMs = 60_000;

test('a rendezvous: each slot is put once and taken once, by whoever comes first, before or after', async (context) => {
  const relays = await RelayWorld.start(context);
  const [agent, operator] = [await relays.client(), await relays.client()];
  const place = offer();
  const answer = { ...place, slot: 'answer' } as const;
  await relay.putRendezvous(agent.exchange, place, Uint8Array.of(1), minuteMs);
  const waiting = relay.takeRendezvous(agent.exchange, answer, 20_000);
  assert.deepEqual(await relay.takeRendezvous(operator.exchange, place, 0), Uint8Array.of(1));
  await relay.putRendezvous(operator.exchange, answer, Uint8Array.of(2), minuteMs);
  assert.deepEqual(await waiting, Uint8Array.of(2));
  for (const again of [place, answer]) {
    assert.equal(await codeFrom(relay.takeRendezvous(operator.exchange, again, 0)), 'rendezvous_used'); // [RELAY-23]
    assert.equal(await codeFrom(relay.putRendezvous(agent.exchange, again, Uint8Array.of(3), minuteMs)), 'rendezvous_used');
  }
  assert.equal(await relay.takeRendezvous(operator.exchange, offer(), 5), undefined);
});

test('two takers at once: one gets it', async (context) => {
  const relays = await RelayWorld.start(context);
  const clients = [await relays.client(), await relays.client(), await relays.client()];
  const place = offer();
  const [first, second] = clients.slice(1).map(async ({ exchange }) => relay.takeRendezvous(exchange, place, 20_000));
  await relay.takeRendezvous(clients[2]?.exchange ?? assert.fail(), offer(), 0);
  await relay.putRendezvous(clients[0]?.exchange ?? assert.fail(), place, Uint8Array.of(7), minuteMs);
  const bodies = [await first, await second].filter((body) => body !== undefined);
  assert.deepEqual(bodies, [Uint8Array.of(7)]); // [RELAY-23]
});

test('a taker that went away takes nothing with it; a rendezvous expires', async (context) => {
  const relays = await RelayWorld.start(context);
  const [agent, gone, operator] = [await relays.client(), await relays.client(), await relays.client()];
  const place = offer();
  const waiting = codeFrom(relay.takeRendezvous(gone.exchange, place, 20_000));
  await relay.takeRendezvous(gone.exchange, offer(), 0);
  gone.exchange.close();
  assert.equal(await waiting, 'relay_unreachable');
  assert.equal(await relay.takeRendezvous(operator.exchange, { ...place, slot: 'answer' }, 100), undefined);
  await relay.putRendezvous(agent.exchange, place, Uint8Array.of(1), minuteMs);
  assert.deepEqual(await relay.takeRendezvous(operator.exchange, place, 0), Uint8Array.of(1));
  const brief = offer();
  await relay.putRendezvous(agent.exchange, brief, Uint8Array.of(1), 1);
  await relay.takeRendezvous(operator.exchange, offer(), 5);
  assert.equal(await relay.takeRendezvous(operator.exchange, brief, 0), undefined);
});

test('rendezvous are counted, by number and by size', async (context) => {
  const relays = await RelayWorld.start(context, { maxRendezvous: 3, maxRendezvousTotalBytes: 1000 });
  const { exchange } = await relays.client();
  const large = offer();
  await relay.putRendezvous(exchange, large, new Uint8Array(900), minuteMs);
  assert.equal(await codeFrom(relay.putRendezvous(exchange, offer(), new Uint8Array(101), minuteMs)), 'limit_exceeded'); // [RELAY-25]
  await relay.takeRendezvous(exchange, large, 0);
  await relay.putRendezvous(exchange, offer(), new Uint8Array(500), minuteMs);
  await relay.putRendezvous(exchange, offer(), new Uint8Array(1), minuteMs);
  assert.equal(await codeFrom(relay.putRendezvous(exchange, offer(), new Uint8Array(1), minuteMs)), 'limit_exceeded');
});

test('a flooding agent is refused, its fleet and the operator are not held up', async (context) => {
  const relays = await RelayWorld.start(context, {
    principal: { perSecond: 0.001, burst: 20 },
    agents: { perSecond: 0.001, burst: 30 },
  });
  const [flooder, other] = [await newActor(), await newActor()];
  const { world, device } = await relays.fleet([flooder, other]);
  const codes = [];
  for (let round = 0; round < 2; round += 1) {
    const client = await relays.client({ world, as: flooder });
    codes.push(...(await Promise.all(Array.from({ length: 20 }, async () => codeFrom(relay.getPulse(client.exchange))))));
  }
  assert.equal(codes.filter((code) => code === 'ok').length, 20); // [RELAY-25]
  assert.equal(codes.filter((code) => code === 'limit_exceeded').length, 20);
  const second = await relays.client({ world, as: other });
  assert.equal(await codeFrom(relay.getPulse(second.exchange)), 'ok');
  assert.equal(await codeFrom(relay.getPulse(device.exchange)), 'ok');
});

test('all agents of a fleet together cannot use up what its devices need', async (context) => {
  const relays = await RelayWorld.start(context, { agents: { perSecond: 0.001, burst: 6 } });
  const agents = [await newActor(), await newActor()];
  const { world, device } = await relays.fleet(agents);
  const clients = await Promise.all(agents.map(async (as) => relays.client({ world, as })));
  const codes = [];
  for (let round = 0; round < 4; round += 1)
    for (const { exchange } of clients) codes.push(await codeFrom(relay.getPulse(exchange)));
  assert.deepEqual(codes.slice(5), ['ok', 'limit_exceeded', 'limit_exceeded']); // [RELAY-25]
  for (let round = 0; round < 8; round += 1) assert.equal(await codeFrom(relay.getPulse(device.exchange)), 'ok');
});

test('[RELAY-30]: of what only the newest matters one is kept, and it takes no place of what must not be lost', async (context) => {
  const relays = await RelayWorld.start(context, { maxSignalsPerSender: 3, maxSignals: 4 });
  const [agent, other] = [await newActor(), await newActor()];
  const { world } = await relays.fleet([agent, other]);
  const sender = await relays.client({ world, as: agent });
  const second = await relays.client({ world, as: other });
  const say = async (client: typeof sender, by: typeof agent, latest: boolean, fill = 0): Promise<string> =>
    codeFrom(
      relay.putSignal(
        client.exchange,
        await signSignal(by.holder, {
          ...{ v: 1, fleet: world.fleet, id: primitives.random(16), from: by.id, audience: `agent:${toHex(by.id)}`, epoch: 0 },
          ...{ expiresAtMs: worldStartMs + 60_000, sealed: new Uint8Array(20).fill(fill) },
          ...(latest && { latest: true as const }),
        }),
      ),
    );
  for (let each = 1; each <= 20; each += 1) assert.equal(await say(sender, agent, true, each), 'ok');
  assert.equal(await say(second, other, true, 77), 'ok');
  for (let each = 0; each < 3; each += 1) assert.equal(await say(sender, agent, false), 'ok');
  assert.equal(await say(sender, agent, false), 'limit_exceeded'); // [RELAY-25]
  assert.equal(await say(sender, agent, true, 21), 'ok', 'nor does it ask for a place');
  assert.equal(await say(second, other, false), 'ok');
  assert.equal(await say(second, other, false), 'limit_exceeded');
  const late = await relays.client({ world, as: world.device });
  const fills = (await late.pushed(6)).flatMap((push) => {
    if (push.kind !== 'push-signal') return [];
    const { statement } = parseSignal(push.signal);
    return statement.latest === true ? [statement.sealed[0]] : [];
  });
  assert.deepEqual(new Set(fills), new Set([21, 77]));
  assert.equal(fills.length, 2);
});

test('[RELAY-29]: one agent says so much and no more; devices, and other agents, are not held up', async (context) => {
  const relays = await RelayWorld.start(context, { agentSignals: { perSecond: 0.001, burst: 5 } });
  const [agent, other] = [await newActor(), await newActor()];
  const { world, device } = await relays.fleet([agent, other]);
  const say = async (by: typeof agent, client: { readonly exchange: RelayExchange }): Promise<string> =>
    codeFrom(
      relay.putSignal(
        client.exchange,
        await signSignal(by.holder, {
          ...{ v: 1, fleet: world.fleet, id: primitives.random(16), from: by.id, audience: 'fleet', epoch: 0 },
          ...{ expiresAtMs: worldStartMs + 1, sealed: new Uint8Array(20), latest: true },
        }),
      ),
    );
  const [first, again] = [await relays.client({ world, as: agent }), await relays.client({ world, as: agent })];
  const codes = [];
  for (let each = 0; each < 8; each += 1) codes.push(await say(agent, each % 2 === 0 ? first : again));
  assert.deepEqual(codes, [...Array.from({ length: 5 }, () => 'ok'), ...Array.from({ length: 3 }, () => 'limit_exceeded')]);
  assert.equal(await say(other, await relays.client({ world, as: other })), 'ok');
  for (let each = 0; each < 8; each += 1) assert.equal(await say(world.device, device), 'ok');
});

test("the relay's key is for its user alone, whatever the umask", async (context) => {
  const relays = await RelayWorld.start(context);
  assert.equal(statSync(join(relays.folder, 'relay.key')).mode & 0o777, 0o600);
});

test('large requests cost more', async (context) => {
  const relays = await RelayWorld.start(context, { principal: { perSecond: 0.001, burst: 30 } });
  const { world, device } = await relays.fleet();
  const entry = async (size: number): Promise<string> =>
    codeFrom(
      relay.appendEntry(
        device.exchange,
        await world.entry(world.device, { topic: controlTopic, after: headAfter(world.genesis), sealed: new Uint8Array(size) }),
      ),
    );
  assert.equal(await entry(250_000), 'ok');
  assert.equal(await entry(250_000), 'limit_exceeded'); // [RELAY-25]
  assert.equal(await entry(10), 'ok');
});

test('strangers are slowed, new fleets are rationed', async (context) => {
  const relays = await RelayWorld.start(context, {
    stranger: { perSecond: 0.001, burst: 3 },
    creations: { perSecond: 0.001, burst: 1 },
  });
  const { exchange } = await relays.client();
  const codes = await Promise.all(Array.from({ length: 5 }, async () => codeFrom(relay.takeRendezvous(exchange, offer(), 0))));
  assert.deepEqual(codes, ['ok', 'ok', 'ok', 'limit_exceeded', 'limit_exceeded']); // [RELAY-25]
  const [first, second] = [await FleetWorld.make(), await FleetWorld.make()];
  const creator = await relays.client();
  assert.equal(await codeFrom(relay.createFleet(creator.exchange, first.access, first.genesis)), 'ok');
  assert.equal(await codeFrom(relay.createFleet(creator.exchange, second.access, second.genesis)), 'limit_exceeded');
});

test('strangers that fill the relay give way to newcomers, members do not', async (context) => {
  const relays = await RelayWorld.start(context, { maxStrangers: 3 });
  const { world, device } = await relays.fleet();
  const strangers = [await relays.client(), await relays.client(), await relays.client()];
  await relays.client({ world, as: world.device });
  assert.equal((await (strangers[0]?.closed ?? assert.fail())).code, 'relay_unreachable'); // [RELAY-25]
  assert.equal(await codeFrom(relay.takeRendezvous(strangers[2]?.exchange ?? assert.fail(), offer(), 0)), 'ok');
  assert.equal(await codeFrom(relay.getPulse(device.exchange)), 'ok');
});

test("a principal's newest connections count", async (context) => {
  const relays = await RelayWorld.start(context, { maxConnectionsPerPrincipal: 2 });
  const { world, device } = await relays.fleet();
  await relays.client({ world, as: world.device });
  const third = await relays.client({ world, as: world.device });
  await device.closed; // [RELAY-25]
  assert.equal(await codeFrom(relay.getPulse(third.exchange)), 'ok');
});

test('signals are counted by sender: one cannot crowd out the others', async (context) => {
  const relays = await RelayWorld.start(context, { maxSignalsPerSender: 2 });
  const agent = await newActor();
  const { world, device } = await relays.fleet([agent]);
  const client = await relays.client({ world, as: agent });
  const signal = async (from: typeof agent): ReturnType<typeof signSignal> =>
    signSignal(from.holder, {
      v: 1,
      fleet: world.fleet,
      id: primitives.random(16),
      from: from.id,
      audience: 'fleet',
      epoch: 0,
      expiresAtMs: worldStartMs + 1000,
      sealed: new Uint8Array(),
    });
  const codes = [];
  for (let index = 0; index < 3; index += 1) codes.push(await codeFrom(relay.putSignal(client.exchange, await signal(agent))));
  assert.deepEqual(codes, ['ok', 'ok', 'limit_exceeded']); // [RELAY-25]
  assert.equal(await codeFrom(relay.putSignal(device.exchange, await signal(world.device))), 'ok');
  relays.nowMs += 1000;
  assert.equal(
    await codeFrom(relay.putSignal(client.exchange, await signal(agent).catch(() => assert.fail()))),
    'signal_expired',
  );
});

/** A socket without an exchange: it sends what no client of ours would. */
async function rawSocket(relays: RelayWorld): Promise<{ socket: RawSocket; frames: RelayFrame[]; closed: Promise<unknown> }> {
  const socket = new RawSocket(`${relays.relay.url.replace('http', 'ws')}/v1`, { origin: 'https://console.example' });
  const frames: RelayFrame[] = [];
  socket.on('message', (data: Buffer) => frames.push(parseRelayFrame(data)));
  socket.on('error', () => undefined);
  const closed = once(socket, 'close');
  await once(socket, 'message');
  return { socket, frames, closed };
}

test('the welcome comes first, with a nonce of its own, to any origin', async (context) => {
  const relays = await RelayWorld.start(context);
  const sockets = [await rawSocket(relays), await rawSocket(relays)]; // [RELAY-1]
  const nonces = sockets.map(({ frames }) =>
    frames[0]?.kind === 'welcome' ? Buffer.from(frames[0].nonce).toString('hex') : assert.fail(),
  );
  assert.notEqual(nonces[0], nonces[1]); // [RELAY-4]
  for (const { socket } of sockets) socket.terminate();
});

const garbage: Readonly<Record<string, (socket: RawSocket) => void>> = {
  'what is no request': (socket) => socket.send(Uint8Array.of(0xff)),
  'an unknown request': (socket) => socket.send(Uint8Array.of(0xa1, 0x64, 0x6b, 0x69, 0x6e, 0x64, 0x61, 0x78)),
  'a text message': (socket) => socket.send('hello'),
  'a message past 512 KiB': (socket) => socket.send(new Uint8Array(maxRequestBytes + 1)),
};
for (const [name, send] of Object.entries(garbage)) {
  test(`${name} ends that connection and no other`, async (context) => {
    const relays = await RelayWorld.start(context);
    const other = await relays.client();
    const { socket, frames, closed } = await rawSocket(relays);
    send(socket);
    await closed; // [RELAY-2] [RELAY-5]
    assert.equal(frames.length, 1);
    assert.equal(await codeFrom(relay.takeRendezvous(other.exchange, offer(), 0)), 'ok');
  });
}

test('other paths and plain HTTP get an answer; health tells', async (context) => {
  const relays = await RelayWorld.start(context);
  assert.deepEqual(await (await fetch(`${relays.relay.url}/health`)).json(), { ok: true });
  assert.equal((await fetch(`${relays.relay.url}/v1`)).status, 404);
  const socket = new RawSocket(`${relays.relay.url.replace('http', 'ws')}/v2`);
  const [error] = (await once(socket, 'error')) as [Error];
  assert.match(error.message, /404/);
});

test('a client that asks and does not read is cut; others are served', { timeout: 500_000 }, async (context) => {
  const relays = await RelayWorld.start(context, { maxBufferedBytes: 512 * 1024, principal: { perSecond: 1e6, burst: 1e6 } });
  const { world, device } = await relays.fleet();
  let head = headAfter(world.genesis);
  for (let index = 0; index < 3; index += 1) {
    const entry = await world.entry(world.device, { topic: controlTopic, after: head, sealed: primitives.random(160_000) });
    await relay.appendEntry(device.exchange, entry);
    head = headAfter(entry);
  }
  const { socket, frames, closed } = await rawSocket(relays);
  const [welcome] = frames;
  assert.ok(welcome?.kind === 'welcome');
  const auth = { fleet: world.fleet, principal: world.device.id };
  const signature = await signRelayAuth(world.device.holder, { ...auth, nonce: welcome.nonce, relay: welcome.relay });
  socket.send(encodeRequest({ kind: 'auth', id: 1, ...auth, signature }));
  await once(socket, 'message');
  socket.pause();
  for (let id = 2; id < 400; id += 1) socket.send(encodeRequest({ kind: 'read', id, topic: controlTopic, from: 0, max: 100 }));
  assert.equal(await relays.firstCut(), 'limit_exceeded'); // [RELAY-24]
  socket.resume();
  await closed;
  assert.ok(frames.length < 399);
  assert.equal(await codeFrom(relay.getPulse(device.exchange)), 'ok');
});

test('whoever does not answer pings is let go', async (context) => {
  const relays = await RelayWorld.start(context, { pingMs: 50 });
  const socket = new RawSocket(`${relays.relay.url.replace('http', 'ws')}/v1`, { autoPong: false });
  socket.on('error', () => undefined);
  await once(socket, 'close'); // [RELAY-25]
});

test('a half-open connection to the port does no harm', async (context) => {
  const relays = await RelayWorld.start(context);
  const { hostname, port } = new URL(relays.relay.url);
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  socket.write('GET /v1 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n');
  await once(socket, 'data');
  socket.destroy();
  assert.deepEqual(await (await fetch(`${relays.relay.url}/health`)).json(), { ok: true });
});

test('a bucket gives its burst, then its rate, and never more than its burst', () => {
  const bucket = new Bucket({ perSecond: 10, burst: 5 }, 0);
  assert.deepEqual(
    [1, 1, 1, 1, 1, 1].map((units) => bucket.take(units, 0)),
    [true, true, true, true, true, false],
  );
  assert.equal(bucket.take(1, 99), false);
  assert.equal(bucket.take(1, 101), true);
  assert.equal(bucket.take(6, 1e9), false);
  assert.equal(bucket.take(5, 1e9), true);
});
