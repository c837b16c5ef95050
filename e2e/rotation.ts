// What a rotation of an agent's keys has to show in each kind of key store, with real processes; a file a kind plays it. The agent asks under its old keys, its operator gives it the new ones, and
// everything goes on with them: its sessions, its credentials, its record; the old ones are gone. Also where the machine was off when that happened. What
// a copy of the machine of before is still worth beside the same hardware is played last: a token has forgotten the old keys, a TPM cannot.

import assert from 'node:assert/strict';
import { cpSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { presentationVerifier, type FleetRoot } from '@holdfast/verify';
import { newCanary } from '../packages/testkit/src/canary.ts';
import { failureOf, Installation, jsonOf } from '../packages/testkit/src/installation.ts';
import { startOrigin, type Origin } from '../packages/testkit/src/origin.ts';

const audience = 'https://service.example';

/** Hardware, or its absence. */
interface Hardware {
  readonly parameters: readonly string[];
  /** What it has of keys itself, by name. Absent: it keeps none. */
  readonly kept?: () => readonly string[];
  remove(): Promise<void> | void;
}

interface Kind {
  /** As status names it. */
  readonly level: string;
  readonly skip: string | false;
  /** What opens beside the same hardware, of the home of a machine as it was before the rotation. */
  readonly copyOfBefore: 'turned away' | 'shut';
  /** `folder`: for what it needs of files. */
  insert(folder: string): Promise<Hardware> | Hardware;
}

export function rotates(kind: Kind): void {
  const { level } = kind;
  describe(`rotation of an agent’s keys: ${level}`, { skip: kind.skip }, () => {
    const secret = newCanary();
    let operator: Installation;
    let holdfast: Installation;
    let copy: Installation;
    let hardware: Hardware;
    let origin: Origin;
    let agent = '';
    let root: FleetRoot;

    const start = (of = holdfast): Promise<void> => of.start({ parameters: hardware.parameters });
    const keyFiles = async (): Promise<readonly string[]> => {
      const names = await readdir(path.join(holdfast.home, 'daemon', 'custody'), { recursive: true });
      return names.filter((name) => /(^|\/)[0-9a-f]{32}\.key$/.test(name));
    };
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
    type Status = {
      agents: { custody: string; undecryptable: number; rejected: number; relayError?: string }[];
      notices: { code: string }[];
    };
    const statusOf = async (of = holdfast): Promise<Status> => jsonOf<Status>(await of.cli(['status', '--json']));

    before(async () => {
      origin = await startOrigin();
      [operator, holdfast, copy] = [await Installation.create(), await Installation.create(), await Installation.create()];
      hardware = await kind.insert(holdfast.folder);
      await operator.start();
      await operator.must(['init', '--name', 'test fleet', '--json']);
      await start();
      agent = await holdfast.enrol('main', operator);
      await operator.giveCredential('demo', secret, origin, { env: 'DEMO_TOKEN' });
      root = jsonOf<{ roots: FleetRoot[] }>(await holdfast.cli(['root', '--json'])).roots[0] ?? assert.fail();
      await holdfast.stop();
      cpSync(holdfast.home, copy.home, { recursive: true });
      await start();
    });
    after(async () => {
      await Promise.all([copy, holdfast, operator].map((each) => each?.remove()));
      await Promise.all([origin?.close(), hardware?.remove()]);
    });

    it('[ROTATE-1] nothing is given that was not asked for', async () => {
      const ran = await operator.operator(['rotate', 'approve', 'main', '--json']);
      assert.equal(failureOf(ran).code, 'rotation_unasked');
    });

    it('[ROTATE-4] [ROTATE-5] [ROTATE-7] it asks, the operator gives, and a session that runs goes on; what the old keys proved is refused', async () => {
      const keys = await keyFiles();
      const kept = hardware.kept?.();
      const before = await present();
      const session = holdfast.session(['sh', '-c', `echo up; read go; curl -fsS https://localhost:${origin.port}/v1/running`]);
      await session.waitFor(/up/);
      const asking = holdfast.live(['rotate', '--json']);
      await asking.waitFor(/"asked":true/);
      const given = await operator.must(['rotate', 'approve', 'main', '--json']);
      const { grants, custody } = jsonOf<{ grants: number; custody: string }>(given);
      assert.equal(grants, 1);
      assert.ok(custody.startsWith(level));
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
      assert.equal(hardware.kept?.().length, kept?.length, 'the hardware keeps no key that is nobody’s');
      if (kept !== undefined) assert.notDeepEqual(hardware.kept?.(), kept);
      assert.ok((await statusOf()).agents.every((each) => each.custody.startsWith(level)));
      await holds();
    });

    it('[ROTATE-8] given while the machine is off: it starts with the old keys, is turned away, and takes the new ones', async () => {
      const kept = hardware.kept?.();
      const asking = holdfast.live(['rotate', '--json']);
      await asking.waitFor(/"asked":true/);
      await asking.end();
      const { daemon } = await holdfast.parts();
      process.kill(daemon, 'SIGSTOP'); // it hears of nothing, and is killed before it does
      await operator.must(['rotate', 'approve', 'main', '--json']);
      process.kill(daemon, 'SIGKILL');
      await holdfast.ended();
      await start();
      await used('again');
      assert.equal((await keyFiles()).length, 1);
      assert.equal(hardware.kept?.().length, kept?.length);
      const { agents } = await statusOf();
      assert.deepEqual([agents[0]?.undecryptable, agents[0]?.rejected], [0, 0]);
      assert.equal(await verified(await present()), agent);
      await holds();
    });

    it('[ROTATE-3] [ROTATE-4] a copy of the machine of before is worth nothing beside the same hardware', async () => {
      await holdfast.stop();
      const calls = origin.seen.length;
      await start(copy);
      const ran = await copy.run(['curl', '-sS', '--fail', `https://localhost:${origin.port}/v1/copied`]);
      const proof = await copy.cli(['present', '--audience', audience, '--json']);
      const { agents, notices } = await statusOf(copy);
      const refused = failureOf(proof).code;
      if (kind.copyOfBefore === 'shut') {
        assert.deepEqual([agents, notices[0]?.code, ran.code, refused], [[], 'key_store_foreign', 125, 'key_store_foreign']);
      } else {
        assert.deepEqual([agents[0]?.relayError, ran.code, refused], ['relay_refused', 22, 'stale_relay']);
        assert.match(ran.stderr, /stale_relay/);
      }
      assert.equal(origin.seen.length, calls);
      await copy.stop();
      await start();
      await used('still');
    });
  });
}
