// The folders of the caller's PATH that lie outside of the system's: which of them a session sees, and what they need to work.
// spec/sandbox.md [SANDBOX-5].
//
// A folder of programs in a home often lies beside a token (~/.cargo/credentials.toml, ~/.pulumi, ~/.fly), so a folder there brings
// nothing but itself and what its links point to; whole roots only where they are known to hold programs and nothing else.

import { existsSync, readdirSync, readlinkSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { isWithin, overlap, resolved, systemFolders } from './places.ts';

/** Below the home: version managers whose folders hold programs only. */
const programRoots = [
  '.pyenv',
  '.nvm',
  '.rustup',
  '.rbenv',
  '.asdf/installs',
  '.asdf/shims',
  '.sdkman/candidates',
  '.deno/bin',
  '.bun/bin',
  '.rye/shims',
  '.fnm',
  '.nodenv',
  '.goenv',
  '.jenv',
  '.volta/bin',
  '.volta/tools',
  '.local/share/mise/installs',
  '.local/share/mise/shims',
  '.local/share/fnm',
  '.local/share/uv/tools',
  '.local/share/uv/python',
  '.local/share/pipx/venvs',
  '.local/pipx/venvs',
  'miniconda3',
  'anaconda3',
  'mambaforge',
];

/** Shims find their root by a variable when HOME is another one. */
const rootVariables: Readonly<Record<string, string>> = {
  '.pyenv': 'PYENV_ROOT',
  '.nvm': 'NVM_DIR',
  '.rustup': 'RUSTUP_HOME',
  '.rbenv': 'RBENV_ROOT',
  '.nodenv': 'NODENV_ROOT',
  '.goenv': 'GOENV_ROOT',
};

/** A folder of programs has few links; past this many the rest stay unresolved rather than making every start slow. */
const maxLinks = 2_000;

export interface Toolchains {
  /** Absolute paths of folders and files, each to be mounted read-only at its own path; none lies in another. */
  readonly mounts: readonly string[];
  /** PATH inside. */
  readonly path: readonly string[];
  readonly variables: Readonly<Record<string, string>>;
}

export interface ToolchainQuery {
  readonly callerPath: string;
  readonly homes: readonly string[];
  /** The working tree: seen anyway, and writable, so nothing in it is mounted again. */
  readonly tree: string;
  /** What must not be seen; a folder that contains or lies in one of these is left out. */
  readonly withheld: readonly string[];
}

export function findToolchains({ callerPath, homes, tree, withheld }: ToolchainQuery): Toolchains {
  const chosen = new Set<string>();
  const searched = new Set<string>();
  const path: string[] = [];
  const variables: Record<string, string> = {};
  const mayBeSeen = (place: string): boolean =>
    !withheld.some((hidden) => overlap(hidden, place)) && !homes.some((home) => isWithin(home, place));
  const isSeen = (place: string): boolean => [...systemFolders, tree, ...chosen].some((folder) => isWithin(place, folder));
  const choose = (place: string | undefined): void => {
    if (place !== undefined && !isSeen(place) && mayBeSeen(place) && !isWithin(tree, place)) chosen.add(place);
  };

  for (const home of homes) {
    for (const root of programRoots) {
      const folder = join(home, root);
      if (!isWanted(folder, callerPath)) continue;
      choose(folder);
      const variable = rootVariables[root];
      if (variable !== undefined && isSeen(folder)) variables[variable] = folder;
    }
    // cargo and rustc in ~/.cargo/bin are rustup under other names.
    const rustup = join(home, '.rustup');
    if (isWanted(join(home, '.cargo/bin'), callerPath) && existsSync(rustup)) {
      choose(rustup);
      variables['RUSTUP_HOME'] = rustup;
    }
  }
  for (const folder of new Set(callerPath.split(':'))) {
    if (!folder.startsWith('/')) continue;
    const real = resolved(folder);
    if (real === undefined || !statSync(real).isDirectory()) continue;
    const inHome = homes.some((home) => isWithin(folder, home) || isWithin(real, home));
    for (const place of [folder, real]) {
      const root = dirname(place);
      const holdsPrograms = !inHome && /^s?bin$/.test(basename(place)) && dirname(root) !== '/' && root !== '/';
      if (holdsPrograms) choose(root);
      choose(place);
    }
    if (!isSeen(folder)) continue;
    path.push(folder);
    if (isWithin(real, tree) || searched.has(real)) continue;
    searched.add(real);
    for (const target of linkTargets(real)) choose(placeOfLink(target));
  }
  // A place may have been chosen before the folder that contains it.
  const mounts = [...chosen].filter((place) => ![...chosen].some((other) => other !== place && isWithin(place, other)));
  return { mounts, path, variables };
}

function isWanted(folder: string, callerPath: string): boolean {
  return callerPath.split(':').some((entry) => isWithin(entry, folder)) && existsSync(folder);
}

function linkTargets(folder: string): string[] {
  const links = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isSymbolicLink());
  const inSystem = (path: string): boolean => systemFolders.some((system) => isWithin(path, system));
  // The system's own folders have a thousand links, nearly all to each other: those need no look at what they end at.
  const leaving = inSystem(folder)
    ? links.filter((entry) => !inSystem(resolve(folder, readlinkSync(join(folder, entry.name)))))
    : links.slice(0, maxLinks);
  return leaving.flatMap((entry) => resolved(join(folder, entry.name)) ?? []);
}

/** What must come along for a program to work: its tree of modules, its virtual environment, or just itself. */
function placeOfLink(target: string): string {
  const modules = target.indexOf('/node_modules/');
  if (modules !== -1) return target.slice(0, modules + '/node_modules'.length);
  const root = dirname(dirname(target));
  return existsSync(join(root, 'pyvenv.cfg')) ? root : target;
}
