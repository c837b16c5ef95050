// A process that starts a session as the daemon does, to be killed: the sandbox alone, with none of the daemon's other parts.

import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { copyFileSync, linkSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { TestContext } from 'node:test';
import { setTimeout as later } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { requestFor, type World } from './world.ts';
import { patienceMs } from '@holdfast/testkit/patience';

/** Processes of this machine whose command line holds the mark, this one aside, and what it says. */
export function processesWith(mark: string): ReadonlyMap<number, string> {
  const found = new Map<number, string>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) continue;
    try {
      const words = readFileSync(`/proc/${name}/cmdline`, 'latin1').replaceAll('\0', ' ');
      if (words.includes(mark)) found.set(Number(name), words);
    } catch {
      // gone
    }
  }
  return found;
}

/** Throws `what`, or what it says, when `holds` does not come true. */
export async function until(what: string | (() => string), holds: () => boolean): Promise<void> {
  for (const deadline = performance.now() + patienceMs; !holds();) {
    if (performance.now() > deadline) assert.fail(typeof what === 'string' ? what : what());
    await later(20);
  }
}

/** Resolves when no process with the mark is left. Ends what it finds left when time is up, and throws. */
export async function noneLeft(mark: string): Promise<void> {
  await until(
    () => {
      const left = [...processesWith(mark)];
      for (const [pid] of left) kill(pid);
      return `still there:\n${left.map(([pid, words]) => `${pid} ${words.slice(0, 200)}`).join('\n')}`;
    },
    () => processesWith(mark).size === 0,
  );
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // gone with another
  }
}

/** This Node under a path in the world, so that each link of a chain that starts it bears the world's name. */
export function markedNode(world: World): string {
  const path = join(world.root, 'node');
  try {
    linkSync(process.execPath, path);
  } catch {
    copyFileSync(process.execPath, path); // on another disk
  }
  return path;
}

export interface DaemonStart {
  readonly command: readonly string[];
  readonly terminal: { readonly columns: number; readonly rows: number; readonly term: string } | undefined;
  readonly node?: string;
  /** Words before bwrap. */
  readonly within?: readonly string[];
}

/** It says `starting` when it begins to, and then whatever the command says. Killed with the test. */
export function daemonWith(
  t: TestContext,
  world: World,
  { command, terminal, node = process.execPath, within = [] }: DaemonStart,
): ChildProcess & { readonly stdout: Readable } {
  const inSandbox = (file: string): string =>
    JSON.stringify(fileURLToPath(new URL(`../../src/sandbox/${file}`, import.meta.url)));
  const program = join(world.root, 'daemon.mjs');
  const request = { ...requestFor(world, command), caBundle: undefined, terminal };
  writeFileSync(
    program,
    `const { launch } = await import(${inSandbox('launch.ts')});
     const { findPrograms } = await import(${inSandbox('probe.ts')});
     await findPrograms();
     console.log('starting');
     const request = ${JSON.stringify(request)};
     const sandbox = await launch({ ...request, caBundle: Buffer.alloc(0) }, { bwrap: (words) => [...${JSON.stringify(within)}, ...words] });
     sandbox.output.pipe(process.stdout);
     await sandbox.exited;`,
  );
  const daemon = spawn(node, [program], { stdio: ['ignore', 'pipe', 'inherit'] });
  daemon.stdout.setEncoding('utf8');
  t.after(() => daemon.kill('SIGKILL'));
  return daemon;
}
