// Placeholders for triggers that a working tree lacks: something has to be there to mount over. spec/sandbox.md [SANDBOX-4].
//
// They lie in the operator's tree while a session runs, so they are made to disturb little: empty folders and sockets, neither of
// which git sees or any program runs. They go when the last session in that tree ends; what a killed daemon left behind is known by
// its form and goes with the next session's end.

import {
  chmodSync,
  closeSync,
  constants,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  rmdirSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { dirname } from 'node:path';

/** `null-file` reads as empty and git does not see it; `file` and `commondir` lie in a `.git`, where git does not look for work. */
export type CoverKind = 'folder' | 'null-file' | 'file' | 'commondir';

export interface Cover {
  readonly kind: 'cover';
  readonly path: string;
  readonly as: CoverKind;
}

/** Marks our folders: nobody else makes an empty folder that its owner cannot write. */
const folderMode = 0o555;
const fileMode = 0o444;

/** A `.git/commondir` that says what git assumes without one. An empty one would stop git. */
const commondirText = '.\n';

/** How many sessions of this daemon stand on each placeholder. */
const users = new Map<string, number>();

/** Makes the placeholders; the returned function takes them away again, once, when no session of this daemon needs them any more. */
export async function placeCovers(covers: readonly Cover[]): Promise<() => void> {
  for (const { path } of covers) users.set(path, (users.get(path) ?? 0) + 1);
  let placed = true;
  const remove = (): void => {
    if (!placed) return;
    placed = false;
    // Inner ones last come first.
    for (const cover of covers.toReversed()) {
      const left = (users.get(cover.path) ?? 1) - 1;
      if (left > 0) users.set(cover.path, left);
      else {
        users.delete(cover.path);
        removePlaceholder(cover);
      }
    }
  };
  try {
    for (const cover of covers.filter(({ as }) => as !== 'null-file')) makeInGit(cover);
    await makeSockets(covers.filter(({ as }) => as === 'null-file').map(({ path }) => path));
  } catch (error) {
    remove();
    throw error;
  }
  return remove;
}

function makeInGit({ path, as }: Cover): void {
  if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) return;
  if (as === 'folder') mkdirSync(path);
  else writeFileSync(path, as === 'commondir' ? commondirText : '', { flag: 'wx' });
  // Not as the call's mode: that is subject to the umask.
  chmodSync(path, as === 'folder' ? folderMode : fileMode);
}

/** The name under which a placeholder's socket is born, for a moment: it is not a program's. */
export const bornName = /^\.holdfast-[0-9a-f]{12}$/;

/** One socket under all the names. A file system without sockets gets empty files. */
async function makeSockets(paths: readonly string[]): Promise<void> {
  const absent = paths.filter((path) => lstatSync(path, { throwIfNoEntry: false }) === undefined);
  const [first] = absent;
  if (first === undefined) return;
  const folder = openSync(dirname(first), constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  // By descriptor: a socket's path has at most 107 bytes, a tree's may have more.
  const socket = `/proc/self/fd/${folder}/.holdfast-${randomBytes(6).toString('hex')}`;
  const server = createServer();
  try {
    server.listen(socket);
    await once(server, 'listening');
    chmodSync(socket, fileMode);
    for (const path of absent) linkSync(socket, path);
  } catch {
    for (const path of absent) {
      if (lstatSync(path, { throwIfNoEntry: false }) === undefined) writeFileSync(path, '', { flag: 'wx', mode: fileMode });
    }
  } finally {
    // Closing takes the first name away.
    if (server.listening) await new Promise((done) => server.close(done));
    closeSync(folder);
  }
}

/** True if nothing is there but a placeholder, of a running session or left by a daemon that was killed. */
export function isPlaceholder(path: string, as: CoverKind): boolean {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return false;
  const mode = found.mode & 0o777;
  if (as === 'folder') return found.isDirectory() && mode === folderMode && readdirSync(path).length === 0;
  if (as === 'null-file' && found.isSocket()) return true;
  if (!found.isFile() || mode !== fileMode) return false;
  return as === 'commondir'
    ? found.size === commondirText.length && readFileSync(path, 'utf8') === commondirText
    : found.size === 0;
}

/** Takes away only what is still the placeholder: the operator may have put something of theirs in its place. */
function removePlaceholder({ path, as }: Cover): void {
  try {
    if (!isPlaceholder(path, as)) return;
    if (as === 'folder') rmdirSync(path);
    else unlinkSync(path);
  } catch {
    // gone, or no longer empty: then it is not ours to remove
  }
}
