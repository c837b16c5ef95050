// The words of one command, spec/rules.md: its flags whatever their spelling [RULES-16], its operands, its sub-commands.

import type { Word } from '../shell/read.ts';
import { globHolds } from './glob.ts';
import { stronger, weaker, type Grade } from './grade.ts';
import type { ProgramFacts } from './programs.ts';

export interface Flag {
  /** With its dashes. */
  readonly name: string;
  readonly value: string | undefined;
  /** The word after it, which is its value if it takes one. */
  readonly next: Word | undefined;
}

export interface Operand {
  readonly word: Word;
  /** The flag before it, whose value it may be. */
  readonly after: Flag | undefined;
  /** It is that flag's value for sure. */
  readonly isValue: boolean;
}

export class CommandWords {
  readonly flags: Flag[] = [];
  readonly operands: Operand[] = [];
  readonly #byName = new Map<string, Flag[]>();
  readonly #letters = new Set<string>();
  readonly #facts: ProgramFacts;
  /** There is a `--`. */
  #ended = false;
  /** A word may be any flag. */
  #unknownFlags = false;

  constructor(words: readonly Word[], facts: ProgramFacts) {
    this.#facts = facts;
    this.#parse(words);
  }

  /** After `--` all are operands. */
  #parse(words: readonly Word[]): void {
    let before: Flag | undefined;
    let valueIsNext = false;
    for (const [index, word] of words.entries()) {
      const { text } = word;
      if (index === 0 && this.#facts.toolchain === true && text.startsWith('+')) continue;
      if (!this.#ended && !valueIsNext && text === '--') {
        this.#ended = true;
        before = undefined;
        continue;
      }
      if (this.#ended || valueIsNext || !text.startsWith('-') || text === '-') {
        this.operands.push({ word, after: before, isValue: valueIsNext });
        before = undefined;
        valueIsNext = false;
        continue;
      }
      if (word.dynamic && /^-{0,2}\uFFFC/.test(text)) this.#unknownFlags = true;
      const equals = text.indexOf('=');
      const name = equals < 0 ? text : text.slice(0, equals);
      const flag: Flag = { name, value: equals < 0 ? undefined : text.slice(equals + 1), next: words[index + 1] };
      this.#add(flag);
      before = equals < 0 ? flag : undefined;
      valueIsNext = equals < 0 && this.#facts.longValues?.includes(name) === true;
      if (!text.startsWith('--') && this.#facts.singleDash !== true) {
        const cluster = this.#readCluster(text, words[index + 1]);
        if (cluster === 'next') valueIsNext = true;
        if (cluster === 'inside') before = undefined;
      }
    }
  }

  /** `-rf` is `-r` and `-f`; a letter that takes a value takes the rest. */
  #readCluster(text: string, next: Word | undefined): 'next' | 'inside' | undefined {
    for (let at = 1; at < text.length; at += 1) {
      const letter = text[at] ?? '';
      if (letter === '=') return undefined;
      this.#letters.add(letter);
      if (this.#facts.values?.includes(letter) !== true) continue;
      const attached = text.slice(at + 1);
      if (text.length > 2 || attached !== '')
        this.#add({ name: `-${letter}`, value: attached === '' ? undefined : attached.replace(/^=/, ''), next });
      return attached === '' ? 'next' : 'inside';
    }
    return undefined;
  }

  #add(flag: Flag): void {
    this.flags.push(flag);
    const key = keyOf(flag.name);
    const same = this.#byName.get(key);
    if (same === undefined) this.#byName.set(key, [flag]);
    else same.push(flag);
  }

  /** Whether the flag is there. `wanted` is one spelling, with `=GLOB` if its value matters. */
  flag(wanted: string): Grade {
    if (wanted === '--') return this.#ended ? 2 : 0;
    const equals = wanted.indexOf('=');
    const name = equals < 0 ? wanted : wanted.slice(0, equals);
    const value = equals < 0 ? undefined : wanted.slice(equals + 1);
    if (value === undefined && name.length === 2 && this.#letters.has(name.slice(1))) return 2;
    const holds = (flag: Flag) => (value === undefined ? flag.value !== 'false' : valueHolds(value, flag));
    if (this.#spellingsOf(keyOf(name)).some(holds)) return 2;
    return this.#unknownFlags ? 1 : 0;
  }

  /** `-force` is `--force` where programs write it so; `--forc` is `--force` where they take it. */
  #spellingsOf(key: string): readonly Flag[] {
    const exact = this.#byName.get(key) ?? [];
    if (this.#facts.shortens !== true || key.startsWith('-')) return exact;
    const all = [...exact];
    for (let end = 1; end < key.length; end += 1)
      all.push(...(this.#byName.get(key.slice(0, end)) ?? []).filter(({ name }) => name.startsWith('--')));
    return all;
  }

  /** Whether these are the sub-commands: flags may stand between, with values or without. `*` is any one word, `**` any number of them. */
  subcommands(wanted: readonly (readonly string[])[]): Grade {
    /** For each number of words found: how sure. */
    let found: Grade[] = [2];
    for (const { word, after, isValue } of this.operands) {
      if (isValue) continue;
      const next: Grade[] = [];
      const reach = (state: number, grade: Grade) => {
        next[state] = stronger(next[state] ?? 0, grade);
      };
      let open = false;
      for (const [state, grade = 0] of found.entries()) {
        if (grade === 0) continue;
        if (state === wanted.length) return grade;
        open = true;
        // It may be the value of the flag before it.
        if (after !== undefined) reach(state, 1);
        const sub = wanted[state] ?? [];
        const sure: Grade = after === undefined || this.takesNoValue(after) ? grade : 1;
        if (sub[0] === '**') {
          reach(state, grade);
          const beyond = wanted[state + 1];
          if (beyond !== undefined && wordHolds(beyond, word) > 0) reach(state + 2, weaker(sure, wordHolds(beyond, word)));
        } else if (wordHolds(sub, word) > 0) reach(state + 1, weaker(sure, wordHolds(sub, word)));
      }
      if (!open) break;
      found = next;
    }
    const end = found[wanted.length] ?? 0;
    return wanted.at(-1)?.[0] === '**' ? stronger(end, found[wanted.length - 1] ?? 0) : end;
  }

  /** A short flag of a program whose valued ones are known. */
  takesNoValue({ name }: Flag): boolean {
    return this.#facts.values !== undefined && !name.startsWith('--') && !this.#facts.values.includes(name.at(-1) ?? '');
  }
}

/** Long names without their dashes, letters with theirs. */
const keyOf = (name: string) => (name.length === 2 && !name.startsWith('--') ? name : name.replace(/^-{1,2}/, ''));

function valueHolds(glob: string, { value, next }: Flag): boolean {
  if (value !== undefined) return globHolds(glob, value);
  return next !== undefined && !next.dynamic && globHolds(glob, next.text);
}

function wordHolds(choices: readonly string[], { text, dynamic }: Word): Grade {
  for (const wanted of choices)
    if (wanted === text || wanted === '*' || (wanted.includes('*') && globHolds(wanted, text))) return 2;
  return dynamic ? 1 : 0;
}
