// What a request may say, spec/fence.md: limits on single arguments of a query or a body, each by its JSON pointer. What they do not name is
// refused, and what was judged is written anew, so that the service reads no other text than the judge.

import type { ExactJson } from '../codec/exact-json.ts';
import { isObject, isWritten } from '../codec/exact-json.ts';
import { bool, integer, list, oneOf, record, refine, text, union, type Infer } from '../codec/schema.ts';
import { HoldfastError } from '../errors.ts';
import { isDecimal, isWithin } from './decimal.ts';
import { globMatches, maxGlobCharacters } from './path.ts';

const maxPointerCharacters = 512;
/** As of a path: bounds matching. */
const maxTextCharacters = 4096;

function shape(path: string, wanted: string): never {
  throw new HoldfastError('codec_shape', `${path}: ${wanted} expected`);
}

/** RFC 6901, keys of objects alone; one spelling, since only `~0` and `~1` are escapes. */
export const pointer = text({ min: 2, max: maxPointerCharacters, pattern: /^(?:\/(?:[^~/]|~[01])+)+$/ }); // [FENCE-17]
export const keysOf = (at: string): string[] =>
  at
    .slice(1)
    .split('/')
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));

const decimal = refine(text({ min: 1, max: 32 }), (digits, path) =>
  isDecimal(digits) ? digits : shape(path, 'number of at most 15 digits'),
); // [FENCE-19]
const valueGlob = refine(text({ min: 1, max: maxGlobCharacters }), (glob, path) =>
  glob.includes('***') ? shape(path, 'glob') : glob,
);
/** A scalar as JSON writes it, shortest. */
const written = refine(text({ min: 1, max: 1024 }), (value, path) => (isScalarText(value) ? value : shape(path, 'JSON scalar')));

function isScalarText(json: string): boolean {
  if (isDecimal(json)) return true;
  try {
    const value: unknown = JSON.parse(json);
    return (value === null || typeof value !== 'object') && typeof value !== 'number' && JSON.stringify(value) === json;
  } catch {
    return false;
  }
}

const argument = record({
  at: pointer,
  /** Whether it may be missing. */
  optional: bool,
  holds: union({
    /** Both included. */
    number: { min: decimal, max: decimal },
    text: { glob: valueGlob, max: integer({ min: 1, max: maxTextCharacters }) },
    oneOf: { values: list(written, { min: 1, max: 64 }) },
    scalar: {},
    /** Also arrays and objects: whatever stands there. */
    any: {},
  }),
}); // [FENCE-17] [FENCE-18]
type Argument = Infer<typeof argument>;

const limits = {
  arguments: list(argument, { max: 64 }),
  /** Whether arguments that are not named may stand beside those that are. */
  others: bool,
};
const distinct = <T extends Infer<ReturnType<typeof record<typeof limits>>>>(value: T, path: string): T => {
  const ends = new Set(value.arguments.map(({ at }) => at));
  const inside = value.arguments.some(({ at }) => [...at.matchAll(/\//g)].some(({ index }) => ends.has(at.slice(0, index))));
  if (ends.size < value.arguments.length || inside) shape(path, 'no place twice, and none inside of another'); // [FENCE-17]
  for (const { holds } of value.arguments)
    if (holds.kind === 'number' && !isWithin(holds.min, holds)) shape(path, 'min that is not above max');
  return value;
};

const flat = <T extends Infer<ReturnType<typeof record<typeof limits>>>>(value: T, path: string): T => {
  if (value.arguments.some(({ at, holds }) => keysOf(at).length > 1 || holds.kind === 'any')) shape(path, 'names of parameters'); // [FENCE-17]
  return value;
};
export const queryLimits = refine(refine(record(limits), distinct), flat);
export type ArgumentLimits = Infer<typeof queryLimits>;
export const bodyLimits = refine(refine(record({ ...limits, format: oneOf('json', 'form') }), distinct), (value, path) =>
  value.format === 'form' ? flat(value, path) : value,
);
export type BodyLimits = Infer<typeof bodyLimits>;

/** Of one level: what must hold of a key, or the keys below it. */
interface Level {
  readonly keys: Map<string, Argument | Level>;
}

function levelsOf(limited: readonly Argument[]): Level {
  const top: Level = { keys: new Map() };
  for (const each of limited) {
    const keys = keysOf(each.at);
    const last = keys.pop() ?? '';
    let level = top;
    for (const key of keys) {
      const below = level.keys.get(key);
      const next = below !== undefined && 'keys' in below ? below : { keys: new Map<string, Argument | Level>() };
      level.keys.set(key, next);
      level = next;
    }
    level.keys.set(last, each);
  }
  return top;
}

/** Whether all of it is within the limits. `plain`: values are texts that stand for whatever they spell, as in forms. */
export function isWithinLimits(value: ExactJson, limited: ArgumentLimits, plain: boolean): boolean {
  return levelHolds(value, levelsOf(limited.arguments), { others: limited.others, plain });
}

type Reading = { readonly others: boolean; readonly plain: boolean };

function levelHolds(value: ExactJson, { keys }: Level, reading: Reading): boolean {
  if (!isObject(value)) return false; // [FENCE-20] an array, or a scalar, where keys are expected
  const outlines = reading.others ? new Set([...keys.keys()].map(outline)) : undefined;
  for (const key of value.keys()) {
    if (keys.has(key)) continue;
    if (outlines === undefined || resembles(key, outlines)) return false; // [FENCE-21] [FENCE-22]
  }
  for (const [key, wanted] of keys) {
    const found = value.get(key);
    if ('keys' in wanted) {
      if (found === undefined ? isNeeded(wanted) : !levelHolds(found, wanted, reading)) return false;
    } else if (found === undefined ? !wanted.optional : !argumentHolds(found, wanted, reading.plain)) return false; // [FENCE-18]
  }
  return true;
}

const isNeeded = ({ keys }: Level): boolean =>
  [...keys.values()].some((each) => ('keys' in each ? isNeeded(each) : !each.optional));

function argumentHolds(value: ExactJson, { holds }: Argument, plain: boolean): boolean {
  if (holds.kind === 'any') return true;
  if (value !== null && typeof value === 'object' && !isWritten(value)) return false; // [FENCE-20]
  switch (holds.kind) {
    case 'number': {
      const digits = isWritten(value) ? value.digits : plain && typeof value === 'string' ? value : '';
      return isDecimal(digits) && isWithin(digits, holds); // [FENCE-19]
    }
    case 'text':
      return typeof value === 'string' && value.length <= holds.max && !/\p{Cc}/u.test(value) && globMatches(holds.glob, value); // [FENCE-23]
    case 'oneOf':
      return holds.values.some((each) => (plain ? plainText(each) === value : each === scalarText(value))); // [FENCE-24]
    case 'scalar':
      return true;
    default:
      holds satisfies never;
      return false;
  }
}

const scalarText = (value: ExactJson): string => (isWritten(value) ? value.digits : JSON.stringify(value));
const plainText = (json: string): string => (json.startsWith('"') ? (JSON.parse(json) as string) : json);

/** What readers that are careless of case, signs and spaces make of a key. */
export const outline = (key: string): string => key.toLowerCase().replaceAll(/[^a-z0-9]/g, '');

/** Some also split a key at its brackets and dots. */
export function resembles(key: string, outlines: ReadonlySet<string>): boolean {
  if (!/^[\x20-\x7e]+$/.test(key)) return true;
  const [first = ''] = key.split(/[^A-Za-z0-9 _-]+/).filter((part) => part !== '');
  return outlines.has(outline(key)) || outlines.has(outline(first)); // [FENCE-22]
}
