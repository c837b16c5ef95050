// The options that stand before what a wrapper runs. Wrappers stop at the first operand, so options end there.

import type { Word } from './command.ts';

export interface OptionTable {
  /** Letters of options without a value; a digit stands for any number (`nice -10`). */
  readonly flags?: string;
  /** Letters of options that take a value. */
  readonly values?: string;
  /** Long options that take their value as the next word, with their dashes; others take it after `=` or have none. */
  readonly long?: readonly string[];
  /** Long options that take the two words after them. */
  readonly pairs?: readonly string[];
  /** Long options that take no value, with their dashes. */
  readonly longFlags?: readonly string[];
}

export const list = (text: string): readonly string[] => text.split(' ');

export interface Options {
  /** Options in order, by letter or long name, with their values. */
  readonly given: readonly (readonly [string, Word | undefined])[];
  /** Where the operands begin. */
  readonly rest: readonly Word[];
  /** Where else they may begin, because an option is not known. */
  readonly other: readonly (readonly Word[])[];
}

export function readOptions(words: readonly Word[], table: OptionTable): Options {
  const given: [string, Word | undefined][] = [];
  const other: (readonly Word[])[] = [];
  let at = 0;
  for (; at < words.length; at += 1) {
    const word = words[at];
    const text = word?.text ?? '';
    if (text === '--') {
      at += 1;
      break;
    }
    if (!text.startsWith('-') || text === '-') break;
    if (text.startsWith('--')) at += readLong(text);
    else at += readShort(text);
  }
  return { given, rest: words.slice(at), other };

  function readLong(text: string): number {
    const equals = text.indexOf('=');
    const name = equals === -1 ? text : text.slice(0, equals);
    const value = words[at];
    if (equals !== -1) given.push([name, value === undefined ? undefined : { ...value, text: text.slice(equals + 1) }]);
    else if (table.pairs?.includes(name) === true) {
      given.push([name, words[at + 2]]);
      return 2;
    } else if (matches(name, table.long)) {
      given.push([completed(name, table.long), words[at + 1]]);
      return 1;
    } else {
      given.push([name, undefined]);
      if (!matches(name, table.longFlags)) other.push(words.slice(at + 2));
    }
    return 0;
  }

  function readShort(text: string): number {
    for (let index = 1; index < text.length; index += 1) {
      const letter = text[index] ?? '';
      if (table.values?.includes(letter) === true) {
        const attached = text.slice(index + 1);
        const word = words[at];
        given.push([letter, attached === '' ? words[at + 1] : word === undefined ? undefined : { ...word, text: attached }]);
        return attached === '' ? 1 : 0;
      }
      given.push([letter, undefined]);
      const known = /\d/.test(letter) ? (table.flags ?? '').includes('0') : (table.flags ?? '').includes(letter);
      if (!known && index === text.length - 1) other.push(words.slice(at + 2));
    }
    return 0;
  }
}

/** Long options may be shortened. */
const matches = (name: string, all: readonly string[] | undefined): boolean =>
  all?.some((each) => each === name || (name.length > 3 && each.startsWith(name))) ?? false;

const completed = (name: string, all: readonly string[] | undefined): string =>
  all?.find((each) => each.startsWith(name)) ?? name;

export const valueOf = (options: Options, ...names: readonly string[]): Word | undefined =>
  options.given.findLast(([name, value]) => names.includes(name) && value !== undefined)?.[1];

export const has = (options: Options, ...names: readonly string[]): boolean =>
  options.given.some(([name]) => names.includes(name));
