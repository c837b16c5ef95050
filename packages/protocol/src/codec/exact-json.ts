// JSON of strangers, read so that no other reader can take it for something else: strict RFC 8259 in UTF-8, no key twice, numbers as they are
// written. One pass, linear, total: the value, or a coded refusal. What `writeExactJson` makes of it is what was judged, and nothing else.

import { HoldfastError } from '../errors.ts';

/** A number by its digits: two readers may round it to two values. */
export interface Written {
  readonly digits: string;
}
export type ExactJson = null | boolean | string | Written | readonly ExactJson[] | ReadonlyMap<string, ExactJson>;

/** Nothing that services are asked is deeper. */
const maxDepth = 32;
const number = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const utf8Text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function fail(message: string, cause?: unknown): never {
  throw new HoldfastError('codec_shape', message, { cause });
}

/** Throws `codec_shape`, `codec_limit`. */
export function readExactJson(input: Uint8Array): ExactJson {
  let text: string;
  try {
    text = utf8Text.decode(input);
  } catch (cause) {
    return fail('UTF-8 expected', cause);
  }
  return new Reader(text).whole();
}

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  whole(): ExactJson {
    const value = this.#value(0);
    return this.#next() === undefined ? value : fail('JSON has an end');
  }

  /** The next character that means something; stays before it. */
  #next(): string | undefined {
    for (;;) {
      const character = this.#text[this.#at];
      if (character !== ' ' && character !== '\n' && character !== '\r' && character !== '\t') return character;
      this.#at += 1;
    }
  }

  #takes(character: string): boolean {
    if (this.#next() !== character) return false;
    this.#at += 1;
    return true;
  }

  /** `depth`: how many objects and arrays it stands in. */
  #value(depth: number): ExactJson {
    switch (this.#next()) {
      case '{':
        return this.#object(depth);
      case '[':
        return this.#array(depth);
      case '"':
        return this.#string();
      case 't':
        return this.#word('true', true);
      case 'f':
        return this.#word('false', false);
      case 'n':
        return this.#word('null', null);
      default:
        return this.#number();
    }
  }

  #opens(depth: number): void {
    if (depth === maxDepth) throw new HoldfastError('codec_limit', `JSON deeper than ${maxDepth}`); // [FENCE-28]
    this.#at += 1;
  }

  #object(depth: number): ReadonlyMap<string, ExactJson> {
    const fields = new Map<string, ExactJson>();
    this.#opens(depth);
    if (this.#takes('}')) return fields;
    do {
      if (this.#next() !== '"') fail('a key expected');
      const key = this.#string();
      if (fields.has(key)) fail('a key stands twice'); // [FENCE-28]
      if (!this.#takes(':')) fail('a colon expected');
      fields.set(key, this.#value(depth + 1));
    } while (this.#takes(','));
    return this.#takes('}') ? fields : fail('the end of an object expected');
  }

  #array(depth: number): readonly ExactJson[] {
    const items: ExactJson[] = [];
    this.#opens(depth);
    if (this.#takes(']')) return items;
    do items.push(this.#value(depth + 1));
    while (this.#takes(','));
    return this.#takes(']') ? items : fail('the end of an array expected');
  }

  /** Half a surrogate pair is no text: some readers drop it, others put a mark in its place. */
  #string(): string {
    const start = this.#at;
    let at = start + 1;
    for (; this.#text[at] !== '"'; at += this.#text[at] === '\\' ? 2 : 1)
      if (at >= this.#text.length) fail('the end of a text expected');
    this.#at = at + 1;
    let value: string;
    try {
      value = JSON.parse(this.#text.slice(start, this.#at)) as string;
    } catch (cause) {
      return fail('a text expected', cause);
    }
    return value.isWellFormed() ? value : fail('text is not well-formed Unicode');
  }

  #word<Value extends ExactJson>(word: string, value: Value): Value {
    if (!this.#text.startsWith(word, this.#at)) fail('a value expected');
    this.#at += word.length;
    return value;
  }

  #number(): Written {
    number.lastIndex = this.#at;
    const [digits] = number.exec(this.#text) ?? fail('a value expected');
    this.#at += digits.length;
    return { digits };
  }
}

export const isObject = (value: ExactJson): value is ReadonlyMap<string, ExactJson> => value instanceof Map;
export const isWritten = (value: ExactJson): value is Written => typeof value === 'object' && value !== null && 'digits' in value;

/** The shortest text of it, keys in their order. */
export function writeExactJson(value: ExactJson): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (isWritten(value)) return value.digits;
  if (isObject(value)) return `{${[...value].map(([key, each]) => `${JSON.stringify(key)}:${writeExactJson(each)}`).join(',')}}`;
  return `[${value.map(writeExactJson).join(',')}]`;
}
