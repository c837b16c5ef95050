// Personal data as operators declare it, spec/commitments.md: values, and patterns that are found in one pass over a text.

import { utf8 } from '../codec/bytes.ts';
import { list, record, refine, text, type Infer } from '../codec/schema.ts';
import { HoldfastError } from '../errors.ts';
import { secretSubject } from './commitment.ts';

const declaredName = refine(text({ min: 1, max: 32, pattern: /^[a-z][a-z0-9-]*$/ }), (name, path) => {
  if (name !== secretSubject) return name;
  throw new HoldfastError('codec_shape', `${path}: ${name} is the subject of what nobody declared`); // [COMMIT-7]
});

const minValueBytes = 6;
const maxValueBytes = 256;
const value = refine(text({ min: 1, max: maxValueBytes }), (said, path) => {
  const { length } = utf8(said);
  if (length > maxValueBytes) throw new HoldfastError('codec_limit', `${path}: more than ${maxValueBytes} bytes`);
  if (length >= minValueBytes) return said;
  throw new HoldfastError('codec_shape', `${path}: a value of fewer than ${minValueBytes} bytes stands in ordinary text`);
}); // [COMMIT-7]

const like = refine(text({ min: 3, max: 64, pattern: /^[\x21-\x7e]+$/ }), (said, path) => {
  patternOf(said, path);
  return said;
}); // [COMMIT-8]

export const personalData = refine(
  list(record({ subject: declaredName, values: list(value, { max: 32 }), like: list(like, { max: 16 }) }), { max: 64 }),
  (declared, path) => {
    if (new Set(declared.map(({ subject }) => subject)).size === declared.length) return declared;
    throw new HoldfastError('codec_shape', `${path}: a subject is declared twice`);
  },
); // [COMMIT-7]
export type PersonalData = Infer<typeof personalData>;

const run = 'A-Za-z0-9._+-';
const isItself = (character: string | undefined): boolean => character !== undefined && !/[#*A-Za-z0-9._+-]/.test(character);

function literal(character: string): string {
  if (/[A-Za-z0-9]/.test(character)) return character;
  const escaped = `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
  return `(?:${escaped}|%${character.charCodeAt(0).toString(16).padStart(2, '0')})`;
}

/**
 * Linear: a run is entered at its first character alone, and what follows one begins with none of its characters. Throws `codec_shape`. [COMMIT-8]
 */
export function patternOf(said: string, path = 'like'): RegExp {
  const refuse = (why: string): never => {
    throw new HoldfastError('codec_shape', `${path}: ${said}: ${why}`);
  };
  if (!said.includes('*') && said.length < 4) refuse('fewer than 4 characters stand in ordinary text');
  const source = Array.from(said, (character, at) => {
    if (character === '#') return '[0-9]';
    if (character !== '*') return literal(character);
    const [before, after] = [said[at - 1], said[at + 1]];
    const bounded = [before, after].every((beside) => beside === undefined || isItself(beside));
    if (!bounded || (before === undefined && after === undefined))
      return refuse('a * stands beside what it would swallow, or alone');
    return before === undefined ? `(?<![${run}])[${run}]+` : `[${run}]+`;
  });
  return new RegExp(source.join(''), 'gi');
}

/** A value that is too short for anything but its letters: any case, any white space, percent-encoded or not. [COMMIT-7] */
export function patternOfValue(said: string): RegExp {
  const source = Array.from(said, (character) => {
    if (/[A-Za-z0-9]/.test(character)) return character;
    const encoded = [...utf8(character)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
    const plain = character === ' ' ? '[\\s+_-]' : `\\u{${character.codePointAt(0)?.toString(16)}}`;
    return `(?:${plain}|${encoded})`;
  });
  return new RegExp(source.join(''), 'giu');
}

/** What of a text that a pattern found is committed. [COMMIT-8] */
export function foundValue(found: string): string {
  return found
    .replaceAll(/%([0-7][0-9a-f])/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
    .toLowerCase();
}
