// What steers a Claude Code that was started by hand and can be written by its own user: settings, instructions, shell profiles, our plugin. Looked at
// as a whole, again and again; what the kernel says of a file changes with every write, also with one that is taken back. spec/guarded.md [GUARDED-9].

import { lstatSync, readdirSync, readlinkSync, statSync, type BigIntStats } from 'node:fs';
import path from 'node:path';
import { HoldfastError } from '@holdfast/protocol/errors';
import { pluginFolder } from '../guard/claude-code/plugin.ts';

export interface Steered {
  readonly tree: string;
  readonly home: string;
  readonly config: string;
}

/** By path; a place that is absent has no entry. */
export type Look = ReadonlyMap<string, string>;

const maxEntries = 8192;
const maxDepth = 8;
const maxAncestors = 64;

const managedFolder = '/etc/claude-code';
const instructions = ['CLAUDE.md', 'CLAUDE.local.md', 'AGENTS.md'];
/** In a folder `.claude`, of a user or of a repository. */
const configured = [
  'settings.json',
  'settings.local.json',
  'CLAUDE.md',
  'agents',
  'commands',
  'hooks',
  'output-styles',
  'rules',
  'skills',
  'workflows',
];
/** They set PATH, LD_PRELOAD or NODE_OPTIONS for what is started later. */
const profiles = [
  '.bash_aliases',
  '.bash_login',
  '.bash_profile',
  '.bashrc',
  '.config/environment.d',
  '.config/fish/config.fish',
  '.pam_environment',
  '.profile',
  '.zlogin',
  '.zprofile',
  '.zshenv',
  '.zshrc',
];

/** @throws limit_exceeded where there is more than can be looked at again and again */
export function look({ tree, home, config }: Steered): Look {
  const places = [
    // [GUARDED-9]
    managedFolder,
    pluginFolder,
    ...configured.flatMap((name) => [path.join(config, name), path.join(tree, '.claude', name)]),
    path.join(tree, '.mcp.json'),
    ...above(tree).flatMap((folder) => instructions.map((name) => path.join(folder, name))),
    ...profiles.map((name) => path.join(home, name)),
  ];
  const found = new Map<string, string>();
  for (const place of places) see(place, maxDepth, found);
  return found;
}

/** Paths that came, went or were written, in order; a folder only where nothing is left that tells why. */
export function differences(before: Look, now: Look): readonly string[] {
  const changed = [...new Set([...before.keys(), ...now.keys()])].filter((place) => before.get(place) !== now.get(place));
  const told = new Set(changed.map((place) => path.dirname(place)));
  return changed.filter((place) => !told.has(place)).toSorted();
}

/** The folder itself and all above it: instructions of each are read. */
function above(tree: string): readonly string[] {
  const folders = [tree];
  for (let at = tree; at !== path.dirname(at) && folders.length < maxAncestors; at = path.dirname(at))
    folders.push(path.dirname(at));
  return folders;
}

function see(place: string, depth: number, found: Map<string, string>): void {
  const own = lstatSync(place, { bigint: true, throwIfNoEntry: false });
  if (own === undefined) return;
  if (found.size >= maxEntries)
    throw new HoldfastError('limit_exceeded', `more than ${maxEntries} files steer this session`, {
      next: 'keep what is no instruction out of .claude, or start sealed: holdfast run -- claude',
    });
  const led = own.isSymbolicLink() ? attempted(() => statSync(place, { bigint: true })) : own;
  const target = own.isSymbolicLink()
    ? ` > ${attempted(() => readlinkSync(place)) ?? ''} ${led === undefined ? 'nowhere' : identity(led)}`
    : '';
  found.set(place, identity(own) + target);
  if (led?.isDirectory() !== true || depth === 0) return;
  // What this user may not list the agent may not list either.
  for (const name of attempted(() => readdirSync(place))?.toSorted() ?? []) see(path.join(place, name), depth - 1, found);
}

function attempted<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}

/** No program can set the time of the last change of an inode. A folder's tells of an entry that came and went between two looks. */
function identity({ dev, ino, mode, uid, size, ctimeNs }: BigIntStats): string {
  return [dev, ino, mode, uid, size, ctimeNs].join(' ');
}
