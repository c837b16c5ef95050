// Shapes of values, spec/codec.md. A format is declared once, as a `Schema<T>`; its type, its check and its bounds come from it.
// Unknown keys are refused everywhere: a new field is a new version.

import { HoldfastError } from '../errors.ts';
import { decodeValue, encodeValue, type Value } from './cbor.ts';

export interface Schema<T> {
  /** The domain value, or throws `codec_shape` / `codec_limit` naming the path. */
  parse(value: Value, path: string): T;
}

export type Infer<S> = S extends Schema<infer T> ? T : never;

function shape(path: string, wanted: string): never {
  throw new HoldfastError('codec_shape', `${path || 'value'}: ${wanted} expected`); // [CODEC-8]
}

function limit(path: string, bound: string): never {
  throw new HoldfastError('codec_limit', `${path || 'value'}: more than ${bound}`); // [CODEC-7]
}

/** Integers from `min` (default 0) to `max` (default the largest safe one). */
export function integer({ min = 0, max = Number.MAX_SAFE_INTEGER }: { min?: number; max?: number } = {}): Schema<number> {
  return {
    parse: (value, path) =>
      Number.isInteger(value) && Number(value) >= min && Number(value) <= max
        ? Number(value)
        : shape(path, `integer ${min}–${max}`),
  };
}

export const bool: Schema<boolean> = {
  parse: (value, path) => (typeof value === 'boolean' ? value : shape(path, 'true or false')),
};

/** Text of `min`–`max` UTF-16 units, matching `pattern` where there is one. */
export function text({ min = 0, max, pattern }: { min?: number; max: number; pattern?: RegExp }): Schema<string> {
  return {
    parse: (value, path) => {
      if (typeof value !== 'string' || value.length < min) return shape(path, 'text');
      if (value.length > max) return limit(path, `${max} characters`);
      return pattern === undefined || pattern.test(value) ? value : shape(path, `text like ${pattern.source}`);
    },
  };
}

/** Byte string of exactly `length`. */
export function bytes(length: number): Schema<Uint8Array> {
  return {
    parse: (value, path) => (value instanceof Uint8Array && value.length === length ? value : shape(path, `${length} bytes`)),
  };
}

export function bytesUpTo(max: number): Schema<Uint8Array> {
  return {
    parse: (value, path) =>
      !(value instanceof Uint8Array) ? shape(path, 'bytes') : value.length > max ? limit(path, `${max} bytes`) : value,
  };
}

export function literal<const L extends string | number | boolean | null>(wanted: L): Schema<L> {
  return { parse: (value, path) => (value === wanted ? wanted : shape(path, JSON.stringify(wanted))) };
}

export function oneOf<const L extends readonly string[]>(...wanted: L): Schema<L[number]> {
  return {
    parse: (value, path) => (typeof value === 'string' && wanted.includes(value) ? value : shape(path, wanted.join(' | '))),
  };
}

export function list<T>(item: Schema<T>, { min = 0, max }: { min?: number; max: number }): Schema<readonly T[]> {
  return {
    parse: (value, path) => {
      if (!Array.isArray(value) || value.length < min) return shape(path, min > 0 ? `list of at least ${min}` : 'list');
      if (value.length > max) return limit(path, `${max} items`);
      return (value as readonly Value[]).map((each, index) => item.parse(each, `${path}[${index}]`));
    },
  };
}

/** A map with free keys, for example environment variables. */
export function dictionary<T>(
  item: Schema<T>,
  { max, key }: { max: number; key: Schema<string> },
): Schema<Readonly<Record<string, T>>> {
  return {
    parse: (value, path) => {
      const fields = Object.entries(asMap(value, path));
      if (fields.length > max) return limit(path, `${max} keys`);
      const parsed: Record<string, T> = Object.create(null) as Record<string, T>;
      for (const [name, each] of fields) parsed[key.parse(name, `${path}.key`)] = item.parse(each, `${path}.${name}`);
      return parsed;
    },
  };
}

const absent = Symbol('optional');

export interface Optional<T> extends Schema<T> {
  readonly [absent]: true;
}

/** A key that may be missing; `undefined` is never encoded. */
export function optional<T>(schema: Schema<T>): Optional<T> {
  return { parse: (value, path) => schema.parse(value, path), [absent]: true };
}

type Fields = Readonly<Record<string, Schema<unknown>>>;
type OptionalKeys<F> = { [K in keyof F]: F[K] extends Optional<unknown> ? K : never }[keyof F];
type Simplify<T> = { readonly [K in keyof T]: T[K] };
export type RecordOf<F> = Simplify<
  { [K in Exclude<keyof F, OptionalKeys<F>>]: Infer<F[K]> } & { [K in OptionalKeys<F>]?: Infer<F[K]> }
>;

function asMap(value: Value, path: string): { readonly [key: string]: Value } {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array || Array.isArray(value))
    return shape(path, 'map');
  return value as { readonly [key: string]: Value };
}

/** A map with exactly these keys; optional ones may be missing. */
export function record<F extends Fields>(fields: F): Schema<RecordOf<F>> {
  const entries = Object.entries(fields);
  return {
    parse: (value, path) => {
      const map = asMap(value, path);
      for (const key of Object.keys(map)) if (!Object.hasOwn(fields, key)) shape(`${path}.${key}`, 'no such key'); // [CODEC-9]
      const parsed: Record<string, unknown> = {};
      for (const [key, schema] of entries) {
        const field = map[key];
        if (field !== undefined) parsed[key] = schema.parse(field, `${path}.${key}`);
        else if (!(absent in schema)) shape(`${path}.${key}`, 'value');
      }
      return parsed as RecordOf<F>;
    },
  };
}

type Variants = Readonly<Record<string, Fields>>;
export type UnionOf<V extends Variants> = { [K in keyof V & string]: Simplify<{ kind: K } & RecordOf<V[K]>> }[keyof V & string];

/** A map tagged by its `kind`; each variant is a record of its own. */
export function union<V extends Variants>(variants: V): Schema<UnionOf<V>> {
  const records = new Map(Object.entries(variants).map(([kind, fields]) => [kind, record({ kind: literal(kind), ...fields })]));
  return {
    parse: (value, path) => {
      const { kind } = asMap(value, path);
      const variant = typeof kind === 'string' ? records.get(kind) : undefined;
      if (variant === undefined) return shape(`${path}.kind`, [...records.keys()].join(' | '));
      return variant.parse(value, path) as unknown as UnionOf<V>;
    },
  };
}

/** Adds a rule that the shape alone cannot say; `rule` throws its own coded error. */
export function refine<T, U extends T = T>(schema: Schema<T>, rule: (value: T, path: string) => U): Schema<U> {
  return { parse: (value, path) => rule(schema.parse(value, path), path) };
}

/** The one encoding of a domain value; checks it against its schema first, so nothing is signed that no reader would accept. */
export function encode<T>(schema: Schema<T>, value: NoInfer<T>): Uint8Array {
  const plain = withoutUndefined(value);
  schema.parse(plain, '');
  return encodeValue(plain);
}

/** Reads a domain value. Throws `codec_*` only. The result shares no memory with the input. */
export function decode<T>(schema: Schema<T>, input: Uint8Array, maxBytes: number): T {
  return schema.parse(decodeValue(input, maxBytes), '');
}

function withoutUndefined(value: unknown): Value {
  if (value === null || typeof value !== 'object' || value instanceof Uint8Array) return value as Value;
  if (Array.isArray(value)) return value.map(withoutUndefined);
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, item]) => (item === undefined ? [] : [[key, withoutUndefined(item)]])),
  );
}
