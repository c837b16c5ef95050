// Whether every mutation leaves a program: a control is off, but nothing is undefined, misspelt or without a type. Otherwise a test
// would be red because nothing loads, which proves nothing.

import { spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import type { CopiedTree } from './copied-tree.ts';
import type { Mutation } from './mutation.ts';

const compiler = resolve(import.meta.dirname, '../../node_modules/typescript-fast/bin/tsc');

/** What is wrong, by mutation. The compiler is slow, so all are tried at once; only those of a file with an error are looked at closely. */
export function whatDoesNotCompile(tree: CopiedTree, mutations: readonly Mutation[]): Map<Mutation, string> {
  const { faults, doubtful } = tryTogether(tree, mutations);
  const left = new Set(doubtful);
  while (left.size > 0) {
    const round = new Map<string, Mutation>();
    for (const mutation of left) {
      if (round.has(mutation.file)) continue;
      left.delete(mutation);
      round.set(mutation.file, mutation);
    }
    const tried = tryTogether(tree, [...round.values()]);
    for (const [mutation, fault] of tried.faults) faults.set(mutation, fault);
  }
  return faults;
}

/** `doubtful`: what could not be tried beside the others, and all mutations of a file with an error that several share. */
function tryTogether(
  tree: CopiedTree,
  mutations: readonly Mutation[],
): { readonly faults: Map<Mutation, string>; readonly doubtful: readonly Mutation[] } {
  const faults = new Map<Mutation, string>();
  const doubtful: Mutation[] = [];
  const applied = new Map<string, Mutation[]>();
  using stack = new DisposableStack();
  for (const mutation of mutations) {
    const beside = applied.get(mutation.file) ?? [];
    try {
      stack.use(tree.apply(mutation));
      applied.set(mutation.file, [...beside, mutation]);
    } catch (error) {
      if (beside.length > 0) doubtful.push(mutation);
      else faults.set(mutation, (error as Error).message);
    }
  }
  const errors = compile(tree.root);
  for (const file of applied.keys()) {
    const wrong = wrongOutsideTypeScript(tree.root, file);
    if (wrong !== undefined) errors.set(file, wrong);
  }
  for (const [file, fault] of errors) {
    const [mutation, ...others] = applied.get(file) ?? [];
    if (mutation === undefined) throw new Error(`with ${mutations.map(({ id }) => id).join(', ')} off: ${fault}`);
    if (others.length === 0) faults.set(mutation, fault);
    else doubtful.push(mutation, ...others);
  }
  return { faults, doubtful };
}

/** The first error in each file. */
function compile(root: string): Map<string, string> {
  const { stdout } = spawnSync(process.execPath, [compiler, '-p', '.', '--noEmit', '--pretty', 'false'], {
    cwd: root,
    encoding: 'utf8',
  });
  const found = [...stdout.matchAll(/^(\S+)\(\d+,\d+\): error .*$/gm)];
  return new Map(found.toReversed().map(([line, file = '']) => [file, line]));
}

function wrongOutsideTypeScript(root: string, file: string): string | undefined {
  const path = join(root, file);
  const [program, ...args] = file.endsWith('.sh')
    ? ['sh', '-n', path]
    : file.endsWith('.cjs')
      ? [process.execPath, '--check', path]
      : file.endsWith('.json')
        ? [process.execPath, '-e', 'JSON.parse(fs.readFileSync(process.argv[1], "utf8"))', path]
        : [];
  if (program === undefined) return undefined;
  const { status, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  return status === 0 ? undefined : stderr.trim().split('\n', 1)[0];
}
