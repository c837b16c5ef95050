// `holdfast audit policy`: what an operator signs of what is recorded, and that nothing is signed which a daemon would not take.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { operatorAt } from './operator-at.ts';

interface Policy {
  readonly version: number;
  readonly silenced: readonly string[];
  readonly subjects: readonly string[];
  readonly retentionDays?: number;
  readonly setAtMs?: number;
}

// [AUDIT-60] [CLI-95]
test('a policy is the whole of it, each a version of its own', async (t) => {
  const at = await operatorAt(t);
  const show = async (): Promise<Policy> => at.json(await at.run(['audit', 'policy', 'show', '--json']));
  const set = async (...words: readonly string[]): Promise<Policy> =>
    at.json(await at.run(['audit', 'policy', 'set', ...words, '--json']));
  assert.deepEqual(await show(), { version: 0, silenced: [], subjects: [], removed: [] });
  const before = Date.now();
  assert.equal((await set('--silence', 'tool', '--silence', 'request', '--retention', '400d')).version, 1);
  const first = await show();
  assert.deepEqual(
    { ...first, setAtMs: 0 },
    { version: 1, silenced: ['request', 'tool'], subjects: [], retentionDays: 400, setAtMs: 0, removed: [] },
  );
  assert.ok((first.setAtMs ?? 0) >= before);
  assert.equal((await set('--record-all')).version, 2);
  const { version, silenced, retentionDays } = await show();
  assert.deepEqual([version, silenced, retentionDays], [2, [], undefined]);
});

// [AUDIT-62]
test('what is always recorded can’t be silenced, and a policy that says nothing is none', async (t) => {
  const at = await operatorAt(t);
  for (const words of [
    ['--silence', 'credential'],
    ['--silence', 'alarm', '--silence', 'tool'],
    ['--silence', 'Tool'],
    [],
    ['--record-all', '--silence', 'tool'],
    ['--retention', '0d'],
    ['--retention', '400'],
    ['--retention', '36501d'],
  ]) {
    const refused = await at.run(['audit', 'policy', 'set', ...words, '--json']);
    assert.equal(at.code(refused), 'usage', words.join(' '));
  }
  assert.equal(at.json<Policy>(await at.run(['audit', 'policy', 'show', '--json'])).version, 0);
});
