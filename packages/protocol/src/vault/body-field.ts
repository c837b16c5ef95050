// A secret that stands in a field of the body, spec/fence.md: the body is read as strictly as for limits on arguments, the field is taken out for
// the judge, and the text goes out anew with the secret's place marked. Pure; what could be read in two ways is refused.

import { concat, utf8 } from '../codec/bytes.ts';
import { isObject, type ExactJson } from '../codec/exact-json.ts';
import { HoldfastError } from '../errors.ts';
import {
  gap,
  readBody,
  writtenAround,
  type BodyFormat,
  type ReadBody,
  type ReceivedBody,
  type SentBody,
} from './argument-text.ts';
import { keysOf, outline, resembles } from './arguments.ts';

/** What goes out: the bytes from `from` to `to` stand for the secret, whose text of that format takes their place. */
export interface BodyWithSecret extends SentBody {
  readonly secret: { readonly from: number; readonly to: number; readonly format: BodyFormat };
}

/** The field, and what may stand in it for the secret. */
export interface Field {
  readonly at: string;
  readonly placeholder: string;
  readonly takes: (text: string) => boolean;
}

export interface WithField {
  /** For the judge: without the field, and without objects that held nothing else. */
  readonly rest: ReadBody;
  /** What stood in the field. */
  readonly presented: string | undefined;
  /** Written anew, with the placeholder in the field. */
  readonly body: BodyWithSecret;
}

/** Throws `fence_body`; `client_auth_refused` where something else stands in the field or beside it. */
export function readWithField(received: ReceivedBody | undefined, { at, placeholder, takes }: Field): WithField {
  const keys = keysOf(at);
  const read = readBody(received);
  const isForm = read?.format === 'form';
  const found = read === undefined || (isForm && keys.length > 1) ? undefined : find(read.value, keys);
  if (read === undefined || found === undefined)
    throw new HoldfastError('fence_body', 'the credential goes into the body, and this body has no place for it', {
      next: `send an object of JSON, or a form, in UTF-8 and as it is, with the placeholder at ${at} or with nothing there`,
    }); // [FENCE-40]
  if (found.isBeside || (found.value !== undefined && (typeof found.value !== 'string' || !takes(found.value))))
    throw new HoldfastError('client_auth_refused', 'something else stands in the field of the credential, or beside it', {
      next: `put the placeholder at ${at}, or nothing`,
    }); // [FENCE-41]
  const { type, before, after } = writtenAround({ format: read.format, value: put(read.value, keys) });
  const quote = isForm ? '' : '"';
  const head = utf8(before + quote);
  const secret = { from: head.length, to: head.length + placeholder.length, format: read.format };
  return {
    rest: { format: read.format, value: without(read.value, keys) },
    presented: found.value,
    body: { type, bytes: concat(head, utf8(placeholder + quote + after)), secret },
  };
}

interface Found {
  readonly value: ExactJson | undefined;
  /** Whether a look-alike of the field, or of what it is in, stands beside it. */
  readonly isBeside: boolean;
}

/** Undefined where an array or a scalar is on the way. */
function find(value: ExactJson, [key = '', ...below]: readonly string[]): Found | undefined {
  if (!isObject(value)) return undefined;
  const outlines = new Set([outline(key)]);
  const isBeside = [...value.keys()].some((each) => each !== key && resembles(each, outlines));
  const found = value.get(key);
  if (below.length === 0 || found === undefined) return { value: found, isBeside };
  const inner = find(found, below);
  return inner && { ...inner, isBeside: isBeside || inner.isBeside };
}

/** With the gap there: where the field stood before, or at the end. */
function put(value: ExactJson | undefined, [key, ...below]: readonly string[]): ExactJson {
  if (key === undefined) return gap;
  const fields = value !== undefined && isObject(value) ? value : new Map<string, ExactJson>();
  return new Map([...fields]).set(key, put(fields.get(key), below));
}

function without(value: ExactJson, [key = '', ...below]: readonly string[]): ExactJson {
  if (!isObject(value)) return value;
  const found = value.get(key);
  const rest = below.length === 0 || found === undefined ? undefined : without(found, below);
  if (rest !== undefined && isObject(rest) && rest.size > 0) return new Map([...value]).set(key, rest);
  return new Map([...value].filter(([each]) => each !== key));
}
