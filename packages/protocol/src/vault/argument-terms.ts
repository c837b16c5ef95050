// Limits on arguments as a person types them, `/amount<=3000`, and as they are shown again. Pure; every refusal is `usage`. What is implied
// while typing is written out in the terms.

import { HoldfastError } from '../errors.ts';
import { bodyLimits, queryLimits, type ArgumentLimits, type BodyLimits } from './arguments.ts';
import { isDecimal } from './decimal.ts';

type Argument = ArgumentLimits['arguments'][number];

/** [CLI-40] */
const howTo =
  "write '/amount<=3000', '/amount=1..3000', '/payee=A|B', '/id=inv-*', '/note#200', '/note' (any value), '/items/**' or '/**'";
/** Of a text whose length nobody typed. */
const usualCharacters = 1024;

function usage(message: string, cause?: unknown): never {
  throw new HoldfastError('usage', message, { next: howTo, cause });
}

const escaped = (name: string): string => name.replaceAll('~', '~0').replaceAll('/', '~1');

/** `--query`: `page`, `limit<=100`, `state=open|closed`; `**` for others. Throws `usage`. */
export function parseQueryLimits(typed: readonly string[]): ArgumentLimits {
  return parsed(() => queryLimits.parse(limitsOf(typed.map(asPointer)), '--query'));
}

/** `--form`, as `--query`. Throws `usage`. */
export function parseFormLimits(typed: readonly string[]): BodyLimits {
  return parsed(() => bodyLimits.parse({ ...limitsOf(typed.map(asPointer)), format: 'form' }, '--form'));
}

/** `--body`, by JSON pointers. Throws `usage`. */
export function parseBodyLimits(typed: readonly string[]): BodyLimits {
  return parsed(() => bodyLimits.parse({ ...limitsOf(typed), format: 'json' }, '--body'));
}

/** A name stands for itself. */
function asPointer(typed: string): string {
  const [, name = '', rest = ''] = /^([^<=>?#]*)(.*)$/s.exec(typed) ?? [];
  return `/${name === '**' ? name : escaped(name)}${rest}`;
}

function limitsOf(typed: readonly string[]): { readonly arguments: readonly Argument[]; readonly others: boolean } {
  const named = typed.filter((each) => each !== '/**');
  return { arguments: named.map(parseArgument), others: named.length < typed.length };
}

function parsed<T>(parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    return cause instanceof HoldfastError && cause.code === 'usage'
      ? usage(cause.message)
      : usage(`not a limit: ${String(cause)}`, cause);
  }
}

function parseArgument(typed: string): Argument {
  const [, at = '', mark, rest = ''] = /^(\/[^<=>?#]*)(\?)?(.*)$/s.exec(typed) ?? [];
  if (at.endsWith('/**') && mark === undefined && rest === '')
    return { at: at.slice(0, -3), optional: true, holds: { kind: 'any' } };
  if (rest === '' && mark === undefined) return { at, optional: true, holds: { kind: 'scalar' } };
  return { at, optional: mark !== undefined, holds: parseHolds(rest, typed) };
}

function parseHolds(rest: string, typed: string): Argument['holds'] {
  const [, max] = /^<=(.+)$/s.exec(rest) ?? [];
  if (max !== undefined) return { kind: 'number', min: '0', max }; // what is sent, ordered or paid is no less than nothing
  const [, from, to] = /^=(-?[0-9.]+?)\.\.(-?[0-9.]+)$/.exec(rest) ?? [];
  if (from !== undefined && to !== undefined) return { kind: 'number', min: from, max: to };
  const [, values] = /^=(.+)$/s.exec(rest) ?? [];
  if (values !== undefined && !isGlob(values)) return { kind: 'oneOf', values: values.split('|').map(asJson) };
  const [, length, glob] = /^(?:#([0-9]+))?(?:=(.+))?$/s.exec(rest) ?? [];
  if (length === undefined && glob === undefined) return usage(`not a limit: ${JSON.stringify(typed)}`);
  return { kind: 'text', glob: glob ?? '**', max: length === undefined ? usualCharacters : Number(length) };
}

/** A star stands for other text, unless it is quoted. */
const isGlob = (value: string): boolean => value.includes('*') && !value.startsWith('"');

/** `true`, `3000` and `"3000"` mean what they do in JSON; all else is a text. */
function asJson(value: string): string {
  if (isDecimal(value) || ['true', 'false', 'null'].includes(value) || /^".*"$/s.test(value)) return value;
  return JSON.stringify(value);
}

/** As it would be typed, by pointers. */
export function argumentTexts({ arguments: named, others }: ArgumentLimits): readonly string[] {
  return [...named.map(argumentText), ...(others ? ['/**'] : [])];
}

function argumentText({ at, optional, holds }: Argument): string {
  const place = optional ? `${at}?` : at;
  switch (holds.kind) {
    case 'any':
      return `${at}/**`;
    case 'scalar':
      return at;
    case 'number':
      return holds.min === '0' ? `${place}<=${holds.max}` : `${place}=${holds.min}..${holds.max}`;
    case 'text':
      return `${place}#${holds.max}${holds.glob === '**' ? '' : `=${holds.glob}`}`;
    case 'oneOf':
      return `${place}=${holds.values.map(shownValue).join('|')}`;
    default:
      holds satisfies never;
      return at;
  }
}

function shownValue(json: string): string {
  const text = json.startsWith('"') ? (JSON.parse(json) as string) : json;
  return asJson(text) === json && !isGlob(text) ? text : json;
}
