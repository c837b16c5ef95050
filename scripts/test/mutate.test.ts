// `npm run mutate` in a small tree: what counts as red, what survives, what proves nothing, and that nothing stays.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { plantedTree, repository, type PlantedTree } from './planted-tree.ts';

const runner = join(repository, 'scripts/mutate.ts');
const guard = 'apps/daemon/src/guard.ts';
const story = 'apps/daemon/test/guard.test.ts';

const guardText = `export function guard(name: string): string {
  if (name === 'mallory') throw new Error('refused');
  return name;
}

export const spare: string = 'spare';
`;
const storyText = `import assert from 'node:assert/strict';
import test from 'node:test';
import { guard, spare } from '../src/guard.ts';

test('mallory is refused', () => assert.throws(() => guard('mallory')));
test('alice is not', () => assert.equal(guard('alice'), 'alice'));
test('the spare is there', async () => {
  if (spare === 'hang') await new Promise(() => setInterval(() => {}, 1000));
  if (spare === 'load') throw new ReferenceError('nothing');
});
test('red anyway', () => assert.fail('always'));
test('not here', (t) => t.skip('no such part'));
`;

interface Row {
  readonly id: string;
  readonly from?: string;
  readonly to: string;
  readonly name?: string;
}

interface Tree extends PlantedTree {
  /** Where the runner makes its copies. */
  readonly temporary: string;
}

function treeWith(...rows: readonly Row[]): Tree {
  const tree = plantedTree();
  tree.plant(guard, guardText);
  tree.plant(story, storyText);
  const mutations = rows.map(({ id, from = `'mallory'`, to, name = 'mallory is refused' }) => ({
    id,
    off: 'the guard sleeps',
    file: guard,
    from,
    to,
    red: { [story]: name },
  }));
  tree.plant(
    'scripts/mutations/catalogue.ts',
    `export const catalogue = [{ mutations: ${JSON.stringify(mutations)}, exceptions: {} }];\n`,
  );
  const temporary = mkdtempSync(join(tmpdir(), 'hf-'));
  return {
    ...tree,
    temporary,
    [Symbol.dispose]() {
      tree[Symbol.dispose]();
      rmSync(temporary, { recursive: true, force: true });
    },
  };
}

function environmentOf(tree: Tree): NodeJS.ProcessEnv {
  const { NODE_TEST_CONTEXT: _mark, CI: _ci, ...env } = process.env;
  return { ...env, TMPDIR: tree.temporary };
}

function mutate(tree: Tree, ...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [runner, ...args], {
    cwd: tree.root,
    env: environmentOf(tree),
    encoding: 'utf8',
  });
  assert.equal(stderr, '');
  assert.deepEqual(readdirSync(tree.temporary), [], 'the copies are removed');
  assert.equal(readFileSync(join(tree.root, guard), 'utf8'), guardText, 'the working tree is untouched');
  return { status, stdout, last: stdout.trimEnd().split('\n').at(-1) };
}

const red: Row = { id: 'S-1.asleep', to: `'nobody'` };

test('a control whose test turns red is fine', () => {
  using tree = treeWith(red, { id: 'S-2.asleep', to: `'somebody'` });
  const { status, stdout, last } = mutate(tree, '--jobs', '2');
  assert.deepEqual([status, last], [0, '2 passed, 0 failed, 0 skipped'], stdout);
  assert.match(stdout, /1\/2 +S-1\.asleep +[\d.]+ s {3}red\n/);
  assert.match(stdout, /^red +S-1\.asleep +the guard sleeps\n +Missing expected exception\.$/m);
});

test('one that survives is a failure, and named', () => {
  using tree = treeWith(red, { id: 'S-2.asleep', to: `'nobody'`, name: 'alice is not' });
  const { status, stdout, last } = mutate(tree);
  assert.deepEqual([status, last], [1, '1 passed, 1 failed, 0 skipped'], stdout);
  assert.match(stdout, /SURVIVED: apps\/daemon\/test\/guard\.test\.ts passes although the guard sleeps/);
});

test('what proves nothing is a failure: no such text, no program, no such test, red without it, red by a broken program', () => {
  using tree = treeWith(
    { ...red, id: 'S-1.gone', from: 'eve' },
    { ...red, id: 'S-1.twice', from: 'name' },
    { ...red, id: 'S-1.syntax', to: `'nobody` },
    { ...red, id: 'S-1.type', to: '1' },
    { ...red, id: 'S-1.undefined', to: 'nobody' },
    { ...red, id: 'S-1.name', name: 'no test of this name' },
    { ...red, id: 'S-1.before', name: 'red anyway' },
    { id: 'S-1.load', from: `= 'spare'`, to: `= 'load'`, name: 'the spare is there' },
  );
  const { status, stdout, last } = mutate(tree);
  assert.deepEqual([status, last], [1, '0 passed, 8 failed, 0 skipped'], stdout);
  assert.match(stdout, /S-1\.gone .*BROKEN: the text to replace stands in .* 0 times, not once: eve/);
  assert.match(stdout, /S-1\.twice .*BROKEN: the text to replace stands in .* 3 times/);
  assert.match(stdout, /S-1\.syntax .*BROKEN: apps\/daemon\/src\/guard\.ts\(2,\d+\): error TS1\d+/);
  assert.match(stdout, /S-1\.type .*BROKEN: apps\/daemon\/src\/guard\.ts\(2,7\): error TS2367/);
  assert.match(stdout, /S-1\.undefined .*BROKEN: apps\/daemon\/src\/guard\.ts\(2,16\): error TS2304/);
  assert.match(stdout, /S-1\.name .*BROKEN: .* fails with the control on: .*it holds no such test/);
  assert.match(stdout, /S-1\.before .*BROKEN: .* fails with the control on: always/);
  assert.match(stdout, /S-1\.load .*BROKEN: .*ReferenceError: nothing/);
});

test('a test that skips is a skip, and in CI a failure', () => {
  using tree = treeWith({ ...red, name: 'not here' });
  const { status, last, stdout } = mutate(tree);
  assert.deepEqual([status, last], [0, '0 passed, 0 failed, 1 skipped'], stdout);
});

test('some by id, claim or section; one that is not there is an error', () => {
  using tree = treeWith(red, { ...red, id: 'S-2.asleep' }, { ...red, id: 'C-1.asleep' });
  assert.equal(mutate(tree, 'S-1.asleep').last, '1 passed, 0 failed, 0 skipped');
  assert.equal(mutate(tree, 'S-2', 'C').last, '2 passed, 0 failed, 0 skipped');
  const { status, stdout } = mutate(tree, 'S-3');
  assert.equal(status, 2);
  assert.match(stdout, /no mutation S-3/);
});

test('Ctrl-C, also twice, ends the tests and leaves nothing', async () => {
  using tree = treeWith({ id: 'S-1.hang', from: `= 'spare'`, to: `= 'hang'`, name: 'the spare is there' });
  const child = spawn(process.execPath, [runner], {
    cwd: tree.root,
    env: environmentOf(tree),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  const { temporary } = tree;
  // The control is off in the copy, and the test has its temporary folder.
  const offAndRunning = (): boolean => {
    const copy = readdirSync(temporary).find((name) => name.startsWith('hf-mutate-'));
    if (copy === undefined || readdirSync(temporary).length < 2) return false;
    return readFileSync(join(temporary, copy, guard), 'utf8').includes('hang');
  };
  const marker = setInterval(() => {
    if (!offAndRunning()) return;
    clearInterval(marker);
    child.kill('SIGINT');
    child.kill('SIGINT');
  }, 5);
  const [code] = (await once(child, 'close')) as [number];
  clearInterval(marker);
  assert.equal(code, 130, stdout);
  assert.match(stdout, /interrupted\n/);
  assert.deepEqual(readdirSync(temporary), []);
});
