// Where things lie on the host, and what of it a session may have. All paths here are absolute, resolved and without a final slash.

import { realpathSync, statSync } from 'node:fs';
import { HoldfastError } from '@holdfast/protocol/errors';

/** The distribution's programs and libraries: read-only inside, at their own paths. */
export const systemFolders = ['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32'];

/** The kernel's and the system's own state: no working tree lies in these. */
const systemState = [
  '/boot',
  '/dev',
  '/etc',
  '/proc',
  '/run',
  '/sys',
  '/var/cache',
  '/var/lib',
  '/var/log',
  '/var/mail',
  '/var/run',
  '/var/spool',
];

/** Folders that many things share: a working tree may lie in them, but not be one. */
const sharedFolders = ['/home', '/media', '/mnt', '/opt', '/root', '/srv', '/tmp', '/var', '/var/tmp'];

/** True if `path` is `folder` or lies in it. */
export function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder === '/' ? '/' : `${folder}/`);
}

/** True if one lies in the other, or they are the same. */
export function overlap(a: string, b: string): boolean {
  return isWithin(a, b) || isWithin(b, a);
}

/** The path with all symbolic links resolved; undefined if nothing is there. */
export function resolved(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}

/** Both as given and as resolved, for paths that must not be reached by either name. */
export function bothNames(paths: readonly string[]): string[] {
  return [...new Set(paths.flatMap((path) => [path, resolved(path) ?? path]))];
}

/**
 * The working tree's real path.
 * @throws sandbox_tree_refused [SANDBOX-3]
 */
export function checkWorkingTree(cwd: string, homes: readonly string[], withheld: readonly string[]): string {
  const refuse = (why: string): never => {
    throw new HoldfastError('sandbox_tree_refused', `${cwd} cannot be a session's working tree: ${why}`, {
      next: 'start the session in the folder of one project',
    });
  };
  const tree = resolved(cwd);
  if (tree === undefined || !statSync(tree).isDirectory()) return refuse('it is not a folder');
  if (tree === '/' || sharedFolders.includes(tree)) return refuse('it holds more than one project');
  if (bothNames(homes).some((home) => isWithin(home, tree))) return refuse('it contains a home folder');
  if (bothNames(withheld).some((path) => overlap(path, tree))) return refuse("it overlaps with Holdfast's own data");
  if ([...systemFolders, ...systemState].some((folder) => overlap(folder, tree))) return refuse('it belongs to the system');
  return tree;
}
