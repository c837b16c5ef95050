// What is known of a shell's state at one place of the text. Where the text branches, a variable has several possible values; a value that is
// not known is a hole. Knowing too much finds commands that would not run, knowing too little is reported: neither hides one.

import type { Function } from 'unbash';

import { hole } from './command.ts';

/** A scalar has one element, an array all of its own. */
export type Elements = readonly string[];

const maxAlternatives = 8;
const maxDirectories = 4;
const maxDirectoryCharacters = 4096;
const maxValueCharacters = 65_536;

/** Longer values are not kept: they would let `x=$x$x` grow without end. */
export const bounded = (text: string): string => (text.length > maxValueCharacters ? hole : text);

/** What a shell starts with, as far as it is the same everywhere. */
const initial: ReadonlyMap<string, readonly Elements[]> = new Map(
  Object.entries({
    IFS: ' \t\n',
    HOME: '~',
    PWD: '.',
    TMPDIR: '/tmp',
    PATH: `/${hole}`,
    SHELL: '/bin/bash',
    BASH: '/bin/bash',
    OSTYPE: 'linux-gnu',
    OPTIND: '1',
  }).map(([name, value]) => [name, [[value]]]),
);

export class Scope {
  readonly #parent: Scope | undefined;
  /** It sees only what its parent exports [SHELL-15]. */
  readonly #newProcess: boolean;
  readonly #exported = new Set<string>();
  #exportsAll = false;
  readonly #variables = new Map<string, readonly Elements[]>();
  readonly #references = new Map<string, string>();
  readonly #functions = new Map<string, readonly Function[]>();
  readonly #aliases = new Map<string, string>();
  readonly #files = new Map<string, string>();
  readonly #links = new Map<string, string>();
  /** Where commands may run, as far as literal `cd`s tell [SHELL-12]. */
  directories: readonly (string | undefined)[];
  /** `$0`, `$1` …; undefined: not known. */
  positional: readonly Elements[] | undefined;

  constructor(parent?: Scope, positional?: Elements, newProcess = false) {
    this.#parent = parent;
    this.#newProcess = newProcess;
    this.directories = parent?.directories ?? [undefined];
    this.positional = positional === undefined ? parent?.positional : [positional];
  }

  /** All values that it may have; undefined: this text never set it. */
  variable(given: string): readonly Elements[] | undefined {
    const name = this.#referred(given);
    const own = this.#variables.get(name);
    if (own !== undefined) return own;
    const inherited = this.#parent !== undefined && (!this.#newProcess || initial.has(name) || this.#parent.#exports(name));
    return inherited ? this.#parent.variable(name) : initial.get(name);
  }

  /** `maybe`: the assignment may not have happened [SHELL-10]. */
  assign(given: string, value: Elements, maybe: boolean): void {
    const name = this.#referred(given);
    const kept = value.map(bounded);
    const before = maybe ? (this.variable(name) ?? [['']]) : [];
    if (before.some((other) => same(other, kept))) {
      this.#variables.set(name, before);
      return;
    }
    const values = [...before, kept];
    this.#variables.set(name, values.length <= maxAlternatives ? values : [...values.slice(0, maxAlternatives - 1), [hole]]);
  }

  /** Without a name: all that is assigned from now on, and all that was. */
  export(name?: string): void {
    if (name === undefined) this.#exportsAll = true;
    else this.#exported.add(name);
  }

  #exports(name: string): boolean {
    return this.#exportsAll || this.#exported.has(name) || (this.#parent !== undefined && this.#parent.#exports(name));
  }

  /** `declare -n x=y`: x is another name of y. */
  refer(name: string, target: string): void {
    this.#references.set(name, target);
  }

  #referred(name: string): string {
    const target = this.#references.get(name);
    if (target !== undefined || this.#parent === undefined) return target ?? name;
    return this.#parent.#referred(name);
  }

  setPositional(values: Elements, maybe: boolean): void {
    const before = this.positional ?? [];
    const next = [before[0]?.[0] ?? hole, ...values.map(bounded)];
    const others = maybe ? before.filter((other) => !same(other, next)) : [];
    this.positional = others.length < maxAlternatives ? [...others, next] : undefined;
  }

  functions(name: string): readonly Function[] {
    return this.#functions.get(name) ?? this.#parent?.functions(name) ?? [];
  }

  define(name: string, body: Function): void {
    this.#functions.set(name, [body, ...this.functions(name)].slice(0, 4));
  }

  alias(name: string): string | undefined {
    return this.#aliases.get(name) ?? this.#parent?.alias(name);
  }

  setAlias(name: string, value: string): void {
    this.#aliases.set(name, value);
  }

  /** The text of a file that this text wrote, if known. */
  file(path: string): string | undefined {
    return this.#files.get(plain(path)) ?? this.#parent?.file(path);
  }

  /** Files outlive the subshell that writes them. */
  write(path: string, text: string, append: boolean): void {
    if (this.#parent !== undefined) {
      this.#parent.write(path, text, append);
      return;
    }
    const before = append ? (this.file(path) ?? '') : '';
    this.#files.set(plain(path), bounded(before + text));
  }

  /** The program that a path is another name of. */
  linked(path: string): string | undefined {
    return this.#links.get(plain(path)) ?? this.#parent?.linked(path);
  }

  link(path: string, program: string): void {
    if (this.#parent === undefined) this.#links.set(plain(path), program);
    else this.#parent.link(path, program);
  }

  enter(directory: string): void {
    const from = directory.startsWith('/') || directory.startsWith('~') ? [undefined] : this.directories;
    this.directories = unique(from.map((each) => join(each, directory)));
  }

  /** After what may not have happened. */
  mayBeIn(others: readonly (string | undefined)[]): void {
    this.directories = unique([...others, ...this.directories]);
  }
}

function unique(directories: readonly (string | undefined)[]): readonly (string | undefined)[] {
  const all = [...new Set(directories)];
  return all.length <= maxDirectories ? all : [...all.slice(0, maxDirectories - 1), ''];
}

function join(from: string | undefined, to: string): string | undefined {
  if (from === '' || to.includes(hole)) return '';
  if (from === undefined || to.startsWith('/') || to.startsWith('~')) return to === '.' ? from : to;
  return from.length + to.length > maxDirectoryCharacters ? '' : `${from}/${to}`;
}

const same = (a: Elements, b: Elements): boolean => a.length === b.length && a.every((element, index) => element === b[index]);

const plain = (path: string): string => path.replace(/^(?:\.\/+)+/, '');
