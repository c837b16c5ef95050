// A home that somebody else could enter, and two daemons on one.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { lockHome, openHome, privateFolder } from '../../src/home.ts';

function folder(t: TestContext): string {
  const made = realpathSync(mkdtempSync(path.join(tmpdir(), 'holdfast-home-')));
  t.after(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

const modeOf = (file: string) => statSync(file).mode & 0o777;

// [DOOR-1]
test('a new home and everything in it is for this user alone, whatever the umask', (t) => {
  const before = process.umask(0);
  t.after(() => process.umask(before));
  const temporary = folder(t);
  const paths = openHome(primitives, path.join(temporary, 'home'), temporary);
  for (const each of [paths.home, paths.daemon, paths.custody, paths.audit, paths.scopes, paths.run])
    assert.equal(modeOf(each), 0o700, each);
});

// [DOOR-1]
test('a folder that others can read is closed to them; one that they can write is refused', (t) => {
  const temporary = folder(t);
  const home = path.join(temporary, 'home');
  mkdirSync(home, { mode: 0o755 });
  openHome(primitives, home, temporary);
  assert.equal(modeOf(home), 0o700);

  chmodSync(path.join(home, 'run'), 0o770);
  assert.throws(() => openHome(primitives, home, temporary), { code: 'home_unsafe', message: /others can write/ });
  chmodSync(path.join(home, 'run'), 0o700);
  chmodSync(home, 0o777);
  assert.throws(() => openHome(primitives, home, temporary), { code: 'home_unsafe' });
});

// [DOOR-1]
test('a link, a file or a dangling link in the place of a folder is refused', (t) => {
  const temporary = folder(t);
  mkdirSync(path.join(temporary, 'elsewhere'), { mode: 0o700 });
  const home = path.join(temporary, 'home');
  symlinkSync(path.join(temporary, 'elsewhere'), home);
  assert.throws(() => openHome(primitives, home, temporary), { code: 'home_unsafe', message: /is a link/ });
  rmSync(home);
  symlinkSync(path.join(temporary, 'nowhere'), home);
  assert.throws(() => openHome(primitives, home, temporary), { code: 'home_unsafe' });
  rmSync(home);
  writeFileSync(home, '');
  assert.throws(() => openHome(primitives, home, temporary), { code: 'home_unsafe' });
});

// [DOOR-1]
test("another user's folder is refused", (t) => {
  if (userInfo().uid !== 0) {
    assert.throws(() => privateFolder('/'), { code: 'home_unsafe', message: /another user/ });
    return;
  }
  const home = path.join(folder(t), 'home');
  mkdirSync(home, { mode: 0o700 });
  chownSync(home, 65_534, 65_534);
  assert.throws(() => privateFolder(home), { code: 'home_unsafe', message: /another user/ });
});

// [DOOR-1]
test('a mistyped HOLDFAST_HOME is not made private: not the root, not the home of the user, not a folder with other things', (t) => {
  const temporary = folder(t);
  const [project, user] = [path.join(temporary, 'project'), path.join(temporary, 'user')];
  mkdirSync(project, { mode: 0o755 });
  mkdirSync(user, { mode: 0o755 });
  writeFileSync(path.join(project, 'package.json'), '{}');
  const before = process.env['HOME'];
  process.env['HOME'] = user;
  t.after(() => (process.env['HOME'] = before));
  for (const home of [user, project]) {
    assert.throws(() => openHome(primitives, home, temporary), { code: 'home_unsafe' }, home);
    assert.equal(modeOf(home), 0o755);
  }
  // As root a broken check would close the machine's root for real: only who cannot do that tries.
  if (userInfo().uid !== 0)
    assert.throws(() => openHome(primitives, '/', temporary), { code: 'home_unsafe', message: /cannot be/ });
});

test('a home that cannot be made is a coded error with a next step', (t) => {
  const temporary = folder(t);
  writeFileSync(path.join(temporary, 'file'), '');
  assert.throws(() => openHome(primitives, path.join(temporary, 'file', 'home'), temporary), {
    code: 'store_failed',
    next: /HOLDFAST_HOME/,
  });
});

// [DOOR-5]
test('a home whose socket path is too long gets a short one in a folder under the same rule', (t) => {
  const temporary = folder(t);
  const home = path.join(temporary, 'h'.repeat(100));
  const paths = openHome(primitives, home, temporary);
  const runtime = path.dirname(paths.doorSocket);
  assert.equal(runtime, path.join(temporary, `holdfast-${userInfo().uid}`));
  assert.equal(modeOf(runtime), 0o700);
  assert.ok(Buffer.byteLength(paths.doorSocket) <= 107);
  chmodSync(runtime, 0o777);
  assert.throws(() => openHome(primitives, home, temporary), { code: 'home_unsafe' });

  const deep = path.join(temporary, 't'.repeat(100));
  mkdirSync(deep);
  assert.throws(() => openHome(primitives, home, deep), { code: 'home_unsafe', message: /too long/ });
});

// [DOOR-8]
test('of two daemons on one home the second is told, and a killed one leaves no lock behind', async (t) => {
  const temporary = folder(t);
  const home = path.join(temporary, 'home');
  const paths = openHome(primitives, home, temporary);
  const source = `
    const { lockHome, openHome } = await import(${JSON.stringify(new URL('../../src/home.ts', import.meta.url).href)});
    const { nodePrimitives } = await import('@holdfast/protocol/primitives/node');
    globalThis.held = lockHome(openHome(nodePrimitives, ${JSON.stringify(home)}, ${JSON.stringify(temporary)}));
    console.log('locked');
    setInterval(() => {}, 1000);`;
  const other = spawn(process.execPath, ['--input-type=module', '-e', source], {
    stdio: ['ignore', 'pipe', 'inherit'],
    cwd: import.meta.dirname,
  });
  await once(other.stdout, 'data');
  assert.throws(() => lockHome(paths), { code: 'already_running', next: /HOLDFAST_HOME/ });
  other.kill('SIGKILL');
  await once(other, 'exit');
  const lock = lockHome(paths);
  assert.throws(() => lockHome(paths), { code: 'already_running' });
  lock.release();
});

test('a lock file that is no lock file says so', (t) => {
  const temporary = folder(t);
  const paths = openHome(primitives, path.join(temporary, 'home'), temporary);
  writeFileSync(path.join(paths.daemon, 'lock.db'), 'x'.repeat(4096));
  assert.throws(() => lockHome(paths), { code: 'store_failed' });
});
