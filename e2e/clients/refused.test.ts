// What a person sees of a request that did not pass: from the client, as far as it says anything, and from `holdfast run` when the command has ended.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { whyWithout, withNames } from '../../packages/testkit/src/clients.ts';
import { Installation, type Ran } from '../../packages/testkit/src/installation.ts';
import { startOrigin, type Origin } from '../../packages/testkit/src/origin.ts';

const advice =
  'holdfast: 1 request to other.holdfast.test:443 did not pass (egress_denied); to allow that host: holdfast egress allow other.holdfast.test --to main\n';

// [DOOR-16]
describe('requests that do not pass', () => {
  let holdfast: Installation;
  let api: Origin;

  before(async () => {
    api = await startOrigin(undefined, 'api.holdfast.test');
    holdfast = await Installation.create();
    await holdfast.settle({ within: withNames });
    await holdfast.giveCredential('demo', 'a-secret-for-nobody', api, { paths: ['/v1/**'] });
  });
  after(async () => {
    await holdfast.remove();
    await api.close();
  });

  const shell = (script: string): Promise<Ran> => holdfast.run(['sh', '-c', script]);

  it(
    "git names the status alone; then the session's end tells host, reason and next step",
    { skip: whyWithout('git', 'git') },
    async () => {
      const ran = await holdfast.run(['git', 'ls-remote', 'https://other.holdfast.test/project.git']);
      assert.equal(ran.code, 128);
      assert.match(ran.stderr, /^fatal: .* 403/);
      assert.ok(ran.stderr.endsWith(advice), ran.stderr);
    },
  );

  it('equal ones are counted; the output and the exit code are the command’s own', async () => {
    const ran = await shell(
      `for i in 1 2 3; do curl -sS https://other.holdfast.test/; done; curl -sS https://api.holdfast.test:${api.port}/v2/; echo done; exit 7`,
    );
    assert.equal(ran.code, 7);
    assert.match(ran.stdout, /done\n$/);
    assert.ok(!ran.stdout.includes('holdfast:'));
    const told = ran.stderr.split('\n').filter((line) => line.startsWith('holdfast: '));
    assert.deepEqual(told, [
      advice.replace('1 request ', '3 requests ').trimEnd(),
      `holdfast: 1 request to api.holdfast.test:${api.port} did not pass (egress_denied): outside of what its credential is granted for`,
    ]);
  });

  it('never more than five lines', async () => {
    const ran = await shell('for i in $(seq 1 30); do curl -s https://n$i.holdfast.test/; done; true');
    const told = ran.stderr.split('\n').filter((line) => line.startsWith('holdfast: '));
    assert.equal(told.length, 5);
    assert.equal(told[4], 'holdfast: and 26 more; all of them: holdfast audit show');
  });

  it('nothing is said with --quiet, nor when everything passed', async () => {
    const quiet = await holdfast.cli(['run', '--quiet', '--', 'curl', '-s', 'https://other.holdfast.test/'], {
      cwd: holdfast.work,
    });
    assert.equal(quiet.stderr, '');
    assert.equal((await shell(`curl -s https://api.holdfast.test:${api.port}/v1/me`)).stderr, '');
  });
});
