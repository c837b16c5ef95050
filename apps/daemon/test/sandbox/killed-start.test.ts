// kill -9 of the daemon in the midst of a start: whatever there is of the session by then ends by itself, with no other daemon to see to it.
// At moments of chance, and with one process of the chain held at one exact call, so that no gap between two of them is left to luck.

import { once } from 'node:events';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as later } from 'node:timers/promises';
import { share } from '@holdfast/testkit/shares';
import { noStrace } from '@holdfast/testkit/strace';
import { daemonWith, markedNode, noneLeft, until, type DaemonStart } from './daemon.ts';
import { makeWorld, type World } from './world.ts';

/** By which bwrap and what it makes come about: processes, their bonds, and what they tell each other. */
const calls = ['clone', 'execve', 'prctl', 'eventfd2', 'unshare', 'pivot_root', 'setsid', 'write'];

/** bwrap has made process 1, has told the daemon of it, and has bound itself to its parent; process 1 has not been let go yet. */
const before = { theInfo: ['write', 1], theLeave: ['write', 9] } as const;

type Moment = readonly [call: string, number: number];

/** One process makes about as many calls of a kind. */
const chance = (): Moment => {
  const call = calls[Math.floor(Math.random() * calls.length)] ?? 'write';
  const most: Readonly<Record<string, number>> = { write: 16, prctl: 110 };
  return [call, 1 + Math.floor(Math.random() * (most[call] ?? 3))];
};

const command = ['sh', '-c', 'echo ready; sleep 600'];

/** A process stops as it makes the call, or the command runs: then the daemon is killed. */
async function killedAt(t: TestContext, world: World, start: DaemonStart, [call, number]: Moment): Promise<void> {
  const log = join(world.root, `calls-${call}-${number}`);
  rmSync(log, { force: true });
  const tracing = ['-e', `trace=${calls.join(',')}`, '-e', `inject=${call}:signal=SIGSTOP:when=${number}`];
  const within = ['strace', '-f', '-qq', '-o', log, ...tracing];
  const daemon = daemonWith(t, world, { ...start, within });
  let said = '';
  daemon.stdout.on('data', (text: string) => (said += text));
  const held = (): boolean => existsSync(log) && readFileSync(log, 'latin1').includes('--- stopped by SIGSTOP');
  await until(`neither held at ${call} ${number} nor ready`, () => held() || said.includes('ready'));
  t.diagnostic(`${call} ${number}: ${held() ? 'held' : 'ready'}`);
  daemon.kill('SIGKILL');
  await noneLeft(world.root);
}

for (const terminal of [undefined, { columns: 80, rows: 24, term: 'xterm' }]) {
  const kind = terminal === undefined ? 'pipes' : 'a terminal';

  test(`[SANDBOX-12] kill -9 of the daemon at any moment of a start leaves nothing, with ${kind}`, async (t) => {
    const world = makeWorld(t);
    const node = markedNode(world);
    for (let round = 0; round < share({ ci: 6, soak: 300 }); round += 1) {
      const daemon = daemonWith(t, world, { command, terminal, node });
      await once(daemon.stdout, 'data');
      await later(Math.random() * 150);
      daemon.kill('SIGKILL');
      await noneLeft(world.root);
    }
  });

  test(`[SANDBOX-12] nor at an exact call of the chain, with ${kind}`, { skip: noStrace() }, async (t) => {
    const world = makeWorld(t);
    const start = { command, terminal, node: markedNode(world) };
    for (const moment of [before.theInfo, before.theLeave]) await killedAt(t, world, start, moment);
    for (let round = 0; round < share({ ci: 2, soak: 200 }); round += 1) await killedAt(t, world, start, chance());
  });
}
