// What a machine may find after its power went, from the record that strace made of a program's calls (strace.ts): played up to every point,
// with what was not synced lost, kept, kept in part, kept out of order, and cut in half. For stores of any kind, SQLite's among them.
//
// Of the file system only what POSIX says is assumed: a file's bytes are safe once it was synced, its name once the folder was. A sector of 512
// bytes is whole.

import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** A file is a node with a name, as the file system has it: one that was removed and made again is another. */
type NameChange =
  | { readonly kind: 'create'; readonly name: string; readonly node: number }
  | { readonly kind: 'remove'; readonly name: string }
  | { readonly kind: 'rename'; readonly name: string; readonly to: string };
type ContentChange =
  | { readonly kind: 'write'; readonly node: number; readonly at: number; readonly bytes: Buffer }
  | { readonly kind: 'cut'; readonly node: number; readonly length: number };
/** What a disk may forget until it is synced. */
type Change = NameChange | ContentChange;
export type Step =
  | Change
  | { readonly kind: 'sync'; readonly node: number }
  | { readonly kind: 'sync-folder' }
  | { readonly kind: 'acknowledged'; readonly text: string };

/** A disk as it might be found, in a folder of its own, and what had been acknowledged before. */
export interface Found {
  readonly folder: string;
  readonly acknowledged: readonly string[];
}

const sectorBytes = 512;

/** `folder`: the store's, empty when the record begins. `acknowledgements`: a file outside of it, whose lines are what the program promised. */
export function readRecord(log: string, folder: string, acknowledgements: string): Step[] {
  const steps: Step[] = [];
  const nodes = new Nodes();
  for (const line of wholeLines(readFileSync(log, 'latin1'))) {
    const found = /^\d+ +(\w+)\((.*)\) += (-?\d+)/.exec(line);
    if (found === null || Number(found[3]) < 0) continue;
    const [, call = '', words = ''] = found;
    const [file = '', to = ''] = namesIn(words);
    const name = path.relative(folder, file);
    if (call === 'write' && file === acknowledgements) {
      for (const text of bytesIn(words).toString('utf8').trim().split('\n')) steps.push({ kind: 'acknowledged', text });
    } else if (name === '') {
      if (call === 'fsync' || call === 'fdatasync') steps.push({ kind: 'sync-folder' });
    } else if (!name.startsWith('..')) {
      const step = stepOf(call, words, name, path.relative(folder, to), nodes);
      if (step !== undefined) steps.push(step);
    }
  }
  return steps;
}

/** Calls that another thread interrupted, in one line where they ended. */
function* wholeLines(log: string): Generator<string> {
  const begun = new Map<string, string>();
  for (const line of log.split('\n')) {
    const thread = /^\d+/.exec(line)?.[0] ?? '';
    if (line.endsWith(' <unfinished ...>')) begun.set(thread, line.slice(0, -' <unfinished ...>'.length));
    else yield line.replace(/^\d+ +<\.\.\. \w+ resumed>/, () => begun.get(thread) ?? '');
  }
}

/** Which node each name leads to, and how long that is, while a record is read. */
class Nodes {
  private readonly byName = new Map<string, number>();
  private readonly ends: number[] = [];

  make(name: string): number | undefined {
    if (this.byName.has(name)) return undefined;
    this.byName.set(name, this.ends.length);
    return this.ends.push(0) - 1;
  }

  of(name: string): number {
    const node = this.byName.get(name);
    if (node === undefined) throw new Error(`${name} was there before the record began`);
    return node;
  }

  remove(name: string): void {
    this.byName.delete(name);
  }

  rename(name: string, to: string): void {
    this.byName.set(to, this.of(name));
    this.byName.delete(name);
  }

  end(node: number): number {
    return this.ends[node] ?? 0;
  }

  reaches(node: number, end: number): void {
    this.ends[node] = end;
  }
}

function stepOf(call: string, words: string, name: string, to: string, nodes: Nodes): Step | undefined {
  switch (call) {
    case 'openat': {
      const node = words.includes('O_CREAT') ? nodes.make(name) : undefined;
      return node === undefined ? undefined : { kind: 'create', name, node };
    }
    case 'write':
    case 'pwrite64': {
      const node = nodes.of(name);
      const bytes = bytesIn(words);
      const at = call === 'write' ? nodes.end(node) : Number(/(\d+)$/.exec(words)?.[1]);
      nodes.reaches(node, Math.max(nodes.end(node), at + bytes.length));
      return { kind: 'write', node, at, bytes };
    }
    case 'ftruncate': {
      const node = nodes.of(name);
      const length = Number(/(\d+)$/.exec(words)?.[1]);
      nodes.reaches(node, length);
      return { kind: 'cut', node, length };
    }
    case 'fsync':
    case 'fdatasync':
      return { kind: 'sync', node: nodes.of(name) };
    case 'unlink':
    case 'unlinkat':
      nodes.remove(name);
      return { kind: 'remove', name };
    case 'rename':
    case 'renameat':
      nodes.rename(name, to);
      return { kind: 'rename', name, to };
    default:
      throw new Error(`a call that nobody expected: ${call}`);
  }
}

const unescaped = (text: string): Buffer => Buffer.from(text.replaceAll('\\x', ''), 'hex');

/** The bytes of a `write`: its one string. */
const bytesIn = (words: string): Buffer => unescaped(/"((?:\\x[0-9a-f]{2})*)"/.exec(words)?.[1] ?? '');

/** Paths that a call names, or of the descriptor that it uses. */
function namesIn(words: string): string[] {
  const descriptor = /^\d+<([^>]*)>/.exec(words)?.[1];
  if (descriptor !== undefined) return [descriptor.startsWith('\\x') ? unescaped(descriptor).toString() : descriptor];
  return [...words.matchAll(/"((?:\\x[0-9a-f]{2})*)"/g)].map(([, name = '']) => unescaped(name).toString());
}

/** What a disk holds. */
class Disk {
  readonly names: Map<string, number>;
  readonly contents: Map<number, Buffer>;

  constructor({ names, contents }: Pick<Disk, 'names' | 'contents'> = { names: new Map(), contents: new Map() }) {
    this.names = new Map(names);
    this.contents = new Map(contents);
  }

  get files(): Map<string, Buffer> {
    return new Map([...this.names].map(([name, node]) => [name, this.contents.get(node) ?? Buffer.alloc(0)]));
  }

  /** `part` of the bytes of a write, in whole sectors. */
  apply(change: Change, part = 1): void {
    if (change.kind === 'create') this.names.set(change.name, change.node);
    else if (change.kind === 'remove') this.names.delete(change.name);
    else if (change.kind === 'rename') {
      const node = this.names.get(change.name);
      if (node !== undefined) this.names.set(change.to, node);
      this.names.delete(change.name);
    } else {
      const before = this.contents.get(change.node) ?? Buffer.alloc(0);
      const at = change.kind === 'cut' ? 0 : change.at;
      const bytes = change.kind === 'cut' ? before.subarray(0, change.length) : change.bytes;
      const kept = bytes.subarray(0, part === 1 ? bytes.length : Math.floor((bytes.length * part) / sectorBytes) * sectorBytes);
      const after = Buffer.alloc(change.kind === 'cut' ? change.length : Math.max(before.length, at + kept.length));
      before.copy(after);
      kept.copy(after, at);
      this.contents.set(change.node, after);
    }
  }
}

/** Which of `count` changes a disk may have kept: none, each beginning, each alone, all but each. */
function* keptOf(count: number): Generator<(index: number) => boolean> {
  yield () => false;
  for (let chosen = 0; chosen < count; chosen += 1) {
    yield (index) => index <= chosen;
    yield (index) => index === chosen;
    yield (index) => index !== chosen;
  }
}

const isOfNames = (change: Change): change is NameChange =>
  change.kind === 'create' || change.kind === 'remove' || change.kind === 'rename';

type Left = { readonly files: Map<string, Buffer>; readonly acknowledged: readonly string[] };

/** Every disk that a power loss could have left, with the most that had been acknowledged when it could be left so. */
function disksOf(steps: readonly Step[]): Left[] {
  const durable = new Disk();
  let pending: Change[] = [];
  const acknowledged: string[] = [];
  const disks = new Map<string, Left>();
  const settle = (isSafe: (change: Change) => boolean): void => {
    for (const each of pending) if (isSafe(each)) durable.apply(each);
    pending = pending.filter((each) => !isSafe(each));
  };
  const leave = ({ files }: Disk): void => {
    const print = createHash('sha256');
    for (const [name, bytes] of [...files].toSorted(([a], [b]) => (a < b ? -1 : 1)))
      print.update(`${name}\0${bytes.length}\0`).update(bytes);
    disks.set(print.digest('hex'), { files, acknowledged: [...acknowledged] });
  };
  for (const step of steps) {
    if (step.kind === 'acknowledged') acknowledged.push(step.text);
    else if (step.kind === 'sync') settle((each) => !isOfNames(each) && each.node === step.node);
    else if (step.kind === 'sync-folder') settle(isOfNames);
    else pending.push(step);
    for (const kept of keptOf(pending.length)) {
      const disk = new Disk(durable);
      for (const [index, each] of pending.entries()) if (kept(index)) disk.apply(each);
      leave(disk);
    }
    const torn = new Disk(durable);
    for (const [index, each] of pending.entries()) torn.apply(each, index === pending.length - 1 ? 0.5 : 1);
    leave(torn);
  }
  return [...disks.values()];
}

/** Hands over each of them in a folder below `place`, removed afterwards. Resolves with how many there were. */
export async function eachLoss(steps: readonly Step[], place: string, look: (found: Found) => Promise<void>): Promise<number> {
  const disks = disksOf(steps);
  for (const { files, acknowledged } of disks) {
    const folder = mkdtempSync(path.join(place, 'found-'));
    for (const [name, bytes] of files) {
      mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
      writeFileSync(path.join(folder, name), bytes, { mode: 0o600 });
    }
    try {
      await look({ folder, acknowledged });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  return disks.length;
}
