// What a killed start left is ended by the next daemon; what has a parent is not touched.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as later } from 'node:timers/promises';
import { endOrphans } from '../../src/sandbox/orphans.ts';

/** Looks like bwrap at the beginning of a start, and waits. */
const waiting = `exec -a /usr/bin/bwrap sh -c 'kill -STOP $$' /run/holdfast/starter.mjs`;

function alive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

test('S-7: an orphan of a start is ended, one with a parent stays', async (t) => {
  const parent = spawn('bash', ['-c', `(${waiting}) >/dev/null 2>&1 & echo $!`], { stdio: ['ignore', 'pipe', 'ignore'] });
  const [line] = (await once(parent.stdout, 'data')) as [Buffer];
  const orphan = Number(String(line).trim());
  await once(parent, 'close');
  const child = spawn('bash', ['-c', waiting], { stdio: 'ignore' });
  t.after(() => child.kill('SIGKILL'));
  const kept = child.pid ?? 0;
  while (![orphan, kept].every((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').startsWith('/usr/bin/bwrap')))
    await later(5);
  endOrphans();
  for (let tries = 0; alive(orphan) && tries < 1000; tries += 1) await later(5);
  assert.deepEqual([alive(orphan), alive(kept)], [false, true]);
});
