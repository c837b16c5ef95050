// The daemon's folders, made private, and its one-instance lock: an operating-system lock that ends with the process. spec/door.md.

import { chmodSync, lstatSync, mkdirSync, readdirSync, type Stats } from 'node:fs';
import { homedir, userInfo } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { homePaths, type HomePaths } from '@holdfast/protocol/door/paths';
import { HoldfastError } from '@holdfast/protocol/errors';
import type { Primitives } from '@holdfast/protocol/primitives/primitives';

function unsafe(message: string, next = 'choose another HOLDFAST_HOME'): HoldfastError {
  return new HoldfastError('home_unsafe', message, { next });
}

function inspected(folder: string): Stats | undefined {
  try {
    return lstatSync(folder);
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined;
    throw failed(folder, cause);
  }
}

function failed(folder: string, cause: unknown): HoldfastError {
  return new HoldfastError('store_failed', `${folder} cannot be made or read`, {
    cause,
    next: 'check its permissions and the space on its disk, or choose another HOLDFAST_HOME',
  });
}

/**
 * Makes a folder that only this user enters. One that others can read is closed to them; one that others can write may hold what they
 * planted. Throws `home_unsafe` for that, for a link, and for somebody else's folder; `store_failed` when the system refuses.
 */
export function privateFolder(folder: string): void {
  try {
    if (inspected(folder) === undefined) mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (cause) {
    if (cause instanceof HoldfastError) throw cause;
    throw failed(folder, cause);
  }
  const found = inspected(folder);
  if (found?.isSymbolicLink() === true) throw unsafe(`${folder} is a link`, 'name the folder itself'); // [DOOR-1]
  if (found?.isDirectory() !== true) throw unsafe(`${folder} is not a folder`); // [DOOR-1]
  if (found.uid !== userInfo().uid) throw unsafe(`${folder} belongs to another user`); // [DOOR-1]
  if ((found.mode & 0o022) !== 0) throw unsafe(`others can write to ${folder}`, 'see what is in it, then: chmod 700 it'); // [DOOR-1]
  if ((found.mode & 0o055) !== 0) chmodSync(folder, 0o700); // [DOOR-1]
}

/** A home is ours to make private: new, empty, or made by us before. Anything else is a mistyped HOLDFAST_HOME. */
function assertOurs(home: string): void {
  if (home === path.parse(home).root || home === path.resolve(homedir()))
    throw unsafe(`${home} cannot be Holdfast's folder`, 'name a folder of its own'); // [DOOR-1]
  if (inspected(home)?.isDirectory() !== true) return;
  const inside = readdirSync(home);
  if (inside.length > 0 && !['daemon', 'relay', 'operator'].some((each) => inside.includes(each))) {
    throw unsafe(`${home} holds other things already`, 'name a folder of its own'); // [DOOR-1]
  }
}

/** Paths under `home`, with every folder made and private. `temporary`: where a socket's short path goes. Throws `home_unsafe`, `store_failed`. */
export function openHome(primitives: Primitives, home: string, temporary: string): HomePaths {
  const runtime = path.join(temporary, `holdfast-${userInfo().uid}`);
  const paths = homePaths(primitives, path.resolve(home), runtime);
  if (!paths.doorSocketFits)
    throw unsafe(`a socket's path under ${temporary} is too long as well`, 'choose a shorter HOLDFAST_HOME or TMPDIR'); // [DOOR-5]
  assertOurs(paths.home);
  for (const folder of [paths.home, paths.daemon, paths.custody, paths.audit, paths.salts, paths.scopes, paths.run])
    privateFolder(folder);
  if (path.dirname(paths.doorSocket) === runtime) privateFolder(runtime); // [DOOR-5]
  return paths;
}

export interface HomeLock {
  release(): void;
}

/** One daemon a home. SQLite takes the operating system's lock, which no crash leaves behind. Throws `already_running`, `store_failed`. */
export function lockHome(paths: HomePaths): HomeLock {
  let lock: DatabaseSync | undefined;
  try {
    lock = new DatabaseSync(path.join(paths.daemon, 'lock.db'));
    lock.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
    const held = lock;
    return { release: () => held.close() };
  } catch (cause) {
    lock?.close();
    if (cause instanceof Error && /locked|busy/i.test(cause.message)) {
      throw new HoldfastError('already_running', `a daemon already runs on ${paths.home}`, {
        next: 'use it as it is, stop it first, or choose another HOLDFAST_HOME',
        cause,
      }); // [DOOR-8]
    }
    throw failed(paths.daemon, cause);
  }
}
