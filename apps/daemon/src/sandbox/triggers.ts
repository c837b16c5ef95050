// What in a working tree runs when somebody touches the tree from outside of a session: git, an editor, a shell that reads a folder's
// settings, a package manager, another agent. Inside they are read-only, and what is absent cannot be made. spec/sandbox.md
// [SANDBOX-4]; docs/adr/0002-working-tree-triggers.md has the reasons, the list and what it does not reach.
//
// Everything below the tree may be another session's work: it is opened step by step, never through a symbolic link.

import { closeSync, constants, fstatSync, lstatSync, openSync, readFileSync, readdirSync, type Stats } from 'node:fs';
import { dirname, isAbsolute, join, normalize, relative } from 'node:path';
import { HoldfastError } from '@holdfast/protocol/errors';
import { isPlaceholder, type Cover, type CoverKind } from './covers.ts';
import { gitConfigPaths } from './git-config.ts';

/** Read-only where they exist, covered where they do not. */
const folders = ['.claude', '.vscode', '.idea', '.husky', '.devcontainer', '.cursor', '.zed'];
const files = ['.mcp.json', '.envrc', '.npmrc', '.yarnrc', '.yarnrc.yml', '.pnpmfile.cjs', '.exrc', '.vimrc'];

/**
 * Read-only where they exist. Where they do not, a tool asks before it uses a new one, or runs it only as part of the project's own
 * code, which a session may write.
 */
const onlyExisting = [
  '.nvimrc',
  '.nvim.lua',
  '.lazy.lua',
  '.dir-locals.el',
  '.pnpmfile.mjs',
  'mise.toml',
  '.mise.toml',
  '.mise',
  '.config/mise',
  '.config/mise.toml',
  '.pre-commit-config.yaml',
  'lefthook.yml',
  '.lefthook.yml',
  '.lefthook',
  '.yarn/releases',
  '.yarn/plugins',
  '.cargo/config.toml',
  '.cargo/config',
  '.bundle/config',
  '.mvn',
  'bunfig.toml',
  '.codex',
  '.gemini',
  '.opencode',
  '.windsurf',
];

export type Protection =
  /** A mount of the folder on itself, writable: it cannot be renamed away with the read-only places in it. */
  | { readonly kind: 'pin'; readonly path: string }
  | { readonly kind: 'read-only'; readonly path: string }
  /** Something that nobody can read stands in its place. */
  | { readonly kind: 'mask'; readonly path: string; readonly isFolder: boolean }
  /** Absent: a placeholder has to be made first. */
  | Cover;

/** Each is a mount: what rules protect by the thousand is a folder that they should name instead. */
const maxHeld = 512;

/** Each is a mount, and a session can make folders that look like worktrees: bwrap takes a bounded number of words. */
const maxWorktrees = 256;

/** Configs with hundreds of remotes have some tens of kilobytes. */
const maxGitFileBytes = 1 << 20;

/** Collects protections of one folder, parents before what lies in them. */
class Plan {
  readonly #root: string;
  readonly #chosen = new Map<string, Protection>();

  constructor(root: string) {
    this.#root = root;
  }

  /** In the order in which they must be mounted. */
  get protections(): Protection[] {
    return [...this.#chosen.values()].toSorted((a, b) => (a.path < b.path ? -1 : 1));
  }

  /** `cover` undefined leaves an absent path alone. @throws sandbox_tree_refused on a symbolic link: it cannot be held in place */
  protect(path: string, cover: CoverKind | undefined): void {
    const names = relative(this.#root, path).split('/');
    let place = this.#root;
    for (const [index, name] of names.entries()) {
      const held = this.#chosen.get(place);
      if (held !== undefined && held.kind !== 'pin') return;
      place = join(place, name);
      const last = index === names.length - 1;
      const found = lstatSync(place, { throwIfNoEntry: false });
      // An absent parent is enough to cover: nothing can be made below it.
      const as = last ? cover : 'folder';
      if (found === undefined || (cover !== undefined && as !== undefined && isPlaceholder(place, as))) {
        if (cover !== undefined && as !== undefined) this.#chosen.set(place, { kind: 'cover', path: place, as });
        return;
      }
      if (found.isSymbolicLink()) {
        throw new HoldfastError(
          'sandbox_tree_refused',
          `${place} is a symbolic link, so a session could redirect what runs from it`,
          {
            next: 'replace the link by the file or folder itself',
          },
        );
      }
      if (last) this.#chosen.set(place, { kind: 'read-only', path: place });
      else if (!found.isDirectory()) return;
      else this.pin(place);
    }
  }

  pin(path: string): void {
    if (!this.#chosen.has(path)) this.#chosen.set(path, { kind: 'pin', path });
  }

  /** What is absent, or reached by a link, is left alone: a link's target has a path of its own. */
  mask(path: string): void {
    const found = this.#plain(path);
    const hidden = [...this.#chosen.values()].some(({ kind, path: above }) => kind === 'mask' && path.startsWith(`${above}/`));
    if (found === undefined || hidden) return;
    // Nothing can be mounted in what stands in a folder's place, and nothing needs to.
    for (const place of this.#chosen.keys()) if (place.startsWith(`${path}/`)) this.#chosen.delete(place);
    this.#chosen.set(path, { kind: 'mask', path, isFolder: found.isDirectory() });
  }

  holdReadOnly(path: string): void {
    if (this.#plain(path) === undefined) return;
    const held = this.#chosen.get(path);
    if (held === undefined || held.kind === 'pin') this.#chosen.set(path, { kind: 'read-only', path });
  }

  /** What lies there, if no link leads to it; the folders above are pinned. */
  #plain(path: string): Stats | undefined {
    let place = this.#root;
    let found: Stats | undefined;
    const above: string[] = [];
    for (const name of relative(this.#root, path).split('/')) {
      if (found !== undefined) above.push(place);
      place = join(place, name);
      found = lstatSync(place, { throwIfNoEntry: false });
      if (found === undefined || found.isSymbolicLink()) return undefined;
    }
    for (const folder of above) this.pin(folder);
    return found;
  }
}

/** What rules keep from a session: places in the tree. */
export interface Held {
  readonly masked: readonly string[];
  readonly readOnly: readonly string[];
}

/** The protections of the tree, and of `installation` where it lies in it [SANDBOX-15]. @throws sandbox_tree_refused */
export function planTriggers(tree: string, installation: string, held: Held = { masked: [], readOnly: [] }): Protection[] {
  const plan = new Plan(tree);
  const git = join(tree, '.git');
  const kind = lstatSync(git, { throwIfNoEntry: false });
  if (kind?.isDirectory() === true && !isPlaceholder(git, 'folder')) {
    plan.pin(git);
    protectRepository(plan, git, tree);
  } else {
    // A worktree's or submodule's `.git` is a file that names the repository.
    plan.protect(git, 'folder');
  }
  // Without a usable .git, git takes a folder that has HEAD, objects and refs for a repository, with a config that may run anything.
  const bareParts = ['refs', 'objects'].map((name) => join(tree, name));
  const missing = bareParts.find(
    (path) => lstatSync(path, { throwIfNoEntry: false }) === undefined || isPlaceholder(path, 'null-file'),
  );
  if (missing === undefined) protectRepository(plan, tree, tree);
  else plan.protect(missing, 'null-file');

  for (const name of folders) plan.protect(join(tree, name), 'folder');
  for (const name of files) plan.protect(join(tree, name), 'null-file');
  for (const name of onlyExisting) plan.protect(join(tree, name), undefined);
  if (installation !== tree && installation.startsWith(`${tree}/`)) plan.protect(installation, undefined);
  for (const path of held.readOnly.filter((path) => path.startsWith(`${tree}/`))) plan.holdReadOnly(path);
  for (const path of held.masked.filter((path) => path.startsWith(`${tree}/`))) plan.mask(path); // [SANDBOX-16]
  if (held.masked.length + held.readOnly.length > maxHeld)
    throw new HoldfastError('sandbox_tree_refused', `more than ${maxHeld} places of ${tree} are kept from sessions by rules`, {
      next: 'have the rules name folders instead of files',
    });
  return plan.protections;
}

/** A linked worktree's repository, which lies outside of the tree and is mounted beside it. */
export interface LinkedRepository {
  readonly path: string;
  readonly protections: readonly Protection[];
}

/**
 * The repository of a tree whose `.git` is a worktree's file. Believed only if that repository names this tree as its worktree: a
 * `.git` file comes with any archive, the other end does not. Undefined for everything else, and git then does not work inside.
 */
export function linkedRepository(tree: string): LinkedRepository | undefined {
  const own = readLine(join(tree, '.git'))?.replace(/^gitdir: /, '');
  if (own === undefined || !isAbsolute(own) || normalize(own) !== own) return undefined;
  const worktrees = dirname(own);
  const repository = dirname(worktrees);
  if (!own.startsWith(`${repository}/worktrees/`) || readLine(join(own, 'gitdir')) !== join(tree, '.git')) return undefined;
  if (readLine(join(own, 'commondir')) !== '../..') return undefined;
  const places = [repository, worktrees, own].map((path) => lstatSync(path, { throwIfNoEntry: false }));
  if (!places.every((place) => place?.isDirectory() === true) || repository.startsWith(`${tree}/`)) return undefined;

  const plan = new Plan(repository);
  protectRepository(plan, repository, tree, own);
  plan.pin(worktrees);
  plan.pin(own);
  for (const name of ['gitdir', 'commondir']) plan.protect(join(own, name), undefined);
  plan.protect(join(own, 'config.worktree'), 'file');
  return { path: repository, protections: plan.protections };
}

/** What git reads as settings or runs: config, hooks, what config names in the tree, and the ways to point git at another config. */
function protectRepository(plan: Plan, repository: string, tree: string, ownWorktree?: string): void {
  plan.protect(join(repository, 'config'), 'file');
  plan.protect(join(repository, 'config.worktree'), 'file');
  plan.protect(join(repository, 'hooks'), 'folder');
  plan.protect(join(repository, 'commondir'), 'commondir');
  const worktrees = join(repository, 'worktrees');
  const entries = listFolder(worktrees);
  if (entries.length > maxWorktrees) {
    throw new HoldfastError('sandbox_tree_refused', `${worktrees} names more than ${maxWorktrees} worktrees`, {
      next: 'git worktree prune, and look into that folder',
    });
  }
  for (const entry of entries) {
    const path = join(worktrees, entry);
    if (path !== ownWorktree) plan.protect(path, undefined);
  }
  if (ownWorktree !== undefined) return;
  for (const { path, isFolder } of gitConfigPaths(readText(join(repository, 'config')) ?? '', repository, tree)) {
    if (path.startsWith(`${tree}/`)) plan.protect(path, isFolder ? 'folder' : 'null-file');
  }
}

function listFolder(path: string): string[] {
  const found = lstatSync(path, { throwIfNoEntry: false });
  return found?.isDirectory() === true ? readdirSync(path) : [];
}

function readLine(path: string): string | undefined {
  return readText(path)?.replace(/\n$/, '');
}

/** Undefined if there is no such regular file. @throws sandbox_tree_refused on one too large to be what it is named for */
function readText(path: string): string | undefined {
  let descriptor: number;
  try {
    // A FIFO would hang the daemon without O_NONBLOCK.
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch {
    return undefined;
  }
  try {
    const found = fstatSync(descriptor);
    if (!found.isFile()) return undefined;
    if (found.size > maxGitFileBytes) {
      throw new HoldfastError('sandbox_tree_refused', `${path} is too large to be read`, { next: 'look into that file' });
    }
    return readFileSync(descriptor, 'utf8');
  } finally {
    closeSync(descriptor);
  }
}
