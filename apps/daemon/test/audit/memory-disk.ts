// A disk in memory that loses what was not synced, fills up, breaks at the n-th call and comes back: the port of the audit writer's files.

import type { AppendFile, AuditFiles } from '../../src/audit/files.ts';

interface Stored {
  current: Uint8Array;
  synced: Uint8Array;
}

const join = (a: Uint8Array, b: Uint8Array) => {
  const joined = new Uint8Array(a.length + b.length);
  joined.set(a);
  joined.set(b, a.length);
  return joined;
};

class DiskError extends Error {
  readonly code: string;
  constructor(code: string) {
    super(`${code}: the test's disk`);
    this.code = code;
  }
}

export class MemoryDisk implements AuditFiles {
  readonly files: Map<string, Stored>;
  /** Calls that change something, so far. */
  calls = 0;
  /** Asked before each such call; returns the error to throw, or undefined. */
  fault: (call: number, what: string) => string | undefined = () => undefined;
  appends = 0;
  syncs = 0;

  constructor(files: Iterable<readonly [string, Stored]> = []) {
    this.files = new Map(files);
  }

  private async step(what: string): Promise<string | undefined> {
    await new Promise<void>((resolve) => void setImmediate(resolve));
    this.calls += 1;
    return this.fault(this.calls, what);
  }

  private async change(what: string): Promise<void> {
    const code = await this.step(what);
    if (code !== undefined) throw new DiskError(code);
  }

  /** What the next start finds after kill -9: everything that was written. */
  afterKill(): MemoryDisk {
    return new MemoryDisk([...this.files].map(([name, { current }]) => [name, { current, synced: current }]));
  }

  /** What the next start finds after the power went: synced bytes, and of the others any part, perhaps damaged. */
  afterPowerLoss(chance: (max: number) => number): MemoryDisk {
    const left = [...this.files].map(([name, { current, synced }]): readonly [string, Stored] => {
      if (!current.subarray(0, synced.length).every((byte, at) => byte === synced[at])) {
        const whole = chance(1) === 0 ? current : synced; // rewritten in place
        return [name, { current: whole, synced: whole }];
      }
      const kept = current.slice(0, synced.length + chance(current.length - synced.length));
      if (kept.length > synced.length && chance(1) === 0) kept.fill(0, synced.length + chance(kept.length - synced.length - 1));
      return [name, { current: kept, synced: kept }];
    });
    return new MemoryDisk(left);
  }

  private get(name: string): Stored {
    const stored = this.files.get(name);
    if (stored === undefined) throw new DiskError('ENOENT');
    return stored;
  }

  async list(): Promise<readonly string[]> {
    return [...this.files.keys()];
  }

  async read(name: string): Promise<Uint8Array | undefined> {
    return this.files.get(name)?.current.slice();
  }

  async create(name: string): Promise<AppendFile> {
    await this.change('create');
    if (this.files.has(name)) throw new DiskError('EEXIST');
    const stored: Stored = { current: new Uint8Array(), synced: new Uint8Array() };
    this.files.set(name, stored);
    return {
      append: async (bytes) => {
        const code = await this.step('append');
        this.appends += 1;
        if (code !== undefined) {
          stored.current = join(stored.current, bytes.subarray(0, Math.floor(bytes.length / 2)));
          throw new DiskError(code);
        }
        stored.current = join(stored.current, bytes);
      },
      sync: async () => {
        const written = stored.current;
        await this.change('sync');
        this.syncs += 1;
        stored.synced = written;
      },
      close: async () => {},
    };
  }

  async truncate(name: string, length: number): Promise<void> {
    await this.change('truncate');
    const stored = this.get(name);
    stored.current = stored.current.slice(0, length);
    stored.synced = stored.current;
  }

  async remove(name: string): Promise<void> {
    await this.change('remove');
    this.files.delete(name);
  }

  async overwrite(name: string, bytes: Uint8Array): Promise<void> {
    await this.change('overwrite');
    const stored = this.files.get(name) ?? { current: new Uint8Array(), synced: new Uint8Array() };
    stored.current = join(bytes, stored.current.slice(bytes.length));
    this.files.set(name, stored);
  }

  async replace(name: string, bytes: Uint8Array): Promise<void> {
    await this.change('replace');
    this.files.set(name, { current: bytes, synced: bytes });
  }

  async close(): Promise<void> {}
}
