// Queries and bodies as they arrive and as they go out, spec/fence.md: read strictly, held against the limits, and written anew from what was
// read. Pure; what cannot be read in one way only is refused.

import { utf8 } from '../codec/bytes.ts';
import { readExactJson, writeExactJson, type ExactJson } from '../codec/exact-json.ts';
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

/** The query to send. Throws `fence_query`. */
export function judgedQuery(query: string, limits: ArgumentLimits): string {
  const parameters = query === '' ? new Map<string, string>() : readForm(query);
  if (parameters === undefined || !isWithinLimits(parameters, limits, true))
    throw new HoldfastError('fence_query', 'the query is not within the limits of this credential');
  return writeForm(parameters);
}

/** The body to send. Throws `fence_body`. */
export function judgedBody(body: ReceivedBody | undefined, limits: BodyLimits): SentBody {
  const refused = (): HoldfastError =>
    new HoldfastError('fence_body', 'the body is not within the limits of this credential', {
      next: `send ${types[limits.format]} in UTF-8, as it is, with what the operator named and nothing else`,
    });
  const type = types[limits.format];
  if (body === undefined || body.coding !== undefined || !isType(body.type, type)) throw refused(); // [FENCE-25]
  const read = limits.format === 'json' ? readJson(body.bytes) : readForm(new TextDecoder('latin1').decode(body.bytes));
  if (read === undefined || !isWithinLimits(read, limits, limits.format === 'form')) throw refused();
  return { type, bytes: utf8(limits.format === 'json' ? writeExactJson(read) : writeForm(read as ReadonlyMap<string, string>)) }; // [FENCE-16]
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

const writeForm = (read: ReadonlyMap<string, string>): string =>
  [...read].map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`).join('&');
