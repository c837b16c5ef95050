// kill -9 before each single call by which a part changes anything outside of itself, so that no gap between two of them is left to chance. What
// must hold is what crash.test.ts asks for at moments of chance.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { newCanary } from '../packages/testkit/src/canary.ts';
import { askAll, CrashStory, type Part, type Step } from '../packages/testkit/src/crash-story.ts';
import { scriptOf } from '../packages/testkit/src/inside.ts';
import { saidBy, type Installation } from '../packages/testkit/src/installation.ts';
import { share, soaking } from '../packages/testkit/src/shares.ts';
import { noStrace } from '../packages/testkit/src/strace.ts';

describe('kill -9 at each single call', { skip: noStrace() }, () => {
  let story: CrashStory;
  let holdfast: Installation;
  let made = 0;
  before(async () => {
    story = await CrashStory.begin();
    ({ holdfast } = story);
    await holdfast.settle();
    await holdfast.giveCredential('demo', newCanary(), story.origin, { env: 'DEMO_TOKEN' });
  });
  after(() => story.end());

  const called: Step = async () => {
    const paths = story.paths(3);
    const ran = await holdfast.run([process.execPath, '-e', scriptOf(askAll, { base: story.base, paths })]);
    return ran.code === 0 && ran.stdout.includes('200') ? undefined : saidBy(ran);
  };
  /** Under a name of its own: whether it had been done before the crash does not matter then. */
  const granted: Step = async () => {
    const name = `item-${(made += 1)}`;
    const words = ['vault', 'add', name, '--host', 'api.example.com', '--attach', 'bearer', '--json'];
    const added = await holdfast.operator(words, { input: 'a-secret-of-enough-bytes' });
    const ran = added.code === 0 ? await holdfast.operator(['vault', 'grant', name, '--to', 'main', '--json']) : added;
    assert.doesNotMatch(ran.stdout, /"internal"/);
    return ran.code === 0 ? undefined : saidBy(ran);
  };
  const enrolled: Step = async () => {
    try {
      await holdfast.enrol(`scope-${(made += 1)}`);
      return undefined;
    } catch (thrown) {
      assert.doesNotMatch(String(thrown), /\(internal\)|"internal"/);
      return String(thrown);
    }
  };

  const steps: readonly (readonly [name: string, part: Part, step: Step])[] = [
    ['the daemon, with calls in flight', 'daemon', called],
    ['the daemon, while it is enrolled for one more scope', 'daemon', enrolled],
    ['the relay, while the operator adds and grants', 'relay', granted],
    ['custody, with calls in flight', 'custody', called],
    ['custody, while it makes a key and binds it', 'custody', enrolled],
  ];
  for (const [name, part, step] of steps) {
    it(`${name}: what was acknowledged is there, a use is on record or did not happen`, async (t) => {
      const moments = await story.momentsOf(part, step);
      const wanted = share({ ci: 3, soak: 40 });
      const chosen = new Set(Array.from({ length: wanted }, () => Math.floor(Math.random() * moments.length)));
      if (soaking) for (let index = 0; index < moments.length; index += Math.ceil(moments.length / 200)) chosen.add(index);
      for (const index of chosen) {
        const moment = moments[index] ?? assert.fail('the part made no call');
        t.diagnostic(`${moment.call} ${moment.number}, of ${moments.length} calls`);
        await story.crossed(part, moment, step);
        await story.check();
        assert.equal(await called(), undefined);
      }
    });
  }
});
