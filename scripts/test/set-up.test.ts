// The set-up of a clone (scripts/run.sh) with a fake npm first on PATH: installs when stale, nothing when fresh, once when two
// come at once, and then becomes the command, so that signals reach it.

import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess, type SpawnSyncReturns } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { arch, tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { repository } from './planted-tree.ts';

interface Clone extends Disposable {
  readonly root: string;
  readonly env: NodeJS.ProcessEnv;
  /** How often npm was called, and with what. */
  npmCalls(): string[];
}

/** A directory with run.sh, a lock file and a command that prints `ran`; its npm installs this very Node by a link. */
function makeClone(npmDoes = ''): Clone {
  const root = mkdtempSync(join(tmpdir(), 'holdfast-clone-'));
  mkdirSync(join(root, 'scripts'));
  mkdirSync(join(root, 'fake'));
  cpSync(join(repository, 'scripts/run.sh'), join(root, 'scripts/run.sh'));
  writeFileSync(join(root, 'package-lock.json'), '{"one": 1}\n');
  writeFileSync(join(root, 'command.mjs'), 'process.stdout.write(`ran ${process.argv.slice(2).join(",")}\\n`);\n');
  const pinned = `node_modules/node-linux-${arch()}/bin`;
  const program = (name: string, text: string): void => {
    writeFileSync(join(root, 'fake', name), `#!/bin/sh\n${text}\n`);
    chmodSync(join(root, 'fake', name), 0o755);
  };
  program(
    'npm',
    `echo "$*" >>"${root}/npm-calls"\n${npmDoes}\necho 'noise of npm'\nrm -rf node_modules && mkdir -p ${pinned} && ln -s "${process.execPath}" ${pinned}/node`,
  );
  // The machine has all system parts; the tests below take some away.
  for (const part of [
    'bwrap',
    'script',
    'curl',
    'faketime',
    'gdb',
    'git',
    'openssl',
    'strace',
    'swtpm',
    'swtpm_setup',
    'socat',
    'c++',
    'softhsm2-util',
    'chromium',
  ])
    program(part, 'exit 0');
  for (const tool of [
    'sh',
    'cat',
    'cut',
    'env',
    'flock',
    'grep',
    'id',
    'ln',
    'mkdir',
    'rm',
    'sha256sum',
    'sleep',
    'tail',
    'uname',
  ]) {
    const found = spawnSync('sh', ['-c', `command -v ${tool}`], { encoding: 'utf8' }).stdout.trim();
    symlinkSync(found, join(root, 'fake', tool));
  }
  const calls = join(root, 'npm-calls');
  return {
    root,
    env: { PATH: join(root, 'fake'), HOME: root },
    npmCalls: () => (existsSync(calls) ? readFileSync(calls, 'utf8').trim().split('\n') : []),
    [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }),
  };
}

function run({ root, env }: Clone, purpose = 'start', more: NodeJS.ProcessEnv = {}): SpawnSyncReturns<string> {
  return spawnSync('sh', ['scripts/run.sh', purpose, 'command.mjs', 'a', 'b c'], {
    cwd: root,
    env: { ...env, ...more },
    encoding: 'utf8',
  });
}

async function ended(child: ChildProcess): Promise<{ code: number | null; signal: string | null }> {
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  return { code, signal };
}

test('a fresh clone installs exact packages without scripts, says so on stderr, and runs the command', () => {
  using clone = makeClone();
  const { status, stdout, stderr } = run(clone);
  assert.equal(stdout, 'ran a,b c\n', 'stdout belongs to the command');
  assert.equal(status, 0);
  assert.match(stderr, /^set-up: installing the packages of package-lock\.json/);
  assert.match(clone.npmCalls()[0] ?? '', /^ci --ignore-scripts /);
});

test('a second run installs nothing and says nothing', () => {
  using clone = makeClone();
  run(clone);
  const { stdout, stderr } = run(clone);
  assert.deepEqual({ stdout, stderr, calls: clone.npmCalls().length }, { stdout: 'ran a,b c\n', stderr: '', calls: 1 });
});

test('another lock file is stale', () => {
  using clone = makeClone();
  run(clone);
  appendFileSync(join(clone.root, 'package-lock.json'), '\n');
  run(clone);
  run(clone);
  assert.equal(clone.npmCalls().length, 2);
});

test('packages that a plain npm ci has brought whole are not installed again; any that npm would still add or change are', () => {
  for (const [says, calls] of [
    ['up to date in 1s', 1],
    ['added 1 package in 1s', 2],
  ] as const) {
    using clone = makeClone(`case $* in *--dry-run*) echo; echo '${says}'; exit 0 ;; esac`);
    mkdirSync(join(clone.root, 'node_modules'));
    writeFileSync(join(clone.root, 'node_modules/.package-lock.json'), '{}');
    mkdirSync(join(clone.root, 'node_modules', `node-linux-${arch()}/bin`), { recursive: true });
    symlinkSync(process.execPath, join(clone.root, 'node_modules', `node-linux-${arch()}/bin/node`));
    assert.equal(run(clone).stdout, 'ran a,b c\n');
    assert.equal(run(clone).stderr, '');
    assert.equal(clone.npmCalls().length, calls, says);
  }
});

test('an installation that failed or was interrupted is done again', () => {
  using clone = makeClone('[ -e failed ] || { : >failed; exit 1; }');
  const { status, stdout, stderr } = run(clone);
  assert.deepEqual({ status, stdout }, { status: 3, stdout: '' });
  assert.match(stderr, /npm ci failed/);
  assert.equal(run(clone).status, 0);
  assert.equal(clone.npmCalls().length, 2);
});

test('two at once install once', async () => {
  using clone = makeClone('sleep 0.5');
  const children = [1, 2].map(() =>
    spawn('sh', ['scripts/run.sh', 'start', 'command.mjs'], {
      cwd: clone.root,
      env: clone.env,
      stdio: ['ignore', 'ignore', 'pipe'],
    }),
  );
  const ends = await Promise.all(children.map(ended));
  assert.deepEqual(ends, [
    { code: 0, signal: null },
    { code: 0, signal: null },
  ]);
  assert.equal(clone.npmCalls().length, 1);
});

test('a set-up that was killed holds up nobody', async () => {
  using clone = makeClone('[ -e hung ] || { : >hung; echo hanging >&2; sleep 60; }');
  const first = spawn('sh', ['scripts/run.sh', 'start', 'command.mjs'], {
    cwd: clone.root,
    env: clone.env,
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
  });
  for await (const text of first.stderr) if (String(text).includes('hanging')) break;
  if (first.pid !== undefined) process.kill(-first.pid, 'SIGKILL');
  await ended(first);
  assert.equal(run(clone).status, 0);
});

test('without root the one command to run is named, and tests go on', () => {
  using clone = makeClone();
  rmSync(join(clone.root, 'fake/gdb'));
  rmSync(join(clone.root, 'fake/bwrap'));
  fakeManager(clone, 1000);
  const { status, stderr } = run(clone, 'test');
  assert.equal(status, 0);
  assert.match(
    stderr,
    /missing: bwrap gdb\. Run: sudo apt-get update && sudo apt-get install -y --no-install-recommends bubblewrap gdb\n/,
  );
  assert.equal(existsSync(join(clone.root, 'apt-calls')), false);
});

test('as root the missing parts are installed', () => {
  using clone = makeClone();
  rmSync(join(clone.root, 'fake/bwrap'));
  fakeManager(
    clone,
    0,
    `case $* in *install*) printf '#!/bin/sh\\n' >"${clone.root}/fake/bwrap" && chmod 755 "${clone.root}/fake/bwrap" ;; esac`,
  );
  const { status, stderr } = run(clone, 'demo');
  assert.equal(status, 0, stderr);
  assert.match(stderr, /set-up: installing bubblewrap with apt-get\n/);
  assert.deepEqual(readFileSync(join(clone.root, 'apt-calls'), 'utf8').trim().split('\n'), [
    '-o DPkg::Lock::Timeout=120 update',
    'install -y --no-install-recommends bubblewrap',
  ]);
});

test('the demo, and everything in CI, stops without its parts; the daemon gets to say it itself', () => {
  using clone = makeClone();
  rmSync(join(clone.root, 'fake/bwrap'));
  fakeManager(clone, 0, 'exit 1');
  assert.equal(run(clone, 'demo').status, 3);
  assert.equal(run(clone, 'test', { CI: 'true' }).status, 3);
  assert.equal(run(clone, 'start').status, 0);
});

test('SIGTERM to npm’s child ends npm start cleanly', async () => {
  using clone = makeClone();
  const scripts = (JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as { scripts: { start: string } }).scripts;
  run(clone);
  mkdirSync(join(clone.root, 'apps/cli/src'), { recursive: true });
  writeFileSync(
    join(clone.root, 'apps/cli/src/start.ts'),
    `process.on('SIGTERM', () => process.exit(7));\nsetInterval(() => {}, 1000);\nprocess.stdout.write('ready\\n');\n`,
  );
  const child = spawn('sh', ['-c', scripts.start], { cwd: clone.root, env: clone.env, stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  child.kill('SIGTERM');
  assert.deepEqual(await ended(child), { code: 7, signal: null });
});

/** An apt-get that notes its calls, for a user with this id. */
function fakeManager({ root }: Clone, uid: number, does = ''): void {
  rmSync(join(root, 'fake/id'));
  for (const [name, text] of [
    ['id', `echo ${uid}`],
    ['apt-get', `echo "$*" >>"${root}/apt-calls"\n${does}`],
    ['chmod', 'exec /bin/chmod "$@"'],
  ] as const) {
    writeFileSync(join(root, 'fake', name), `#!/bin/sh\n${text}\n`);
    chmodSync(join(root, 'fake', name), 0o755);
  }
}
