// Credentials in a `.env` file: read as bytes, and taken out of it whole and at once. Agents work where such files lie: a name may be a link of
// theirs, or no file at all.

import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  openSync,
  readSync,
  realpathSync,
  renameSync,
  rmSync,
  writeSync,
  type Stats,
} from 'node:fs';
import path from 'node:path';
import { HoldfastError } from '@holdfast/protocol/errors';
import { usage } from '../output.ts';
import { entriesIn, type EnvEntry } from './env-text.ts';

const maxFileBytes = 1024 * 1024;

export interface EnvFile {
  /** The file itself, behind links. */
  readonly path: string;
  /** Why nothing can be taken out of it, for people. */
  readonly bound?: string;
  /** The caller overwrites them. */
  readonly bytes: Buffer;
  readonly entries: readonly EnvEntry[];
}

/** Throws `usage` for what is no file, cannot be read, is too large, or has a quote that does not end. */
export function readEnvFile(named: string): EnvFile {
  const real = behindLinks(named);
  const { bytes, found } = readWhole(real, named);
  const bound = isOutside(named, real)
    ? `it is a link to ${real}, out of the folder that it stands in`
    : found.nlink > 1
      ? 'the file has other names (hard links), under which all of it would stay'
      : undefined;
  const entries = entriesIn(bytes, (line) => {
    throw usage(`${named} line ${line}: a quote does not end`, 'give that one by itself: holdfast vault add … < FILE');
  });
  return { path: real, ...(bound !== undefined && { bound }), bytes, entries };
}

function behindLinks(named: string): string {
  try {
    return realpathSync(named);
  } catch (cause) {
    throw unreadable(named, cause);
  }
}

const unreadable = (named: string, cause: unknown): HoldfastError =>
  new HoldfastError('usage', `cannot read ${named}`, { cause, next: 'name a file that you can read' });

/** Out of the folder in which it was named, or of the one in which we are where its name leads nowhere else. */
function isOutside(named: string, real: string): boolean {
  const typed = path.resolve(named);
  const here = process.cwd();
  return !isBelow(realpathSync(path.dirname(typed)), real) || (isBelow(here, typed) && !isBelow(here, real));
}

const isBelow = (folder: string, file: string): boolean => file.startsWith(folder.endsWith('/') ? folder : `${folder}/`);

/** Never waits, as a pipe would have it. */
function readWhole(file: string, named: string): { readonly bytes: Buffer; readonly found: Stats } {
  let descriptor: number;
  try {
    descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
  } catch (cause) {
    throw unreadable(named, cause);
  }
  const held = Buffer.alloc(maxFileBytes + 1);
  try {
    const found = fstatSync(descriptor);
    if (!found.isFile()) throw usage(`${named} is no file`, 'name a file of variables');
    let length = 0;
    for (let read = -1; read !== 0 && length < held.length; length += read)
      read = readSync(descriptor, held, length, held.length - length, null);
    if (length > maxFileBytes) throw usage(`${named} is too large for a file of variables`);
    return { bytes: Buffer.from(held.subarray(0, length)), found };
  } finally {
    held.fill(0);
    closeSync(descriptor);
  }
}

/** Throws `usage` where nothing can be taken out: before anything is kept. [CLI-53] */
export function assertRemovable({ path: file, bound }: EnvFile): void {
  if (bound !== undefined) throw usage(`nothing is taken out: ${bound}`, `leave --remove out, or name the file itself: ${file}`);
}

/**
 * Takes these entries out: a whole new file beside it, synced, then in its place, so that at each moment one of the two is there whole. Throws
 * `usage` when it is not what was read.
 */
export function takeOut(env: EnvFile, names: ReadonlySet<string>): void {
  assertRemovable(env);
  const { path: file, bytes, entries } = env;
  const gone = entries.filter(({ name }) => names.has(name));
  const starts = [0, ...gone.map(({ to }) => to)];
  const ends = [...gone.map(({ from }) => from), bytes.length];
  const beside = `${file}.holdfast-${process.pid}`;
  try {
    const made = openSync(beside, 'wx', 0o600);
    try {
      for (const [index, start] of starts.entries()) writeWhole(made, bytes.subarray(start, ends[index]));
      makeAlike(made, unchanged(env), file);
      fsyncSync(made);
    } finally {
      closeSync(made);
    }
    renameSync(beside, file);
    syncFolder(path.dirname(file));
  } catch (error) {
    rmSync(beside, { force: true });
    throw error;
  }
}

/** The file as it is now, which is what was read. */
function unchanged({ path: file, bytes }: EnvFile): Stats {
  const now = readWhole(file, file);
  const same = now.bytes.equals(bytes);
  now.bytes.fill(0);
  if (!same)
    throw usage(
      `${file} has changed meanwhile; nothing was taken out of it`,
      'take the lines out by hand: what they hold is kept',
    );
  return now.found;
}

/** Whoever could read the file can go on. */
function makeAlike(made: number, { uid, gid, mode }: Stats, file: string): void {
  try {
    fchownSync(made, uid, gid);
  } catch (cause) {
    const next = 'take the lines out by hand: what they hold is kept';
    throw new HoldfastError('usage', `${file} belongs to another; nothing was taken out of it`, { cause, next });
  }
  fchmodSync(made, mode & 0o777);
}

function writeWhole(descriptor: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length;) at += writeSync(descriptor, bytes, at);
}

function syncFolder(folder: string): void {
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
