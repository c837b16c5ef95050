// kill -9 of every part at every step of the story, at moments of chance: what was acknowledged is there after the next start, a use is on
// record or did not happen, and nobody has to mend anything by hand. Counted by the service, not by us.

import assert from 'node:assert/strict';
import { readdir, rename } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { newCanary } from '../packages/testkit/src/canary.ts';
import { askAll, CrashStory, partNames, type Step } from '../packages/testkit/src/crash-story.ts';
import { inside, scriptOf } from '../packages/testkit/src/inside.ts';
import { Installation, jsonOf, saidBy } from '../packages/testkit/src/installation.ts';
import { share } from '../packages/testkit/src/shares.ts';

describe('kill -9 at every step of the story', () => {
  let story: CrashStory;
  let holdfast: Installation;
  let agent = '';
  const secret = newCanary();
  before(async () => {
    story = await CrashStory.begin();
    ({ holdfast } = story);
    await holdfast.start();
  });
  after(() => story.end());

  const asked = async (...words: string[]): Promise<string | undefined> => {
    const { code, stderr } = await holdfast.operator(words);
    if (code === 0 || /\((name_taken|agent_revoked)\)/.test(stderr)) return undefined; // it had been done, and was not heard of
    assert.match(stderr, /\([a-z_]+\)\n\s+next: /, 'a clear message with the next step');
    assert.doesNotMatch(stderr, /\(internal\)/);
    return stderr;
  };
  const called: Step = async () => {
    const paths = story.paths(8);
    const ran = await holdfast.run([process.execPath, '-e', scriptOf(askAll, { base: story.base, paths })]);
    return ran.code === 0 && ran.stdout.includes('200') ? undefined : saidBy(ran);
  };
  const enrolled = async (scope: string): Promise<string | undefined> => {
    try {
      agent = await holdfast.enrol(scope);
      return undefined;
    } catch (thrown) {
      const said = String(thrown);
      assert.doesNotMatch(said, /\(internal\)|"internal"/);
      if (!said.includes('"scope_enrolled"')) return said;
      const { agents } = jsonOf<{ agents: { agent: string; scope: string }[] }>(await holdfast.cli(['status', '--json']));
      agent = agents.find((each) => each.scope === scope)?.agent ?? assert.fail(said); // it had been done, and was not heard of
      return undefined;
    }
  };
  let round = 0;
  /** Each step with another part, at another moment. */
  const cross = async (step: Step, withinMs = 1500): Promise<void> => {
    const part = partNames[(round += 1) % partNames.length] ?? 'daemon';
    await story.crossed(part, { afterMs: Math.random() * withinMs }, step);
  };

  it('init', () => cross(() => asked('init', '--name', 'test fleet'), 2500));
  it('enroll and approve', async () => {
    await cross(() => enrolled('main'), 4000);
    await story.check();
  });
  it('vault add and grant', async () => {
    await cross(async () => {
      try {
        await holdfast.addCredential('demo', secret, story.origin, { env: 'DEMO_TOKEN' });
        return undefined;
      } catch (thrown) {
        return /name_taken/.test(String(thrown)) ? undefined : String(thrown);
      }
    });
    await cross(() => asked('vault', 'grant', 'demo', '--to', agent));
    assert.equal(await called(), undefined);
    await story.check();
  });
  it('run, with calls in flight', async () => {
    for (let times = 0; times < share({ ci: 3, soak: 190 }); times += 1) {
      await cross(called, 2000);
      await story.check();
    }
  });
  it('pulse', async () => cross(() => asked('pulse')));

  it('the record put back to an older one is refused from then on, by name and with the next step; what is left can be read', async () => {
    assert.equal(await called(), undefined);
    assert.equal(await holdfast.stop(), 0);
    const folder = path.join(holdfast.home, 'daemon/audit', agent);
    const segments = (await readdir(folder)).filter((name) => name.endsWith('.log')).toSorted();
    assert.ok(segments.length > 1);
    const last = path.join(folder, segments.at(-1) ?? '');
    await rename(last, `${last}.away`);
    await rename(path.join(folder, 'synced'), path.join(folder, 'synced.away'));
    await holdfast.start();
    const ran = await holdfast.run(['true']);
    assert.deepEqual([ran.code, /\(audit_truncated\)/.test(ran.stderr)], [125, true], ran.stderr);
    const { notices } = jsonOf<{ notices: { code: string; next?: string }[] }>(await holdfast.cli(['status', '--json']));
    assert.match(notices.find(({ code }) => code === 'audit_truncated')?.next ?? '', /enrol again/);
    assert.equal((await holdfast.cli(['audit', 'verify', '--json'])).code, 4);
    assert.equal((await holdfast.cli(['audit', 'show'])).code, 0);
    await holdfast.stop();
    await rename(`${last}.away`, last);
    await rename(path.join(folder, 'synced.away'), path.join(folder, 'synced'));
    await holdfast.start();
    assert.equal(await called(), undefined, 'put back from the backup it goes on');
    await story.check();
  });

  it('revoke', async () => {
    await cross(() => asked('revoke', agent));
    assert.match((await holdfast.run(['true'])).stderr, /\((agent_revoked|relay_unreachable)\)/);
    await story.check();
  });
});

describe('a home that became read-only', () => {
  it('in whole or in part: start says so with the next step, and goes on once it is writable', async () => {
    const holdfast = await Installation.create();
    try {
      await holdfast.settle();
      await holdfast.stop();
      for (const part of ['', 'relay', 'daemon', 'daemon/custody']) {
        const place = path.join(holdfast.home, part);
        holdfast.log = '';
        const said = await holdfast
          .start({ within: ['bwrap', '--dev-bind', '/', '/', '--ro-bind', place, place, '--'] })
          .then(() => '', String);
        if (part === 'daemon/custody') {
          assert.equal(said, '', 'keys are only read');
          await holdfast.stop();
        } else {
          assert.match(said, /\((store_failed|home_unsafe)\)\n\s+next: /, part);
          await holdfast.ended();
        }
      }
      await holdfast.start();
      assert.equal((await holdfast.cli(['audit', 'verify'])).code, 0);
      assert.equal((await holdfast.run(['true'])).code, 0);
    } finally {
      await holdfast.remove();
    }
  });
});

describe('many calls at once', () => {
  let story: CrashStory;
  before(async () => {
    story = await CrashStory.begin();
    await story.holdfast.settle();
    await story.holdfast.giveCredential('demo', newCanary(), story.origin, { env: 'DEMO_TOKEN' });
  });
  after(() => story.end());

  it('[HANDLE-5] the service sees exactly as many as were consumed', async () => {
    const each = 40;
    const rounds = share({ ci: 10, soak: 100 });
    for (let round = 0; round < rounds; round += 1) {
      const statuses = await inside(story.holdfast, askAll, { base: story.base, paths: story.paths(each) });
      assert.deepEqual(statuses, Array(each).fill(200));
    }
    await story.check();
    const consumed = (await story.events()).filter(({ kind }) => kind === 'consumed');
    assert.deepEqual([story.origin.seen.length, consumed.length], [each * rounds, each * rounds]);
  });

  it('an enrolment that was approved and never heard of is done again, and the one left over is told by name', async () => {
    const { holdfast } = story;
    const asking = holdfast.live(['enroll', '--scope', 'half', '--json']);
    const [line = ''] = await asking.waitFor(/^\{.*\}$/m);
    const { code, words } = JSON.parse(line) as { code: string; words: string[] };
    const { daemon } = await holdfast.parts();
    process.kill(daemon, 'SIGSTOP');
    await holdfast.must(['approve', code, '--words', words.join(' ')]);
    const ended = holdfast.ended();
    process.kill(daemon, 'SIGKILL');
    await ended;
    assert.match(holdfast.log, /next: npm start/);
    assert.equal((await asking.ended).code, 3);
    assert.match(asking.said, /"next":/);
    await holdfast.start();
    const agent = await holdfast.enrol('half');
    assert.match((await holdfast.operator(['vault', 'grant', 'demo', '--to', 'half'])).stderr, /\(agent_ambiguous\)\n\s+next: /);
    await holdfast.must(['vault', 'grant', 'demo', '--to', agent]);
    const [called = ''] = story.paths(1);
    const ran = await holdfast.cli(['run', '--scope', 'half', '--', 'curl', '-sS', story.base + called], { cwd: holdfast.work });
    assert.match(ran.stdout, /"authenticated":true/, ran.stderr);
  });
});
