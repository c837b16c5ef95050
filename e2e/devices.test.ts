// Operator devices, with real processes: one adds another, which admits and revokes agents; the older removes the younger, which can do nothing more, and
// what it signed is signed anew; and with the recovery code the younger removes the older.

import assert from 'node:assert/strict';
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as later } from 'node:timers/promises';
import { failureOf, Installation, jsonOf, type Ran } from '../packages/testkit/src/installation.ts';
import { patienceMs } from '../packages/testkit/src/patience.ts';

interface Listed {
  readonly device: string;
  readonly name: string;
  readonly here: boolean;
}

const codeOf = (ran: Ran): string => failureOf(ran).code;
const devicesOf = async (installation: Installation): Promise<readonly Listed[]> =>
  jsonOf<{ devices: Listed[] }>(await installation.must(['devices', 'list', '--json'])).devices;

describe('operator devices', () => {
  let laptop: Installation;
  let phone: Installation;
  let desk: Installation;
  let recoveryFile = '';

  before(async () => {
    laptop = await Installation.create();
    phone = await Installation.create();
    desk = await Installation.create();
    await laptop.start();
    laptop.relayUrl = laptop.url;
    const made = await laptop.must(['init', '--name', 'story', '--json']);
    ({ recoveryFile } = jsonOf<{ recoveryFile: string }>(made));
  });
  after(async () => {
    await laptop.remove();
    await phone.remove();
    await desk.remove();
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

  it('it admits agents and revokes one, and both devices read the same history', async () => {
    await laptop.enrol('main', phone);
    await laptop.enrol('second', phone);
    await phone.must(['revoke', 'second', '--json']);
    /** Children stand in no journal: only the machine whose daemon knows the agent shows them. What its machine says just now changes meanwhile. */
    const seen = async (by: Installation) =>
      (await by.must(['agents', '--json'])).stdout.replaceAll(
        /,"children":\[\](?!,"counts")|,"present":\{.*?"unlisted":\{[^}]*\}\}/g,
        '',
      );
    assert.equal(await seen(laptop), await seen(phone));
    assert.match(await seen(phone), /"scope":"second".*revoked/);
  });

  it('[DEVICES-8] [DEVICES-11] [JOURNAL-42] the older one renames it, and it is told; it may not rename the older one', async () => {
    const [older] = await devicesOf(laptop);
    assert.equal(codeOf(await phone.operator(['devices', 'rename', older?.device ?? '', 'mine', '--json'])), 'device_older');
    await laptop.must(['devices', 'rename', 'phone', 'old phone', '--json']);
    assert.equal(codeOf(await laptop.operator(['devices', 'rename', older?.device ?? '', 'OLD PHONE', '--json'])), 'name_taken');
    assert.match((await phone.must(['devices', 'list'])).stderr, /is called old phone now; it was added as phone\n/);
    assert.match((await phone.must(['devices', 'list'])).stdout, /old phone, added as phone, this one\n/);
    await laptop.must(['devices', 'rename', 'old phone', 'phone', '--json']);
  });

  it('[DEVICES-4] [DEVICES-5] the older one removes it: it can do nothing more, and what it had issued is issued anew', async () => {
    const [older, younger] = await devicesOf(laptop);
    const mine = older?.device ?? assert.fail();
    assert.equal(codeOf(await phone.operator(['devices', 'remove', mine, '--json'])), 'device_older');
    assert.equal(await issuerOf(laptop), younger?.device);
    await laptop.must(['devices', 'remove', 'phone', '--json']);
    for (const words of [['pulse'], ['revoke', 'main'], ['devices', 'list']])
      assert.equal(codeOf(await phone.operator([...words, '--json'])), 'relay_refused');
    await issuedBy(laptop, mine);
  });

  it('[DEVICES-9] with the recovery code a younger one removes the older, and the code is replaced', async () => {
    await desk.join(laptop, 'desk');
    const [older, younger] = await devicesOf(desk);
    const target = older?.device ?? assert.fail();
    assert.equal(codeOf(await desk.operator(['devices', 'remove', target, '--json'])), 'device_older');
    const byCode = (device: string, file: string): Promise<Ran> =>
      desk.operator(['devices', 'remove', device, '--recovery-code-file', file, '--json']);
    assert.equal(codeOf(await byCode(younger?.device ?? '', recoveryFile)), 'usage');
    const removed = await byCode(target, recoveryFile);
    assert.equal(removed.code, 0, removed.stdout + removed.stderr);
    const next = jsonOf<{ recoveryFile: string }>(removed).recoveryFile;
    assert.equal((await stat(next)).mode & 0o777, 0o600);
    assert.deepEqual(
      (await devicesOf(desk)).map(({ name }) => name),
      ['desk'],
    );
    assert.equal(codeOf(await laptop.operator(['pulse', '--json'])), 'relay_refused');
    await issuedBy(laptop, younger?.device ?? '');
    const fleet = jsonOf<{ fleet: string }>(await desk.must(['pulse', '--json'])).fleet;
    const words = ['recover', '--fleet', fleet, '--relay', laptop.url, '--code-file', recoveryFile, '--json'];
    const thief = await Installation.create();
    try {
      assert.equal(codeOf(await thief.operator(words)), 'recovery_code_dead');
    } finally {
      await thief.remove();
    }
  });
});

/** The device whose word the credential of `main` is. */
async function issuerOf(machine: Installation): Promise<string | undefined> {
  const ran = await machine.cli(['present', '--audience', 'https://service.example', '--json']);
  const { presentation } = jsonOf<{ presentation: string }>(ran);
  const payload = Buffer.from(presentation.split('.')[1] ?? '', 'base64url').toString('utf8');
  return (JSON.parse(payload) as { operator: string }).operator.split(':').at(-1);
}

async function issuedBy(machine: Installation, device: string): Promise<void> {
  const untilMs = performance.now() + patienceMs;
  while ((await issuerOf(machine)) !== device) {
    assert.ok(performance.now() < untilMs, 'the credential was not issued anew');
    await later(100);
  }
}
