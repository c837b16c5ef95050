// Group commit: all writes of one turn of the event loop go to the store in one transaction, so that the disk is synced once for all.

import type { Outcome, Store, Write } from './store.ts';

/** Keeps one transaction short enough for others to get their turn. */
const maxBatch = 4096;

interface Waiting {
  readonly write: Write;
  resolve(outcome: Outcome): void;
  reject(error: unknown): void;
}

export class GroupCommit {
  readonly #store: Store;
  readonly #waiting: Waiting[] = [];
  #running: Promise<void> | undefined;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Resolves when the write is on disk or was found not to fit; order of calls is order of writes. Rejects as `Store.commit` does. */
  async write(write: Write): Promise<Outcome> {
    const { promise, resolve, reject } = Promise.withResolvers<Outcome>();
    this.#waiting.push({ write, resolve, reject });
    this.#running ??= this.#run();
    return promise;
  }

  /** Resolves when nothing is under way any more. */
  async settled(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      // Let this turn's other writes arrive.
      await new Promise((resolve) => setImmediate(resolve));
      const batch = this.#waiting.splice(0, maxBatch);
      try {
        const outcomes = await this.#store.commit(batch.map(({ write }) => write));
        for (const [index, { resolve }] of batch.entries()) {
          const outcome = outcomes[index];
          if (outcome === undefined) throw new Error('the store gave fewer outcomes than writes');
          resolve(outcome);
        }
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.#running = undefined;
  }
}
