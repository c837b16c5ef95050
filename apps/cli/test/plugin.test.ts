// `holdfast plugin …` against a played daemon: a user's settings get our part and nothing else, and are given back as they were.

import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import type { DoorReply } from '@holdfast/protocol/door/wire';
import { cli, playDoor } from './cli.ts';

const url = 'http://127.0.0.1:41703/v1/hook/claude-code';
const handler = { type: 'http', url, headers: { authorization: 'Bearer k' }, timeout: 330, onFailure: 'block' };
const ours = {
  hooks: {
    PreToolUse: [{ matcher: '*', hooks: [handler] }],
    SessionStart: [{ hooks: [{ type: 'command', command: '/bin/bash', args: ['-c', 'POST /v1/hook/claude-code'] }] }],
  },
  statusLine: { type: 'command', command: '/bin/bash -p /x/plugin/status-line.sh http://127.0.0.1:41703' },
  extraKnownMarketplaces: { holdfast: { source: { source: 'directory', path: '/x/plugin' } } },
  enabledPlugins: { 'holdfast@holdfast': true },
  pluginConfigs: { 'holdfast@holdfast': { options: { port: '41703', key: 'k' } } },
};

const agent = new Uint8Array(16).fill(1);
const session = { agent, mode: 'guarded', command: 'claude-code 2.1.330', startedAtMs: 1 };
const statusReply: DoorReply = {
  kind: 'status',
  version: '0.1.0',
  pid: 7,
  startedAtMs: 1,
  custody: 'software',
  keyStores: [],
  agents: [
    {
      agent,
      fleet: new Uint8Array(32),
      fleetName: 'home',
      scope: 'main',
      custody: 'software',
      state: 'live',
      relay: 'http://r',
      relayState: 'connected',
      freshness: { pulseMaxAgeMs: 86_400_000 },
      grants: 0,
      egress: 0,
      undecryptable: 0,
      rejected: 0,
      events: 1,
      recording: true,
      guarded: 41703,
    },
  ],
  sessions: [
    { ...session, session: new Uint8Array(16).fill(2) },
    { ...session, session: new Uint8Array(16).fill(3), suspended: '/home/op/CLAUDE.md' },
    { ...session, session: new Uint8Array(16).fill(4), mode: 'sealed' },
  ],
  notices: [],
};

async function stage(t: TestContext, change: { readonly port?: number; readonly files?: { path: string; text: string }[] } = {}) {
  const { port = 41703, files = [] } = change;
  const settings = JSON.stringify(ours).replaceAll('41703', String(port));
  const { home, heard } = await playDoor(t, (request, guest) => {
    const replies: Readonly<Record<string, DoorReply>> = {
      'guarded-open': { kind: 'guarded-door', port, settings, files },
      'guarded-close': { kind: 'done' },
      status: statusReply,
    };
    guest.finish(replies[request.kind] ?? { kind: 'failed', code: 'usage', message: 'not played' });
  });
  const person = path.join(path.dirname(home), 'person');
  mkdirSync(person);
  const file = path.join(person, '.claude', 'settings.json');
  const type = (...words: string[]) => cli(['plugin', ...words], { home, environment: { HOME: person } });
  const have = (text: string, mode = 0o644) => {
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
    chmodSync(file, mode);
  };
  const now = () => JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown> & typeof ours;
  return { heard, file, type, have, now };
}

/** With everything that ours could collide with. */
const full = `{
  // not allowed in JSON, and so not here
}`;
const users = {
  model: 'opus',
  hooks: {
    PreToolUse: [{ matcher: 'Bash', hooks: [{ type: 'command', command: 'mine' }] }],
    Stop: [{ hooks: [{ type: 'http', url: 'http://127.0.0.1:9/other' }] }],
  },
  enabledPlugins: { 'a@b': true },
  extraKnownMarketplaces: { b: { source: { source: 'directory', path: '/b' } } },
  permissions: { allow: ['Bash(ls)'] },
  statusLine: { type: 'command', command: 'date' },
  allowedHttpHookUrls: ['http://127.0.0.1:9/other'],
};

// [GUARDED-13]
test('where there was no file there is one, for this user alone, and none afterwards', async (t) => {
  const { type, file, now, heard } = await stage(t);
  const ran = await type('install', '--json');
  assert.deepEqual(JSON.parse(ran.stdout), { scope: 'main', port: 41703, file, kind: 'user', changed: true });
  assert.deepEqual(now(), ours);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.deepEqual(heard, [{ kind: 'guarded-open', scope: 'main' }]);
  const removed = await type('remove', '--json');
  assert.deepEqual(JSON.parse(removed.stdout), { scope: 'main', file, removed: true, closed: true });
  assert.deepEqual(readdirSync(path.dirname(file)), []);
});

// [GUARDED-13]
test('what a user has stays, and comes back byte by byte', async (t) => {
  const { type, have, now, file } = await stage(t);
  const text = `${JSON.stringify(users, undefined, 7)}   \n\n`;
  have(text, 0o640);
  assert.equal((await type('install')).code, 0);
  const { hooks, enabledPlugins, statusLine, model } = now();
  assert.deepEqual(hooks, {
    PreToolUse: [...users.hooks.PreToolUse, ...ours.hooks.PreToolUse],
    Stop: users.hooks.Stop,
    SessionStart: ours.hooks.SessionStart,
  });
  assert.deepEqual(enabledPlugins, { 'a@b': true, 'holdfast@holdfast': true });
  assert.deepEqual([statusLine, model], [users.statusLine, 'opus']);
  assert.deepEqual(now()['allowedHttpHookUrls'], [...users.allowedHttpHookUrls, url]);
  assert.equal(statSync(file).mode & 0o777, 0o640);
  await type('remove');
  assert.equal(readFileSync(file, 'utf8'), text);
  assert.equal(statSync(file).mode & 0o777, 0o640);
  assert.deepEqual(readdirSync(path.dirname(file)), ['settings.json']);
});

// [GUARDED-13]
test('twice is once, another port replaces the first, and what the user changed meanwhile stays', async (t) => {
  const { type, have, now, file } = await stage(t);
  have(JSON.stringify(users));
  await type('install');
  const first = readFileSync(file);
  const again = await type('install', '--json');
  assert.equal((JSON.parse(again.stdout) as { changed: boolean }).changed, false);
  assert.deepEqual(readFileSync(file), first);
  writeFileSync(file, JSON.stringify({ ...now(), model: 'haiku', extra: [1] }));
  const other = await stage(t, { port: 50_000 });
  other.have(readFileSync(file, 'utf8'));
  await other.type('install');
  assert.ok(!readFileSync(other.file, 'utf8').includes('41703'));
  assert.equal(other.now().hooks.PreToolUse.length, 2);
  await type('remove');
  assert.deepEqual(now(), { ...users, model: 'haiku', extra: [1] });
  await other.type('remove');
  assert.deepEqual(other.now(), { ...users, model: 'haiku', extra: [1] });
  assert.deepEqual(readdirSync(path.dirname(other.file)), ['settings.json']);
});

test('a change between two installations is the user’s, too', async (t) => {
  const { type, have, now, file } = await stage(t);
  have(JSON.stringify(users));
  await type('install');
  writeFileSync(file, JSON.stringify({ ...now(), model: 'haiku' }));
  await type('install');
  await type('remove');
  assert.deepEqual(now(), { ...users, model: 'haiku' });
});

test('settings that are kept elsewhere stay there, and the link stays one', async (t) => {
  const { type, have, file, now } = await stage(t);
  have('{}');
  const real = path.join(path.dirname(path.dirname(file)), 'dotfiles.json');
  writeFileSync(real, '{"model":"opus"}');
  rmSync(file);
  symlinkSync(real, file);
  await type('install');
  assert.ok(lstatSync(file).isSymbolicLink());
  assert.equal(now()['model'], 'opus');
  await type('remove');
  assert.equal(readFileSync(real, 'utf8'), '{"model":"opus"}');
});

// [GUARDED-13]
test('a link to settings that are not there is left as it is, and said so', async (t) => {
  const { type, have, file } = await stage(t);
  have('{}');
  rmSync(file);
  symlinkSync('/nonexistent/settings.json', file);
  const { stderr } = await type('install');
  assert.match(stderr, /leads nowhere/);
  await type('remove');
  assert.ok(lstatSync(file).isSymbolicLink());
});

// [GUARDED-13]
test('a file that is no JSON, has another form or switches hooks off is left as it is, and said so', async (t) => {
  for (const [text, code] of [
    [full, 'usage'],
    ['[]', 'usage'],
    ['{"hooks":[]}', 'usage'],
    ['{"hooks":{"PreToolUse":{}}}', 'usage'],
    ['{"enabledPlugins":[]}', 'usage'],
    ['{"disableAllHooks":true}', 'refused'],
  ] as const) {
    const { type, have, file } = await stage(t);
    have(text);
    const ran = await type('install', '--json');
    assert.deepEqual((JSON.parse(ran.stdout) as { error: { code: string } }).error.code, code, text);
    assert.equal(ran.code, code === 'usage' ? 2 : 1);
    assert.equal(readFileSync(file, 'utf8'), text);
    assert.deepEqual(readdirSync(path.dirname(file)), ['settings.json']);
  }
});

test('removing where nothing is says so, and leaves what is there', async (t) => {
  const { type, have, file } = await stage(t);
  const nothing = JSON.parse((await type('remove', '--json')).stdout) as { removed: boolean };
  assert.equal(nothing.removed, false);
  assert.ok(!existsSync(file));
  have('{"model": "opus"}');
  await type('remove');
  assert.equal(readFileSync(file, 'utf8'), '{"model": "opus"}');
});

test('status tells where it is installed, and whether that is the door that is open', async (t) => {
  const { type } = await stage(t);
  const told = async () => {
    const ran = await type('status', '--json');
    const { port, user, sessions, suspended } = JSON.parse(ran.stdout) as {
      port: number;
      user: { installed: boolean; current: boolean };
      sessions: number;
      suspended: number;
    };
    return [port, user.installed, user.current, sessions, suspended];
  };
  assert.deepEqual(await told(), [41703, false, false, 2, 1]);
  await type('install');
  assert.deepEqual(await told(), [41703, true, true, 2, 1]);
  const { stdout } = await type('status');
  assert.match(
    stdout,
    /door of main: open at 127\.0\.0\.1:41703\nuser settings: installed\n.*\nsessions: 2, 1 suspended: holdfast approvals/,
  );
  const other = await stage(t, { port: 50_000 });
  await other.type('install');
  assert.match((await other.type('status')).stdout, /they ask another port \(50000\); install again/);
  assert.equal((await type('status', '--scope', 'other')).code, 1);
});

// [GUARDED-14]
test('managed files have their two places, whatever a daemon says', async (t) => {
  for (const place of ['/etc/claude-code/holdfast/../../passwd', '/etc/passwd', '/etc/claude-code/managed-settings.json']) {
    const { type } = await stage(t, { files: [{ path: place, text: 'x' }] });
    const ran = await type('install', '--managed', '--json');
    assert.deepEqual((JSON.parse(ran.stdout) as { error: { code: string } }).error.code, 'usage', place);
  }
  assert.doesNotMatch(readFileSync('/etc/passwd', 'utf8'), /^x$/);
});
