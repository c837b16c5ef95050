// What a session sees of the machine: an empty root with an allow-list of mounts, most of them read-only. spec/sandbox.md
// [SANDBOX-2] to [SANDBOX-6]. The order matters: a later mount hides what an earlier one shows at its place.

import { closeSync, constants, fstatSync, lstatSync, openSync, readlinkSync, statSync } from 'node:fs';
import { relative } from 'node:path';
import type { Argument, OpenFile } from './bwrap-arguments.ts';
import { isWithin, systemFolders } from './places.ts';
import type { LinkedRepository, Protection } from './triggers.ts';

export interface MountQuery {
  /** Real path of the working tree. */
  readonly tree: string;
  readonly treeProtections: readonly Protection[];
  readonly linked: LinkedRepository | undefined;
  /** Host folder of the scope's home, and where it is inside. */
  readonly scopeHome: string;
  readonly home: string;
  /** Read-only at their own paths: toolchain folders, the command, Holdfast itself, the Node that starts. */
  readonly readOnly: readonly string[];
  /** Never seen, also when a mounted folder contains it. */
  readonly hidden: readonly string[];
  /** Of programs outside; from host-sockets.ts. */
  readonly sockets: readonly string[];
  /** From etc-files.ts. */
  readonly etc: readonly Argument[];
  /** From the daemon: the starter's text, as JavaScript. */
  readonly starter: Uint8Array;
}

export interface Mounts {
  readonly list: readonly Argument[];
  /** Paths inside that the starter finds to be read-only mount points, or ends. */
  readonly readOnly: readonly string[];
  /** Closes the descriptors in `list`; call it once bwrap has them. */
  close(): void;
}

/** Where the starter's text lies inside. */
export const starterPath = '/run/holdfast/starter.mjs';

/** @throws what opening a path of the tree throws, if it vanished meanwhile */
export function buildMounts(query: MountQuery): Mounts {
  const opened: OpenFile[] = [];
  const open = (root: string, path: string): OpenFile => {
    const file = { fd: openBelow(root, path) };
    opened.push(file);
    return file;
  };
  const close = (): void => {
    for (const { fd } of opened.splice(0)) closeSync(fd);
  };
  try {
    const { tree, linked, scopeHome, home } = query;
    const list: Argument[] = [...systemMounts(), ...mask(query.hidden, systemFolders), ...kernelMounts(), ...emptyFolders()];
    for (const path of query.readOnly.filter((path) => !isWithin(path, tree))) list.push('--ro-bind', path, path);
    list.push('--bind', scopeHome, home);
    if (linked !== undefined) {
      list.push('--bind-fd', open(linked.path, linked.path), linked.path);
      list.push(...protect(linked.path, linked.protections, open));
    }
    list.push('--bind-fd', open(tree, tree), tree, ...protect(tree, query.treeProtections, open));
    // Holdfast in the tree, or the tree in Holdfast.
    for (const path of query.readOnly.filter((path) => isWithin(tree, path))) list.push('--ro-bind', path, path);
    list.push(...mask(query.hidden, query.readOnly), ...query.etc);
    for (const path of query.sockets) list.push('--ro-bind', '/dev/null', path);
    list.push('--perms', '0444', '--file', query.starter, starterPath, '--remount-ro', '/run', '--remount-ro', '/');
    const protections = [...query.treeProtections, ...(linked?.protections ?? [])];
    return { list, close, readOnly: ['/', '/etc', '/proc', '/proc/sys', ...readOnlyPaths(protections)] };
  } catch (error) {
    close();
    throw error;
  }
}

function systemMounts(): Argument[] {
  return systemFolders.flatMap((folder) => {
    const kind = lstatSync(folder, { throwIfNoEntry: false });
    if (kind === undefined) return [];
    // Merged /usr: /bin and its like are links.
    return kind.isSymbolicLink() ? ['--symlink', readlinkSync(folder), folder] : ['--ro-bind', folder, folder];
  });
}

/**
 * Of a procfs, what tells of the machine and not of the session: keys that other programs keep in the kernel, its memory, its log, who
 * runs timers. Much of it asks only who owns the file, and a root payload is that owner. [SANDBOX-2], [SANDBOX-10]
 */
const machineFiles = [
  'kcore',
  'key-users',
  'keys',
  'kmsg',
  'kpagecgroup',
  'kpagecount',
  'kpageflags',
  'latency_stats',
  'locks',
  'pagetypeinfo',
  'sched_debug',
  'slabinfo',
  'sysrq-trigger',
  'timer_list',
  'vmallocinfo',
];
const machineFolders = ['acpi', 'asound', 'scsi'];

function kernelMounts(): Argument[] {
  const there = (name: string): boolean => lstatSync(`/proc/${name}`, { throwIfNoEntry: false }) !== undefined;
  const covered = [
    ...machineFiles.filter(there).flatMap((name) => ['--ro-bind', '/dev/null', `/proc/${name}`]),
    ...machineFolders.filter(there).flatMap((name) => ['--tmpfs', `/proc/${name}`, '--remount-ro', `/proc/${name}`]),
  ];
  // A new procfs lets uid 0 write the host's settings, capabilities or not: most of /proc/sys checks only the owner. [SANDBOX-2]
  return ['--dev', '/dev', '--proc', '/proc', '--ro-bind', '/proc/sys', '/proc/sys', ...covered, '--remount-ro', '/proc'];
}

function emptyFolders(): Argument[] {
  return [
    '--perms',
    '1777',
    '--tmpfs',
    '/tmp',
    '--tmpfs',
    '/run',
    '--dir',
    '/var',
    // A folder of its own: a working tree may lie below it, and a link would put the tree's mounts elsewhere.
    '--perms',
    '1777',
    '--tmpfs',
    '/var/tmp',
    '--symlink',
    '../run',
    '/var/run',
  ];
}

/** Empty, read-only file systems over what must not be seen in `shown`. */
function mask(hidden: readonly string[], shown: readonly string[]): Argument[] {
  return hidden
    .filter((path) => shown.some((folder) => isWithin(path, folder)))
    .flatMap((path) => {
      const kind = statSync(path, { throwIfNoEntry: false });
      if (kind === undefined) return [];
      return kind.isDirectory() ? ['--perms', '0555', '--tmpfs', path, '--remount-ro', path] : ['--ro-bind', '/dev/null', path];
    });
}

function protect(root: string, protections: readonly Protection[], open: (root: string, path: string) => OpenFile): Argument[] {
  return protections.flatMap((protection): Argument[] => {
    const { path } = protection;
    if (protection.kind === 'pin') return ['--bind-fd', open(root, path), path];
    if (protection.kind === 'mask')
      return protection.isFolder
        ? ['--perms', '0000', '--tmpfs', path, '--remount-ro', path]
        : ['--perms', '0000', '--ro-bind-data', new Uint8Array(), path];
    // Reads as empty; and git, which looks at files, folders and links only, does not list it.
    if (protection.kind === 'cover' && protection.as === 'null-file')
      return ['--dev-bind', '/dev/null', path, '--remount-ro', path];
    return ['--ro-bind-fd', open(root, path), path];
  });
}

function readOnlyPaths(protections: readonly Protection[]): string[] {
  return protections.filter(({ kind }) => kind !== 'pin').map(({ path }) => path);
}

const pathOnly = 0o10000000; // O_PATH

/** Opens `path` step by step from `root`, through no symbolic link: another session may be moving things about in there. */
function openBelow(root: string, path: string): number {
  const flags = pathOnly | constants.O_NOFOLLOW;
  let descriptor = openSync(root, flags | constants.O_DIRECTORY);
  for (const name of relative(root, path).split('/')) {
    if (name === '') continue;
    const parent = descriptor;
    try {
      descriptor = openSync(`/proc/self/fd/${parent}/${name}`, flags);
    } finally {
      closeSync(parent);
    }
    if (fstatSync(descriptor).isSymbolicLink()) {
      closeSync(descriptor);
      throw new Error(`${path} became a symbolic link`);
    }
  }
  return descriptor;
}
