// Whatever ends, what depends on it ends, and nothing stays. spec/sandbox.md [SANDBOX-12].

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync, readlinkSync } from 'node:fs';
import { test } from 'node:test';
import { daemonWith, markedNode, noneLeft, processesWith, until } from './daemon.ts';
import { makeWorld, requestFor, run, start } from './world.ts';

/** Deaf to what can be ignored, in sessions and groups of their own: what a payload does to outlive its session. */
const stubborn = (mark: string): string =>
  `trap "" HUP INT TERM QUIT; setsid sh -c 'trap "" HUP INT TERM; sleep 600 ${mark}; true' & (sleep 600 ${mark} &) ; sleep 600 ${mark} & echo ready; wait; sleep 600 ${mark}`;

/** `sleep` adds up its arguments: the mark is a number that nobody else sleeps. */
const markOf = (): string => `0.0${process.pid}${Math.floor(Math.random() * 1e9)}`;

for (const terminal of [undefined, { columns: 80, rows: 24, term: 'xterm' }]) {
  const kind = terminal === undefined ? 'pipes' : 'a terminal';

  test(`[SANDBOX-12] kill ends every process at once, with ${kind}`, async (t) => {
    const world = makeWorld(t);
    const mark = markOf();
    const sandbox = await start(t, requestFor(world, ['sh', '-c', stubborn(mark)], { terminal }));
    await once(sandbox.output, 'data');
    await until('the processes start', () => processesWith(mark).size >= 3);
    sandbox.kill();
    sandbox.kill();
    assert.equal(await sandbox.exited, 137);
    assert.deepEqual([...processesWith(mark)], [], 'none when `exited` settles');
    sandbox.kill();
    sandbox.signal('SIGTERM');
  });

  test(`[SANDBOX-12] the end of the command ends what it left running, with ${kind}`, async (t) => {
    const world = makeWorld(t);
    const mark = markOf();
    const command = ['sh', '-c', `setsid sleep 600 ${mark} & sleep 0.1`];
    const sandbox = await start(t, requestFor(world, command, { terminal }));
    sandbox.output.resume();
    assert.equal(await sandbox.exited, 0);
    const left = [...processesWith(mark)];
    for (const [pid] of left) process.kill(pid, 'SIGKILL'); // they would keep this file from ending
    assert.deepEqual(left, []);
  });

  test(`[SANDBOX-12] kill -9 of the daemon ends its sessions, with ${kind}`, async (t) => {
    const world = makeWorld(t);
    const mark = markOf();
    const daemon = daemonWith(t, world, { command: ['sh', '-c', stubborn(mark)], terminal, node: markedNode(world) });
    await until('the processes start', () => processesWith(mark).size >= 3);
    const all = [...processesWith(mark).keys(), ...processesWith(world.root).keys()];
    daemon.kill('SIGKILL');
    await noneLeft(mark);
    await noneLeft(world.root);
    await until('a process outlives the daemon', () => !all.some(isAlive));
    // Its placeholders stay, and go with the next session.
    await run(t, requestFor(world, ['true']));
    assert.deepEqual(readdirSync(world.tree), ['file']);
  });
}

test('[SANDBOX-12] starts and ends leave no descriptor, process or file behind', async (t) => {
  const world = makeWorld(t);
  const once = async (): Promise<void> => {
    const sandbox = await start(t, requestFor(world, ['true']));
    sandbox.output.resume();
    sandbox.errors?.resume();
    sandbox.input.end();
    await sandbox.exited;
    sandbox.door.close();
  };
  await once();
  await settled();
  const before = readdirSync('/proc/self/fd').length;
  for (let i = 0; i < 5; i += 1) await once();
  await until('descriptors are left', () => readdirSync('/proc/self/fd').length <= before);
  assert.deepEqual(readdirSync(world.tree), ['file']);
});

async function settled(): Promise<void> {
  let last = -1;
  await until('descriptors keep changing', () => {
    const now = readdirSync('/proc/self/fd').length;
    const same = now === last;
    last = now;
    return same;
  });
}

function isAlive(pid: number): boolean {
  try {
    readlinkSync(`/proc/${pid}/exe`);
    return true;
  } catch {
    return false;
  }
}
