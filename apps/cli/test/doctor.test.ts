// `holdfast doctor`, as a process and check by check. [CLI-20]

import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { homePaths } from '@holdfast/protocol/door/paths';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';
import type { Check } from '../src/doctor/check.ts';
import { bareRepositories, clientChecks, nodeCheck } from '../src/doctor/clients.ts';
import { keyStoreChecks } from '../src/doctor/key-stores.ts';
import { clockCheck, custodyCheck, homeCheck, sandboxCheck, userNamespaces } from '../src/doctor/machine.ts';
import { cli, newHome, playDoor } from './cli.ts';

const hex = (bytes: number) => new Uint8Array(bytes).fill(7);
const fixOf = ({ state, fix }: Check) => [state, fix];
const pathsOf = (home: string) => homePaths(nodePrimitives, home, '/nonexistent/run');

function newFolder(t: TestContext): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'holdfast-doctor-test-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

interface Answer {
  readonly ok: boolean;
  readonly checks: readonly Check[];
}

test('without a daemon it looks at everything, asks the daemon’s own probes, makes nothing, and every complaint has a fix', async (t) => {
  const home = newHome(t);
  const temporary = newFolder(t);
  const ran = await cli(['doctor', '--json'], { home, environment: { TMPDIR: temporary } });
  const answer = JSON.parse(ran.stdout) as Answer;
  const names = answer.checks.map(({ name }) => name);
  for (const name of ['node', 'sandbox', 'custody', 'user-namespaces', 'home', 'clock', 'daemon', 'client-curl', 'client-java'])
    assert.ok(names.includes(name), name);
  for (const { name, state, fix } of answer.checks) assert.equal(fix === undefined, state === 'ok', name);
  const failed = answer.checks.some(({ state }) => state === 'fail');
  assert.deepEqual([ran.code, answer.ok, ran.stderr], [failed ? 3 : 0, !failed, '']);
  assert.equal(answer.checks.find(({ name }) => name === 'daemon')?.state, 'warn');
  assert.equal(existsSync(home), false);
  assert.deepEqual(readdirSync(temporary), []);
});

test('an unsafe home is exit code 3, with the fix', async (t) => {
  const home = newHome(t);
  mkdirSync(home);
  chmodSync(home, 0o777);
  const ran = await cli(['doctor', '--json'], { home });
  const { ok, checks } = JSON.parse(ran.stdout) as Answer;
  assert.deepEqual([ran.code, ok], [3, false]);
  assert.deepEqual(fixOf(checks.find(({ name }) => name === 'home') as Check), [
    'fail',
    `see what is in it, then: chmod 700 ${home}`,
  ]);
});

for (const [refusal, state, fix] of [
  [undefined, 'ok', undefined],
  ['stale_relay', 'fail', "on the relay's machine: npm start; from here: curl -sS http://127.0.0.1:1/health"],
  ['stale_pulse', 'fail', 'holdfast pulse'],
] as const) {
  test(`a daemon whose freshness is ${refusal ?? 'in order'}: ${state}`, async (t) => {
    const { home } = await playDoor(t, (_, guest) =>
      guest.finish({
        kind: 'status',
        version: '0.1.0',
        pid: 1,
        startedAtMs: 1,
        custody: 'software',
        keyStores: [{ level: 'software', state: 'ready' }],
        agents: [
          {
            agent: hex(16),
            fleet: hex(32),
            fleetName: 'f',
            scope: 'main',
            custody: 'software',
            state: 'live',
            relay: 'http://127.0.0.1:1',
            relayState: 'connected',
            freshness: { relayAgeMs: 900, pulseAgeMs: 5, pulseMaxAgeMs: 10, ...(refusal && { refusal }) },
            grants: 0,
            undecryptable: 0,
            rejected: 0,
            events: 0,
            egress: 0,
            recording: true,
          },
        ],
        sessions: [],
        notices: [],
      }),
    );
    chmodSync(home, 0o700);
    const { checks } = JSON.parse((await cli(['doctor', '--json'], { home })).stdout) as Answer;
    const relay = checks.find(({ name }) => name === 'relay-main');
    assert.deepEqual(fixOf(relay as Check), [state, fix]);
    assert.match(relay?.detail ?? '', /last answer is 900 ms old/);
  });
}

test('what the probes refuse is told with their own next step; custody without namespaces is a warning', () => {
  assert.deepEqual(fixOf(sandboxCheck({ message: 'no bwrap', next: 'apt-get install -y bubblewrap' })), [
    'fail',
    'apt-get install -y bubblewrap',
  ]);
  assert.equal(custodyCheck({ found: 'permissions' }).state, 'warn');
  assert.equal(custodyCheck({ message: 'no' }).state, 'fail');
});

test('key stores: what cannot be used and what is slow, and how to get a better one than software', (t) => {
  const folder = newFolder(t);
  const devices = { managed: path.join(folder, 'tpmrm0'), raw: path.join(folder, 'tpm0') };
  const software = { level: 'software', state: 'ready' } as const;
  const only = (...stores: Parameters<typeof keyStoreChecks>[0]) =>
    keyStoreChecks(stores, devices).map(({ name, state }) => [name, state]);
  assert.deepEqual(only({ level: 'tpm', state: 'ready' }, software), [['keys-tpm', 'ok']]);
  assert.deepEqual(only({ level: 'tpm', state: 'slow' }, { level: 'pkcs11', state: 'pin_wrong', next: 'mend' }, software), [
    ['keys-tpm', 'warn'],
    ['keys-pkcs11', 'fail'],
  ]);
  assert.deepEqual(only({ level: 'software, unsealed', state: 'ready' }), [['keys-software', 'warn']]);
  const fix = () => keyStoreChecks([software], devices)[0]?.fix ?? '';
  assert.match(fix(), /npm run addon:pkcs11/);
  writeFileSync(devices.raw, '');
  assert.match(fix(), /--tpm .*tpm0/);
  writeFileSync(devices.managed, '');
  assert.match(fix(), /npm start again/);
  chmodSync(devices.managed, 0o000);
  if (process.getuid?.() !== 0) assert.match(fix(), /usermod -aG tss/);
});

test('a kernel setting that forbids user namespaces is named with the command that allows them', (t) => {
  const root = newFolder(t);
  assert.equal(userNamespaces(root).state, 'ok');
  for (const folder of ['kernel', 'user']) mkdirSync(path.join(root, folder));
  writeFileSync(path.join(root, 'user/max_user_namespaces'), '0\n');
  assert.deepEqual(fixOf(userNamespaces(root)), ['warn', 'sudo sysctl -w user.max_user_namespaces=10000']);
  writeFileSync(path.join(root, 'user/max_user_namespaces'), '100\n');
  writeFileSync(path.join(root, 'kernel/apparmor_restrict_unprivileged_userns'), '1\n');
  assert.deepEqual(fixOf(userNamespaces(root)), ['warn', 'sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0']);
});

test('a home that is a link, a file or the root is refused; one that others read is a warning', (t) => {
  const folder = newFolder(t);
  symlinkSync(folder, path.join(folder, 'link'));
  writeFileSync(path.join(folder, 'file'), '');
  for (const each of ['/', path.join(folder, 'link'), path.join(folder, 'file')])
    assert.equal(homeCheck(pathsOf(each)).state, 'fail');
  mkdirSync(path.join(folder, 'read'));
  chmodSync(path.join(folder, 'read'), 0o755);
  assert.equal(homeCheck(pathsOf(path.join(folder, 'read'))).state, 'warn');
});

test('a clock behind the newest file fails; what a session can write says nothing', (t) => {
  const home = newFolder(t);
  const paths = pathsOf(home);
  const nowMs = 1_700_000_000_000;
  for (const each of [paths.daemon, paths.scopes]) {
    mkdirSync(each);
    writeFileSync(path.join(each, 'f'), '');
  }
  const stamp = (folder: string, ms: number) => utimesSync(path.join(folder, 'f'), ms / 1000, ms / 1000);
  stamp(paths.scopes, nowMs + 86_400_000);
  stamp(paths.daemon, nowMs - 1000);
  assert.equal(clockCheck(paths, nowMs).state, 'ok');
  stamp(paths.daemon, nowMs + 60_000);
  assert.equal(clockCheck(paths, nowMs).state, 'fail');
});

test('clients: how each trusts and what to mend, Node that ignores the proxy, git that trusts hidden repositories', async (t) => {
  const usual: Check = { name: 'client-node', state: 'ok', detail: '' };
  for (const version of ['v20.19.2', 'v22.20.0', 'v23.11.0', 'v24.4.1'])
    assert.equal(nodeCheck(version, usual).state, 'warn', version);
  for (const version of ['v22.21.0', 'v24.5.0', 'v25.0.0']) assert.equal(nodeCheck(version, usual), usual, version);
  assert.deepEqual(fixOf(bareRepositories(undefined)), ['warn', 'git config --global safe.bareRepository explicit']);
  assert.equal(bareRepositories('explicit').state, 'ok');
  const programs = newFolder(t);
  const known = ['cargo', 'curl', 'git', 'go', 'java', 'node', 'npm', 'pip', 'python3', 'wget'];
  for (const name of known) writeFileSync(path.join(programs, name), '#!/bin/sh\necho v24.5.0\n', { mode: 0o755 });
  const here = new Map((await clientChecks(programs)).map(({ name, detail }) => [name, detail]));
  for (const name of known) assert.match(here.get(`client-${name}`) ?? '', /; trusts by .+; should it say ".+": .+/);
  const none = await clientChecks('/nonexistent:.');
  assert.deepEqual(new Set(none.map(({ detail }) => detail)), new Set(['not installed']));
});
