// The managed settings of this machine, which root alone may write and no other setting overrides: one file of ours beside whatever an organization has
// put there, and a folder with the plugins that it names. spec/guarded.md [GUARDED-14].

import { lstatSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { HoldfastError } from '@holdfast/protocol/errors';
import { writeAtomically } from '../operator/key-file.ts';

export interface ManagedFile {
  readonly path: string;
  readonly text: string;
}

const folder = '/etc/claude-code';
const ours = `${folder}/holdfast`;
const dropIns = `${folder}/managed-settings.d`;
/** Whose daemon they ask: Holdfast's home. */
const ownerFile = `${ours}/home`;
export const managedSettings = `${dropIns}/90-holdfast.json`;

/** The settings last: they name the rest. `home`: Holdfast's. True: something was written. @throws usage, store_failed */
export function installManaged(files: readonly ManagedFile[], home: string): boolean {
  for (const each of files)
    if (each.path !== managedSettings && (!each.path.startsWith(`${ours}/`) || each.path !== path.posix.normalize(each.path)))
      throw new HoldfastError('usage', `${each.path} is no place of Holdfast's`, {
        next: 'the daemon is another version than this command',
      });
  const [settings, ...others] = [...files, { path: ownerFile, text: `${home}\n` }].toSorted(
    (a, b) => Number(b.path === managedSettings) - Number(a.path === managedSettings),
  );
  const written = [...others, ...(settings === undefined ? [] : [settings])].map((each) =>
    attempted(() => {
      if (same(each)) return false;
      mkdirSync(path.dirname(each.path), { recursive: true, mode: 0o755 });
      writeAtomically(each.path, Buffer.from(each.text), 0o644); // [GUARDED-14]
      return true;
    }),
  );
  return written.includes(true);
}

/** The settings first. True: something was there. @throws store_failed */
export function removeManaged(): boolean {
  const there = isManaged() || lstatSync(ours, { throwIfNoEntry: false }) !== undefined;
  attempted(() => {
    rmSync(managedSettings, { force: true });
    rmSync(ours, { recursive: true, force: true });
  });
  for (const each of [dropIns, folder]) removeIfEmpty(each);
  return there;
}

/** Undefined where nothing of ours is. */
export function managedFor(): string | undefined {
  return lstatSync(ownerFile, { throwIfNoEntry: false })?.isFile() === true
    ? readFileSync(ownerFile, 'utf8').trimEnd()
    : undefined;
}

export function isManaged(): boolean {
  return lstatSync(managedSettings, { throwIfNoEntry: false })?.isFile() === true;
}

function same({ path: file, text }: ManagedFile): boolean {
  return lstatSync(file, { throwIfNoEntry: false })?.isFile() === true && readFileSync(file, 'utf8') === text;
}

function removeIfEmpty(place: string): void {
  try {
    if (readdirSync(place).length === 0) rmdirSync(place);
  } catch {
    // not there, or somebody's mount
  }
}

function attempted<T>(work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw new HoldfastError('store_failed', `cannot write in ${folder}`, {
      cause,
      next: 'root does this, with the home that the daemon has: sudo HOLDFAST_HOME=HOME holdfast plugin install --managed',
    });
  }
}
