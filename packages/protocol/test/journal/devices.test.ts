// Operator devices and the recovery code: who may add, remove and replace whom, and what is left of those who are gone.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { controlTopic, type UnverifiedEntry } from '@holdfast/protocol/blind/entry';
import { equalBytes, toHex } from '@holdfast/protocol/codec/bytes';
import { deviceIdOf } from '@holdfast/protocol/identity/genesis-device';
import { makeRecoveryCode, recoveryIdOf, recoveryKeys } from '@holdfast/protocol/identity/recovery';
import { dueForRenewal, renewCredentials } from '@holdfast/protocol/journal/compose-agents';
import {
  addDevice,
  audiencesBehind,
  recoverFleet,
  rekey,
  removeDevice,
  renameDevice,
} from '@holdfast/protocol/journal/compose-devices';
import { chainOf, isLinked, makerOf } from '@holdfast/protocol/journal/state';
import { issuerOf } from '@holdfast/protocol/identity/token';
import { keyOfJwk } from '@holdfast/protocol/keys/jws';
import { Replica } from '@holdfast/protocol/journal/replica';
import { readCredential, rootOf } from '@holdfast/protocol/identity/credential';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { SoftwareKeyHolder } from '@holdfast/protocol/seal/software-key-holder';
import { OperatorActor, World } from '@holdfast/testkit/world';

const secret = new TextEncoder().encode('sk-secret-0123456789');

/** One more operator of the world, which reads as one. */
function operatorOf(world: World, id: Uint8Array, holder: SoftwareKeyHolder): OperatorActor {
  return new OperatorActor(world, id, holder, undefined, true);
}

async function second(world: World, by: OperatorActor = world.operator): Promise<OperatorActor> {
  const holder = await SoftwareKeyHolder.generate(primitives);
  const device = { name: 'phone', keys: holder.publicKeys };
  await by.act((operator) => addDevice(operator, { device, accessVersion: world.accessVersion }));
  const actor = operatorOf(world, deviceIdOf(primitives, holder.publicKeys.sign), holder);
  await actor.sync();
  return actor;
}

/** The recovery code as a writer. */
async function coder(world: World, code = world.recoveryCode): Promise<OperatorActor> {
  const holder = await recoveryKeys(primitives, code);
  const actor = operatorOf(world, recoveryIdOf(primitives, holder.publicKeys.sign), holder);
  await actor.sync();
  return actor;
}

async function recovered(world: World, removed: readonly Uint8Array[], author?: OperatorActor) {
  const holder = await SoftwareKeyHolder.generate(primitives);
  const next = await makeRecoveryCode(primitives);
  const writer = author ?? (await coder(world));
  await writer.act((operator) =>
    recoverFleet(operator, {
      device: { name: 'new', keys: holder.publicKeys },
      recovery: next.keys.publicKeys,
      removed,
      accessVersion: world.accessVersion,
    }),
  );
  const device = operatorOf(world, deviceIdOf(primitives, holder.publicKeys.sign), holder);
  await device.sync();
  return { device, code: next.code, writer };
}

/** What every reader makes of one more entry. */
async function verdict(world: World, entry: UnverifiedEntry): Promise<string> {
  world.relay.append(entry);
  const [result] = (await world.operator.sync()).slice(-1);
  return result?.kind === 'rejected' || result?.kind === 'refused' ? result.code : (result?.kind ?? 'nothing');
}

describe('devices', () => {
  it('[DEVICES-2] a device that comes later reads all that was said before, and writes', async () => {
    const world = await World.begin();
    await world.operator.keep('demo', secret);
    await world.operator.revoke((await world.enroll('gone')).id);
    const main = await world.enroll('main');
    const phone = await second(world);
    assert.deepEqual(
      [...phone.replica.state.items.values()].map(({ name }) => name),
      ['demo'],
    );
    await phone.grant([...phone.replica.state.items.values()][0]?.id ?? assert.fail(), main.id);
    await main.sync();
    assert.equal(main.replica.state.grants.get(toHex(main.id))?.size, 1);
  });

  it('[JOURNAL-33] [DEVICES-4] an older device removes a younger one, which then writes and reads nothing new', async () => {
    const world = await World.begin();
    await world.enroll('main');
    const phone = await second(world);
    await world.operator.act((operator) =>
      removeDevice(operator, { device: phone.id, reason: 'lost', accessVersion: world.accessVersion }),
    );
    const late = await phone.forge({ kind: 'bedrock-remove', id: new Uint8Array(16) }, positionAfter(world));
    assert.ok(audiencesBehind(world.operator.replica.state).length === 3);
    await world.operator.act(rekey);
    assert.deepEqual(audiencesBehind(world.operator.replica.state), []);
    await world.operator.keep('later', secret);
    assert.equal(await stopsWith(phone), 'epoch_key_missing');
    assert.equal(phone.replica.state.items.size, 0);
    assert.equal(await verdict(world, await reForged(late, phone, world)), 'author_unknown');
    assert.ok(!world.relay.access?.statement.devices.some(({ id }) => equalBytes(id, phone.id)));
  });

  it('[JOURNAL-33] a younger device evicts nobody who was there before it, nor itself', async () => {
    const world = await World.begin();
    const phone = await second(world);
    const tablet = await second(world, phone);
    for (const [author, device] of [
      [phone, world.operator],
      [tablet, phone],
      [phone, phone],
    ] as const) {
      await author.sync();
      const accessVersion = world.accessVersion;
      await assert.rejects(removeDevice(author.operator, { device: device.id, reason: '', accessVersion }), {
        code: 'device_older',
      });
      const forged = await author.forge({ kind: 'device-remove', device: device.id, reason: '' });
      assert.equal(await verdict(world, forged), 'device_older');
    }
    assert.equal(world.operator.replica.state.devices.size, 3);
  });

  it('[JOURNAL-42] a device is renamed by itself or by an older one, and by no younger', async () => {
    const world = await World.begin();
    const phone = await second(world);
    const tablet = await second(world, phone);
    const rename = (by: OperatorActor, device: OperatorActor, name: string): Promise<unknown> =>
      by.act((operator) => renameDevice(operator, { device: device.id, name }));
    await rename(phone, phone, ' old phone ');
    await world.operator.sync();
    await rename(world.operator, tablet, 'tablet');
    await phone.sync();
    await tablet.sync();
    for (const device of [world.operator, phone])
      await assert.rejects(renameDevice(tablet.operator, { device: device.id, name: 'mine' }), { code: 'device_older' });
    const forged = await tablet.forge({ kind: 'device-rename', device: world.operator.id, name: 'mine' });
    assert.equal(await verdict(world, forged), 'device_older');
    const unknown = await world.operator.forge({ kind: 'device-rename', device: primitives.random(16), name: 'x' });
    assert.equal(await verdict(world, unknown), 'device_unknown');
    const names = [...world.operator.replica.state.devices.values()].map(({ name, renamed }) => [name, renamed?.joinedAs]);
    assert.deepEqual(names.slice(1), [
      ['old phone', 'phone'],
      ['tablet', 'phone'],
    ]);
  });

  it('[JOURNAL-43] a device takes no name that another one has, had, or came by, however it is spelled', async () => {
    const world = await World.begin();
    const { operator } = world;
    const phone = await second(world);
    await operator.act((by) => renameDevice(by, { device: phone.id, name: 'Caf\u00e9 4' }));
    const gone = await second(world);
    await operator.act((by) => renameDevice(by, { device: gone.id, name: 'lost one' }));
    await operator.act((by) => removeDevice(by, { device: gone.id, reason: 'lost', accessVersion: world.accessVersion }));
    await operator.act(rekey);
    const taken = [
      'Caf\u00e9 4',
      'cafe\u0301 \u2463',
      'CAF\u00c9\u00a04',
      'phone',
      'Ph one',
      'lost one',
      'LOSTONE',
      'phone\ufe0f',
      'ph\u034fone',
      '\u2003',
    ];
    for (const name of taken) {
      const forged = await operator.forge({ kind: 'device-rename', device: operator.id, name });
      assert.equal(await verdict(world, forged), 'name_taken', name);
    }
    for (const name of ['x\u202ey', 'x\u200by', 'a\nb', 'x'.repeat(65)])
      await assert.rejects(renameDevice(operator.operator, { device: operator.id, name }), { code: /^codec_/ }, name);
  });

  it('[JOURNAL-44] the last name counts, the first one stays with it: in what is kept, and when the device is gone', async () => {
    const world = await World.begin();
    const { operator } = world;
    const phone = await second(world);
    for (const name of ['one', 'two', 'three']) await operator.act((by) => renameDevice(by, { device: phone.id, name }));
    const kept = (): Replica =>
      Replica.restore(
        { primitives, holder: operator.holder, self: operator.id, fleet: world.fleet, lockboxes: async () => undefined },
        operator.replica.snapshot(),
      );
    assert.deepEqual(kept().state, operator.replica.state);
    const { name, renamed } = kept().state.devices.get(toHex(phone.id)) ?? assert.fail();
    assert.deepEqual([name, renamed?.joinedAs], ['three', 'phone']);
    await operator.act((by) => removeDevice(by, { device: phone.id, reason: '', accessVersion: world.accessVersion }));
    assert.deepEqual(kept().state, operator.replica.state);
    const former = kept().state.former.get(toHex(phone.id));
    assert.deepEqual([former?.name, former?.joinedAs], ['three', 'phone']);
  });

  it('[JOURNAL-31] [DEVICES-1] ids follow from keys, and none is used twice', async () => {
    const world = await World.begin();
    const phone = await second(world);
    const { id, holder } = phone;
    await world.operator.act((operator) =>
      removeDevice(operator, { device: id, reason: '', accessVersion: world.accessVersion }),
    );
    const { operator } = world;
    const again = { id, name: 'phone', keys: holder.publicKeys };
    assert.equal(await verdict(world, await operator.forge({ kind: 'device-add', device: again, link: 'x' })), 'id_taken');
    const other = { ...again, id: primitives.random(16) };
    assert.equal(await verdict(world, await operator.forge({ kind: 'device-add', device: other, link: 'x' })), 'device_invalid');
  });

  it('[DEVICES-3] services get from the root to the key of a device that another one added', async () => {
    const world = await World.begin();
    const phone = await second(world);
    const tablet = await second(world, phone);
    await world.operator.sync();
    const { state } = world.operator.replica;
    const root = rootOf(toHex(world.fleet), makerOf(state).keys.sign);
    const { device, key } = await issuerOf(primitives, root, { chain: [...chainOf(state, tablet.id)] });
    assert.ok(equalBytes(device, tablet.id) && equalBytes(keyOfJwk(key), tablet.holder.publicKeys.sign));
    assert.deepEqual(chainOf(state, world.operator.id), []);
  });

  it('[DEVICES-10] when the root is gone, chains begin with the oldest that is left; a device that has none issues nothing that stays', async () => {
    const world = await World.begin();
    await world.enroll('main');
    const phone = await second(world);
    const tablet = await second(world, phone);
    const desk = await second(world);
    const code = await coder(world);
    const next = await makeRecoveryCode(primitives);
    const terms = { recovery: next.keys.publicKeys, removed: [world.operator.id] };
    await code.act((operator) => recoverFleet(operator, { ...terms, accessVersion: world.accessVersion }));
    await phone.act(rekey);
    const { state } = phone.replica;
    const root = rootOf(toHex(world.fleet), makerOf(state).keys.sign);
    assert.ok(equalBytes(makerOf(state).id, phone.id));
    assert.deepEqual(
      [phone, tablet, desk].map(({ id }) => isLinked(state, id)),
      [true, true, false],
    );
    const { device } = await issuerOf(primitives, root, { chain: [...chainOf(state, tablet.id)] });
    assert.ok(equalBytes(device, tablet.id));
    await assert.rejects(issuerOf(primitives, root, { chain: [...chainOf(state, desk.id)] }), { code: 'credential_invalid' });
    await desk.act((operator) =>
      renewCredentials(operator, {
        agents: dueForRenewal(state, world.tick(), desk.id),
        statusUri: 'https://relay.example/status',
      }),
    );
    await phone.sync();
    const due = (by: OperatorActor) => dueForRenewal(phone.replica.state, world.tick(), by.id).length;
    assert.deepEqual([due(desk), due(tablet), due(phone)], [0, 1, 1]);
  });

  it('[DEVICES-5] what a removed device issued is due to be issued anew', async () => {
    const world = await World.begin();
    await world.enroll('main');
    const { device } = await recovered(world, [world.operator.id]);
    const { state } = device.replica;
    assert.equal(dueForRenewal(state, world.tick(), device.id).length, 1);
    assert.ok(![...state.agents.values()].some(({ credential }) => equalBytes(readCredential(credential).device, device.id)));
  });
});

describe('the recovery code', () => {
  it('[RECOVERY-4] adds a device, removes others, replaces itself; the new code does it again, and reads all', async () => {
    const world = await World.begin();
    await world.operator.keep('demo', secret);
    const first = await recovered(world, [world.operator.id]);
    await first.device.act(rekey);
    const { state } = first.device.replica;
    assert.deepEqual([...state.devices.keys()], [toHex(first.device.id)]);
    const again = await recovered(world, [first.device.id], await coder(world, first.code));
    await again.device.act(rekey);
    assert.deepEqual(
      [...again.device.replica.state.items.values()].map(({ name }) => name),
      ['demo'],
    );
    assert.equal(again.device.replica.state.former.size, 4, 'two devices and two codes');
    const restored = Replica.restore(
      { primitives, holder: again.device.holder, self: again.device.id, fleet: world.fleet, lockboxes: async () => undefined },
      again.device.replica.snapshot(),
    );
    assert.deepEqual(restored.state, again.device.replica.state);
  });

  it('[RECOVERY-4] a used code writes nothing, and opens nothing that is said later', async () => {
    const world = await World.begin();
    const old = await coder(world);
    const { device } = await recovered(world, [], old);
    const next = await makeRecoveryCode(primitives);
    const recovery = { id: recoveryIdOf(primitives, next.keys.publicKeys.sign), keys: next.keys.publicKeys };
    await old.sync();
    const replay = await old.forge({ kind: 'recover', recovery, removed: [device.id] });
    assert.equal(await verdict(world, replay), 'author_unknown');
    world.relay.topics.set(toHex(controlTopic), world.relay.read(controlTopic).slice(0, -1));
    await device.act(rekey);
    await device.keep('later', secret);
    assert.equal(await stopsWith(old), 'epoch_key_missing');
    assert.equal(old.replica.state.items.size, 0);
    assert.ok(!equalBytes(world.relay.access?.statement.recovery?.id ?? old.id, old.id));
  });

  it('[JOURNAL-32] it writes nothing but its own kind, and no device writes that', async () => {
    const world = await World.begin();
    const code = await coder(world);
    const next = await makeRecoveryCode(primitives);
    const recovery = { id: recoveryIdOf(primitives, next.keys.publicKeys.sign), keys: next.keys.publicKeys };
    const stolen = await world.operator.forge({ kind: 'recover', recovery, removed: [] });
    assert.equal(await verdict(world, stolen), 'author_unknown');
    await code.sync();
    const other = await code.forge({ kind: 'bedrock-remove', id: new Uint8Array(16) });
    assert.equal(await verdict(world, other), 'author_unknown');
    await code.sync();
    const unseen = await code.forge({ kind: 'item-remove', item: new Uint8Array(16) }, { audience: 'operators' });
    assert.equal(await verdict(world, unseen), 'author_unknown');
  });

  it('[JOURNAL-34] nobody unknown, nobody twice, somebody left, no id used before', async () => {
    const world = await World.begin();
    const code = await coder(world);
    const next = await makeRecoveryCode(primitives);
    const recovery = { id: recoveryIdOf(primitives, next.keys.publicKeys.sign), keys: next.keys.publicKeys };
    const own = { id: world.operator.id, name: 'again', keys: world.operator.holder.publicKeys };
    for (const [body, expected] of [
      [{ recovery, removed: [primitives.random(16)] }, 'device_unknown'],
      [{ recovery, removed: [world.operator.id, world.operator.id] }, 'device_unknown'],
      [{ recovery, removed: [world.operator.id] }, 'device_unknown'],
      [{ recovery: { id: code.id, keys: code.holder.publicKeys }, removed: [] }, 'id_taken'],
      [{ recovery, removed: [], device: own }, 'id_taken'],
      [{ recovery: { ...recovery, id: primitives.random(16) }, removed: [] }, 'device_invalid'],
    ] as const) {
      await code.sync();
      assert.equal(await verdict(world, await code.forge({ kind: 'recover', ...body })), expected);
    }
    assert.equal(world.operator.replica.state.devices.size, 1);
  });
});

/** The code at which somebody's reading ends. */
async function stopsWith(actor: OperatorActor): Promise<string> {
  const refused = (await actor.sync()).find((each) => each.kind === 'refused');
  return refused?.kind === 'refused' ? refused.code : 'nothing';
}

/** Where the next entry of the control topic stands. */
function positionAfter(world: World): { position: number; previous: Uint8Array } {
  const { position, hash } = world.operator.replica.state.control;
  return { position: position + 1, previous: hash };
}

/** The same by the same author, where the history ends now. */
async function reForged(entry: UnverifiedEntry, author: OperatorActor, world: World): Promise<UnverifiedEntry> {
  const { signEntry } = await import('@holdfast/protocol/blind/entry');
  const { atMs } = world.operator.replica.state.control;
  return signEntry(primitives, author.holder, { ...entry.statement, ...positionAfter(world), atMs });
}
