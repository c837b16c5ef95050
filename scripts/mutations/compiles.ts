// Whether every mutation leaves a program: a control is off, but nothing is undefined, misspelt or without a type. Otherwise a test
// would be red because nothing loads, which proves nothing.

import { spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import type { CopiedTree } from './copied-tree.ts';
import type { Mutation } from './mutation.ts';

const compiler = resolve(import.meta.dirname, '../../node_modules/typescript-fast/bin/tsc');

/** What is wrong, by mutation. Many files are changed at once, one mutation in each, so that few runs of the compiler do. */
export function whatDoesNotCompile(tree: CopiedTree, mutations: readonly Mutation[]): Map<Mutation, string> {
  const faults = new Map<Mutation, string>();
  const left = new Set(mutations);
  while (left.size > 0) {
    const round = new Map<string, Mutation>();
    for (const mutation of left) {
      if (round.has(mutation.file)) continue;
      left.delete(mutation);
      round.set(mutation.file, mutation);
    }
    using applied = new DisposableStack();
    for (const mutation of round.values()) {
      try {
        applied.use(tree.apply(mutation));
      } catch (error) {
        faults.set(mutation, (error as Error).message);
      }
    }
    for (const [file, mutation] of round) {
      const wrong = faults.has(mutation) ? undefined : wrongOutsideTypeScript(tree.root, file);
      if (wrong !== undefined) faults.set(mutation, wrong);
    }
    for (const [file, fault] of compile(tree.root)) {
      const mutation = round.get(file);
      if (mutation === undefined) throw new Error(`one of ${[...round.values()].map(({ id }) => id).join(', ')} breaks ${fault}`);
      faults.set(mutation, fault);
    }
  }
  return faults;
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
