// Which Claude Code a program is, read from its file: a program that says of itself what it is could say anything. spec/guard.md [GUARD-11].

import { closeSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import path from 'node:path';
import { HoldfastError } from '@holdfast/protocol/errors';

/** The first that knows `onFailure`: below it a guard that fails lets everything pass. */
export const minimumVersion = '2.1.295';

/** Stands at the head of each part of the program, in the native build and in the script that came before it. */
const mark = Buffer.from('\n// Version: ');
const chunkBytes = 4 << 20;
/** Longer than the mark and the version behind it. */
const overlapBytes = 64;

/** By what tells one file from another: a start must not read 400 MB each time. */
const known = new Map<string, string | undefined>();

/** The version written in the program; undefined where there is none. */
export function versionIn(program: string): string | undefined {
  const descriptor = openSync(program, 'r');
  try {
    const { dev, ino, size, mtimeMs } = fstatSync(descriptor);
    const key = [dev, ino, size, mtimeMs].join(' ');
    if (!known.has(key)) known.set(key, search(descriptor));
    return known.get(key);
  } finally {
    closeSync(descriptor);
  }
}

function search(descriptor: number): string | undefined {
  const chunk = Buffer.alloc(chunkBytes + overlapBytes);
  let kept = 0;
  for (;;) {
    const read = readSync(descriptor, chunk, kept, chunkBytes, null);
    if (read === 0) return undefined;
    const filled = kept + read;
    for (let at = chunk.subarray(0, filled).indexOf(mark); at >= 0; at = chunk.subarray(0, filled).indexOf(mark, at + 1)) {
      const found = /^(\d{1,4}\.\d{1,4}\.\d{1,6})\s/.exec(
        chunk.toString('latin1', at + mark.length, Math.min(filled, at + overlapBytes)),
      );
      if (found?.[1] !== undefined) return found[1];
    }
    kept = Math.min(overlapBytes, filled);
    chunk.copyWithin(0, filled - kept, filled);
  }
}

/** A package whose install script did not run has a stand-in for the program; its own version is that of the program it will fetch. */
function versionOfPackage(program: string): string | undefined {
  for (const folder of [path.dirname(program), path.dirname(path.dirname(program))]) {
    try {
      const { name, version } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as Record<string, unknown>;
      if (typeof name === 'string' && name.startsWith('@anthropic-ai/claude-code') && typeof version === 'string') return version;
    } catch {
      // not a package
    }
  }
  return undefined;
}

/** Of a program by the file that is read, and by the path that it was found at. */
export function versionOf(file: string, place: string): string | undefined {
  return versionIn(file) ?? versionOfPackage(place);
}

/** Whether its guard fails closed; one that does not tell its version is taken for one that does not. */
export function isFit(version: string | undefined): boolean {
  return version !== undefined && isAtLeast(version, minimumVersion);
}

/** By its name, or by where its installers put it. */
export function isClaudeCode(...places: readonly string[]): boolean {
  return places.some(
    (place) =>
      /^claude(\.exe)?$/.test(path.basename(place)) ||
      place.includes('/@anthropic-ai/claude-code') ||
      /\/claude\/versions\/[^/]+$/.test(place),
  );
}

/**
 * A session is not started with a Claude Code whose guard would not hold.
 * @throws harness_unfit
 */
export function assertFit(program: string): void {
  const version = versionOf(program, program);
  if (isFit(version)) return; // [GUARD-11]
  const what = version === undefined ? 'does not tell its version' : `is version ${version}`;
  throw new HoldfastError('harness_unfit', `${program} ${what}, so its guard would not hold`, {
    next: `install Claude Code ${minimumVersion} or newer, or name the program itself instead of one that starts it`,
  });
}

export function isAtLeast(version: string, least: string): boolean {
  const [own, other] = [version, least].map((text) => text.split('.').map(Number)) as [number[], number[]];
  for (const [index, part] of other.entries()) {
    const mine = own[index] ?? 0;
    if (mine !== part) return mine > part;
  }
  return true;
}
