// A machine whose agent lives in a PKCS#11 token: the main job with keys that nothing can copy, the token pulled and its PIN refused, and what is
// left of a copied disk on another machine.

import assert from 'node:assert/strict';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Installation, jsonOf } from '../packages/testkit/src/installation.ts';
import { startOrigin, type Origin } from '../packages/testkit/src/origin.ts';
import { noSoftToken, pkcs11Addon, SoftToken } from '../packages/testkit/src/soft-token.ts';
import { callService, doesTheMainJob, isWorthNothing, namesItsStore } from './key-store.ts';

const secret = 'canary-pkcs11-1b7c93ae50d2f468';

describe('a machine with a PKCS#11 token', { skip: noSoftToken() }, () => {
  let installation: Installation;
  let origin: Origin;
  let token: SoftToken;
  let pinFile = '';

  const given = (of: SoftToken, pin = pinFile): string[] => [
    ...['--pkcs11-module', of.module, '--pkcs11-token', of.label, '--pkcs11-pin-file', pin, '--pkcs11-needs', of.folder],
    ...['--pkcs11-env', `SOFTHSM2_CONF=${of.environment.SOFTHSM2_CONF}`],
  ];

  before(async () => {
    pkcs11Addon();
    token = SoftToken.make();
    installation = await Installation.create();
    pinFile = path.join(installation.folder, 'pin');
    writeFileSync(pinFile, `${token.pin}\n`, { mode: 0o600 });
    origin = await startOrigin();
    await installation.start({ parameters: given(token) });
    await installation.operator(['init', '--name', 'token']);
    await installation.enrol('main');
    await installation.giveCredential('demo', secret, origin, { paths: ['/v1/**'], env: 'DEMO_TOKEN' });
  });
  after(async () => {
    await installation.remove();
    await origin.close();
    token.remove();
  });

  const call = () => callService(installation, origin);
  const statusOf = async () =>
    jsonOf<{ custody: string; agents: { custody: string }[]; notices: { code: string }[] }>(
      await installation.cli(['status', '--json']),
    );

  it('says so, to the machine and to the operator', () => namesItsStore(installation, 'pkcs11'));

  it('does the main job', () => doesTheMainJob(installation, origin, secret));

  it('pulled out, it stops the calls with its name; put back, they go on', async () => {
    token.pull();
    const refused = await call();
    assert.notEqual(refused.code, 0);
    const { events } = jsonOf<{ events: { kind: string; code?: string }[] }>(await installation.cli(['audit', 'show', '--json']));
    assert.ok(events.some(({ kind, code }) => kind === 'fault' && code === 'key_store_absent'));
    assert.equal(origin.seen.length, 1);
    token.insert();
    await installation.stop();
    await installation.start({ parameters: given(token) });
    const ran = await call();
    assert.equal(ran.code, 0, ran.stderr);
  });

  it('shows its PIN to nobody: not in arguments, not in the environment, not in the home', async () => {
    const { daemon, custody } = await installation.parts();
    for (const pid of [installation.startPid, daemon, custody])
      for (const part of ['cmdline', 'environ'])
        assert.ok(!readFileSync(`/proc/${pid}/${part}`).includes(token.pin), `${part} of ${pid}`);
    assert.ok(!installation.log.includes(token.pin));
  });

  it('with a PIN that the token refuses, the agent is shut with that name, and nothing takes its place', async () => {
    await installation.stop();
    const wrong = path.join(installation.folder, 'wrong-pin');
    writeFileSync(wrong, '99999\n');
    await installation.start({ parameters: given(token, wrong) });
    const status = await statusOf();
    assert.deepEqual(status.agents, []);
    assert.equal(status.notices.at(0)?.code, 'pin_wrong');
    const ran = await call();
    assert.equal(ran.code, 125);
    assert.match(ran.stderr, /pin_wrong/);
    const enrolled = await installation.cli(['enroll', '--scope', 'next', '--custody', 'pkcs11', '--json']);
    assert.notEqual(enrolled.code, 0);
    assert.match(enrolled.stdout, /pin_wrong/);
    await installation.stop();
    await installation.start({ parameters: given(token) });
    assert.equal((await call()).code, 0);
  });

  it('copied to a machine with another token, the whole home is worth nothing', async () => {
    await installation.stop();
    const calls = origin.seen.length;
    const other = SoftToken.make(token.label);
    const copy = await Installation.create();
    try {
      cpSync(installation.home, copy.home, { recursive: true });
      for (const parameters of [given(other), []]) {
        await copy.start({ parameters });
        await isWorthNothing(copy, origin, parameters.length === 0 ? 'key_store_absent' : 'key_store_foreign');
        await copy.stop();
      }
      assert.equal(origin.seen.length, calls);
    } finally {
      await copy.remove();
      other.remove();
    }
  });
});
