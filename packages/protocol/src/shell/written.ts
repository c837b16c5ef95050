// Files that the text itself writes, as far as it says what with [SHELL-6]. Paths have many spellings and directories are not always known: what
// may be the same file is taken to be. All that was ever written is kept, because a later write may not have happened.

import { hole, type Word } from './command.ts';

interface Version {
  readonly path: string;
  readonly text: string;
  /** Stands for not knowing which of two texts is there. */
  readonly either?: true;
}

const maxVersions = 8;
const maxFiles = 256;

export class Written {
  readonly #versions = new Map<string, readonly Version[]>();
  readonly #links = new Map<string, string>();

  write(path: string, text: string, append: boolean, maybe: boolean): void {
    const name = base(path);
    const versions = this.#versions.get(name) ?? [];
    const before = versions.findLast((version) => version.path === plain(path))?.text ?? '';
    const next = { path: plain(path), text: append ? before + text : text };
    const certain =
      maybe && before !== '' && before !== next.text ? [next, { ...next, text: hole, either: true as const }] : [next];
    if (this.#versions.size < maxFiles || versions.length > 0)
      this.#versions.set(name, [...versions, ...certain].slice(-maxVersions));
  }

  /** What a program reads there: the newest text of that path, else of a file of that name. */
  read(path: string): string | undefined {
    const versions = this.#versions.get(base(path));
    return (versions?.findLast((version) => version.path === plain(path)) ?? versions?.at(-1))?.text;
  }

  /** What may run there: every text that was ever written to a file of that name, or to any, if the name is not known. */
  scripts(path: Word): readonly string[] {
    const name = base(path.text);
    const any = name.includes(hole) || (path.glob && /[*?[]/.test(name));
    const versions = any ? [...this.#versions.values()].flat() : (this.#versions.get(name) ?? []);
    return [...new Set(versions.filter((version) => version.either !== true).map((version) => version.text))];
  }

  /** The program that a path is another name of. */
  linked(path: string): string | undefined {
    return this.#links.get(base(path));
  }

  link(path: string, program: string): void {
    if (this.#links.size < maxFiles) this.#links.set(base(path), program);
  }
}

const base = (path: string): string => path.replace(/\/+$/, '').replace(/^.*\//s, '');
const plain = (path: string): string => path.replace(/^(?:\.\/+)+/, '').replaceAll(/\/(?:\.?\/)+/g, '/');
