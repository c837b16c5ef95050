// Credentials in a `.env` file: read strictly, as bytes, and taken out of it. Programs read such files differently; a line that any of them
// could read in another way is said to be unclear and is neither taken nor touched.

import {
  closeSync,
  fsyncSync,
  fstatSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeSync,
  fchmodSync,
} from 'node:fs';
import path from 'node:path';
import { HoldfastError } from '@holdfast/protocol/errors';

const maxFileBytes = 1024 * 1024;

export interface EnvLine {
  /** From 1. */
  readonly line: number;
  readonly name: string;
  /** Where the value stands in the file's bytes; undefined where programs would disagree about it. */
  readonly value: { readonly from: number; readonly to: number } | undefined;
}

export interface EnvFile {
  /** The file itself, behind links. */
  readonly path: string;
  /** The caller overwrites them. */
  readonly bytes: Buffer;
  readonly lines: readonly EnvLine[];
}

const lineFeed = 0x0a;
const nameThen = /^(?:export +)?([A-Za-z_][A-Za-z0-9_]*)=/;
const [singleQuote, doubleQuote] = [0x27, 0x22];
/** What some reader would expand, unescape or cut. */
const isPlain = (byte: number): boolean => byte > 0x20 && byte < 0x7f && !`'"\`$\\#`.includes(String.fromCharCode(byte));
const isQuotable = (byte: number): boolean => byte >= 0x20 && byte < 0x7f && !`'"\`$\\`.includes(String.fromCharCode(byte));

/** Throws `usage` for a file that cannot be read, is too large, or has a value over several lines. */
export function readEnvFile(file: string): EnvFile {
  let real: string;
  let bytes: Buffer;
  try {
    real = realpathSync(file);
    bytes = readFileSync(real);
  } catch (cause) {
    throw new HoldfastError('usage', `cannot read ${file}`, { cause, next: 'name a file that you can read' });
  }
  if (bytes.length > maxFileBytes) throw new HoldfastError('usage', `${file} is too large for a file of variables`);
  return { path: real, bytes, lines: linesOf(bytes, file) };
}

function linesOf(bytes: Buffer, file: string): EnvLine[] {
  const lines: EnvLine[] = [];
  for (let from = 0, line = 1; from < bytes.length; line += 1) {
    const feed = bytes.indexOf(lineFeed, from);
    const next = feed < 0 ? bytes.length : feed + 1;
    const end = feed > from && bytes[feed - 1] === 0x0d ? feed - 1 : feed < 0 ? next : feed;
    // The name alone becomes text.
    const equals = bytes.subarray(from, end).indexOf(0x3d);
    const name = nameThen.exec(bytes.toString('latin1', from, from + equals + 1))?.[1];
    if (name !== undefined) lines.push({ line, name, value: valueIn(bytes, from + equals + 1, end, file, line) });
    from = next;
  }
  const twice = (name: string): boolean => lines.filter((each) => each.name === name).length > 1;
  return lines.map((each) => (twice(each.name) ? { ...each, value: undefined } : each));
}

function valueIn(bytes: Buffer, from: number, end: number, file: string, line: number): EnvLine['value'] {
  const quote = bytes[from];
  if (quote !== singleQuote && quote !== doubleQuote)
    return end > from && bytes.subarray(from, end).every(isPlain) ? { from, to: end } : undefined;
  const close = bytes.subarray(from + 1, end).indexOf(quote);
  if (close < 0)
    throw new HoldfastError('usage', `${file} line ${line}: a quote does not end on its line`, {
      next: 'give that one by itself: holdfast vault add … < FILE',
    });
  const to = from + 1 + close;
  return to + 1 === end && close > 0 && bytes.subarray(from + 1, to).every(isQuotable) ? { from: from + 1, to } : undefined;
}

/**
 * Takes the lines of these names out: a whole new file beside it, synced, then in its place, so that at each moment one of the two is there
 * whole. Throws `usage` when it is not what was read.
 */
export function takeOut({ path: file, bytes, lines }: EnvFile, names: ReadonlySet<string>): void {
  const gone = new Set(lines.filter(({ name }) => names.has(name)).map(({ line }) => line));
  const kept: Buffer[] = [];
  for (let from = 0, line = 1; from < bytes.length; line += 1) {
    const feed = bytes.indexOf(lineFeed, from);
    const next = feed < 0 ? bytes.length : feed + 1;
    if (!gone.has(line)) kept.push(bytes.subarray(from, next));
    from = next;
  }
  const old = openSync(file, 'r');
  const beside = `${file}.holdfast-${process.pid}`;
  try {
    const now = readFileSync(old);
    const same = now.equals(bytes);
    now.fill(0);
    if (!same)
      throw new HoldfastError('usage', `${file} has changed meanwhile; nothing was taken out of it`, {
        next: 'take the lines out by hand: what they hold is kept',
      });
    const made = openSync(beside, 'wx', 0o600);
    try {
      fchmodSync(made, fstatSync(old).mode & 0o777);
      for (const part of kept) writeWhole(made, part);
      fsyncSync(made);
    } finally {
      closeSync(made);
    }
    renameSync(beside, file);
    syncFolder(path.dirname(file));
  } catch (error) {
    rmSync(beside, { force: true });
    throw error;
  } finally {
    closeSync(old);
  }
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
