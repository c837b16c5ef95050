// Queries and bodies as they arrive and as they go out, spec/fence.md: read strictly, held against the limits, and written anew from what was
// read. Pure; what cannot be read in one way only is refused.

import { utf8 } from '../codec/bytes.ts';
import { readExactJson, writeExactJson, type ExactJson, type Written } from '../codec/exact-json.ts';
import { HoldfastError } from '../errors.ts';
import { isWithinLimits, type ArgumentLimits, type BodyLimits } from './arguments.ts';

/** What a request is judged by besides its place. Header values as received, joined by a comma where there are several. */
export interface ReceivedBody {
  readonly type: string | undefined;
  /** Of Content-Encoding. */
  readonly coding: string | undefined;
  readonly bytes: Uint8Array;
}

export interface SentBody {
  readonly type: string;
  readonly bytes: Uint8Array;
}

const types = { json: 'application/json', form: 'application/x-www-form-urlencoded' } as const;
export type BodyFormat = keyof typeof types;

/** The query to send. Throws `fence_query`. */
export function judgedQuery(query: string, limits: ArgumentLimits): string {
  const parameters = query === '' ? new Map<string, string>() : readForm(query);
  if (parameters === undefined || !isWithinLimits(parameters, limits, true))
    throw new HoldfastError('fence_query', 'the query is not within the limits of this credential', {
      next: 'send what the operator named, each once, and nothing else',
    });
  return writeForm(parameters);
}

/** The body to send. Throws `fence_body`. */
export function judgedBody(body: ReceivedBody | undefined, limits: BodyLimits): SentBody {
  const read = readBody(body);
  assertBodyWithin(read, limits);
  return writtenBody(read); // [FENCE-16]
}

/** A body that can be read in one way. A form's values are texts. */
export interface ReadBody {
  readonly format: BodyFormat;
  readonly value: ExactJson;
}

/** Undefined for what can't be read, or in more than one way. */
export function readBody(body: ReceivedBody | undefined): ReadBody | undefined {
  if (body === undefined || body.coding !== undefined) return undefined; // [FENCE-25]
  const format = (['json', 'form'] as const).find((each) => isType(body.type, types[each]));
  if (format === undefined) return undefined; // [FENCE-25]
  const value = format === 'json' ? readJson(body.bytes) : readForm(new TextDecoder('latin1').decode(body.bytes));
  return value === undefined ? undefined : { format, value };
}

/** Throws `fence_body`. */
export function assertBodyWithin(read: ReadBody | undefined, limits: BodyLimits): asserts read is ReadBody {
  if (read?.format === limits.format && isWithinLimits(read.value, limits, limits.format === 'form')) return;
  throw new HoldfastError('fence_body', 'the body is not within the limits of this credential', {
    next: `send ${types[limits.format]} in UTF-8, as it is, with what the operator named and nothing else`,
  });
}

const textOf = ({ format, value }: ReadBody): string =>
  format === 'json' ? writeExactJson(value) : writeForm(value as ReadonlyMap<string, ExactJson>);
const writtenBody = (read: ReadBody): SentBody => ({ type: types[read.format], bytes: utf8(textOf(read)) });

/** Stands in a value where its text is to have a gap: neither JSON nor a form has this character as it is. */
export const gap: Written = { digits: '\0' };

/** The text of a body around its one gap. */
export function writtenAround(read: ReadBody): { readonly type: string; readonly before: string; readonly after: string } {
  const [before = '', after = ''] = textOf(read).split(gap.digits);
  return { type: types[read.format], before, after };
}

/** The one type, with the one charset it may name. */
function isType(given: string | undefined, wanted: string): boolean {
  return [wanted, `${wanted};charset=utf-8`].includes(given?.toLowerCase().replaceAll(/[ \t]/g, '').replaceAll('"', '') ?? '');
}

function readJson(bytes: Uint8Array): ExactJson | undefined {
  try {
    return readExactJson(bytes);
  } catch {
    return undefined;
  }
}

const unescaped = /^(?:[A-Za-z0-9*._~!$'()+,:@/?[\]-]|%[0-9A-Fa-f]{2})*$/;

/** Undefined for a name that stands twice, has no `=`, or is not UTF-8; and for characters that some readers take for a border. [FENCE-26] */
function readForm(text: string): ReadonlyMap<string, string> | undefined {
  const read = new Map<string, string>();
  for (const pair of text.split('&')) {
    const [name, value, more] = pair.split('=').map(decoded);
    if (name === undefined || name === '' || value === undefined || more !== undefined || pair.split('=').length > 2)
      return undefined;
    if (read.has(name)) return undefined;
    read.set(name, value);
  }
  return read;
}

function decoded(part: string): string | undefined {
  if (!unescaped.test(part)) return undefined;
  try {
    return decodeURIComponent(part.replaceAll('+', ' '));
  } catch {
    return undefined;
  }
}

const writeForm = (read: ReadonlyMap<string, ExactJson>): string =>
  [...read].map(([name, value]) => `${encodeURIComponent(name)}=${formText(value)}`).join('&');
const formText = (value: ExactJson): string =>
  typeof value === 'string' ? encodeURIComponent(value) : value === gap ? gap.digits : '';
