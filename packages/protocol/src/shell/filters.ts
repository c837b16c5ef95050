// Programs that turn text around, computed where it is simple. Holes stay holes; what is not simple is not known.

import { hole } from './command.ts';
import { fromBase32, fromBase64, fromHex } from './decode.ts';

/** The options and operands of a filter, as texts. */
type Filter = (input: string, words: readonly string[]) => string;

const lines = (text: string): readonly string[] => text.replace(/\n$/, '').split('\n');
const each = (text: string, change: (line: string) => string): string => `${lines(text).map(change).join('\n')}\n`;
const option = (words: readonly string[], letter: string): string | undefined => {
  for (const [at, word] of words.entries()) {
    const attached = word.startsWith(`-${letter}`) ? word.slice(2) : undefined;
    if (attached !== undefined) return attached === '' ? (words[at + 1] ?? '') : attached;
  }
  return undefined;
};
const flag = (words: readonly string[], letters: string): boolean =>
  words.some((word) => new RegExp(`^-[A-Za-z]*[${letters}]`).test(word));

export const filters: ReadonlyMap<string, Filter> = new Map<string, Filter>([
  ['cat', (input) => input],
  ['tac', (input) => `${[...lines(input)].reverse().join('\n')}\n`],
  ['rev', (input) => each(input, (line) => [...line].reverse().join(''))],
  ['tr', translate],
  ['sed', stream],
  ['cut', cut],
  ['head', (input, words) => part(input, words, true)],
  ['tail', (input, words) => part(input, words, false)],
  ['sort', (input, words) => (words.length > 0 ? hole : `${[...lines(input)].sort().join('\n')}\n`)],
  ['base64', (input, words) => decoded(input, words, fromBase64)],
  ['base32', (input, words) => decoded(input, words, fromBase32)],
  ['xxd', (input, words) => (flag(words, 'r') ? (flag(words, 'p') ? fromHex(input) : fromHex(dumped(input))) : hole)],
  ['openssl', (input, words) => (flag(words, 'd') && words.some((word) => /base64$|^-a$/.test(word)) ? fromBase64(input) : hole)],
  [
    'basenc',
    (input, words) =>
      flag(words, 'd') && words.includes('--base64')
        ? fromBase64(input)
        : flag(words, 'd') && words.includes('--base16')
          ? fromHex(input)
          : hole,
  ],
  // Which lines they leave out does not matter to what the others say.
  ...['grep', 'egrep', 'fgrep', 'uniq', 'iconv', 'stdbuf', 'pv', 'unbuffer', 'dos2unix', 'col', 'expand'].map(
    (name): [string, Filter] => [name, (input) => input],
  ),
  ['paste', (input, words) => (flag(words, 's') ? `${lines(input).join(option(words, 'd') ?? '\t')}\n` : hole)],
  ['fold', (input) => input],
]);

function decoded(input: string, words: readonly string[], decode: (text: string) => string): string {
  return words.some((word) => /^(?:-[a-zA-Z]*[dD]|--d)/.test(word)) && !input.includes(hole) ? decode(input) : hole;
}

/** The middle columns of a hex dump. */
const dumped = (text: string): string =>
  lines(text)
    .map((line) => line.replace(/^[0-9a-f]+:\s*/i, '').replace(/\s{2}.*$/, ''))
    .join('');

function translate(input: string, words: readonly string[]): string {
  const [from, to] = words.filter((word) => !/^-[cCdst]+$/.test(word)).map(setOf);
  if (from === undefined || flag(words, 'cC')) return hole;
  const change = new Map<string, string>();
  for (const [at, character] of from.entries())
    change.set(character, flag(words, 'd') ? '' : (to?.[at] ?? to?.at(-1) ?? character));
  return [...input].map((character) => change.get(character) ?? character).join('');
}

function setOf(text: string): readonly string[] {
  const plain = text
    .replaceAll('[:lower:]', 'a-z')
    .replaceAll('[:upper:]', 'A-Z')
    .replaceAll('[:digit:]', '0-9')
    .replaceAll('[:space:]', ' \t\n')
    .replaceAll('[:alpha:]', 'A-Za-z')
    .replaceAll(/\\([0-7]{1,3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
    .replaceAll(/\\(.)/g, (_, escape: string) => ({ n: '\n', t: '\t', r: '\r' })[escape] ?? escape);
  const characters = [...plain];
  return characters.flatMap((character, at) => {
    const [first, last] = [characters[at - 1], characters[at + 1]];
    if (character !== '-' || first === undefined || last === undefined) return [character];
    const [from, to] = [first.charCodeAt(0) + 1, last.charCodeAt(0)];
    return to < from || to - from > 256 ? [] : Array.from({ length: to - from }, (_, index) => String.fromCharCode(from + index));
  });
}

/** `s/a/b/g` with a pattern that is plain text, or stands at one end; several of them. */
function stream(input: string, words: readonly string[]): string {
  const scripts = words.filter((word) => !word.startsWith('-'));
  if (words.some((word) => word.startsWith('-') && !/^-[eErsz]$/.test(word)) || (scripts.length !== 1 && !words.includes('-e')))
    return hole;
  let text = input;
  for (const script of scripts.flatMap((each) => each.split(/;(?=\s*s\W)/))) {
    const mark = /^\s*s(\W)/.exec(script)?.[1] ?? '';
    const [, pattern = '', replacement = '', flags = ''] = mark === '' ? [] : script.trim().split(mark);
    const plain = pattern.replaceAll(/\\([./*[\]^$\\-])/g, '');
    if (
      mark === '' ||
      script.split(mark).length !== 4 ||
      !/^g?$/.test(flags) ||
      /[.*[\]\\+?(){}|]/.test(plain.replaceAll(/^\^|\$$/g, '')) ||
      /[\\&]/.test(replacement)
    )
      return hole;
    const literal = pattern.replaceAll(/\\(.)/g, '$1');
    text = each(text, (line) => {
      if (pattern === '^') return replacement + line;
      if (pattern === '$') return line + replacement;
      if (pattern.startsWith('^')) return line.startsWith(literal.slice(1)) ? replacement + line.slice(literal.length - 1) : line;
      if (pattern.endsWith('$') && !pattern.endsWith('\\$'))
        return line.endsWith(literal.slice(0, -1)) ? line.slice(0, line.length - literal.length + 1) + replacement : line;
      return flags === 'g' ? line.replaceAll(literal, () => replacement) : line.replace(literal, () => replacement);
    });
  }
  return text;
}

function cut(input: string, words: readonly string[]): string {
  const [characters, list] = [option(words, 'c') ?? option(words, 'b'), option(words, 'f')];
  const delimiter = option(words, 'd') ?? '\t';
  const ranges = (characters ?? list ?? '').split(',').map((range) => /^(\d*)(-?)(\d*)$/.exec(range));
  if (ranges.some((range) => range === null) || (characters === undefined && list === undefined)) return hole;
  const taken = (count: number, index: number) =>
    ranges.some((range) => {
      const first = Number(range?.[1] === '' ? 1 : range?.[1]);
      const last = range?.[2] === '' ? first : Number(range?.[3] === '' ? count : range?.[3]);
      return index + 1 >= first && index + 1 <= last;
    });
  return each(input, (line) => {
    const parts = characters === undefined ? line.split(delimiter) : [...line];
    if (parts.length === 1 && characters === undefined) return line;
    return parts.filter((_, index) => taken(parts.length, index)).join(characters === undefined ? delimiter : '');
  });
}

function part(input: string, words: readonly string[], first: boolean): string {
  const [count, bytes] = [
    option(words, 'n') ?? words.map((word) => /^-(\d+)$/.exec(word)?.[1]).find((digits) => digits !== undefined) ?? '10',
    option(words, 'c'),
  ];
  const all: readonly string[] = bytes === undefined ? lines(input) : [...input];
  const text = bytes ?? count;
  const size = Number(text.replace(/^[+-]/, ''));
  if (Number.isNaN(size) || input.includes(hole)) return input; // any of its lines
  const chosen = first
    ? all.slice(0, text.startsWith('-') ? Math.max(0, all.length - size) : size)
    : text.startsWith('+')
      ? all.slice(Math.max(0, size - 1))
      : all.slice(Math.max(0, all.length - size));
  return bytes === undefined ? `${chosen.join('\n')}\n` : chosen.join('');
}
