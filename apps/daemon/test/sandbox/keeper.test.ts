// The keeper by itself, in a pid namespace where the numbers come round between it and what it starts.

import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { test } from 'node:test';
import { kept } from '../../src/sandbox/keeper.ts';
import { processesWith, until } from './daemon.ts';

/** The keeper becomes 99 and what stands for bwrap 101, which the names of /proc sort before it; then it waits until none of bwrap's is left. */
const inNumbers = `
[ ! -w /proc/sys/kernel/ns_last_pid ] || echo 97 >/proc/sys/kernel/ns_last_pid
setsid -w "$@"
while grep -qx sleep /proc/[0-9]*/comm; do :; done
echo gone`;

const manyChildren = 'i=0; while [ $i -lt 60 ]; do sleep 1000 & i=$((i+1)); done; echo ready; wait';

const pipeOf = (child: ChildProcess, descriptor: number): Readable => (child.stdio as readonly unknown[])[descriptor] as Readable;

test('[SANDBOX-12] all are ended, in whatever order their numbers are met', async (t) => {
  const words = kept('/bin/sh', 3, ['/bin/sh', '-c', manyChildren]);
  const own = ['--user', '--map-root-user', '--pid', '--fork', '--mount-proc', '--kill-child'];
  const child = spawn('unshare', [...own, '/bin/sh', '-c', inNumbers, 'sh', ...words], {
    stdio: ['ignore', 'pipe', 'ignore', 'pipe'],
  });
  t.after(() => child.kill('SIGKILL'));
  let said = '';
  pipeOf(child, 1).on('data', (data: Buffer) => (said += data.toString()));
  await until('it did not begin', () => said.includes('ready'));
  pipeOf(child, 3).destroy();
  await until('some are left', () => said.includes('gone'));
});

test('[SANDBOX-12] what a bwrap leaves that fails by itself is ended before the keeper exits, with its code', async () => {
  const seconds = `1000.${process.pid}`; // nobody else sleeps so long
  const [file = '', ...rest] = kept('/bin/sh', 3, ['/bin/sh', '-c', `sleep ${seconds} & exit 3`]);
  const child = spawn(file, rest, { stdio: ['ignore', 'ignore', 'ignore', 'pipe'], detached: true });
  assert.deepEqual(await once(child, 'exit'), [3, null]);
  assert.deepEqual([...processesWith(seconds).values()], []);
});

test('[SANDBOX-12] nothing is started in a session that is somebody else’s', async () => {
  const [file = '', ...rest] = kept('/bin/sh', 3, ['/bin/sh', '-c', 'echo started']);
  const outer = ['-c', '"$@" & wait $!', 'sh', '/bin/sh', '-c', '"$@" & wait $!', 'sh', file, ...rest];
  const child = spawn('/bin/sh', outer, { stdio: ['ignore', 'pipe', 'ignore', 'pipe'], detached: true });
  let said = '';
  pipeOf(child, 1).on('data', (data: Buffer) => (said += data.toString()));
  assert.deepEqual([await once(child, 'close'), said], [[125, null], '']);
});
