// Tabs of one browser write one after the other, spec/operator-key.md [OPKEY-7]: by a lock of the browser, which ends with its tab.

import { HoldfastError } from '@holdfast/protocol/errors';

/** Longer than any act takes whose relay answers. */
const longestWaitMs = 30_000;

export interface Turns {
  /** Keeps the other tabs from writing until what it answers is called. Throws `already_running`. */
  take(): Promise<() => void>;
}

export function turnsOf(locks: LockManager, name = 'holdfast/operator', withinMs = longestWaitMs): Turns {
  return {
    take() {
      const { promise, resolve, reject } = Promise.withResolvers<() => void>();
      const ended = Promise.withResolvers<void>();
      const held = locks.request(name, { signal: AbortSignal.timeout(withinMs) }, () => {
        resolve(() => ended.resolve());
        return ended.promise;
      });
      held.catch((cause: unknown) =>
        reject(
          new HoldfastError('already_running', 'another tab is writing', { cause, next: 'finish or close it, then try again' }),
        ),
      );
      return promise;
    },
  };
}
