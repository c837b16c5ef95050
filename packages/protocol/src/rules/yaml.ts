// Strict YAML, spec/rules.md: one document of maps, lists and plain scalars, each with its place. What gives a text a second meaning is
// refused: anchors, aliases, tags, merge keys, duplicate keys, several documents. Bounded before anything recursive looks at it.

import { Composer, isMap, isScalar, isSeq, LineCounter, Parser, type CST, type Document, type ParsedNode } from 'yaml';
import { HoldfastError } from '../errors.ts';

/** As it is signed, packs put in. */
const maxRulesBytes = 192 * 1024;
const maxDepth = 24;
const maxTextCharacters = 4096;

export interface Place {
  readonly line: number;
  readonly column: number;
}

export type Located =
  | {
      readonly kind: 'map';
      readonly at: Place;
      readonly fields: ReadonlyMap<string, { readonly at: Place; readonly value: Located }>;
    }
  | { readonly kind: 'list'; readonly at: Place; readonly items: readonly Located[] }
  | { readonly kind: 'scalar'; readonly at: Place; readonly value: string | number | boolean | null };

/** Throws `rules_invalid`; the message begins with the place. */
export function invalid(at: Place, what: string, next?: string): never {
  throw new HoldfastError('rules_invalid', `line ${at.line}, column ${at.column}: ${what}`, next === undefined ? {} : { next });
}

const start: Place = { line: 1, column: 1 };

export function readYaml(text: string): Located {
  if (text.length > maxRulesBytes || new TextEncoder().encode(text).length > maxRulesBytes)
    invalid(start, `more than ${maxRulesBytes} bytes`, 'write less, or split the set'); // [RULES-1]
  const lines = new LineCounter();
  const placeOf = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  try {
    return located(documentOf(text, lines, placeOf).contents, placeOf);
  } catch (thrown) {
    if (thrown instanceof HoldfastError) throw thrown;
    throw new HoldfastError('rules_invalid', 'line 1, column 1: not YAML that can be read', { cause: thrown });
  }
}

function documentOf(text: string, lines: LineCounter, placeOf: (offset: number) => Place): Document.Parsed {
  const tokens = [...new Parser(lines.addNewLine).parse(text)];
  for (const token of tokens) refuseTokens(token, placeOf);
  const composer = new Composer({
    version: '1.2',
    schema: 'core',
    merge: false,
    strict: true,
    uniqueKeys: false,
    stringKeys: true,
  });
  const [document, second] = [...composer.compose(tokens)];
  if (document === undefined || document.contents === null) return invalid(start, 'no rules in it', 'begin with `rules:`');
  if (second !== undefined) invalid(placeOf(second.range[0]), 'a second document', 'put all rules under one `rules:`'); // [RULES-2]
  const fault = document.errors[0] ?? document.warnings[0];
  if (fault !== undefined)
    invalid(placeOf(fault.pos[0]), fault.message.split('\n')[0]?.replace(/ at line \d+, column \d+:?$/, '') ?? ''); // [RULES-2]
  return document;
}

/** Without recursion: what comes after is recursive. Refuses what would give the text a second meaning as well. */
function refuseTokens(token: CST.Token, placeOf: (offset: number) => Place): void {
  const waiting: { readonly token: CST.Token; readonly depth: number }[] = [{ token, depth: 0 }];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { token: each, depth } = next;
    if (depth > maxDepth) invalid(placeOf(each.offset), `nested deeper than ${maxDepth}`); // [RULES-1]
    const refused = refusedTokens[each.type];
    if (refused !== undefined)
      invalid(placeOf(each.offset), refused, 'write the value out, text that begins with *, & or ! in quotes'); // [RULES-2]
    const below: (CST.Token | null | undefined)[] = [];
    if (each.type === 'document') below.push(...each.start, each.value);
    else if ('items' in each) for (const item of each.items) below.push(...item.start, item.key, ...(item.sep ?? []), item.value);
    for (const one of below) if (one !== null && one !== undefined) waiting.push({ token: one, depth: depth + 1 });
  }
}

const refusedTokens: Readonly<Record<string, string>> = {
  alias: 'aliases are not taken',
  anchor: 'anchors are not taken',
  tag: 'tags are not taken',
  directive: 'directives are not taken',
};

function located(parsed: ParsedNode | null, placeOf: (offset: number) => Place): Located {
  if (parsed === null) return { kind: 'scalar', at: start, value: null };
  const at = placeOf(parsed.range[0]);
  if (isMap(parsed)) {
    const fields = new Map<string, { at: Place; value: Located }>();
    for (const { key, value } of parsed.items) {
      const keyAt = placeOf(key.range[0]);
      if (!isScalar(key) || typeof key.value !== 'string') return invalid(keyAt, 'keys are text', 'put the key in quotes'); // [RULES-3]
      if (fields.has(key.value)) return invalid(keyAt, `a second ${key.value}`, 'keep one of them'); // [RULES-2]
      fields.set(key.value, { at: keyAt, value: located(value, placeOf) });
    }
    return { kind: 'map', at, fields };
  }
  if (isSeq(parsed)) return { kind: 'list', at, items: parsed.items.map((item) => located(item, placeOf)) };
  const value: unknown = isScalar(parsed) ? parsed.value : undefined;
  if (typeof value === 'string' && value.length > maxTextCharacters)
    return invalid(at, `text of more than ${maxTextCharacters} characters`); // [RULES-1]
  if (
    value === null ||
    typeof value === 'string' ||
    typeof value === 'boolean' ||
    (typeof value === 'number' && Number.isFinite(value))
  )
    return { kind: 'scalar', at, value };
  return invalid(at, 'only text, finite numbers, true, false and null are taken');
}
