// What is known of a shell's state at one place of the text. Where the text branches, a variable has several possible values; a value that is
// not known is a hole. Knowing too much finds commands that would not run, knowing too little is reported: neither hides one.

import type { Function } from 'unbash';

import { hole } from './command.ts';
import { Written } from './written.ts';

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

/** Variables that the shell sets itself, again and again. */
const unknowable = new Set(
  '_ BASH_REMATCH BASH_COMMAND BASH_ARGV BASH_ARGV0 BASH_SOURCE BASH_LINENO BASHPID FUNCNAME LINENO RANDOM SRANDOM SECONDS EPOCHSECONDS EPOCHREALTIME PIPESTATUS DIRSTACK OLDPWD OPTARG HISTCMD COMP_LINE COMP_WORDS READLINE_LINE PPID COPROC'.split(
    ' ',
  ),
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
  /** Variables that change the case of what they are given. */
  readonly #cased = new Set<string>();
  readonly #readonly = new Set<string>();
  readonly #sticky = new Map<string, readonly Elements[]>();
  /** Files outlive the shell that writes them. */
  readonly written: Written;
  /** What `exec < file` left at the standard input. */
  #input: string | undefined;
  /** Where commands may run, as far as literal `cd`s tell [SHELL-12]. */
  directories: readonly (string | undefined)[];
  /** `$0`, `$1` …; undefined: not known. */
  positional: readonly Elements[] | undefined;

  constructor(parent?: Scope, positional?: Elements, newProcess = false) {
    this.#parent = parent;
    this.#newProcess = newProcess;
    this.written = parent?.written ?? new Written();
    this.directories = parent?.directories ?? [undefined];
    this.positional = positional === undefined ? parent?.positional : [positional];
  }

  /** All values that it may have; undefined: this text never set it. */
  variable(given: string): readonly Elements[] | undefined {
    if (unknowable.has(given)) return [[hole]];
    const name = this.#referred(given);
    const own = this.#variables.get(name);
    if (own !== undefined) return own.length === 0 ? undefined : own;
    const inherited = this.#parent !== undefined && (!this.#newProcess || initial.has(name) || this.#parent.#exports(name));
    return inherited ? this.#parent.variable(name) : initial.get(name);
  }

  /** `maybe`: the assignment may not have happened [SHELL-10]. */
  assign(given: string, value: Elements, maybe: boolean): void {
    const name = this.#referred(given);
    const kept = value.map(bounded);
    const values = this.#isCased(name)
      ? [kept, kept.map((text) => text.toLowerCase()), kept.map((text) => text.toUpperCase())]
      : [kept];
    this.#setAll(name, maybe || this.#isReadonly(name) ? [...(this.variable(name) ?? [['']]), ...values] : values);
  }

  /** `name` or `name[index]`, as commands take it that assign to what their words name. */
  assignTo(target: string, value: Elements, maybe: boolean): void {
    const [, name, index = ''] = /^([A-Za-z_]\w*)\[(.*)\]$/s.exec(target) ?? [];
    if (name === undefined) this.assign(target, value, maybe);
    else this.assignAt(name, index.replaceAll(/['"\\]/g, ''), value.join(' '), maybe);
  }

  /** An element of a list or a map. */
  assignAt(name: string, index: string, text: string, maybe: boolean, append = false): void {
    for (const [at, old] of (this.variable(name) ?? [[]]).entries())
      this.assign(name, placed(old, index, text, append), maybe || at > 0);
    this.enterTable(name, index, text);
  }

  /** The shell's own tables of what names stand for [SHELL-8]. */
  enterTable(name: string, index: string, text: string): void {
    const table = this.#referred(name);
    if (table === 'BASH_CMDS') this.setAlias(index, `'${text.replaceAll("'", '')}'`);
    if (table === 'BASH_ALIASES') this.setAlias(index, text);
  }

  unset(given: string, maybe: boolean): void {
    const name = this.#referred(given);
    this.#setAll(name, maybe || this.#isReadonly(name) ? [...(this.variable(name) ?? []), ['']] : []);
  }

  /** What a trap sets may be set at any time. */
  stick(given: string): void {
    const name = this.#referred(given);
    this.#sticky.set(name, this.#variables.get(name) ?? []);
  }

  #stuck(name: string): readonly Elements[] {
    const own = this.#sticky.get(name);
    if (own !== undefined || this.#parent === undefined) return own ?? [];
    return this.#parent.#stuck(name);
  }

  #setAll(name: string, some: readonly Elements[]): void {
    const values = [...some, ...this.#stuck(name)];
    const different = values.filter((value, index) => values.findIndex((other) => same(other, value)) === index);
    const few = different.length <= maxAlternatives ? different : [...different.slice(0, maxAlternatives - 1), [hole]];
    this.#variables.set(name, few);
  }

  /** What is assigned for one command alone is undone after it; `also`: or kept, as some shells do. */
  restore(name: string, before: readonly Elements[] | undefined, also: boolean): void {
    const now = this.variable(name) ?? [];
    this.#setAll(this.#referred(name), also ? [...(before ?? [['']]), ...now] : (before ?? []));
  }

  /** `declare -l`, `declare -u`. */
  changeCase(name: string): void {
    this.#cased.add(name);
  }

  #isCased(name: string): boolean {
    return this.#cased.has(name) || (this.#parent !== undefined && this.#parent.#isCased(name));
  }

  /** Assignments to it fail, and end the line that they stand in. */
  makeReadonly(name: string): void {
    this.#readonly.add(name);
  }

  #isReadonly(name: string): boolean {
    return this.#readonly.has(name) || (this.#parent !== undefined && this.#parent.#isReadonly(name));
  }

  get hasReadonly(): boolean {
    return this.#readonly.size > 0 || this.#parent?.hasReadonly === true;
  }

  get input(): string | undefined {
    return this.#input ?? (this.#newProcess ? undefined : this.#parent?.input);
  }

  set input(text: string | undefined) {
    this.#input = text;
  }

  /** Without a name: all that is assigned from now on, and all that was. */
  export(name?: string): void {
    if (name === undefined) this.#exportsAll = true;
    else this.#exported.add(name);
  }

  /** True if it was not exported before: the caller takes it back. */
  exportFor(name: string): boolean {
    const isNew = !this.#exports(name);
    if (isNew) this.#exported.add(name);
    return isNew;
  }

  unexport(name: string): void {
    this.#exported.delete(name);
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

function placed(old: Elements, index: string, text: string, append: boolean): Elements {
  const at = /^\d{1,3}$/.test(index) ? Number(index) : -1;
  if (at < 0) return old.length > 256 ? [hole] : [...old, text]; // keys of a map: any of its values
  const elements = [...old];
  while (elements.length < at) elements.push('');
  elements[at] = append ? (elements[at] ?? '') + text : text;
  return elements;
}

const same = (a: Elements, b: Elements): boolean => a.length === b.length && a.every((element, index) => element === b[index]);
