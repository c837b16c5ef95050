// What simple programs write, where it follows from their words and their input: what is written in pieces, encoded or turned around and then
// given to a shell is read as the shell would [SHELL-13]. Anything else writes what is not known.

import { hole, type Word } from './command.ts';
import type { Place } from './machine.ts';
import { bounded } from './scope.ts';

/** undefined: a program that is not known here. */
export function outputOf(name: string, words: readonly Word[], place: Place): string | undefined {
  const input = place.input ?? '';
  switch (name) {
    case 'echo':
      return printed('echo', words);
    case 'cat':
    case 'tac':
    case 'tee': {
      if (name === 'tee') {
        for (const word of words)
          if (!word.text.startsWith('-'))
            place.scope.write(
              word.text,
              place.input ?? hole,
              words.some((each) => each.text === '-a'),
            );
        return place.input ?? hole;
      }
      const files = words.filter((word) => !/^-./.test(word.text));
      const texts =
        files.length === 0
          ? [place.input ?? hole]
          : files.map((word) => (word.text === '-' ? (place.input ?? hole) : (place.scope.file(word.text) ?? hole)));
      const text = bounded(texts.join(''));
      return name === 'cat' ? text : text.split('\n').reverse().join('\n');
    }
    case 'rev':
      return input
        .split('\n')
        .map((line) => [...line].reverse().join(''))
        .join('\n');
    case 'base64':
      return words.some((word) => /^(-[a-z]*[dD]|--d)/.test(word.text)) ? fromBase64(inputOf(words, place)) : hole;
    case 'which':
    case 'command':
    case 'type':
      return words.find((word) => !word.text.startsWith('-'))?.text ?? hole;
    case 'pwd':
      return '.\n';
    default:
      return undefined;
  }
}

const inputOf = (words: readonly Word[], place: Place): string => {
  const file = words.find((word) => !word.text.startsWith('-'));
  return file === undefined ? (place.input ?? hole) : (place.scope.file(file.text) ?? hole);
};

function fromBase64(text: string): string {
  const plain = text.replaceAll(/\s/g, '');
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(plain)) return hole;
  return decoded(Uint8Array.from(atob(plain), (character) => character.charCodeAt(0)));
}

function decoded(bytes: Uint8Array): string {
  const text = new TextDecoder().decode(bytes);
  return text.includes('\uFFFD') || text.includes('\0') ? hole : text;
}

/** `echo` and `printf`. Both ways in which shells read `echo`'s backslashes are not told apart: only what has none is sure. */
export function printed(name: 'echo' | 'printf', words: readonly Word[]): string {
  if (name === 'printf') {
    const [format, ...values] = words;
    return format === undefined
      ? ''
      : formatted(
          format.text,
          values.map((word) => word.text),
        );
  }
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
  return (escapes ? unescaped(text) : text) + newline;
}

function formatted(format: string, values: readonly string[]): string {
  const pattern = unescaped(format);
  let output = '';
  let taken = 0;
  for (;;) {
    const from = taken;
    output += pattern.replaceAll(
      /%(%|[-+ #0]*(?:\d+|\*)?(?:\.(?:\d+|\*))?([A-Za-z]))/g,
      (_, directive: string, letter: string | undefined) => {
        if (directive === '%') return '%';
        const value = values[taken] ?? '';
        taken += 1;
        if (directive.length > 1) return value === '' ? '' : hole;
        if (letter === 's') return value;
        if (letter === 'b') return unescaped(value);
        if (letter === 'd' || letter === 'i') return /^-?\d+$/.test(value) ? value : value === '' ? '0' : hole;
        return letter === 'c' ? value.slice(0, 1) : hole;
      },
    );
    output = bounded(output);
    if (taken === from || taken >= values.length || output === hole) return output;
  }
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
