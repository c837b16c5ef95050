// apps/cli/bin/holdfast.cjs becomes the pinned Node: in this process, by execve, or as a child; else it says what to install.

import assert from 'node:assert/strict';
import { spawn, spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { arch, tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { repository } from './planted-tree.ts';

interface Installation extends Disposable {
  readonly bin: string;
  /** Node options that make the running Node look otherwise. */
  readonly disguise: (lines: string) => string[];
}

/** The bin beside a main.ts, with a pinned Node of this version (a link to the running one), or none. */
function install(pinnedVersion: string | undefined, main: string): Installation {
  const root = mkdtempSync(join(tmpdir(), 'holdfast-bin-'));
  mkdirSync(join(root, 'apps/cli/bin'), { recursive: true });
  mkdirSync(join(root, 'apps/cli/src'));
  cpSync(join(repository, 'apps/cli/bin/holdfast.cjs'), join(root, 'apps/cli/bin/holdfast.cjs'));
  writeFileSync(join(root, 'apps/cli/src/main.ts'), main);
  writeFileSync(join(root, 'apps/cli/package.json'), '{"type": "module"}');
  if (pinnedVersion !== undefined) {
    const pinned = join(root, `node_modules/node-linux-${arch()}`);
    mkdirSync(join(pinned, 'bin'), { recursive: true });
    writeFileSync(join(pinned, 'package.json'), JSON.stringify({ version: pinnedVersion }));
    symlinkSync(process.execPath, join(pinned, 'bin/node'));
  }
  return {
    bin: join(root, 'apps/cli/bin/holdfast.cjs'),
    disguise: (lines) => {
      writeFileSync(join(root, 'disguise.cjs'), lines);
      return ['--require', join(root, 'disguise.cjs')];
    },
    [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }),
  };
}

const noExecve = `if (!process.argv[1].endsWith('main.ts')) process.execve = undefined;`;
const telling = `const pid: number = process.pid;\nprocess.stdout.write(JSON.stringify({ pid, args: process.argv.slice(2), env: process.env['PLANTED'] }));\nprocess.exit(7);\n`;

function call(file: string, options: readonly string[] = []): SpawnSyncReturns<string> {
  return spawnSync(process.execPath, [...options, file, 'run', '--', 'a b'], {
    encoding: 'utf8',
    env: { ...process.env, PLANTED: 'x' },
  });
}

test('runs in this very process when this is the pinned Node', () => {
  using it = install(process.versions.node, telling);
  const { status, stdout, stderr, pid } = call(it.bin);
  assert.deepEqual(
    { status, stderr, told: JSON.parse(stdout) as unknown },
    { status: 7, stderr: '', told: { pid, args: ['run', '--', 'a b'], env: 'x' } },
  );
});

test('becomes the pinned Node by execve, without a word of its own', () => {
  using it = install('99.0.0', telling);
  const { status, stdout, stderr, pid } = call(it.bin);
  assert.deepEqual(
    { status, stderr, told: JSON.parse(stdout) as unknown },
    { status: 7, stderr: '', told: { pid, args: ['run', '--', 'a b'], env: 'x' } },
  );
});

test('without execve: the pinned Node as a child, its exit code passed on', () => {
  using it = install('99.0.0', telling);
  const { status, stdout, stderr, pid } = call(it.bin, it.disguise(noExecve));
  const told = JSON.parse(stdout) as { pid: number; args: string[] };
  assert.deepEqual({ status, stderr, args: told.args }, { status: 7, stderr: '', args: ['run', '--', 'a b'] });
  assert.notEqual(told.pid, pid);
});

test('without execve: signals reach the child, and its death by a signal is ours', async () => {
  using it = install(
    '99.0.0',
    `process.on('SIGTERM', () => process.kill(process.pid, 'SIGKILL'));\nsetInterval(() => {}, 1000);\nprocess.stdout.write('ready');\n`,
  );
  const child = spawn(process.execPath, [...it.disguise(noExecve), it.bin], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  child.kill('SIGTERM');
  assert.deepEqual(await once(child, 'close'), [null, 'SIGKILL']);
});

test('without execve: SIGINT from another process reaches the child', async () => {
  using it = install(
    '99.0.0',
    `process.on('SIGINT', () => process.exit(9));\nsetInterval(() => {}, 1000);\nprocess.stdout.write('ready');\n`,
  );
  // A session of its own, so that no terminal's foreground is at hand.
  const child = spawn(process.execPath, [...it.disguise(noExecve), it.bin], {
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  await once(child.stdout, 'data');
  child.kill('SIGINT');
  assert.deepEqual(await once(child, 'close'), [9, null]);
});

test('no pinned Node: this one does if it is 24 or later', () => {
  using it = install(undefined, telling);
  assert.equal(call(it.bin).status, 7);
});

test('no pinned Node and an old one: exit 3 and the next step', () => {
  using it = install(undefined, telling);
  const { status, stdout, stderr } = call(
    it.bin,
    it.disguise(`Object.defineProperty(process.versions, 'node', { value: '20.19.0' });`),
  );
  assert.deepEqual({ status, stdout }, { status: 3, stdout: '' });
  assert.match(stderr, /^holdfast: needs Node 24 and this is v[\d.]+\. Run npm ci in the clone, or install Node 24\n$/);
});

test('an old Node parses it: nothing newer than Node 12', () => {
  const text = readFileSync(join(repository, 'apps/cli/bin/holdfast.cjs'), 'utf8').replaceAll(/^\s*\/\/.*$/gm, '');
  assert.doesNotMatch(text, /\?\.|\?\?|\|\|=|&&=|\bstatic\b|#[a-z]|'node:|\bawait\b|\d_\d/);
});
