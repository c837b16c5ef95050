// The test runner and its reporter, in a small tree: what passes, what counts as a failure, what stands on the last line.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test from 'node:test';
import { repository } from './planted-tree.ts';

const runner = join(repository, 'scripts/test.ts');
const head = `import test, { describe, before } from 'node:test';\n`;

interface Tree extends Disposable {
  readonly root: string;
  readonly env: NodeJS.ProcessEnv;
}

function treeOf(files: Readonly<Record<string, string>>): Tree {
  const root = mkdtempSync(join(tmpdir(), 'holdfast-runner-'));
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), head + text);
  }
  mkdirSync(join(root, 'vectors'));
  mkdirSync(join(root, 'tmp'));
  // Node runs no tests inside tests unless the mark of the outer run is gone.
  const { NODE_TEST_CONTEXT: _mark, CI: _ci, ...env } = process.env;
  return {
    root,
    env: { ...env, HOLDFAST_VECTORS: join(root, 'vectors'), TMPDIR: join(root, 'tmp') },
    [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }),
  };
}

function run(files: Readonly<Record<string, string>>, args: readonly string[] = [], more: NodeJS.ProcessEnv = {}) {
  using tree = treeOf(files);
  const { status, stdout } = spawnSync(process.execPath, [runner, ...args], {
    cwd: tree.root,
    env: { ...tree.env, ...more },
    encoding: 'utf8',
  });
  assert.deepEqual(readdirSync(join(tree.root, 'tmp')), [], 'the temporary folder is removed');
  return { status, stdout, last: stdout.trimEnd().split('\n').at(-1) };
}

const passing = { 'apps/a/test/one.test.ts': `test('x', () => {}); describe('d', () => { test('y', () => {}); });` };

test('counts tests, not suites, and ends with the plain line', () => {
  const { status, stdout, last } = run({ ...passing, 'e2e/story.test.ts': `test('z', () => {});` });
  assert.deepEqual({ status, last }, { status: 0, last: '3 passed, 0 failed, 0 skipped' });
  assert.match(stdout, /^apps\/a +[\d.]+ s {3}2 passed, 0 failed, 0 skipped$/m);
  assert.match(stdout, /^e2e +[\d.]+ s {3}1 passed/m);
});

test('a filter is the beginning of a path', () => {
  assert.equal(
    run({ ...passing, 'apps/b/test/two.test.ts': `test('z', () => {});` }, ['apps/b']).last,
    '1 passed, 0 failed, 0 skipped',
  );
});

test('no tests at all is a failure', () => {
  for (const files of [{}, { 'apps/a/src/one.ts': '' }]) assert.deepEqual(pick(run(files)), [1, '0 passed, 0 failed, 0 skipped']);
  assert.deepEqual(pick(run(passing, ['apps/none'])), [1, '0 passed, 0 failed, 0 skipped']);
});

test('a failure is told in full, with what the file wrote', () => {
  const { status, stdout, last } = run({
    'apps/a/test/one.test.ts': `test('x', () => { console.error('on the way'); throw new Error('the reason', { cause: 'deeper' }); });`,
  });
  assert.deepEqual([status, last], [1, '0 passed, 1 failed, 0 skipped']);
  assert.match(stdout, /^FAILED {2}apps\/a\/test\/one\.test\.ts:2 {2}x\n[\s\S]*the reason[\s\S]*deeper[\s\S]*on the way/m);
});

test('what tests say of what they have seen is told in a soak alone', () => {
  const files = { 'apps/a/test/one.test.ts': `describe('d', () => test('x', (t) => t.diagnostic('seen: 3')));` };
  assert.doesNotMatch(run(files).stdout, /seen/);
  assert.match(run(files, [], { HOLDFAST_SOAK: '1' }).stdout, /^TOLD {4}apps\/a\/test\/one\.test\.ts {2}seen: 3$/m);
});

test('a failed hook of a suite is a failure', () => {
  const files = {
    'apps/a/test/one.test.ts': `describe('d', () => { before(() => { throw new Error('hook'); }); test('x', () => {}); });`,
  };
  const { status, stdout } = run(files);
  assert.equal(status, 1);
  assert.match(stdout, /hook/);
});

test('a skip is loud, and in CI a failure', () => {
  const files = { 'apps/a/test/one.test.ts': `test('x', () => {}); test('y', (t) => t.skip('no gdb here'));` };
  const here = run(files);
  assert.deepEqual(pick(here), [0, '1 passed, 0 failed, 1 skipped']);
  assert.match(here.stdout, /^SKIPPED apps\/a\/test\/one\.test\.ts:2 {2}y: no gdb here$/m);
  assert.deepEqual(pick(run(files, [], { CI: 'true' })), [1, '1 passed, 0 failed, 1 skipped']);
});

test('what Node lets pass in silence is a failure', () => {
  const cases: Readonly<Record<string, readonly [string, RegExp]>> = {
    'a skip without a reason': [`test('x', (t) => t.skip());`, /skipped without a reason/],
    'a file without tests': [`console.log('nothing');`, /the file holds no tests/],
    'a process that ends before its tests': [
      `test('x', () => { setTimeout(() => process.exit(0), 20); return new Promise(() => {}); });`,
      /ended before this test did/,
    ],
    'a file that cannot load': [`throw new Error('loading');`, /failed as a whole: exit 1[\s\S]*loading/],
    'a file that kills itself': [
      `test('x', () => process.kill(process.pid, 'SIGKILL'));`,
      /failed as a whole: killed by SIGKILL/,
    ],
    'something left behind': [
      `import fs from 'node:fs'; test('x', () => { fs.mkdtempSync(process.env.TMPDIR + '/left-'); });`,
      /apps\/a left behind in the temporary folder: left-/,
    ],
  };
  for (const [name, [text, expected]] of Object.entries(cases)) {
    const { status, stdout } = run({ 'apps/a/test/one.test.ts': text, 'apps/b/test/two.test.ts': `test('fine', () => {});` });
    assert.equal(status, 1, name);
    assert.match(stdout, expected, name);
  }
});

test('in CI the vectors must be there; elsewhere their absence is said', () => {
  const absent = { HOLDFAST_VECTORS: '/nonexistent/vectors' };
  assert.deepEqual(pick(run(passing, [], { ...absent, CI: 'true' })), [1, '0 passed, 0 failed, 0 skipped']);
  const here = run(passing, [], absent);
  assert.equal(here.status, 0);
  assert.match(here.stdout, /no test vectors at \/nonexistent\/vectors: the tests that need them skip/);
});

test('Ctrl-C, also twice, ends the tests, tells the count and leaves nothing', async () => {
  using tree = treeOf({
    'apps/a/test/one.test.ts': `test('x', () => {}); test('y', () => new Promise(() => { process.stderr.write('waiting'); setInterval(() => {}, 1000); }));`,
    'apps/b/test/two.test.ts': `test('z', () => {});`,
  });
  const child = spawn(process.execPath, [runner], { cwd: tree.root, env: tree.env, stdio: ['ignore', 'pipe', 'inherit'] });
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  // The suite's folder is made before its tests start; the marker below says that they run.
  const marker = setInterval(() => {
    if (readdirSync(join(tree.root, 'tmp')).length === 0) return;
    clearInterval(marker);
    child.kill('SIGINT');
    child.kill('SIGINT');
  }, 5);
  const [code] = (await once(child, 'close')) as [number];
  assert.equal(code, 130);
  assert.match(stdout, /interrupted\n[\s\S]*\d+ passed, \d+ failed, 0 skipped\n$/);
  assert.doesNotMatch(stdout, /apps\/b/);
  assert.deepEqual(readdirSync(join(tree.root, 'tmp')), []);
});

function pick({ status, last }: { readonly status: number | null; readonly last: string | undefined }): unknown[] {
  return [status, last];
}
