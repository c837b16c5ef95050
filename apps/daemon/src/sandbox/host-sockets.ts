// Unix sockets of programs outside that lie where a session can see them: a read-only mount does not stop anybody from connecting, so each gets
// an empty file over it. spec/sandbox.md [SANDBOX-17]. Known are those that the kernel lists for our network namespace, by the name they were
// bound under; what appears later is not reached by this.

import { lstatSync, readFileSync, realpathSync } from 'node:fs';
import { basename, dirname, isAbsolute, join } from 'node:path';
import { HoldfastError } from '@holdfast/protocol/errors';
import { bornName } from './covers.ts';
import { isWithin } from './places.ts';

/** Each is a mount, and bwrap takes a bounded number of words. */
const maxSockets = 256;

/** __SO_ACCEPTCON of <linux/net.h>: somebody listens. */
const listening = 0x10000;

/**
 * Paths below `shown` and not below `hidden` on which a program listens now. A name that was bound as a relative one is looked for in `tree`.
 * @throws sandbox_tree_refused
 */
export function hostSockets(shown: readonly string[], hidden: readonly string[], tree: string): string[] {
  const found = new Set<string>();
  for (const name of boundNames()) {
    const path = realPath(isAbsolute(name) ? name : join(tree, name));
    // One of ours would be gone before it could be covered, and the mount would leave a file in its place.
    if (path === undefined || bornName.test(basename(path)) || hidden.some((folder) => isWithin(path, folder))) continue;
    if (shown.some((folder) => isWithin(path, folder))) found.add(path);
  }
  if (found.size > maxSockets) {
    throw new HoldfastError('sandbox_tree_refused', `programs listen on more than ${maxSockets} sockets in ${tree} and on PATH`, {
      next: 'end them, or start the session elsewhere',
    });
  }
  return [...found];
}

/** Names of the abstract kind begin with `@` and are out of reach: they belong to a network namespace. */
function boundNames(): string[] {
  const rows = readFileSync('/proc/net/unix', 'utf8').split('\n').slice(1);
  return rows.flatMap((row) => {
    const [, flags, name] = /^\S+: \S+ \S+ (\S+) \S+ \S+ +\d+ (.+)$/.exec(row) ?? [];
    return flags !== undefined && name !== undefined && (Number.parseInt(flags, 16) & listening) !== 0 && !name.startsWith('@')
      ? [name]
      : [];
  });
}

/** Undefined when no socket is there by that name any more. The folder's links are resolved; a link in the socket's place is no socket. */
function realPath(name: string): string | undefined {
  try {
    const path = join(realpathSync(dirname(name)), basename(name));
    return lstatSync(path).isSocket() ? path : undefined;
  } catch {
    return undefined;
  }
}
