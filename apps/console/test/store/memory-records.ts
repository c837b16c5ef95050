// Records in memory, as the browser's database keeps them: what is written is copied, and one change at a time.

import type { Records } from '../../src/store/records.ts';

export class MemoryRecords implements Records {
  readonly kept = new Map<string, Uint8Array>();
  /** What writing throws from now on. */
  failure: Error | undefined;

  async get(name: string): Promise<Uint8Array | undefined> {
    return this.kept.get(name)?.slice();
  }

  async change(name: string, change: (before: Uint8Array | undefined) => Uint8Array | undefined): Promise<void> {
    const after = change(this.kept.get(name)?.slice());
    if (this.failure !== undefined) throw this.failure;
    if (after === undefined) this.kept.delete(name);
    else this.kept.set(name, after.slice());
  }

  async names(prefix: string): Promise<readonly string[]> {
    return [...this.kept.keys()].filter((name) => name.startsWith(prefix)).toSorted();
  }

  async remove(names: readonly string[]): Promise<void> {
    if (this.failure !== undefined) throw this.failure;
    for (const name of names) this.kept.delete(name);
  }
}
