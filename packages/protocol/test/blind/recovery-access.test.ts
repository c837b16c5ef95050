// The recovery code in the access list: it stays until it replaces itself, and may make the next list.

import assert from 'node:assert/strict';
import { before, it } from 'node:test';
import {
  signAccessList,
  verifyNextAccessList,
  type AccessList,
  type AccessListStatement,
} from '@holdfast/protocol/blind/access-list';
import type { Verified } from '@holdfast/protocol/blind/entry';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { FleetWorld, newActor, type Actor } from '@holdfast/testkit/fleet-world';

let world: FleetWorld;
let code: Actor;
let other: Actor;
let previous: Verified<AccessList>;
const listed = ({ id, holder }: Actor) => ({ id, sign: holder.publicKeys.sign });

before(async () => {
  world = await FleetWorld.make();
  [code, other] = [await newActor(), await newActor()];
  const statement = { ...world.access.statement, recovery: listed(code) };
  previous = (await signAccessList(world.device.holder, world.device.id, statement)) as Verified<AccessList>;
});

async function verdict(author: Actor, change: (before: AccessListStatement) => AccessListStatement): Promise<string> {
  const next = change({ ...previous.statement, version: previous.statement.version + 1 });
  try {
    await verifyNextAccessList(primitives, previous, await signAccessList(author.holder, author.id, next));
    return 'ok';
  } catch (thrown) {
    return (thrown as { code: string }).code;
  }
}

it('[ACCESS-10] no device takes it away, gives it another key, or puts another in its place', async () => {
  assert.equal(await verdict(world.device, (before) => before), 'ok');
  assert.equal(await verdict(world.device, ({ recovery: _gone, ...rest }) => rest), 'access_forged');
  const renamed = { id: code.id, sign: other.holder.publicKeys.sign };
  assert.equal(await verdict(world.device, (before) => ({ ...before, recovery: renamed })), 'access_forged');
  assert.equal(await verdict(world.device, (before) => ({ ...before, recovery: listed(other) })), 'access_forged');
});

it('[ACCESS-4] it makes the next list, other devices in it and another code in its own place', async () => {
  const devices = [listed(other)];
  const recovery = listed(await newActor());
  assert.equal(await verdict(code, (before) => ({ ...before, devices, recovery })), 'ok');
  assert.equal(await verdict(other, (before) => ({ ...before, devices })), 'access_forged');
});

it("[ACCESS-3] its id is no other member's", async () => {
  assert.equal(await verdict(world.device, (before) => ({ ...before, devices: [listed(code)] })), 'codec_shape');
});
