// What the machine has to have: the pinned Node, the daemon's own probes, kernel settings, a safe home, a clock that does not run behind.

import { execFile } from 'node:child_process';
import { lstatSync, readdirSync, readFileSync, type Stats } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir, userInfo } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { HomePaths } from '@holdfast/protocol/door/paths';
import { fail, ok, warn, type Check } from './check.ts';

/** Custody waits half a minute for a slow machine, and may be tried twice. */
const probeWithinMs = 90_000;
/** File systems keep times more coarsely than the clock. */
const clockSlackMs = 5_000;

/** One answer of the daemon's doctor. */
export interface Probed {
  readonly found?: string;
  readonly message?: string;
  readonly next?: string;
}

export function pinnedNode(): Check {
  try {
    const { version } = createRequire(import.meta.url)(`node-linux-${process.arch}/package.json`) as { version: string };
    if (version === process.versions.node) return ok('node', `${process.version}, the pinned one`);
    return warn('node', `runs on ${process.version}; ${version} is pinned`, 'npm ci, in the clone');
  } catch {
    return warn('node', `the pinned Node is not installed; runs on ${process.version}`, 'npm ci, in the clone');
  }
}

/** The daemon's program, asked over a process boundary: apps never import each other. */
export async function probes(): Promise<Check[]> {
  const program = fileURLToPath(new URL('../../../daemon/src/doctor.ts', import.meta.url));
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [program], { timeout: probeWithinMs });
    const { sandbox, custody } = JSON.parse(stdout) as { readonly sandbox: Probed; readonly custody: Probed };
    return [sandboxCheck(sandbox), custodyCheck(custody)];
  } catch (thrown) {
    return [fail('sandbox', `the daemon's probe does not run: ${String(thrown)}`, 'npm ci, in the clone')];
  }
}

export function sandboxCheck({ found, message = '', next = 'npm ci, in the clone' }: Probed): Check {
  return found === undefined ? fail('sandbox', message, next) : ok('sandbox', `${found} seals a session here`);
}

export function custodyCheck({ found, message = '', next = 'npm ci, in the clone' }: Probed): Check {
  if (found === undefined) return fail('custody', message, next);
  if (found === 'namespaces') return ok('custody', 'keys are kept behind namespaces: no network, no other files');
  return warn(
    'custody',
    "keys are kept behind Node's permissions alone, which say nothing about the network",
    'mend what the check named sandbox says',
  );
}

/** Settings that keep ordinary users from user namespaces; `root` is where /proc/sys lies. */
export function userNamespaces(root = '/proc/sys'): Check {
  const name = 'user-namespaces';
  const settings = [
    ['kernel/unprivileged_userns_clone', '0', '1'],
    ['user/max_user_namespaces', '0', '10000'],
    ['kernel/apparmor_restrict_unprivileged_userns', '1', '0'],
  ] as const;
  const seen: string[] = [];
  for (const [setting, forbids, allows] of settings) {
    let value: string;
    try {
      value = readFileSync(path.join(root, setting), 'utf8').trim();
    } catch {
      continue; // this kernel has no such setting
    }
    const key = setting.replace('/', '.');
    if (value === forbids)
      return warn(name, `${key} is ${value}: ordinary users may make none`, `sudo sysctl -w ${key}=${allows}`);
    seen.push(`${key}=${value}`);
  }
  return ok(name, seen.length === 0 ? 'no setting forbids them' : seen.join(' '));
}

/** As the daemon will judge it, and nothing is made or changed. */
export function homeCheck({ home }: HomePaths): Check {
  const mend = 'choose another HOLDFAST_HOME';
  if (home === path.parse(home).root || home === path.resolve(homedir()))
    return fail('home', `${home} cannot be Holdfast's folder`, mend);
  let found: Stats | undefined;
  try {
    found = lstatSync(home, { throwIfNoEntry: false });
  } catch (thrown) {
    return fail('home', String(thrown), mend);
  }
  if (found === undefined) return ok('home', `${home} is not made yet`);
  if (!found.isDirectory()) return fail('home', `${home} is a link or a file`, mend);
  if (found.uid !== userInfo().uid) return fail('home', `${home} belongs to another user`, mend);
  if ((found.mode & 0o022) !== 0)
    return fail('home', `others can write to ${home}`, `see what is in it, then: chmod 700 ${home}`);
  if ((found.mode & 0o055) !== 0) return warn('home', `others can read ${home}`, `chmod 700 ${home}`);
  return ok('home', `${home} is this user's alone`);
}

/** A clock that runs behind what was written already. Sessions can write under `scopes`: what lies there says nothing. */
export function clockCheck({ daemon, relay, operator }: HomePaths, nowMs: number): Check {
  const newest = Math.max(0, ...[daemon, relay, operator].map(newestIn));
  const behindMs = newest - nowMs;
  if (behindMs <= clockSlackMs) return ok('clock', `it is ${new Date(nowMs).toISOString()}`);
  const written = new Date(newest).toISOString();
  return fail(
    'clock',
    `it is ${new Date(nowMs).toISOString()}, and files of the home were written at ${written}`,
    'set the clock: sudo timedatectl set-ntp true',
  );
}

function newestIn(folder: string): number {
  try {
    const times = readdirSync(folder).map((each) => lstatSync(path.join(folder, each), { throwIfNoEntry: false })?.mtimeMs ?? 0);
    return Math.max(0, ...times);
  } catch {
    return 0; // not made yet
  }
}
