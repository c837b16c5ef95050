// Whose turn it is among the commands of one machine that write the same folder: operator commands, spec/operator-key.md [OPKEY-7], and streams.

import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as later } from 'node:timers/promises';
import { HoldfastError } from '@holdfast/protocol/errors';

/** How long one command waits for another that is writing. */
const turnWithinMs = 30_000;
const turnEveryMs = 50;

/** One command of this machine writes at a time: of two at once neither is left half done. [OPKEY-7] */
export function takeOperatorTurn(folder: string): Promise<() => void> {
  return takeTurn(folder, 'another operator command', turnWithinMs);
}

/** Keeps others out of a folder until what it answers is called; the lock ends with its process. Throws `store_failed`; `already_running` after `withinMs`. */
export async function takeTurn(folder: string, who: string, withinMs: number): Promise<() => void> {
  const file = path.join(folder, 'lock.db');
  const untilMs = performance.now() + withinMs;
  for (;;) {
    const lock = new DatabaseSync(file);
    try {
      lock.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
      return () => lock.close();
    } catch (cause) {
      lock.close();
      const busy = cause instanceof Error && /locked|busy/i.test(cause.message);
      if (!busy)
        throw new HoldfastError('store_failed', `${file} cannot be locked`, {
          cause,
          next: 'free space and check its permissions',
        });
      if (performance.now() > untilMs)
        throw new HoldfastError('already_running', `${who} is at work`, {
          cause,
          next: 'end it, then try again',
        });
    }
    await later(turnEveryMs);
  }
}
