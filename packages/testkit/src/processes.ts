// Finding processes of this machine by a mark on their command line, also those in namespaces below ours.

import { readFile, readdir } from 'node:fs/promises';

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

/** Resolves when nothing with `mark` runs; the kernel takes a moment to end what hangs on what was killed. */
export async function gone(mark: string, withinMs = 5_000): Promise<void> {
  const startedMs = performance.now();
  for (;;) {
    const left = await processesWith(mark);
    if (left.length === 0) return;
    if (performance.now() - startedMs > withinMs)
      throw new Error(`still there: ${left.map(({ pid, words }) => `${pid} ${words.join(' ')}`).join('\n')}`);
  }
}
