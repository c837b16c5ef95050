// The daemon's folders, made private, and its one-instance lock: an operating-system lock that ends with the process.

import { chmodSync, lstatSync, mkdirSync } from 'node:fs';
import { userInfo } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { homePaths, type HomePaths } from '@holdfast/protocol/door/paths';
import { HoldfastError } from '@holdfast/protocol/errors';
import type { Primitives } from '@holdfast/protocol/primitives/primitives';

/** Makes a folder that only this user enters. Throws `home_unsafe` when somebody else's folder or a link stands there. */
export function privateFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const found = lstatSync(folder);
  if (!found.isDirectory() || found.uid !== userInfo().uid) {
    throw new HoldfastError('home_unsafe', `${folder} is not a folder of this user`, { next: 'choose another HOLDFAST_HOME or remove it' });
  }
  if ((found.mode & 0o077) !== 0) chmodSync(folder, 0o700);
}

/** Paths under `home`, with every folder made and private. Throws `home_unsafe`, or what the file system says. */
export function openHome(primitives: Primitives, home: string, temporary: string): HomePaths {
  const runtime = path.join(temporary, `holdfast-${userInfo().uid}`);
  const paths = homePaths(primitives, path.resolve(home), runtime);
  for (const folder of [paths.home, paths.daemon, paths.custody, paths.audit, paths.scopes, paths.run]) privateFolder(folder);
  if (path.dirname(paths.doorSocket) === runtime) privateFolder(runtime);
  return paths;
}

export interface HomeLock {
  release(): void;
}

/** One daemon a home. SQLite takes the operating system's lock, which no crash leaves behind. Throws `already_running`. */
export function lockHome(paths: HomePaths): HomeLock {
  const lock = new DatabaseSync(path.join(paths.daemon, 'lock.db'));
  try {
    lock.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
  } catch (cause) {
    lock.close();
    if (cause instanceof Error && /locked|busy/i.test(cause.message)) {
      throw new HoldfastError('already_running', `a daemon already runs on ${paths.home}`, {
        next: 'use it as it is, stop it first, or choose another HOLDFAST_HOME',
        cause,
      });
    }
    throw cause;
  }
  return { release: () => lock.close() };
}
