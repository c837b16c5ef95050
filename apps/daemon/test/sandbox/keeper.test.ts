// The keeper by itself, in a pid namespace where the numbers come round between it and what it starts.

import { spawn, type ChildProcess } from 'node:child_process';
import type { Readable } from 'node:stream';
import { test } from 'node:test';
import { kept } from '../../src/sandbox/keeper.ts';
import { until } from './daemon.ts';

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
