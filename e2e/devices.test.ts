// Two operator devices, with real processes: one adds the other, and both read the same fleet.

import assert from 'node:assert/strict';
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Installation, jsonOf } from '../packages/testkit/src/installation.ts';

interface Listed {
  readonly device: string;
  readonly name: string;
  readonly here: boolean;
}

const devicesOf = async (installation: Installation): Promise<readonly Listed[]> =>
  jsonOf<{ devices: Listed[] }>(await installation.must(['devices', 'list', '--json'])).devices;

describe('operator devices', () => {
  let laptop: Installation;
  let phone: Installation;

  before(async () => {
    laptop = await Installation.create();
    phone = await Installation.create();
    await laptop.start();
    laptop.relayUrl = laptop.url;
    await laptop.must(['init', '--name', 'story', '--json']);
  });
  after(async () => {
    await laptop.remove();
    await phone.remove();
  });

  it('a device joins: a code that the relay never sees, words that are typed, and a key file of its own', async () => {
    const { device, fleet } = await phone.join(laptop, 'phone');
    assert.deepEqual((await devicesOf(laptop)).map(({ name }) => name).slice(1), ['phone']);
    const own = (await devicesOf(phone)).find(({ here }) => here);
    assert.deepEqual([own?.device, own?.name], [device, 'phone']);
    assert.match(fleet, /^[0-9a-f]{64}$/);
    const folder = path.join(phone.home, 'operator');
    assert.equal((await stat(folder)).mode & 0o777, 0o700);
    for (const name of await readdir(folder)) assert.equal((await stat(path.join(folder, name))).mode & 0o077, 0, name);
  });
});
