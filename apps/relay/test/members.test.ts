// Who may do what: proofs of identity, fleets, access lists, roles. Each attempt is made by a real client.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { controlTopic, signEntry } from '@holdfast/protocol/blind/entry';
import { signAccessList } from '@holdfast/protocol/blind/access-list';
import { signSignal } from '@holdfast/protocol/blind/signal';
import { toHex } from '@holdfast/protocol/codec/bytes';
import * as relay from '@holdfast/protocol/exchange/relay-calls';
import { issueStatusList } from '@holdfast/protocol/identity/status-list';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { FleetWorld, headAfter, newActor, worldStartMs } from '../../../packages/testkit/src/fleet-world.ts';
import { codeFrom, RelayWorld } from './relay-world.ts';

test('a fleet is made by who made its genesis, and by nobody else', async (context) => {
  const relays = await RelayWorld.start(context);
  const world = await FleetWorld.make();
  const mallory = await newActor();
  const { exchange } = await relays.client();
  const devices = [{ id: mallory.id, sign: mallory.holder.publicKeys.sign }];
  const forged = await signAccessList(mallory.holder, mallory.id, { ...world.access.statement, devices });
  assert.equal(await codeFrom(relay.createFleet(exchange, forged, world.genesis)), 'access_forged'); // [RELAY-8] [ACCESS-7]
  // A genesis of her own, and the id of somebody else's fleet.
  const own = await FleetWorld.make();
  const { fleet } = world.access.statement;
  const stolen = await signAccessList(own.device.holder, own.device.id, { ...own.access.statement, fleet });
  assert.equal(await codeFrom(relay.createFleet(exchange, stolen, own.genesis)), 'access_forged'); // [RELAY-8] [ACCESS-7]
  await relay.createFleet(exchange, world.access, world.genesis);
  await relay.createFleet(exchange, world.access, world.genesis);
  const other = await signAccessList(world.device.holder, world.device.id, { ...world.access.statement, atMs: worldStartMs + 1 });
  assert.equal(await codeFrom(relay.createFleet(exchange, other, world.genesis)), 'access_stale'); // [RELAY-8]
  const device = await relays.client({ world, as: world.device });
  const entries = [];
  for await (const entry of relay.readTopic(device.exchange, controlTopic, 0)) entries.push(entry);
  assert.deepEqual(entries, [world.genesis.wire]); // [RELAY-9]
  assert.deepEqual(await relay.appendEntry(device.exchange, world.genesis), { kind: 'appended' });
});

const fleetKey = { audience: 'fleet', epoch: 0, keyCommitment: new Uint8Array(32).fill(7) };

test('a stranger gets nothing but new fleets and rendezvous', async (context) => {
  const relays = await RelayWorld.start(context);
  const { world } = await relays.fleet();
  const { exchange } = await relays.client();
  const requests = [
    async () => relay.putAccessList(exchange, world.access),
    async () => relay.getAccessList(exchange),
    async () =>
      relay.appendEntry(exchange, await world.entry(world.device, { topic: controlTopic, after: headAfter(world.genesis) })),
    async () => exchange.request({ kind: 'read', topic: controlTopic, from: 0, max: 1 }),
    async () => relay.watchTopics(exchange, [{ topic: controlTopic, from: 0 }]),
    async () => relay.getPulse(exchange),
    async () => relay.putPulse(exchange, await world.pulse(headAfter(world.genesis), worldStartMs)),
    async () => relay.getLockbox(exchange, { ...fleetKey, member: world.device.id }),
    async () => exchange.request({ kind: 'fresh', nonce: primitives.random(32), topics: [] }),
  ];
  for (const request of requests) assert.equal(await codeFrom(request()), 'relay_refused'); // [RELAY-6]
});

test('a proof needs the key in the list, for this welcome; the refusal is the same for all reasons', async (context) => {
  const relays = await RelayWorld.start(context);
  const { world } = await relays.fleet();
  const [mallory, otherWorld] = [await newActor(), await FleetWorld.make()];
  const attempts = [
    { world, as: mallory },
    { world, as: { id: world.device.id, holder: mallory.holder } },
    { world: otherWorld, as: otherWorld.device },
    { world: otherWorld, as: world.device },
  ];
  const refusals = await Promise.all(
    attempts.map(async (as) =>
      relays.client(as).then(
        () => 'ok',
        (error: Error & { code: string }) => error.code,
      ),
    ),
  );
  assert.deepEqual(
    refusals,
    attempts.map(() => 'relay_refused'),
  ); // [RELAY-7]
});

test('a proof recorded on one connection is worth nothing on the next', async (context) => {
  const relays = await RelayWorld.start(context);
  const { world } = await relays.fleet();
  let recorded: Uint8Array | undefined;
  const recorder = {
    id: world.device.id,
    holder: Object.assign(Object.create(world.device.holder) as typeof world.device.holder, {
      sign: async (...parts: Parameters<typeof world.device.holder.sign>) =>
        (recorded = await world.device.holder.sign(...parts)),
    }),
  };
  await relays.client({ world, as: recorder });
  const { exchange } = await relays.client();
  const replay = exchange.request({
    kind: 'auth',
    fleet: world.fleet,
    principal: world.device.id,
    signature: recorded ?? new Uint8Array(64),
  });
  assert.equal(await codeFrom(replay), 'relay_refused'); // [RELAY-4] [RELAY-7]
});

test('forged, older and skipping access lists are refused; agents put none', async (context) => {
  const relays = await RelayWorld.start(context);
  const [agent, mallory] = [await newActor(), await newActor()];
  const { world, device } = await relays.fleet([agent]);
  const agentClient = await relays.client({ world, as: agent });
  const { statement } = world.access;
  const withMallory = {
    ...statement,
    version: 3,
    devices: [...statement.devices, { id: mallory.id, sign: mallory.holder.publicKeys.sign }],
  };
  const sign = signAccessList;
  assert.equal(
    await codeFrom(relay.putAccessList(device.exchange, await sign(mallory.holder, mallory.id, withMallory))),
    'access_forged',
  ); // [ACCESS-4]
  assert.equal(
    await codeFrom(relay.putAccessList(device.exchange, await sign(mallory.holder, world.device.id, withMallory))),
    'access_forged',
  );
  assert.equal(
    await codeFrom(
      relay.putAccessList(device.exchange, await sign(world.device.holder, world.device.id, { ...withMallory, version: 2 })),
    ),
    'access_stale',
  ); // [ACCESS-5]
  assert.equal(
    await codeFrom(
      relay.putAccessList(device.exchange, await sign(world.device.holder, world.device.id, { ...withMallory, version: 4 })),
    ),
    'access_stale',
  );
  const good = await world.nextAccess([agent]);
  assert.equal(await codeFrom(relay.putAccessList(agentClient.exchange, good)), 'relay_refused'); // [RELAY-12]
  await relay.putAccessList(device.exchange, good);
  await relay.putAccessList(device.exchange, good);
  assert.deepEqual(await relay.getAccessList(agentClient.exchange), good.wire);
});

test('whoever the list drops is cut at once and refused from then on, also after a restart', async (context) => {
  const relays = await RelayWorld.start(context);
  const [agent, kept] = [await newActor(), await newActor()];
  const { world, device } = await relays.fleet([agent, kept]);
  const clients = [await relays.client({ world, as: agent }), await relays.client({ world, as: agent })];
  const keptClient = await relays.client({ world, as: kept });
  const entry = await world.entry(agent, { topic: agent.id, after: undefined });
  await relay.putAccessList(device.exchange, await world.nextAccess([kept]));
  const late = codeFrom(relay.appendEntry(clients[0]?.exchange ?? device.exchange, entry));
  assert.equal(await late, 'relay_unreachable'); // [RELAY-12]
  for (const { exchange } of clients) assert.equal(await codeFrom(relay.getPulse(exchange)), 'relay_unreachable');
  assert.equal(await codeFrom(relays.client({ world, as: agent })), 'relay_refused');
  assert.equal(await codeFrom(relay.getPulse(keptClient.exchange)), 'ok');
  assert.equal((await device.exchange.request({ kind: 'read', topic: agent.id, from: 0, max: 1 })).entries.length, 0);
  await relays.restart();
  assert.equal(await codeFrom(relays.client({ world, as: agent })), 'relay_refused');
});

test('a member whose key is replaced is cut as well', async (context) => {
  const relays = await RelayWorld.start(context);
  const agent = await newActor();
  const { world, device } = await relays.fleet([agent]);
  const client = await relays.client({ world, as: agent });
  const renewed = { id: agent.id, holder: (await newActor()).holder };
  await relay.putAccessList(device.exchange, await world.nextAccess([renewed]));
  assert.equal(await codeFrom(relay.getPulse(client.exchange)), 'relay_unreachable'); // [RELAY-12]
  assert.equal(await codeFrom(relays.client({ world, as: agent })), 'relay_refused');
  await relays.client({ world, as: renewed });
});

test('roles: devices write control, agents their own topic; agents read control and their own', async (context) => {
  const relays = await RelayWorld.start(context);
  const [agent, peer] = [await newActor(), await newActor()];
  const { world, device } = await relays.fleet([agent, peer]);
  const client = await relays.client({ world, as: agent });
  const after = headAfter(world.genesis);
  const attempts: Record<string, () => Promise<unknown>> = {
    'agent to control': async () => relay.appendEntry(client.exchange, await world.entry(agent, { topic: controlTopic, after })),
    'agent to a peer': async () =>
      relay.appendEntry(client.exchange, await world.entry(agent, { topic: peer.id, after: undefined })),
    "agent with a device's name": async () =>
      relay.appendEntry(client.exchange, await world.entry({ ...agent, id: world.device.id }, { topic: controlTopic, after })),
    "device to an agent's topic": async () =>
      relay.appendEntry(device.exchange, await world.entry(world.device, { topic: agent.id, after: undefined })),
    "agent with a peer's entry": async () =>
      relay.appendEntry(client.exchange, await world.entry(peer, { topic: agent.id, after: undefined })),
    'another fleet in the entry': async () =>
      relay.appendEntry(
        device.exchange,
        await world.entry(world.device, { topic: controlTopic, after, fleet: primitives.random(32) }),
      ),
    'a second genesis': async () =>
      relay.appendEntry(device.exchange, await world.entry(world.device, { topic: controlTopic, after: undefined })),
    'another topic than it says': async () =>
      client.exchange.request({
        kind: 'append',
        topic: agent.id,
        entry: (await world.entry(agent, { topic: peer.id, after: undefined })).wire,
      }),
    'agent reads a peer': async () => client.exchange.request({ kind: 'read', topic: peer.id, from: 0, max: 1 }),
    'agent watches a peer': async () =>
      relay.watchTopics(client.exchange, [
        { topic: controlTopic, from: 0 },
        { topic: peer.id, from: 0 },
      ]),
    'agent asks freshness of a peer': async () =>
      client.exchange.request({ kind: 'fresh', nonce: primitives.random(32), topics: [peer.id] }),
    'agent puts a lockbox': async () => relay.putLockbox(client.exchange, { ...fleetKey, member: agent.id }, new Uint8Array(9)),
    "agent gets a peer's lockbox": async () => relay.getLockbox(client.exchange, { ...fleetKey, member: peer.id }),
    'agent puts a pulse': async () => relay.putPulse(client.exchange, await world.pulse(after, worldStartMs, agent)),
    "agent puts a device's pulse": async () => relay.putPulse(client.exchange, await world.pulse(after, worldStartMs)),
    "device puts an agent's pulse": async () => relay.putPulse(device.exchange, await world.pulse(after, worldStartMs, agent)),
  };
  for (const [name, attempt] of Object.entries(attempts)) assert.equal(await codeFrom(attempt()), 'relay_refused', name); // [RELAY-9] [RELAY-10] [RELAY-11] [RELAY-16] [RELAY-17]
  assert.deepEqual(client.pushes, []);
  const unsigned = await signEntry(
    primitives,
    peer.holder,
    (await world.entry(agent, { topic: agent.id, after: undefined })).statement,
  );
  assert.equal(await codeFrom(relay.appendEntry(client.exchange, unsigned)), 'signature_invalid'); // [RELAY-10]
  assert.equal(
    await codeFrom(relay.appendEntry(client.exchange, await world.entry(agent, { topic: agent.id, after: undefined }))),
    'ok',
  );
  await relay.putLockbox(device.exchange, { ...fleetKey, member: agent.id }, new Uint8Array(9));
  assert.equal((await relay.getLockbox(client.exchange, { ...fleetKey, member: agent.id }))?.length, 9);
});

test('[RELAY-16] a lockbox stays: no device puts another in its place', async (context) => {
  const relays = await RelayWorld.start(context);
  const agent = await newActor();
  const { world, device } = await relays.fleet([agent]);
  const client = await relays.client({ world, as: agent });
  const place = { ...fleetKey, member: agent.id };
  const rivals = { ...place, keyCommitment: new Uint8Array(32).fill(8) };
  const [box, other] = [new Uint8Array(9), new Uint8Array(8)];
  assert.equal(await relay.putLockbox(device.exchange, place, box), 'put');
  assert.equal(await relay.putLockbox(device.exchange, place, box), 'put');
  assert.equal(await codeFrom(device.exchange.request({ kind: 'lockbox-put', ...place, sealed: other })), 'id_taken');
  assert.equal(await relay.putLockbox(device.exchange, place, other), 'taken');
  assert.equal(await relay.putLockbox(device.exchange, rivals, other), 'put');
  assert.deepEqual(await relay.getLockbox(client.exchange, place), box);
  assert.deepEqual(await relay.getLockbox(client.exchange, rivals), other);
});

test("another fleet's topics are out of reach, whatever their ids", async (context) => {
  const relays = await RelayWorld.start(context);
  const agent = await newActor();
  const { world, device } = await relays.fleet([agent]);
  const { device: mallory } = await relays.fleet();
  const client = await relays.client({ world, as: agent });
  await relay.appendEntry(client.exchange, await world.entry(agent, { topic: agent.id, after: undefined }));
  await relay.putLockbox(device.exchange, { ...fleetKey, member: agent.id }, new Uint8Array(9));
  await relay.watchTopics(mallory.exchange, [{ topic: agent.id, from: 0 }]);
  assert.equal((await mallory.exchange.request({ kind: 'read', topic: agent.id, from: 0, max: 9 })).entries.length, 0); // [RELAY-11]
  assert.equal(await relay.getLockbox(mallory.exchange, { ...fleetKey, member: agent.id }), undefined);
  await relay.appendEntry(
    device.exchange,
    await world.entry(world.device, { topic: controlTopic, after: headAfter(world.genesis) }),
  );
  assert.equal(
    await codeFrom(
      relay.appendEntry(
        mallory.exchange,
        await world.entry(world.device, { topic: controlTopic, after: headAfter(world.genesis) }),
      ),
    ),
    'relay_refused',
  );
  assert.deepEqual(mallory.pushes, []);
});

test('signals reach those they are for, now or when they connect, and nobody else', async (context) => {
  const relays = await RelayWorld.start(context);
  const [agent, peer] = [await newActor(), await newActor()];
  const { world, device } = await relays.fleet([agent, peer]);
  const sender = await relays.client({ world, as: agent });
  const peerClient = await relays.client({ world, as: peer });
  const own = `agent:${Buffer.from(agent.id).toString('hex')}`;
  const make = async (parts: object): ReturnType<typeof signSignal> =>
    signSignal(agent.holder, {
      v: 1,
      fleet: world.fleet,
      id: primitives.random(16),
      from: agent.id,
      audience: own,
      epoch: 0,
      expiresAtMs: worldStartMs + 60_000,
      sealed: new Uint8Array(20),
      ...parts,
    });
  const first = await make({ to: world.device.id });
  await relay.putSignal(sender.exchange, first);
  await relay.putSignal(sender.exchange, first);
  await relay.putSignal(sender.exchange, await make({ audience: 'fleet' }));
  assert.deepEqual(
    (await device.pushed(2)).map(({ kind }) => kind),
    ['push-signal', 'push-signal'],
  ); // [RELAY-20]
  assert.deepEqual((await peerClient.pushed(1)).length, 1);
  assert.deepEqual(sender.pushes, []);
  const attempts = {
    'from another': { from: peer.id },
    'another fleet': { fleet: primitives.random(32) },
    'another audience': { audience: 'operators' },
  };
  for (const [name, parts] of Object.entries(attempts))
    assert.equal(await codeFrom(relay.putSignal(sender.exchange, await make(parts))), 'relay_refused', name); // [RELAY-19]
  for (const expiresAtMs of [worldStartMs, worldStartMs + 3_600_000]) {
    assert.equal(await codeFrom(relay.putSignal(sender.exchange, await make({ expiresAtMs }))), 'signal_expired'); // [RELAY-19]
  }
  const late = await relays.client({ world, as: world.device });
  assert.equal((await late.pushed(2)).length, 2); // [RELAY-20]
  relays.nowMs += 60_000;
  const later = await relays.client({ world, as: world.device });
  await relay.getPulse(later.exchange);
  assert.deepEqual(later.pushes, []);
});

test('pulses are checked, kept and pushed; forged and older ones are refused', async (context) => {
  const relays = await RelayWorld.start(context);
  const agent = await newActor();
  const { world, device } = await relays.fleet([agent]);
  const client = await relays.client({ world, as: agent });
  const control = headAfter(world.genesis);
  const pulse = await world.pulse(control, worldStartMs);
  await relay.putPulse(device.exchange, pulse);
  await relay.putPulse(device.exchange, pulse);
  assert.deepEqual(await client.pushed(1), [{ kind: 'push-pulse', pulse: pulse.wire }]); // [RELAY-17]
  assert.equal(await codeFrom(relay.putPulse(device.exchange, await world.pulse(control, worldStartMs - 1))), 'pulse_stale');
  assert.equal(
    await codeFrom(relay.putPulse(device.exchange, await world.pulse(control, worldStartMs + 3_600_000))),
    'pulse_time',
  );
  const forged = await world.pulse(control, worldStartMs + 1, { id: world.device.id, holder: agent.holder });
  assert.equal(await codeFrom(relay.putPulse(device.exchange, forged)), 'pulse_forged');
  await relays.restart();
  const again = await relays.client({ world, as: agent });
  assert.deepEqual(await relay.getPulse(again.exchange), pulse.wire);
});

test('status lists are taken from devices alone, go only forward, and are told to everybody by plain HTTP', async (context) => {
  const relays = await RelayWorld.start(context);
  const agent = await newActor();
  const { world, device } = await relays.fleet([agent]);
  const client = await relays.client({ world, as: agent });
  const terms = {
    fleet: world.fleet,
    device: world.device.id,
    uri: `https://relay.example/status/${toHex(world.fleet)}`,
    standings: new Map(),
    length: 4,
    control: 3,
    issuedAtMs: worldStartMs,
    livesMs: 3_600_000,
  };
  const made = async (change: Partial<typeof terms>, by = world.device) => issueStatusList(by.holder, { ...terms, ...change });
  const put = async (list: string, by = device) => codeFrom(relay.putStatusList(by.exchange, list));
  const served = async (path = `/status/${toHex(world.fleet)}`) => fetch(`${relays.relay.url}${path}`);

  assert.equal((await served()).status, 404);
  const list = await made({});
  assert.equal(await put(list, client), 'relay_refused'); // [STATUS-6]
  assert.equal(await put(await made({}, agent)), 'status_forged'); // [STATUS-6]
  assert.equal(await put(await made({ device: agent.id }, agent)), 'relay_refused');
  assert.equal(await put(await made({ fleet: new Uint8Array(32) })), 'relay_refused');
  assert.equal(await put('no.status.list'), 'status_forged');
  assert.equal(await put(await made({ issuedAtMs: worldStartMs + 3_600_000 })), 'status_forged');
  assert.equal(await put(list), 'ok');
  assert.equal(await put(list), 'ok');
  assert.equal(await put(await made({ issuedAtMs: worldStartMs - 1000 })), 'status_stale'); // [STATUS-6]
  assert.equal(await put(await made({ control: 2, issuedAtMs: worldStartMs + 1000 })), 'status_stale'); // [STATUS-6]

  await relays.restart();
  const answer = await served();
  assert.equal(answer.headers.get('content-type'), 'application/statuslist+jwt');
  assert.equal(answer.headers.get('cache-control'), 'no-store');
  assert.equal(await answer.text(), list);
  for (const path of ['/status/', `/status/${'0'.repeat(64)}`, `/status/${toHex(world.fleet).toUpperCase()}`, '/status', '/'])
    assert.equal((await served(path)).status, 404, path);
});

test('asking for status lists has a limit of its own', async (context) => {
  const relays = await RelayWorld.start(context, { statusReads: { perSecond: 0, burst: 2 } });
  const { world, device } = await relays.fleet();
  const ask = async () => (await fetch(`${relays.relay.url}/status/${toHex(world.fleet)}`)).status;
  assert.deepEqual([await ask(), await ask(), await ask()], [404, 404, 429]); // [RELAY-27]
  assert.equal(await codeFrom(relay.getPulse(device.exchange)), 'ok');
  assert.equal((await fetch(`${relays.relay.url}/health`)).status, 200);
});
