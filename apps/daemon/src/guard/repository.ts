// Which repository and branch a working tree is, from git's own files: no program is run, and nothing of an agent's words is taken. What a session
// may write (HEAD) may lie about the branch; the remote stands in the config, which it may not.

import { closeSync, constants, fstatSync, lstatSync, openSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { linkedRepository } from '../sandbox/triggers.ts';

const maxFileBytes = 1 << 20;

/** As `github.com/owner/name`, from the remote `origin`; undefined without one that names a host. */
export function repositoryOf(tree: string): string | undefined {
  const own = path.join(tree, '.git');
  // A file there comes with any archive; it is believed if the repository that it names knows of this tree.
  const folder = isFolder(own) ? own : linkedRepository(tree)?.path;
  if (folder === undefined) return undefined;
  const config = read(path.join(folder, 'config')) ?? '';
  const section = /^\s*\[remote "origin"\][^[]*/m.exec(config)?.[0] ?? '';
  const url = /^\s*url\s*=\s*(\S+)\s*$/m.exec(section)?.[1];
  return url === undefined ? undefined : normalRemote(url);
}

/** Undefined where no branch is checked out. */
export function branchOf(tree: string): string | undefined {
  const folder = gitFolder(tree);
  const head = folder === undefined ? undefined : read(path.join(folder, 'HEAD'));
  return /^ref: refs\/heads\/(\S{1,256})\s*$/.exec(head ?? '')?.[1];
}

/** The many ways to write one remote, as one: scheme, user, port and `.git` are left out. */
export function normalRemote(url: string): string | undefined {
  const scp = /^(?:[\w.-]+@)?([A-Za-z0-9.-]+):(?!\/\/)(.+)$/.exec(url);
  const [, host, named] = scp ?? /^[a-z+]+:\/\/(?:[^@/]*@)?([A-Za-z0-9.-]+)(?::\d+)?\/(.+)$/.exec(url) ?? [];
  if (host === undefined || named === undefined) return undefined;
  const name = named.replace(/^\/+|\/+$/g, '').replace(/\.git$/, '');
  return name === '' ? undefined : `${host.toLowerCase()}/${name}`;
}

function isFolder(place: string): boolean {
  return lstatSync(place, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** A linked worktree's `.git` is a file that names its folder. */
function gitFolder(tree: string): string | undefined {
  const place = path.join(tree, '.git');
  if (isFolder(place)) return place;
  const named = /^gitdir: (.+)\s*$/.exec(read(place) ?? '')?.[1];
  return named === undefined ? undefined : path.resolve(tree, named);
}

/** A session may put a pipe or a link where a file was: neither is waited for or followed. */
function read(file: string): string | undefined {
  let descriptor: number;
  try {
    descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
  } catch {
    return undefined;
  }
  try {
    const found = fstatSync(descriptor);
    return found.isFile() && found.size <= maxFileBytes ? readFileSync(descriptor, 'utf8') : undefined;
  } catch {
    return undefined;
  } finally {
    closeSync(descriptor);
  }
}
