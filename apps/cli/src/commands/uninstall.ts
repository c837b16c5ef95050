// `holdfast uninstall`: the machine as it was before. It removes only what Holdfast itself makes, in a folder that holds nothing else, and
// follows no link: a session wrote in there. spec/cli.md [CLI-22].

import { chmodSync, lstatSync, readdirSync, realpathSync, rmdirSync, unlinkSync, type Stats } from 'node:fs';
import { homedir, userInfo } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { HomePaths } from '@holdfast/protocol/door/paths';
import { codeOf, HoldfastError } from '@holdfast/protocol/errors';
import { askDaemon, findHome } from '../door-client.ts';
import { usage, visible, type Output } from '../output.ts';
import { managedFor, managedSettings, removeManaged } from '../plugin/managed-files.ts';
import { installedFor, remove as removeUser, settingsFile } from '../plugin/user-settings.ts';
import { askLine } from '../secrets-input.ts';

/** All that ever lies at the top of a home. */
const ours = ['daemon', 'operator', 'relay', 'run', 'scopes', 'streams'];

export async function uninstall(output: Output, options: { readonly yes?: true }): Promise<void> {
  const paths = findHome();
  const found = lstatSync(paths.home, { throwIfNoEntry: false });
  const device = found === undefined ? undefined : assertOnlyOurs(paths.home, found);
  await assertNothingRuns(paths);
  const settings = settingsOf(paths.home);
  const planned = [...settings.keys(), ...(found === undefined ? [] : [paths.home]), ...socketFolder(paths)];
  if (planned.length > 0) await confirm(output, options, planned);
  const removed: string[] = [];
  try {
    for (const each of planned) {
      const giveBack = settings.get(each);
      if (giveBack !== undefined) giveBack();
      else if (each === paths.home) removeFolder(each, device);
      else removeSocketFolder(each, paths);
      removed.push(each);
    }
  } catch (cause) {
    if (cause instanceof HoldfastError) throw cause;
    throw new HoldfastError('store_failed', `not everything could be removed: ${String(cause)}`, {
      cause,
      next: 'see who else uses these files, then: holdfast uninstall',
    });
  }
  output.result(
    { removed },
    removed.length === 0
      ? ['nothing of Holdfast is here']
      : removed.map((each) => (settings.has(each) ? `given back ${visible(each)}` : `removed ${visible(each)}`)),
  );
}

/** A harness's settings that ask the daemon of this home: without it nothing would happen there any more. First, so that a failure leaves the rest. */
function settingsOf(home: string): ReadonlyMap<string, () => unknown> {
  const user = settingsFile(process.env);
  return new Map<string, () => unknown>([
    ...(installedFor(user) === home ? [[user, () => removeUser(user)] as const] : []),
    ...(managedFor() === home ? [[managedSettings, removeManaged] as const] : []),
  ]);
}

function refused(message: string, next = 'check HOLDFAST_HOME, and remove by hand what you know'): HoldfastError {
  return new HoldfastError('home_unsafe', message, { next });
}

/** The device that the home lies on. Throws `home_unsafe`. [CLI-22] */
function assertOnlyOurs(home: string, found: Stats): number {
  if (!found.isDirectory()) throw refused(`${home} is not a folder of its own`); // [CLI-22]
  if (found.uid !== userInfo().uid) throw refused(`${home} belongs to another user`);
  const real = realpathSync(home);
  if (real === path.parse(real).root || real === realPathOf(homedir()) || real === realPathOf(userInfo().homedir))
    throw refused(`${home} is not Holdfast's folder`); // [CLI-22]
  const foreign = readdirSync(home).filter((each) => !ours.includes(each));
  if (foreign.length > 0) throw refused(`${home} holds what Holdfast did not make: ${foreign.slice(0, 10).join(', ')}`); // [CLI-22]
  return found.dev;
}

function realPathOf(folder: string): string {
  try {
    return realpathSync(folder);
  } catch {
    return path.resolve(folder); // a user without a home
  }
}

/** Throws `already_running`: of a daemon at its door, and of whoever holds a store's lock. */
async function assertNothingRuns(paths: HomePaths): Promise<void> {
  const running = (cause?: unknown) =>
    new HoldfastError('already_running', `Holdfast runs on ${paths.home}`, {
      cause,
      next: 'stop it (Ctrl-C where npm start runs), then: holdfast uninstall',
    });
  try {
    await askDaemon(paths, { kind: 'status' }, 'status');
  } catch (thrown) {
    if (codeOf(thrown) !== 'daemon_unreachable') throw thrown;
    for (const file of ['daemon/lock.db', 'operator/lock.db', 'relay/relay.db'].map((each) => path.join(paths.home, each))) {
      if (lstatSync(file, { throwIfNoEntry: false })?.isFile() === true && isLocked(file)) throw running(thrown);
    }
    return;
  }
  throw running(); // [CLI-22]
}

function isLocked(file: string): boolean {
  const store = new DatabaseSync(file);
  try {
    store.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; ROLLBACK');
    return false;
  } catch (thrown) {
    return thrown instanceof Error && /locked|busy/i.test(thrown.message); // a damaged one is nobody's
  } finally {
    store.close();
  }
}

/** The short folder of a socket whose own path was too long, if it is ours and holds nothing of another home. */
function socketFolder({ doorSocket, run }: HomePaths): string[] {
  const folder = path.dirname(doorSocket);
  if (folder === run) return [];
  const found = lstatSync(folder, { throwIfNoEntry: false });
  if (found?.isDirectory() !== true || found.uid !== userInfo().uid) return [];
  return readdirSync(folder).every((each) => each === path.basename(doorSocket)) ? [folder] : [];
}

function removeSocketFolder(folder: string, { doorSocket }: HomePaths): void {
  if (lstatSync(doorSocket, { throwIfNoEntry: false })?.isSocket() === true) unlinkSync(doorSocket);
  rmdirSync(folder);
}

async function confirm(output: Output, options: { readonly yes?: true }, planned: readonly string[]): Promise<void> {
  output.say('This removes:');
  for (const each of planned) output.say(`  ${visible(each)}`);
  output.say('The operator key and the only copy of the audit log go with it. No one can bring them back.');
  if (options.yes === true) return;
  if (output.json || !process.stdin.isTTY) throw usage('nothing was removed: nobody said yes', 'holdfast uninstall --yes'); // [CLI-22]
  if ((await askLine('To go on, type: uninstall')) !== 'uninstall') throw usage('nothing was removed: another word was typed'); // [CLI-22]
}

/** Links are removed and never followed, folders without permissions opened first, and another file system is not ours. */
function removeFolder(folder: string, device: number | undefined): void {
  if (lstatSync(folder).dev !== device)
    throw refused(`${folder} is a file system of its own`, 'unmount it, then: holdfast uninstall');
  chmodSync(folder, 0o700);
  for (const each of readdirSync(folder, { withFileTypes: true })) {
    const inside = path.join(folder, each.name);
    if (each.isDirectory()) removeFolder(inside, device);
    else unlinkSync(inside); // [CLI-22]
  }
  rmdirSync(folder);
}
