// What a machine may find after its power went: the calls that a store made of one folder are recorded while they happen, then played up to
// every point, with what was not synced lost, kept or cut in half, and renames and removals not synced lost or kept in every combination.
// It can also refuse the n-th call. For stores of small files that are replaced as a whole; SQLite gives its own proof.

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import fs from 'node:fs';
import promises, { type FileHandle } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import path from 'node:path';

type Step =
  | { readonly kind: 'create'; readonly name: string; readonly node: number }
  | { readonly kind: 'write'; readonly node: number; readonly bytes: Buffer }
  | { readonly kind: 'sync'; readonly node: number }
  | { readonly kind: 'rename'; readonly from: string; readonly to: string }
  | { readonly kind: 'remove'; readonly name: string }
  | { readonly kind: 'sync-folder' }
  | { readonly kind: 'acknowledged'; readonly what: string };

/** Names of a folder and what they lead to. */
type Names = Map<string, number>;
interface Content {
  readonly synced: Buffer;
  readonly written: Buffer;
}

/** A disk as it might be found, in a folder of its own, and what had been acknowledged before. */
export interface Found {
  readonly folder: string;
  readonly acknowledged: readonly string[];
}

type Call = (...parameters: never[]) => unknown;

export class RecordedFolder {
  readonly folder: string;
  steps: Step[] = [];
  /** Asked before each call that changes something, counted from 1; true: it fails with EIO. */
  refuse: (call: number) => boolean = () => false;
  calls = 0;
  private readonly before = new Map<string, Buffer>();
  private readonly nodes: Names = new Map();
  private readonly contents = new Map<number, Buffer>();
  private readonly undo: (() => void)[] = [];
  private readonly descriptors = new Map<number, number | 'folder'>();
  private next = 0;

  /** From now until `end`, in this process. */
  constructor(folder: string) {
    this.folder = folder;
    for (const name of readdirSync(folder)) {
      this.before.set(name, readFileSync(path.join(folder, name)));
      this.nodes.set(name, this.next);
      this.contents.set(this.next, this.before.get(name) ?? Buffer.alloc(0));
      this.next += 1;
    }
    this.patch();
  }

  acknowledge(what: string): void {
    this.steps.push({ kind: 'acknowledged', what });
  }

  end(): void {
    for (const each of this.undo.splice(0)) each();
    syncBuiltinESMExports();
  }

  private replace<K extends string>(target: Record<K, Call>, key: K, make: (original: Call) => Call): void {
    const original = target[key];
    target[key] = make((...parameters) => original.call(target, ...parameters));
    this.undo.push(() => (target[key] = original));
  }

  private changing(): void {
    this.calls += 1;
    if (this.refuse(this.calls)) throw Object.assign(new Error('EIO: the test refuses it'), { code: 'EIO' });
  }

  private nameOf(file: unknown): string | undefined {
    return typeof file === 'string' && path.dirname(file) === this.folder ? path.basename(file) : undefined;
  }

  private isOpening(flags: unknown): boolean {
    return typeof flags === 'number' ? (flags & fs.constants.O_CREAT) !== 0 : flags !== undefined && flags !== 'r';
  }

  /** What a newly opened file is: the folder, one that may be written, or none of ours. */
  private opened(file: unknown, flags: unknown): number | 'folder' | undefined {
    if (file === this.folder) return 'folder';
    const name = this.nameOf(file);
    if (name === undefined || !this.isOpening(flags)) return undefined;
    const node = this.next;
    this.next += 1;
    this.nodes.set(name, node);
    this.steps.push({ kind: 'create', name, node });
    return node;
  }

  private synced(node: number | 'folder'): void {
    this.steps.push(node === 'folder' ? { kind: 'sync-folder' } : { kind: 'sync', node });
  }

  private patch(): void {
    const sync = fs as unknown as Record<string, Call>;
    const async = promises as unknown as Record<string, Call>;
    const before =
      (step: () => void, original: Call): Call =>
      (...parameters) => {
        this.changing();
        const result = original(...parameters);
        step();
        return result;
      };
    const moved = (from: unknown, to: unknown): void => {
      const names = [this.nameOf(from), this.nameOf(to)];
      if (names[0] !== undefined && names[1] !== undefined) this.steps.push({ kind: 'rename', from: names[0], to: names[1] });
    };
    const removed = (file: unknown): void => {
      const name = this.nameOf(file);
      if (name !== undefined) this.steps.push({ kind: 'remove', name });
    };
    this.replace(sync, 'openSync', (original) => (...parameters) => {
      const [file, flags] = parameters as unknown[];
      if (this.isOpening(flags) && this.nameOf(file) !== undefined) this.changing();
      const descriptor = original(...parameters) as number;
      const node = this.opened(file, flags);
      if (node !== undefined) this.descriptors.set(descriptor, node);
      return descriptor;
    });
    this.replace(sync, 'closeSync', (original) => (...parameters) => {
      this.descriptors.delete(parameters[0] as unknown as number);
      return original(...parameters);
    });
    for (const [key, act] of [
      [
        'writeFileSync',
        (node: number, bytes: unknown) => this.steps.push({ kind: 'write', node, bytes: Buffer.from(bytes as Uint8Array) }),
      ],
      ['fsyncSync', (node: number | 'folder') => this.synced(node)],
    ] as const) {
      this.replace(sync, key, (original) => (...parameters) => {
        const [descriptor, bytes] = parameters as unknown[];
        const node = this.descriptors.get(descriptor as number);
        return node === undefined ? original(...parameters) : before(() => act(node as never, bytes), original)(...parameters);
      });
    }
    for (const [target, rename, remove] of [
      [sync, 'renameSync', 'rmSync'],
      [async, 'rename', 'unlink'],
    ] as const) {
      this.replace(
        target,
        rename,
        (original) =>
          (...parameters) =>
            before(() => moved(parameters[0], parameters[1]), original)(...parameters),
      );
      this.replace(
        target,
        remove,
        (original) =>
          (...parameters) =>
            before(() => removed(parameters[0]), original)(...parameters),
      );
    }
    this.replace(async, 'open', (original) => async (...parameters: never[]) => {
      const [file, flags] = parameters as unknown[];
      if (this.isOpening(flags) && this.nameOf(file) !== undefined) this.changing();
      const handle = (await original(...parameters)) as FileHandle;
      const node = this.opened(file, flags);
      return node === undefined ? handle : this.recording(handle, node);
    });
    syncBuiltinESMExports();
  }

  private recording(handle: FileHandle, node: number | 'folder'): FileHandle {
    const methods = handle as unknown as Record<string, Call>;
    const { writeFile, sync } = { writeFile: handle.writeFile.bind(handle), sync: handle.sync.bind(handle) };
    methods['writeFile'] = async (bytes: Uint8Array) => {
      this.changing();
      const copy = Buffer.from(bytes);
      await writeFile(bytes);
      if (node !== 'folder') this.steps.push({ kind: 'write', node, bytes: copy });
    };
    methods['sync'] = async () => {
      this.changing();
      await sync();
      this.synced(node);
    };
    return handle;
  }

  /** Hands over every disk that a power loss could have left; each is removed afterwards. Resolves with how many there were. */
  async eachLoss(look: (found: Found) => Promise<void>): Promise<number> {
    const seen = new Set<string>();
    for (let end = 0; end <= this.steps.length; end += 1) {
      for (const { files, acknowledged } of this.disksAfter(this.steps.slice(0, end))) {
        const print = JSON.stringify([acknowledged, [...files].map(([name, bytes]) => [name, bytes.toString('base64')])]);
        if (seen.has(print)) continue;
        seen.add(print);
        const folder = mkdtempSync(path.join(path.dirname(this.folder), 'found-'));
        mkdirSync(folder, { recursive: true });
        for (const [name, bytes] of files) writeFileSync(path.join(folder, name), bytes, { mode: 0o600 });
        try {
          await look({ folder, acknowledged });
        } finally {
          rmSync(folder, { recursive: true, force: true });
        }
      }
    }
    return seen.size;
  }

  private *disksAfter(
    steps: readonly Step[],
  ): Generator<{ readonly files: Map<string, Buffer>; readonly acknowledged: readonly string[] }> {
    const durable: Names = new Map();
    const contents = new Map<number, Content>();
    for (const [index, [name, bytes]] of [...this.before].entries()) {
      durable.set(name, index);
      contents.set(index, { synced: bytes, written: bytes });
    }
    let pending: Step[] = [];
    const acknowledged: string[] = [];
    for (const step of steps) {
      if (step.kind === 'acknowledged') acknowledged.push(step.what);
      else if (step.kind === 'write')
        contents.set(step.node, { synced: contents.get(step.node)?.synced ?? Buffer.alloc(0), written: step.bytes });
      else if (step.kind === 'sync')
        contents.set(step.node, {
          synced: contents.get(step.node)?.written ?? Buffer.alloc(0),
          written: contents.get(step.node)?.written ?? Buffer.alloc(0),
        });
      else if (step.kind === 'sync-folder') {
        for (const each of pending) applyTo(durable, each);
        pending = [];
      } else pending.push(step);
    }
    for (let choice = 0; choice < 2 ** pending.length; choice += 1) {
      const names = new Map(durable);
      for (const [index, each] of pending.entries()) if ((choice & (2 ** index)) !== 0) applyTo(names, each);
      for (const part of [0, 0.5, 1]) {
        const files = new Map([...names].map(([name, node]) => [name, leftOf(contents.get(node), part)]));
        yield { files, acknowledged };
      }
    }
  }
}

function leftOf(content: Content | undefined, part: number): Buffer {
  if (content === undefined) return Buffer.alloc(0);
  const { synced, written } = content;
  return synced.equals(written) || part === 0 ? synced : written.subarray(0, Math.floor(written.length * part));
}

function applyTo(names: Names, step: Step): void {
  if (step.kind === 'create') names.set(step.name, step.node);
  if (step.kind === 'remove') names.delete(step.name);
  if (step.kind === 'rename') {
    const node = names.get(step.from);
    if (node === undefined) return;
    names.delete(step.from);
    names.set(step.to, node);
  }
}
