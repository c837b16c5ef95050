// When a presence is said: soon, seldom, and now and then.

import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { PresenceTeller } from '../../src/presence/teller.ts';

interface Scene {
  readonly said: ('change' | 'anyway')[];
  readonly atMs: number[];
  readonly teller: PresenceTeller;
  pass(ms: number): Promise<void>;
}

function scene(t: TestContext, says: () => Promise<void> = async () => {}): Scene {
  t.mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
  let nowMs = 0;
  const said: ('change' | 'anyway')[] = [];
  const atMs: number[] = [];
  const teller = new PresenceTeller({
    monotonicMs: () => nowMs,
    say: async (anyway) => {
      said.push(anyway ? 'anyway' : 'change');
      atMs.push(nowMs);
      await says();
    },
  });
  t.after(() => teller.stop());
  const pass = async (ms: number) => {
    for (let each = 0; each < ms; each += 1) {
      nowMs += 1;
      t.mock.timers.tick(1);
      for (let turn = 0; turn < 4; turn += 1) await Promise.resolve();
    }
  };
  return { said, atMs, teller, pass };
}

test('[PRESENCE-3]: a change is said at once, a flood of them five times a second and not lost', async (t) => {
  const { said, atMs, teller, pass } = scene(t);
  teller.changed();
  await pass(20);
  assert.deepEqual(said, ['change']);
  for (let flood = 0; flood < 1000; flood += 1) {
    teller.changed();
    await pass(1);
  }
  assert.ok(said.length <= 7, `${said.length} in a second`);
  const before = said.length;
  teller.changed();
  await pass(200);
  assert.ok(said.length > before, 'the last one is said');
  for (const [index, each] of atMs.entries()) assert.ok(index === 0 || each - Number(atMs[index - 1]) >= 200);
});

test('[PRESENCE-3]: while nothing changes it is said every 45 s, and after a connection', async (t) => {
  const { said, teller, pass } = scene(t);
  await pass(44_999);
  assert.deepEqual(said, []);
  await pass(21 + 90_000);
  assert.deepEqual(said, ['anyway', 'anyway', 'anyway']);
  teller.connected();
  await pass(200);
  assert.equal(said.length, 4);
  teller.stop();
  teller.changed();
  await pass(90_000);
  assert.equal(said.length, 4);
});

test('what could not be said, or takes its time, holds nothing up', async (t) => {
  const held = Promise.withResolvers<void>();
  let first = true;
  const { said, teller, pass } = scene(t, async () => {
    if (!first) throw new Error('no relay');
    first = false;
    await held.promise;
  });
  teller.changed();
  await pass(20);
  teller.changed();
  await pass(1000);
  assert.equal(said.length, 1, 'one at a time');
  held.resolve();
  await pass(40);
  assert.equal(said.length, 2);
  teller.changed();
  await pass(220);
  assert.equal(said.length, 3);
});
