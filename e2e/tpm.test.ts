// A machine whose agent lives in a TPM: the main job with keys that nothing can copy, and what is left of a copied disk on another machine.

import assert from 'node:assert/strict';
import { cpSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { failureOf, Installation, jsonOf } from '../packages/testkit/src/installation.ts';
import { startOrigin, type Origin } from '../packages/testkit/src/origin.ts';
import { noSoftTpm, SoftTpm } from '../packages/testkit/src/soft-tpm.ts';
import { callService, doesTheMainJob, isWorthNothing, namesItsStore } from './key-store.ts';

const secret = 'canary-tpm-6a0d94f1c27b8e35';

describe('a machine with a TPM', { skip: noSoftTpm() }, () => {
  let installation: Installation;
  let origin: Origin;
  let tpm: SoftTpm;
  let other: SoftTpm;

  before(async () => {
    [tpm, other] = [await SoftTpm.start(), await SoftTpm.start()];
    installation = await Installation.create();
    origin = await startOrigin();
    await installation.start({ parameters: ['--tpm', tpm.device] });
    await installation.operator(['init', '--name', 'hardware']);
    await installation.enrol('main');
    await installation.giveCredential('demo', secret, origin, { paths: ['/v1/**'], env: 'DEMO_TOKEN' });
  });
  after(async () => {
    await installation.remove();
    await Promise.all([origin.close(), tpm.remove(), other.remove()]);
  });

  const keyStores = async () => {
    const ran = await installation.cli(['status', '--json']);
    return jsonOf<{ keyStores: { state: string }[] }>(ran).keyStores.map(({ state }) => state);
  };
  const call = () => callService(installation, origin);

  it('says so, to the machine and to the operator', () => namesItsStore(installation, 'tpm'));

  it('does the main job', () => doesTheMainJob(installation, origin, secret));

  it('slow, it is called so, and the call that waited goes through', async () => {
    tpm.stall();
    const running = call();
    assert.deepEqual(await keyStores(), ['slow', 'ready']);
    tpm.resume();
    const ran = await running;
    assert.equal(ran.code, 0, ran.stderr);
  });

  it('pulled out, it stops the calls with its name; put back, they go on', async () => {
    await tpm.pull();
    assert.deepEqual(await keyStores(), ['key_store_absent', 'ready']);
    const doctor = await installation.cli(['doctor', '--json']);
    const { checks } = jsonOf<{ checks: { name: string; state: string }[] }>(doctor);
    assert.equal(checks.find(({ name }) => name === 'keys-tpm')?.state, 'fail');
    const enrolled = await installation.cli(['enroll', '--scope', 'next', '--json']);
    assert.deepEqual([enrolled.code, failureOf(enrolled).code], [3, 'key_store_absent']);
    const calls = origin.seen.length;
    const refused = await call();
    assert.notEqual(refused.code, 0);
    const { events } = jsonOf<{ events: { kind: string; code?: string }[] }>(await installation.cli(['audit', 'show', '--json']));
    assert.ok(events.some(({ kind, code }) => kind === 'fault' && code === 'key_store_absent'));
    assert.equal(origin.seen.length, calls);
    await installation.stop();
    await tpm.insert();
    await installation.start({ parameters: ['--tpm', tpm.device] });
    const ran = await call();
    assert.equal(ran.code, 0, ran.stderr);
  });

  it('copied to a machine with another chip, the whole home is worth nothing', async () => {
    await installation.stop();
    const calls = origin.seen.length;
    const copy = await Installation.create();
    try {
      cpSync(installation.home, copy.home, { recursive: true });
      for (const parameters of [['--tpm', other.device], []]) {
        await copy.start({ parameters });
        await isWorthNothing(copy, origin, parameters.length === 0 ? 'key_store_absent' : 'key_store_foreign');
        await copy.stop();
      }
      assert.equal(origin.seen.length, calls);
    } finally {
      await copy.remove();
    }
  });
});
