// Which places of a working tree the rules keep from a session, for mounts: what a program that the agent runs cannot read or write either.
// spec/guard.md [GUARD-25]. Looked up when a session starts; links are not followed, but what one of these names leads to is kept as well.

import { constants, type Dirent } from 'node:fs';
import { access, lstat, readdir, realpath } from 'node:fs/promises';
import path from 'node:path';
import { HoldfastError } from '@holdfast/protocol/errors';
import { coversExactly, patternIn, type Pattern } from '@holdfast/protocol/rules/path-pattern';
import type { Floor, PathPattern } from '@holdfast/protocol/rules/floor';

export interface HeldPlaces {
  readonly masked: readonly string[];
  readonly readOnly: readonly string[];
}

/** What stands for bytes that are no UTF-8: what has such a name can't be called by it. */
const unnamed = '\ufffd';
/** A second or two on a common disk. */
const maxEntries = 500_000;

interface Wanted {
  readonly pattern: Pattern;
  readonly except: readonly Pattern[];
}

/**
 * `tree`: its real path.
 * @throws sandbox_tree_refused for a tree that is too large to look through, or can't be
 */
export async function heldPlaces(tree: string, floor: Pick<Floor, 'denyRead' | 'denyWrite'>): Promise<HeldPlaces> {
  const reads = floor.denyRead.map(wanted);
  const writes = floor.denyWrite.map(wanted);
  const masked = new Set<string>();
  const readOnly = new Set<string>();
  if (reads.length + writes.length === 0) return { masked: [], readOnly: [] };

  let entries = 0;
  const look = async (folder: string): Promise<void> => {
    const found = await list(folder);
    if (found === 'shut') {
      if (folder === tree) throw unreadable(tree);
      (reads.length > 0 ? masked : readOnly).add(folder);
      return;
    }
    for (const entry of found) {
      entries += 1;
      if (entries > maxEntries) throw tooLarge(tree);
      const place = path.join(folder, entry.name);
      const segments = place.split('/').slice(1);
      const kept = verdict(reads, segments);
      if (entry.name.includes(unnamed) && (entry.isDirectory() || kept !== 'none')) throw unreadable(place);
      if (kept !== 'none') {
        for (const each of await places(place, entry, tree)) if (kept === 'all' || !entry.isDirectory()) masked.add(each);
        if (kept === 'all') continue;
      }
      const held = verdict(writes, segments);
      if (held === 'all' || (held === 'some' && !entry.isDirectory()))
        for (const each of await places(place, entry, tree)) readOnly.add(each);
      if (entry.isDirectory()) await look(place);
    }
  };
  await look(tree);
  // A folder that is read-only holds all that is in it.
  const outer = [...readOnly].filter((place) => ![...readOnly].some((above) => place.startsWith(`${above}/`)));
  return { masked: [...masked], readOnly: outer };
}

/** `some`: something below may be exempt, so each thing there is looked at by itself. */
function verdict(all: readonly Wanted[], segments: readonly string[]): 'all' | 'some' | 'none' {
  let found: 'some' | 'none' = 'none';
  for (const { pattern, except } of all) {
    if (!coversExactly(pattern, segments, 0) || except.some((each) => coversExactly(each, segments, 0))) continue;
    if (except.length === 0) return 'all';
    found = 'some';
  }
  return found;
}

/** The place itself, or where it leads, if that is another place of the tree. */
async function places(place: string, entry: Dirent, tree: string): Promise<readonly string[]> {
  if (!entry.isSymbolicLink()) return [place];
  const target = await realpath(place).catch(() => undefined);
  return target !== undefined && target.startsWith(`${tree}/`) ? [target] : [];
}

/** `shut`: its owner, as which the session runs too, has taken away its own leave to look, and can give it back. */
async function list(folder: string): Promise<readonly Dirent[] | 'shut'> {
  try {
    await access(folder, constants.R_OK | constants.X_OK);
    return await readdir(folder, { withFileTypes: true });
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
    if (code === 'ENOENT' || code === 'ENOTDIR') return []; // gone meanwhile
    if (code !== 'EACCES') throw unreadable(folder, cause);
    const owner = await lstat(folder).then(
      ({ uid }) => uid,
      () => undefined,
    );
    return owner === process.getuid?.() ? 'shut' : []; // somebody else's, not to be read by the session either
  }
}

function wanted({ pattern, except, ignoreCase }: PathPattern): Wanted {
  // They are absolute already, or may stand anywhere.
  const place = { home: '/', directory: '/' };
  const made = (text: string) => patternIn(text, place, ignoreCase);
  return { pattern: made(pattern), except: except.map(made) };
}

function tooLarge(tree: string): HoldfastError {
  return new HoldfastError('sandbox_tree_refused', `${tree} is too large to find what the rules keep from sessions`, {
    next: 'start the session in the folder of one project',
  });
}

function unreadable(place: string, cause?: unknown): HoldfastError {
  return new HoldfastError('sandbox_tree_refused', `${place} cannot be looked through for what the rules keep from sessions`, {
    cause,
    next: 'rename it, give it back its permissions, or take it out of the tree',
  });
}
