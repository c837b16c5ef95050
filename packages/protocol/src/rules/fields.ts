// Typed reading of a located YAML map: known keys only, each value of its form, faults told with place and suggestion.

import { invalid, type Located, type Place } from './yaml.ts';

export interface Fields {
  readonly at: Place;
  readonly size: number;
  has(key: string): boolean;
  /** The value; where it is missing, refused with `next`. */
  need(key: string, next?: string): Located;
  placeOf(key: string): Place;
}

export function fieldsOf(value: Located, what: string, known: readonly string[]): Fields {
  if (value.kind !== 'map') return invalid(value.at, `${what}: a map is expected`); // [RULES-3]
  const { at, fields } = value;
  for (const [key, field] of fields) {
    if (!known.includes(key)) invalid(field.at, `${what} has no \`${key}\``, closest(key, known)); // [RULES-3]
  }
  return {
    at,
    size: fields.size,
    has: (key) => fields.has(key),
    need: (key, next) => fields.get(key)?.value ?? invalid(at, `${what} lacks \`${key}\``, next), // [RULES-4]
    placeOf: (key) => fields.get(key)?.at ?? at,
  };
}

interface TextForm {
  readonly max?: number;
  readonly like?: RegExp;
  readonly what?: string;
}

const maxTextCharacters = 256;
const maxItems = 512;

export function textOf(value: Located, { max = maxTextCharacters, like, what = 'text' }: TextForm): string {
  if (value.kind !== 'scalar') return invalid(value.at, `${what} is expected`); // [RULES-3]
  if (value.value === null) return invalid(value.at, `${what} is expected`, "put it in quotes: '~' alone means nothing in YAML"); // [RULES-3]
  if (typeof value.value !== 'string') return invalid(value.at, `${what} is expected`, `put it in quotes: '${value.value}'`); // [RULES-3]
  const { value: text } = value;
  if (text === '' || text.length > max) return invalid(value.at, `${what} of 1 to ${max} characters is expected`); // [RULES-1]
  if (like !== undefined && !like.test(text)) return invalid(value.at, `not a ${what}: ${text}`); // [RULES-3]
  return text;
}

/** One text, or a list of them that is not empty. */
export function textsOf(value: Located, form: TextForm): readonly string[] {
  if (value.kind !== 'list') return [textOf(value, form)];
  if (value.items.length === 0) return invalid(value.at, 'an empty list', 'name at least one, or leave the key out'); // [RULES-5]
  if (value.items.length > maxItems) return invalid(value.at, `more than ${maxItems} entries`); // [RULES-1]
  return value.items.map((item) => textOf(item, form));
}

export function oneWord<const W extends readonly string[]>(value: Located, words: W): W[number] {
  const text = textOf(value, {});
  return (
    words.find((word) => word === text) ?? invalid(value.at, `not one of ${words.join(', ')}: ${text}`, closest(text, words))
  ); // [RULES-3]
}

/** `did you mean …?`, or what there is. */
export function closest(text: string, words: readonly string[]): string {
  const best = words
    .map((word) => ({ word, far: distance(text.slice(0, 40).toLowerCase(), word.toLowerCase()) }))
    .reduce((near, each) => (each.far < near.far ? each : near), { word: '', far: Number.POSITIVE_INFINITY });
  return best.far <= Math.max(1, Math.floor(best.word.length / 3))
    ? `did you mean \`${best.word}\`?`
    : `there are ${words.join(', ')}`;
}

/** Levenshtein, with neighbours swapped as one step. */
function distance(left: string, right: string): number {
  let before: number[] = [];
  let above = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let row = 1; row <= left.length; row += 1) {
    const line = [row];
    for (let column = 1; column <= right.length; column += 1) {
      const same = left[row - 1] === right[column - 1];
      let best = Math.min((above[column] ?? 0) + 1, (line[column - 1] ?? 0) + 1, (above[column - 1] ?? 0) + (same ? 0 : 1));
      if (row > 1 && column > 1 && left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1])
        best = Math.min(best, (before[column - 2] ?? 0) + 1);
      line.push(best);
    }
    before = above;
    above = line;
  }
  return above[right.length] ?? 0;
}
