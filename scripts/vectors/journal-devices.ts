// node scripts/vectors/journal-devices.ts: vectors of spec/journal.md and spec/devices.md about operator devices and the recovery code. As journal.ts:
// the first entry of the file is a history that is good from end to end, each of the others one more entry after it, with one fault.

import { controlTopic, signEntry, type UnverifiedEntry } from '@holdfast/protocol/blind/entry';
import type { ErrorCode } from '@holdfast/protocol/errors';
import { deviceIdOf } from '@holdfast/protocol/identity/genesis-device';
import { makeRecoveryCode, recoveryIdOf, recoveryKeys } from '@holdfast/protocol/identity/recovery';
import type { Body } from '@holdfast/protocol/journal/bodies';
import { addDevice, recoverFleet, rekey, removeDevice, renameDevice } from '@holdfast/protocol/journal/compose-devices';
import { SoftwareKeyHolder } from '@holdfast/protocol/seal/software-key-holder';
import { seededPrimitives } from '@holdfast/testkit/seeded';
import { OperatorActor, World } from '@holdfast/testkit/world';
import { writeVectors } from './write.ts';

const primitives = seededPrimitives('journal vectors of devices');
const world = await World.begin(primitives);
const { operator: laptop, relay } = world;

async function actor(id: Uint8Array, holder: SoftwareKeyHolder): Promise<OperatorActor> {
  const found = new OperatorActor(world, id, holder, undefined, true);
  await found.sync();
  return found;
}

async function added(by: OperatorActor, name: string): Promise<OperatorActor> {
  const holder = await SoftwareKeyHolder.generate(primitives);
  const device = { name, keys: holder.publicKeys };
  await by.act((operator) => addDevice(operator, { device, accessVersion: world.accessVersion }));
  return actor(deviceIdOf(primitives, holder.publicKeys.sign), holder);
}

const usedKeys = await recoveryKeys(primitives, world.recoveryCode);
const used = await actor(recoveryIdOf(primitives, usedKeys.publicKeys.sign), usedKeys);
const phone = await added(laptop, 'phone');
const tablet = await added(phone, 'tablet');
await laptop.act((operator) => renameDevice(operator, { device: phone.id, name: 'old phone' }));
await laptop.act((operator) => removeDevice(operator, { device: phone.id, reason: 'lost', accessVersion: world.accessVersion }));
await laptop.act(rekey);
await used.sync();
const [newest, desk] = [await makeRecoveryCode(primitives), await SoftwareKeyHolder.generate(primitives)];
await used.act((operator) =>
  recoverFleet(operator, {
    device: { name: 'desk', keys: desk.publicKeys },
    recovery: newest.keys.publicKeys,
    removed: [tablet.id],
    accessVersion: world.accessVersion,
  }),
);
const younger = await actor(deviceIdOf(primitives, desk.publicKeys.sign), desk);
await younger.act(rekey);
await laptop.sync();
const codeKeys = await recoveryKeys(primitives, newest.code);
const code = await actor(recoveryIdOf(primitives, codeKeys.publicKeys.sign), codeKeys);
await younger.sync();

const { state } = laptop.replica;
const next = await makeRecoveryCode(primitives);
const recovery = { id: recoveryIdOf(primitives, next.keys.publicKeys.sign), keys: next.keys.publicKeys };
const fresh = await SoftwareKeyHolder.generate(primitives);
const freshId = deviceIdOf(primitives, fresh.publicKeys.sign);
const stranger = primitives.random(16);

type Fault = Parameters<typeof writeVectors>[2][number];
const faults: Fault[] = [];
const add = (name: string, clause: string, verdict: string, expect: ErrorCode, { wire }: UnverifiedEntry): void => {
  faults.push({ name, clause, verdict, expect, topic: controlTopic, entry: wire });
};
const rejected = async (name: string, clause: string, expect: ErrorCode, by: OperatorActor, body: Body): Promise<void> =>
  add(name, clause, 'rejected', expect, await by.forge(body));
/** By somebody who can sign no more. */
const refused = async (name: string, by: OperatorActor): Promise<void> => {
  const { statement } = await laptop.forge({ kind: 'device-remove', device: younger.id, reason: '' });
  add(name, 'JOURNAL-2', 'refused', 'author_unknown', await signEntry(primitives, by.holder, { ...statement, author: by.id }));
};

const remove = (device: Uint8Array): Body => ({ kind: 'device-remove', device, reason: '' });
const rename = (device: Uint8Array, name: string): Body => ({ kind: 'device-rename', device, name });
const recover = (change: Partial<Extract<Body, { kind: 'recover' }>>): Body => ({
  kind: 'recover',
  recovery,
  removed: [],
  ...change,
});

await refused('by a device that was removed', phone);
await refused('by a device that a recovery code removed', tablet);
await refused('by a recovery code that was used', used);
await rejected('an older device removed by a younger', 'JOURNAL-33', 'device_older', younger, remove(laptop.id));
await rejected('a device removed by itself', 'JOURNAL-33', 'device_older', laptop, remove(laptop.id));
await rejected('no device removed', 'JOURNAL-33', 'device_unknown', laptop, remove(stranger));
await rejected('a device removed twice', 'JOURNAL-33', 'device_unknown', laptop, remove(phone.id));
await rejected('an older device renamed by a younger', 'JOURNAL-42', 'device_older', younger, rename(laptop.id, 'stolen'));
await rejected('a removed device renamed', 'JOURNAL-42', 'device_unknown', laptop, rename(phone.id, 'other'));
await rejected('a name that another device has', 'JOURNAL-43', 'name_taken', laptop, rename(laptop.id, 'desk'));
await rejected(
  'a name that reads as that of another device',
  'JOURNAL-43',
  'name_taken',
  laptop,
  rename(laptop.id, '\uff24 esK'),
);
await rejected('the name of a device that is gone', 'JOURNAL-43', 'name_taken', laptop, rename(laptop.id, 'old phone'));
await rejected('the name by which a device came', 'JOURNAL-43', 'name_taken', laptop, rename(laptop.id, 'phone'));
await rejected('a name of nothing but white space', 'JOURNAL-43', 'name_taken', laptop, rename(laptop.id, ' \u2003'));
await rejected('a device whose id is not of its key', 'JOURNAL-31', 'device_invalid', laptop, {
  kind: 'device-add',
  device: { id: stranger, name: 'x', keys: fresh.publicKeys },
  link: 'x',
});
await rejected('a removed device again', 'JOURNAL-31', 'id_taken', laptop, {
  kind: 'device-add',
  device: { id: phone.id, name: 'phone', keys: phone.holder.publicKeys },
  link: 'x',
});
await rejected('a recovery by a device', 'JOURNAL-32', 'author_unknown', laptop, recover({}));
await rejected('another kind by the recovery code', 'JOURNAL-32', 'author_unknown', code, remove(younger.id));
await rejected(
  'a recovery code whose id is not of its key',
  'JOURNAL-31',
  'device_invalid',
  code,
  recover({ recovery: { ...recovery, id: stranger } }),
);
await rejected(
  'the same recovery code again',
  'JOURNAL-34',
  'id_taken',
  code,
  recover({ recovery: { id: code.id, keys: codeKeys.publicKeys } }),
);
await rejected('a recovery that removes nobody known', 'JOURNAL-34', 'device_unknown', code, recover({ removed: [stranger] }));
await rejected(
  'a recovery that removes one twice',
  'JOURNAL-34',
  'device_unknown',
  code,
  recover({ removed: [laptop.id, laptop.id], device: { id: freshId, name: 'x', keys: fresh.publicKeys } }),
);
await rejected(
  'a recovery that leaves nobody',
  'JOURNAL-34',
  'device_unknown',
  code,
  recover({ removed: [laptop.id, younger.id].toSorted((a, b) => Buffer.compare(a, b)) }),
);
await rejected(
  'a recovery that brings a removed device back',
  'JOURNAL-34',
  'id_taken',
  code,
  recover({ device: { id: phone.id, name: 'phone', keys: phone.holder.publicKeys } }),
);

const topics = [...relay.topics].map(([topic, entries]) => ({ topic, entries }));
const lockboxes = [...relay.lockboxes].map(([place, sealed]) => ({ place, sealed }));
writeVectors(
  'journal/devices',
  'A history of devices and a recovery as the oldest device reads it (`self`, `keys`), and one faulty entry after it in each further entry.',
  [
    {
      name: 'history',
      clause: 'JOURNAL-34',
      expect: 'ok',
      fleet: world.fleet,
      self: laptop.id,
      keys: laptop.holder.exportBytes(),
      topics,
      lockboxes,
      control: state.control.hash,
    },
    ...faults,
  ],
);
