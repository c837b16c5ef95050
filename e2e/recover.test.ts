// The way back with the recovery code, with real processes: the operator's machine is gone, another one takes over with the code from the paper,
// and whoever found the old machine, or the old code, can do nothing more.

import assert from 'node:assert/strict';
import { watch } from 'node:fs';
import { chmod, mkdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { newCanary } from '../packages/testkit/src/canary.ts';
import { failureOf, Installation, jsonOf, type Ran } from '../packages/testkit/src/installation.ts';
import { startOrigin, type Origin } from '../packages/testkit/src/origin.ts';

interface Recovered {
  readonly device: string;
  readonly devices: number;
  readonly removed: readonly string[];
  readonly recoveryFile: string;
}

/** For what stretches passphrases and starts epochs on a slow machine. */
const patienceMs = 300_000;

const codeOf = (ran: Ran): string => failureOf(ran).code;

describe('recovery', () => {
  const secret = newCanary();
  let lost: Installation;
  let found: Installation;
  let origin: Origin;
  let fleet = '';
  let oldCode = '';
  let newCode = '';

  const recover = (installation: Installation, code: string, options: readonly string[] = []): Promise<Ran> =>
    installation.operator(['recover', '--fleet', fleet, '--relay', lost.url, '--json', ...options], {
      input: code,
      timeoutMs: patienceMs,
    });

  before(async () => {
    origin = await startOrigin();
    lost = await Installation.create();
    found = await Installation.create();
    await lost.start();
    lost.relayUrl = lost.url;
    const made = jsonOf<{ fleet: string; recoveryFile: string }>(await lost.must(['init', '--name', 'story', '--json']));
    ({ fleet } = made);
    oldCode = await readFile(made.recoveryFile, 'utf8');
    await lost.enrol('main');
    await lost.giveCredential('demo', secret, origin, { env: 'DEMO_TOKEN' });
  });
  after(async () => {
    await lost.remove();
    await found.remove();
    await origin.close();
  });

  it('a mistyped code, another fleet and a code that is none of this fleet change nothing', async () => {
    const mistyped = oldCode.startsWith('A') ? `B${oldCode.slice(1)}` : `A${oldCode.slice(1)}`;
    assert.equal(codeOf(await recover(found, mistyped)), 'recovery_code_invalid');
    const other = await Installation.create();
    try {
      const ran = await other.must(['init', '--name', 'other', '--relay', lost.url, '--json']);
      const theirs = await readFile(jsonOf<{ recoveryFile: string }>(ran).recoveryFile, 'utf8');
      assert.equal(codeOf(await recover(found, theirs)), 'recovery_code_dead');
    } finally {
      await other.remove();
    }
    const { devices } = jsonOf<{ devices: unknown[] }>(await lost.must(['devices', 'list', '--json']));
    assert.equal(devices.length, 1);
  });

  it('[RECOVERY-3] [RECOVERY-5] [RELAY-28] the code makes another machine the operator and gives a new code; it never prints either', async () => {
    const ran = await recover(found, oldCode);
    assert.equal(ran.code, 0, ran.stdout + ran.stderr);
    const { devices, removed, recoveryFile } = jsonOf<Recovered>(ran);
    assert.deepEqual([devices, removed.length], [1, 1]);
    assert.equal((await stat(recoveryFile)).mode & 0o777, 0o600);
    newCode = await readFile(recoveryFile, 'utf8');
    assert.notEqual(newCode, oldCode);
    for (const code of [oldCode, newCode])
      assert.ok(![ran.stdout, ran.stderr, lost.log].some((text) => text.includes(code.trim())));
  });

  it('[DEVICES-5] the new device reads all that was said before and acts: it grants, and the agent uses the grant', async () => {
    const { items } = jsonOf<{ items: { name: string }[] }>(await found.must(['vault', 'list', '--json']));
    assert.deepEqual(
      items.map(({ name }) => name),
      ['demo'],
    );
    await found.must(['vault', 'ungrant', 'demo', '--from', 'main', '--json']);
    await found.must(['vault', 'grant', 'demo', '--to', 'main', '--json']);
    const url = `https://localhost:${origin.port}/v1/after`;
    const waiting = await lost.run(['sh', '-c', `until curl -fsS ${url}; do sleep 0.1; done`], {
      timeoutMs: patienceMs,
    });
    assert.equal(waiting.code, 0, waiting.stderr);
    assert.ok(
      origin.seen.some(({ url: asked, headers }) => asked === '/v1/after' && headers['authorization'] === `Bearer ${secret}`),
    );
  });

  it('the new device admits and revokes agents', async () => {
    await lost.enrol('second', found);
    const ran = await found.must(['revoke', 'second', '--json']);
    assert.equal(jsonOf<{ revoked: boolean }>(ran).revoked, true);
  });

  it('[RECOVERY-4] the old machine and the old code can do nothing more', async () => {
    assert.equal(codeOf(await lost.operator(['pulse', '--json'])), 'relay_refused');
    const thief = await Installation.create();
    try {
      assert.equal(codeOf(await recover(thief, oldCode)), 'recovery_code_dead');
      const again = jsonOf<Recovered>(await recover(thief, newCode, ['--keep', (await listed(found))[0]?.device ?? '']));
      assert.equal(again.devices, 2, 'the new code works, once');
      assert.equal(codeOf(await recover(found, newCode)), 'operator_exists');
    } finally {
      await thief.remove();
    }
    await found.must(['pulse', '--json']);
  });
});

describe('recovery, killed', () => {
  it('[RECOVERY-6] kill -9 as soon as the entry is on disk: the same command again ends it, and the fleet has one operator', async () => {
    const lost = await Installation.create();
    const found = await Installation.create();
    try {
      await lost.start();
      const { fleet, recoveryFile } = jsonOf<{ fleet: string; recoveryFile: string }>(await lost.must(['init', '--json']));
      const words = ['recover', '--fleet', fleet, '--relay', lost.url, '--code-file', recoveryFile, '--json'];
      const folder = path.join(found.home, 'operator');
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await chmod(found.home, 0o700);
      const watcher = watch(folder);
      const killed = found.live([...words, '--passphrase-file', found.passphraseFile]);
      await new Promise<void>((resolve) => watcher.on('change', (_kind, name) => name === 'unsent-code' && resolve()));
      watcher.close();
      killed.kill('SIGKILL');
      await killed.ended;
      const again = await found.operator(words, { timeoutMs: patienceMs });
      // The code is dead by then if the kill came late: what is left to do, any command does.
      if (again.code !== 0) assert.equal(codeOf(again), 'operator_exists');
      assert.equal((await listed(found)).length, 1);
      await found.must(['bedrock', 'add', 'back again', '--json']);
      assert.equal(codeOf(await lost.operator(['pulse', '--json'])), 'relay_refused');
    } finally {
      await found.remove();
      await lost.remove();
    }
  });
});

async function listed(installation: Installation): Promise<readonly { readonly device: string }[]> {
  return jsonOf<{ devices: { device: string }[] }>(await installation.must(['devices', 'list', '--json'])).devices;
}
