// A copy of the tree in a temporary folder, in which one control at a time is switched off: the working tree is never touched.
// Packages are linked, our own workspaces are copies too.

import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, relative } from 'node:path';
import { mutated, type Mutation } from './mutation.ts';

const notCopied = new Set(['.cache', '.git', 'node_modules']);

export class CopiedTree implements Disposable {
  readonly root: string;
  readonly #original: string;

  /** `original`: the repository's directory. */
  constructor(original: string) {
    this.#original = realpathSync(original);
    this.root = mkdtempSync(join(tmpdir(), 'hf-mutate-'));
    cpSync(this.#original, this.root, {
      recursive: true,
      verbatimSymlinks: true,
      filter: (path) => !notCopied.has(basename(path)),
    });
    this.#linkPackages();
  }

  #linkPackages(): void {
    const from = join(this.#original, 'node_modules');
    const to = join(this.root, 'node_modules');
    mkdirSync(join(to, '@holdfast'), { recursive: true });
    for (const name of readdirSync(from)) {
      if (name === '@holdfast') continue;
      // What leads from there into a workspace must lead into the copy's, and the set-up's stamp is a plain file.
      if (name.startsWith('.')) cpSync(join(from, name), join(to, name), { recursive: true, verbatimSymlinks: true });
      else symlinkSync(join(from, name), join(to, name));
    }
    for (const name of readdirSync(join(from, '@holdfast'))) {
      const workspace = relative(this.#original, realpathSync(join(from, '@holdfast', name)));
      symlinkSync(join(this.root, workspace), join(to, '@holdfast', name));
    }
  }

  /** Switches a control off; on again when disposed of. */
  apply(mutation: Mutation): Disposable {
    const file = join(this.root, mutation.file);
    const text = readFileSync(file, 'utf8');
    writeFileSync(file, mutated(mutation, text));
    return { [Symbol.dispose]: () => writeFileSync(file, text) };
  }

  [Symbol.dispose](): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}
