// A user's own settings of Claude Code, with our part in them: written whole or not at all, and given back byte by byte where nobody has changed them
// since. Beside them lies what they were before. spec/guarded.md [GUARDED-13].

import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, readFileSync, realpathSync, rmSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { HoldfastError } from '@holdfast/protocol/errors';
import { writeAtomically } from '../operator/key-file.ts';
import { portIn, withOurs, withoutOurs, type Settings } from './merge.ts';

/** What lies beside the settings while our part is in them. */
interface Before {
  readonly v: 1;
  /** In base64; null: there was no file. */
  readonly original: string | null;
  readonly mode: number;
  /** SHA-256 of what we wrote, in hex. */
  readonly written: string;
  /** Whose daemon they ask. */
  readonly home: string;
}

/** The settings hold what opens the door: others need not read them. */
const modeOfNew = 0o600;

export function settingsFile(environment: NodeJS.ProcessEnv): string {
  const folder = environment['CLAUDE_CONFIG_DIR'] ?? path.join(homedir(), '.claude');
  return path.join(path.resolve(folder), 'settings.json');
}

/** `home`: Holdfast's. True: something was written. @throws usage, refused, store_failed; then nothing was */
export function install(file: string, ours: Settings, home: string): boolean {
  const target = targetOf(file);
  // It would be replaced by a file, and not given back.
  if (lstatSync(target, { throwIfNoEntry: false })?.isSymbolicLink() === true)
    throw new HoldfastError('usage', `${file} is a link that leads nowhere`, { next: 'mend it first; nothing was changed' });
  const now = bytesOf(target);
  const before = readBefore(target);
  const settings = now === undefined ? {} : parse(target, now);
  const text = Buffer.from(`${JSON.stringify(withOurs(settings, ours), undefined, 2)}\n`);
  if (now?.equals(text) === true && before?.written === hashOf(text) && before.home === home) return false;
  const original = originalOf(settings, now, before);
  const mode = before?.mode ?? (now === undefined ? modeOfNew : statSync(target).mode & 0o777);
  try {
    mkdirSync(path.dirname(target), { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new HoldfastError('store_failed', `cannot make ${path.dirname(target)}`, { cause, next: 'check who may write there' });
  }
  const kept: Before = { v: 1, original, mode, written: hashOf(text), home };
  writeAtomically(besideOf(target), Buffer.from(JSON.stringify(kept)));
  writeAtomically(target, text, mode); // [GUARDED-13]
  return true;
}

/** True: something was there to remove. @throws usage, store_failed */
export function remove(file: string): boolean {
  const target = targetOf(file);
  const now = bytesOf(target);
  const before = readBefore(target);
  if (now !== undefined) {
    const untouched = before !== undefined && hashOf(now) === before.written;
    if (untouched) give(target, before);
    else if (portIn(parse(target, now)) !== undefined) {
      const left = withoutOurs(parse(target, now));
      writeAtomically(target, Buffer.from(`${JSON.stringify(left, undefined, 2)}\n`), statSync(target).mode & 0o777);
    } else if (before === undefined) return false;
  }
  rmSync(besideOf(target), { force: true });
  return now !== undefined || before !== undefined;
}

/** Whose daemon they ask: Holdfast's home; undefined where we never wrote them. @throws usage */
export function installedFor(file: string): string | undefined {
  return readBefore(targetOf(file))?.home;
}

/** The port that they ask; undefined where our part is not in them. @throws usage */
export function installedPort(file: string): number | undefined {
  const target = targetOf(file);
  const now = bytesOf(target);
  return now === undefined ? undefined : portIn(parse(target, now));
}

function give(target: string, { original, mode }: Before): void {
  if (original === null) rmSync(target);
  else writeAtomically(target, Buffer.from(original, 'base64'), mode);
}

/** What to give back: as it was before the first time, unless somebody has changed it since. */
function originalOf(settings: Settings, now: Buffer | undefined, before: Before | undefined): string | null {
  if (before !== undefined && now !== undefined && hashOf(now) === before.written) return before.original;
  if (now === undefined) return null;
  if (portIn(settings) === undefined) return now.toString('base64');
  return Buffer.from(`${JSON.stringify(withoutOurs(settings), undefined, 2)}\n`).toString('base64');
}

/** A link, as of those who keep their settings elsewhere, stays one. */
function targetOf(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return file;
  }
}

const besideOf = (target: string): string => `${target}.before-holdfast`;
const hashOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

function bytesOf(file: string): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined;
    throw new HoldfastError('store_failed', `cannot read ${file}`, { cause, next: 'check who may read it' });
  }
}

function parse(file: string, bytes: Buffer): Settings {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new HoldfastError('usage', `${file} is no JSON`, { cause, next: 'mend it first; nothing was changed' });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new HoldfastError('usage', `${file} holds no settings`, { next: 'mend it first; nothing was changed' });
  return value as Settings;
}

function readBefore(target: string): Before | undefined {
  const bytes = bytesOf(besideOf(target));
  if (bytes === undefined) return undefined;
  const { v, original, mode, written, home } = parse(besideOf(target), bytes) as unknown as Partial<Before>;
  const isWhole = v === 1 && typeof mode === 'number' && (typeof original === 'string' || original === null);
  if (!isWhole || typeof written !== 'string' || typeof home !== 'string')
    throw new HoldfastError('usage', `${besideOf(target)} is not what was written there`, {
      next: 'look at it, and remove it by hand',
    });
  return { v, original, mode, written, home };
}
