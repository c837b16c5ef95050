// JSON as strict as a signed text must be read: UTF-8, bounded, and no key twice, which two readers could take for two things.

import { HoldfastError } from '../errors.ts';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = { readonly [key: string]: Json };

/** Nothing of ours is deeper; a parser of less patience than this one must not be the first to fail. */
const maxDepth = 24;

function fail(message: string, cause?: unknown): never {
  throw new HoldfastError('codec_shape', message, { cause });
}

/** Throws `codec_shape`, `codec_limit`. */
export function parseJson(input: Uint8Array, maxBytes: number): Json {
  if (input.length > maxBytes) throw new HoldfastError('codec_limit', `JSON of more than ${maxBytes} bytes`);
  let text: string;
  let value: Json;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(input);
    value = JSON.parse(text) as Json;
  } catch (cause) {
    return fail('JSON expected', cause);
  }
  assertKeysOnce(text);
  return value;
}

/** As `parseJson`; throws for anything but an object, too. */
export function parseJsonObject(input: Uint8Array, maxBytes: number): JsonObject {
  const value = parseJson(input, maxBytes);
  return isObject(value) ? value : fail('a JSON object expected');
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `text` is well-formed JSON. One string of it at a time: a string is a key where a colon follows. */
function assertKeysOnce(text: string): void {
  const open: Set<string>[] = [];
  for (const [token, colon] of tokens(text)) {
    if (token === '{' || token === '[') open.push(new Set());
    else if (token === '}' || token === ']') open.pop();
    else if (colon) {
      const keys = open.at(-1);
      const key = JSON.parse(token) as string;
      if (keys?.has(key) === true) fail(`the key ${key.slice(0, 64)} stands twice`);
      keys?.add(key);
    }
    if (open.length > maxDepth) throw new HoldfastError('codec_limit', `JSON deeper than ${maxDepth}`);
  }
}

/** Brackets and strings, in order; `true` beside a string that is a key. */
function* tokens(text: string): Generator<readonly [string, boolean]> {
  for (const match of text.matchAll(/[{}[\]]|"(?:[^"\\]|\\.)*"(\s*:)?/g)) {
    const [found, colon] = match;
    yield colon === undefined ? [found, false] : [found.slice(0, -colon.length), true];
  }
}
