// What simple programs write, where it follows from their words and their input: what is written in pieces, encoded or turned around and then
// given to a shell is read as the shell would [SHELL-13]. Anything else writes what is not known.

import { hole, type Word } from './command.ts';
import { filters } from './filters.ts';
import type { Place } from './machine.ts';
import { bounded } from './scope.ts';

/** undefined: a program that is not known here. */
export function outputOf(name: string, words: readonly Word[], place: Place): string | undefined {
  const texts = words.map((word) => word.text);
  const operand = texts.find((text) => !text.startsWith('-'));
  if (name === 'echo') return echoed(words, place);
  if (name === 'printf') return printed(words);
  if (name === 'tee') {
    for (const path of texts.filter((text) => !text.startsWith('-')))
      place.scope.written.write(path, place.input ?? hole, texts.includes('-a'), true);
    return place.input ?? hole;
  }
  if (name === 'which' || name === 'command' || name === 'type' || name === 'whence') return operand ?? hole;
  if (name === 'pwd') return '.\n';
  if (name === 'mktemp') return temporary(texts);
  if (name === 'basename') return `${operand?.replace(/^.*\/(?=.)/s, '').replace(texts[1] ?? '\0', '') ?? hole}\n`;
  if (name === 'dirname')
    return `${operand === undefined ? hole : operand.includes('/') ? operand.replace(/\/[^/]*$/s, '') || '/' : '.'}\n`;
  if (name === 'seq') return sequence(texts);
  const filter = filters.get(name);
  return filter === undefined ? undefined : bounded(filter(inputOf(name, texts, place), texts));
}

/** Operands that are files this text wrote, one after the other; else the input. */
function inputOf(name: string, texts: readonly string[], place: Place): string {
  const files = texts.filter(
    (text, index) =>
      (text === '-' || !text.startsWith('-')) &&
      !(/^(?:base|xxd)/.test(name) ? /^-w$/ : /^-[ncfd]$/).test(texts[index - 1] ?? '') &&
      (index > 0 || !/^(?:tr|sed|grep|egrep|fgrep|openssl|iconv|pv)$/.test(name)),
  );
  const readable =
    name === 'tr' || name === 'openssl' ? [] : files.map((file) => (file === '-' ? place.input : place.scope.written.read(file)));
  if (readable.length > 0) return readable.map((text) => text ?? hole).join('');
  return place.input ?? hole;
}

/** A name below the temporary folder, unless it is told another one. */
function temporary(texts: readonly string[]): string {
  const plain = texts.filter((text) => !/^-[dqtu]+$|^--(?:directory|quiet|dry-run)$/.test(text));
  const [template = 'tmp.XXXXXX', more] = plain;
  if (more !== undefined || template.startsWith('-') || !/X{3,}/.test(template)) return hole;
  const path =
    texts.some((text) => /^-[dqu]*t/.test(text)) || (plain.length === 0 && !template.includes('/'))
      ? `/tmp/${template}`
      : template;
  return `${path.replace(/X{3,}/, hole)}\n`;
}

function sequence(texts: readonly string[]): string {
  const numbers = texts.map(Number);
  const [first = 1, last = first] = numbers.length === 1 ? [1, numbers[0]] : [numbers[0], numbers.at(-1)];
  const step = numbers.length === 3 ? (numbers[1] ?? 1) : 1;
  const count = Math.floor((last - first) / step) + 1;
  if (!(count >= 0 && count <= 64) || !texts.every((text) => /^-?\d+$/.test(text))) return hole;
  return Array.from({ length: count }, (_, index) => `${String(first + index * step)}\n`).join('');
}

/** Shells differ in whether `echo` reads backslashes: what is given to a shell is known in both readings. */
function echoed(words: readonly Word[], place: Place): string {
  let at = 0;
  let [newline, escapes] = ['\n', false];
  for (; /^-[neE]+$/.test(words[at]?.text ?? ''); at += 1) {
    if (words[at]?.text.includes('n') === true) newline = '';
    escapes = /e[^E]*$/.test(words[at]?.text ?? '');
  }
  const text = words
    .slice(at)
    .map((word) => word.text)
    .join(' ');
  const read = unescaped(text);
  if (escapes) return read + newline;
  return place.feeds === undefined || read === text ? text + newline : `${text}\n${read}${newline}`;
}

export function printed(words: readonly Word[]): string {
  const [format, ...values] = words;
  return format === undefined
    ? ''
    : formatted(
        format.text,
        values.map((word) => word.text),
      );
}

/** One pass: what an escape stands for is no directive. */
function formatted(format: string, values: readonly string[]): string {
  let output = '';
  let taken = 0;
  for (;;) {
    const from = taken;
    output += format.replaceAll(
      /\\(?:x[0-9a-fA-F]{1,2}|u[0-9a-fA-F]{1,4}|U[0-9a-fA-F]{1,8}|[0-7]{1,3}|[^])|%(%|[-+ #0]*(?:\d+|\*)?(?:\.(?:\d+|\*))?([A-Za-z]))/g,
      (whole, directive: string | undefined, letter: string | undefined) => {
        if (directive === undefined) return unescaped(whole);
        if (directive === '%') return '%';
        const value = values[taken] ?? '';
        taken += 1;
        if (directive === 's') return value;
        if (directive === 'b') return unescaped(value);
        if (/^[dioxXu]$/.test(letter ?? '')) return numeral(directive, letter ?? 'd', value);
        if (directive.length > 1) return value === '' ? '' : hole;
        return letter === 'c' ? value.slice(0, 1) : hole;
      },
    );
    output = bounded(output);
    if (taken === from || taken >= values.length || output === hole) return output;
  }
}

/** `%03o`, `%x`; `'a` is the number of a. */
function numeral(directive: string, letter: string, value: string): string {
  const number = /^["']/.test(value) ? (value.codePointAt(1) ?? 0) : value === '' ? 0 : Number(value);
  const [, zero, width = '0'] = /^(0?)(\d*)[a-zA-Z]$/.exec(directive) ?? [];
  if (!Number.isSafeInteger(number) || zero === undefined || Number(width) > 64) return hole;
  const digits = number.toString(letter === 'o' ? 8 : /x/i.test(letter) ? 16 : 10);
  return (letter === 'X' ? digits.toUpperCase() : digits).padStart(Number(width), zero === '' ? ' ' : '0');
}

/** `\n`, `\x72`, `\0162`, `\162`, `\u0072`. */
function unescaped(text: string): string {
  return text.replaceAll(
    /\\(x[0-9a-fA-F]{1,2}|u[0-9a-fA-F]{1,4}|U[0-9a-fA-F]{1,8}|0?[0-7]{1,3}|[abefnrtv\\"'?])/g,
    (_, escape: string) => {
      if (/^[xuU]/.test(escape)) return codePoint(Number.parseInt(escape.slice(1), 16));
      if (/^[0-7]/.test(escape)) return codePoint(Number.parseInt(escape, 8));
      return { a: '\u0007', b: '\b', e: '\u001B', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' }[escape] ?? escape;
    },
  );
}

const codePoint = (value: number): string => (value <= 0x10_ffff ? String.fromCodePoint(value) : hole);
