// Other keys for an agent, with real processes: it asks under its old keys, its operator gives it the new ones, and everything goes on with them: its
// sessions, its credentials, its record; the old ones are gone. Also where the machine was off when that happened.

import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { presentationVerifier, type FleetRoot } from '@holdfast/verify';
import { newCanary } from '../packages/testkit/src/canary.ts';
import { Installation, jsonOf } from '../packages/testkit/src/installation.ts';
import { startOrigin, type Origin } from '../packages/testkit/src/origin.ts';

const audience = 'https://service.example';

describe('rotation of an agent’s keys', () => {
  const secret = newCanary();
  let holdfast: Installation;
  let origin: Origin;
  let agent = '';
  let root: FleetRoot;

  const keyFiles = async (): Promise<readonly string[]> =>
    (await readdir(path.join(holdfast.home, 'daemon', 'custody'))).filter((name) => /^[0-9a-f]{32}\.key$/.test(name));
  const present = async (): Promise<string> =>
    jsonOf<{ presentation: string }>(await holdfast.cli(['present', '--audience', audience, '--json'])).presentation;
  const verified = async (presentation: string): Promise<string> =>
    presentationVerifier({ root, audience, nonces: 'theirs', statusMaxAgeMs: 0 })
      .verifyPresentation(presentation)
      .then(
        ({ agent: id }) => id,
        (thrown: unknown) => (thrown as { code: string }).code,
      );
  const used = async (name: string): Promise<void> => {
    const url = `https://localhost:${origin.port}/v1/${name}`;
    const ran = await holdfast.run(['sh', '-c', `until curl -fsS ${url}; do sleep 0.1; done`]);
    assert.equal(ran.code, 0, ran.stderr);
    const got = origin.seen.find(({ url: asked }) => asked === `/v1/${name}`);
    assert.equal(got?.headers['authorization'], `Bearer ${secret}`);
  };
  const holds = async (): Promise<void> => {
    const verdict = jsonOf<{ ok: boolean }>(await holdfast.cli(['audit', 'verify', '--json']));
    assert.equal(verdict.ok, true, JSON.stringify(verdict));
  };

  before(async () => {
    origin = await startOrigin();
    holdfast = await Installation.create();
    agent = await holdfast.settle();
    await holdfast.giveCredential('demo', secret, origin, { env: 'DEMO_TOKEN' });
    root = jsonOf<{ roots: FleetRoot[] }>(await holdfast.cli(['root', '--json'])).roots[0] ?? assert.fail();
  });
  after(async () => {
    await holdfast.remove();
    await origin.close();
  });

  it('[ROTATE-1] nothing is given that was not asked for', async () => {
    const ran = await holdfast.operator(['rotate', 'approve', 'main', '--json']);
    assert.equal(jsonOf<{ error: { code: string } }>(ran).error.code, 'rotation_unasked');
  });

  it('[ROTATE-4] [ROTATE-5] [ROTATE-7] it asks, the operator gives, and a session that runs goes on; what the old keys proved is refused', async () => {
    const keys = await keyFiles();
    const before = await present();
    const session = holdfast.session(['sh', '-c', `echo up; read go; curl -fsS https://localhost:${origin.port}/v1/running`]);
    await session.waitFor(/up/);
    const asking = holdfast.live(['rotate', '--json']);
    await asking.waitFor(/"asked":true/);
    const given = await holdfast.must(['rotate', 'approve', 'main', '--json']);
    assert.equal(jsonOf<{ grants: number }>(given).grants, 1);
    await asking.waitFor(/"rotated":true/);
    await asking.ended;
    await used('after');
    session.write('\n');
    const { code } = await session.ended;
    assert.equal(code, 0, session.complained);
    assert.equal(await verified(await present()), agent);
    assert.equal(await verified(before), 'credential_revoked');
    const now = await keyFiles();
    assert.equal(now.length, keys.length);
    assert.notDeepEqual(now, keys);
    await holds();
  });

  it('[ROTATE-8] given while the machine is off: it starts with the old keys, is turned away, and takes the new ones', async () => {
    const asking = holdfast.live(['rotate', '--json']);
    await asking.waitFor(/"asked":true/);
    await asking.end();
    const { daemon } = await holdfast.parts();
    process.kill(daemon, 'SIGSTOP'); // it hears of nothing, and is killed before it does
    await holdfast.must(['rotate', 'approve', 'main', '--json']);
    process.kill(daemon, 'SIGKILL');
    await holdfast.ended();
    await holdfast.start();
    await used('again');
    assert.equal((await keyFiles()).length, 1);
    const { agents } = jsonOf<{ agents: { undecryptable: number; rejected: number }[] }>(
      await holdfast.cli(['status', '--json']),
    );
    assert.deepEqual([agents[0]?.undecryptable, agents[0]?.rejected], [0, 0]);
    assert.equal(await verified(await present()), agent);
    await holds();
  });
});
