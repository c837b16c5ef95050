// Finding processes of this machine by a mark on their command line, also those in namespaces below ours.

import { readFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import { patienceMs } from './patience.ts';

export interface Found {
  readonly pid: number;
  readonly words: readonly string[];
}

/** Everything that runs with `mark` among its words, whole or within one. */
export async function processesWith(mark: string): Promise<Found[]> {
  const numbers = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const all = await Promise.all(
    numbers.map(async (pid) => ({
      pid,
      words: (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0').slice(0, -1),
    })),
  );
  return all.filter(({ words }) => words.some((word) => word.includes(mark)));
}

/** The host's process id of a session's program whose last word is `mark`: the CLI's own command line ends likewise, but it runs main.ts. */
export async function sessionProgram(mark: string): Promise<number> {
  const own = (await processesWith(mark)).find(
    ({ words }) => words.at(-1) === mark && !words.some((word) => word.endsWith('main.ts')),
  );
  if (own === undefined) throw new Error(`no program of a session runs with ${mark}`);
  return own.pid;
}

/** Resolves when nothing with `mark` runs; the kernel takes a moment to end what hangs on what was killed. */
export async function gone(mark: string, withinMs = patienceMs): Promise<void> {
  const startedMs = performance.now();
  for (;;) {
    const left = await processesWith(mark);
    if (left.length === 0) return;
    if (performance.now() - startedMs > withinMs)
      throw new Error(`still there: ${left.map(({ pid, words }) => `${pid} ${words.join(' ')}`).join('\n')}`);
  }
}

/**
 * Resolves when `program` runs with `mark` among its words. A shell that is interrupted before its child has become a program waits for the child's
 * end first, as dash does.
 */
export async function running(program: string, mark: string, withinMs = patienceMs): Promise<void> {
  await found(mark, ({ words: [file = ''] }) => path.basename(file) === program, withinMs);
}

/**
 * Resolves when a process with `mark` is in the foreground of its terminal, so that keys reach it: a shell tells which job it takes up before it gives
 * the terminal to it.
 */
export async function inForeground(mark: string, withinMs = patienceMs): Promise<void> {
  const hasTerminal = async ({ pid }: Found): Promise<boolean> => {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
    // proc(5): after the name in parentheses come state, ppid, pgrp, session, tty_nr and tpgid.
    const [, , group, , , foreground] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return group !== undefined && group === foreground;
  };
  await found(mark, hasTerminal, withinMs);
}

async function found(mark: string, fits: (process: Found) => boolean | Promise<boolean>, withinMs: number): Promise<void> {
  for (const startedMs = performance.now(); performance.now() - startedMs < withinMs;)
    for (const each of await processesWith(mark)) if (await fits(each)) return;
  throw new Error(`no process with ${mark} came to be so within ${withinMs} ms`);
}
