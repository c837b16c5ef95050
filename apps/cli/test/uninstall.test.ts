// `holdfast uninstall`: all of ours goes, nothing else does. [CLI-22]

import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test, type TestContext } from 'node:test';
import { homePaths } from '@holdfast/protocol/door/paths';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';
import { cli, newHome, playDoor, type Ran } from './cli.ts';

const faultOf = ({ code, stdout }: Ran) => [code, (JSON.parse(stdout) as { error: { code: string } }).error.code];
const messageOf = ({ stdout }: Ran) => (JSON.parse(stdout) as { error: { message: string } }).error.message;

/** A home as a daemon and sessions leave it, with links that lead out. */
function usedHome(t: TestContext): { home: string; outside: string } {
  const home = newHome(t);
  const outside = path.join(path.dirname(home), 'outside');
  for (const each of ['daemon', 'relay', 'operator', 'run', 'scopes/main/home/go/pkg'])
    mkdirSync(path.join(home, each), { recursive: true });
  mkdirSync(outside);
  writeFileSync(path.join(outside, 'precious'), 'kept');
  writeFileSync(path.join(home, 'operator', 'operator.key'), 'sealed');
  symlinkSync(outside, path.join(home, 'scopes/main/home/out'));
  symlinkSync(path.join(outside, 'precious'), path.join(home, 'scopes/main/home/precious'));
  writeFileSync(path.join(home, 'scopes/main/home/go/pkg/file'), '');
  return { home, outside };
}

test('everything of ours goes; links are not followed, closed folders are no obstacle', async (t) => {
  const { home, outside } = usedHome(t);
  chmodSync(path.join(home, 'scopes/main/home/go/pkg'), 0o500);
  const ran = await cli(['uninstall', '--yes', '--json'], { home });
  assert.deepEqual([ran.code, ran.stdout], [0, `{"removed":[${JSON.stringify(home)}]}\n`]);
  assert.equal(existsSync(home), false);
  assert.equal(readFileSync(path.join(outside, 'precious'), 'utf8'), 'kept');
  const again = await cli(['uninstall', '--yes', '--json'], { home });
  assert.deepEqual([again.code, again.stdout], [0, '{"removed":[]}\n']);
});

// [GUARDED-13]
test('settings of a harness that ask the daemon of this home are given back first; those that ask another stay', async (t) => {
  const { home } = usedHome(t);
  const person = path.join(path.dirname(home), 'person');
  const settings = path.join(person, '.claude', 'settings.json');
  mkdirSync(path.dirname(settings), { recursive: true });
  const hook = { type: 'http', url: 'http://127.0.0.1:4/v1/hook/claude-code' };
  const now = JSON.stringify({ model: 'opus', hooks: { PreToolUse: [{ hooks: [hook] }] } });
  const before = (of: string) => JSON.stringify({ v: 1, original: null, mode: 0o600, written: '00', home: of });
  writeFileSync(settings, now);
  writeFileSync(`${settings}.before-holdfast`, before('/elsewhere'));
  const environment = { HOME: person };
  const other = await cli(['uninstall', '--yes', '--json'], { home, environment });
  assert.equal(other.stdout, `{"removed":[${JSON.stringify(home)}]}\n`);
  assert.equal(readFileSync(settings, 'utf8'), now);
  writeFileSync(`${settings}.before-holdfast`, before(home));
  const own = await cli(['uninstall', '--yes', '--json'], { home, environment });
  assert.equal(own.stdout, `{"removed":[${JSON.stringify(settings)}]}\n`);
  assert.deepEqual(JSON.parse(readFileSync(settings, 'utf8')), { model: 'opus' });
});

test('nobody said yes: nothing goes, and what would go is told', async (t) => {
  const { home } = usedHome(t);
  assert.deepEqual(faultOf(await cli(['uninstall', '--json'], { home })), [2, 'usage']);
  const asked = await cli(['uninstall'], { home, input: 'uninstall\n' });
  assert.equal(asked.code, 2);
  assert.ok(
    asked.stderr.includes(home) && asked.stderr.includes('operator key') && asked.stderr.includes('audit log'),
    asked.stderr,
  );
  assert.equal(existsSync(path.join(home, 'operator', 'operator.key')), true);
});

test('a folder that is not ours alone is refused, and nothing of it goes', async (t) => {
  const { home, outside } = usedHome(t);
  writeFileSync(path.join(home, 'thesis.tex'), 'years');
  const foreign = await cli(['uninstall', '--yes', '--json'], { home });
  assert.deepEqual(faultOf(foreign), [3, 'home_unsafe']);
  assert.match(messageOf(foreign), /thesis\.tex/);
  assert.equal(existsSync(path.join(home, 'operator', 'operator.key')), true);

  const link = path.join(path.dirname(home), 'link');
  symlinkSync(outside, link);
  mkdirSync(path.join(path.dirname(home), 'person'));
  const person = path.join(path.dirname(home), 'person');
  // Without --yes: not even a broken refusal may remove these.
  for (const [each, environment] of [
    ['/', {}],
    [link, {}],
    [path.join(outside, 'precious'), {}],
    [existsSync(userInfo().homedir) ? userInfo().homedir : '/', {}],
    [person, { HOME: person }],
    [path.join(person, '..', 'person'), { HOME: person }],
  ] as const)
    assert.deepEqual(faultOf(await cli(['uninstall', '--json'], { home: each, environment })), [3, 'home_unsafe'], each);
  assert.equal(existsSync(person), true);
  assert.equal(readFileSync(path.join(outside, 'precious'), 'utf8'), 'kept');
});

test('while a daemon answers, or somebody holds a lock of the home, it is refused', async (t) => {
  const door = await playDoor(t, (_, guest) =>
    guest.finish({
      kind: 'status',
      version: '0.1.0',
      pid: 1,
      startedAtMs: 1,
      custody: 'software',
      keyStores: [{ level: 'software', state: 'ready' }],
      agents: [],
      sessions: [],
      notices: [],
    }),
  );
  assert.deepEqual(faultOf(await cli(['uninstall', '--yes', '--json'], { home: door.home })), [3, 'already_running']);
  assert.equal(existsSync(door.home), true);

  for (const file of ['daemon/lock.db', 'relay/relay.db']) {
    const { home } = usedHome(t);
    const lock = new DatabaseSync(path.join(home, file));
    t.after(() => lock.close());
    lock.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
    assert.deepEqual(faultOf(await cli(['uninstall', '--yes', '--json'], { home })), [3, 'already_running'], file);
    assert.equal(existsSync(path.join(home, file)), true);
  }
});

test('the short socket folder goes with the home, unless another home has a socket there', async (t) => {
  const temporary = path.dirname(newHome(t));
  const runtime = path.join(temporary, `holdfast-${userInfo().uid}`);
  const home = path.join(temporary, 'x'.repeat(100));
  const { doorSocket } = homePaths(nodePrimitives, home, runtime);
  assert.equal(path.dirname(doorSocket), runtime);
  for (const [others, removed] of [
    [['other.sock'], [home]],
    [[], [home, runtime]],
  ] as const) {
    mkdirSync(path.join(home, 'daemon'), { recursive: true });
    mkdirSync(runtime, { recursive: true, mode: 0o700 });
    for (const each of others) writeFileSync(path.join(runtime, each), '');
    const ran = await cli(['uninstall', '--yes', '--json'], { home, environment: { TMPDIR: temporary } });
    assert.deepEqual([ran.code, JSON.parse(ran.stdout)], [0, { removed }]);
    for (const each of others) assert.equal(existsSync(path.join(runtime, each)), true);
    if (others.length > 0) rmSync(path.join(runtime, 'other.sock'));
  }
  assert.equal(existsSync(runtime), false);
});
