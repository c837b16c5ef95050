// The programs that are known, by name.

import { filePrograms } from './file-programs.ts';
import { toolPrograms } from './tool-programs.ts';
import type { Access, ProgramFacts } from './programs.ts';

const table: ReadonlyMap<string, ProgramFacts> = new Map(
  [...filePrograms, ...toolPrograms].flatMap(([programs, facts]) =>
    programs.split(' ').map((program) => [program, facts] as const),
  ),
);
const unknown: ProgramFacts = {};

export function factsOf(program: string | undefined): ProgramFacts {
  return (program === undefined ? undefined : table.get(program)) ?? unknown;
}

/** What git's own commands do with files; not listed: both. */
export const gitAccess: Readonly<Record<string, Access | 'text'>> = {
  add: 'read',
  annotate: 'read',
  archive: 'read',
  blame: 'read',
  branch: 'text',
  'cat-file': 'read',
  'check-ignore': 'names',
  clone: 'text',
  commit: 'read',
  config: 'text',
  describe: 'text',
  diff: 'read',
  fetch: 'text',
  grep: 'read',
  log: 'read',
  ls: 'names',
  'ls-files': 'names',
  'ls-tree': 'names',
  merge: 'text',
  notes: 'text',
  pull: 'text',
  push: 'text',
  rebase: 'text',
  reflog: 'text',
  remote: 'text',
  'rev-list': 'text',
  'rev-parse': 'text',
  shortlog: 'text',
  show: 'read',
  stash: 'both',
  status: 'names',
  switch: 'text',
  tag: 'text',
  worktree: 'text',
};
