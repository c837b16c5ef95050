// Work that recurs: one run at a time, joined or anew, soon but once, and never after its end.

import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { Recurring } from '../../src/agent/recurring.ts';

/** Work whose runs the test ends. */
function begun(t: TestContext) {
  t.mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
  const runs: (() => void)[] = [];
  const recurring = new Recurring(() => new Promise((resolve) => void runs.push(resolve)), { everyMs: 1000, soonMs: 100 });
  t.after(() => recurring.stop());
  const endLast = async (): Promise<void> => {
    runs.at(-1)?.();
    for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
  };
  return { recurring, runs, endLast, pass: (ms: number) => t.mock.timers.tick(ms) };
}

test('who asks while it runs joins that run; who asks anew gets one that begins later, together with others', async (t) => {
  const { recurring, runs, endLast } = begun(t);
  const first = recurring.now();
  assert.equal(recurring.now(), first);
  const [anew, another] = [recurring.anew(), recurring.anew()];
  assert.equal(anew, another);
  assert.equal(runs.length, 1);
  await endLast();
  await first;
  assert.equal(runs.length, 2);
  let done = false;
  void anew.then(() => (done = true));
  await Promise.resolve();
  assert.equal(done, false, 'the later run is not over yet');
  await endLast();
  await anew;
  void recurring.anew();
  assert.equal(runs.length, 3, 'anew begins at once where nothing runs');
  await endLast();
});

test('it runs every so often, and soon after many calls once', async (t) => {
  const { recurring, runs, endLast, pass } = begun(t);
  for (let times = 0; times < 5; times += 1) recurring.soon();
  pass(99);
  assert.equal(runs.length, 0);
  pass(1);
  assert.equal(runs.length, 1);
  await endLast();
  pass(899);
  assert.equal(runs.length, 1);
  pass(1);
  assert.equal(runs.length, 2);
  await endLast();
});

test('after its end nothing begins, and what runs may come to its own', async (t) => {
  const { recurring, runs, endLast, pass } = begun(t);
  const last = recurring.now();
  const anew = recurring.anew();
  recurring.soon();
  recurring.stop();
  recurring.soon();
  pass(10_000);
  assert.equal(recurring.now(), last);
  await endLast();
  await Promise.all([last, anew, recurring.now(), recurring.anew()]);
  assert.equal(runs.length, 1);
});
