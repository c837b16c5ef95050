// What an expression of literals is worth: strings put together, lists of strings, a few functions that only turn text around.

import { hole } from '../command.ts';
import { fromBase64, fromHex } from '../decode.ts';
import { insert, type Token } from './tokens.ts';

export interface Value {
  /** Of a list: its elements. */
  readonly list?: readonly string[];
  readonly text: string;
  /** `shell=True`. */
  readonly name?: string;
}

export const unknown: Value = { text: hole };
const maxTextCharacters = 65_536;
const maxDepth = 24;

export class Values {
  readonly #tokens: readonly Token[];
  readonly #variables = new Map<string, Value>();
  readonly #spend: (steps: number) => void;

  constructor(tokens: readonly Token[], spend: (steps: number) => void) {
    this.#tokens = tokens;
    this.#spend = spend;
  }

  assign(name: string, value: Value): void {
    const before = this.#variables.get(name);
    this.#variables.set(
      name,
      before === undefined || (before.text === value.text && before.list === undefined) ? value : unknown,
    );
  }

  /** Arguments from after an opening mark to its closing one. */
  arguments(from: number, close: string, depth = 0): { readonly values: readonly Value[]; readonly end: number } {
    const values: Value[] = [];
    let at = from;
    while (at < this.#tokens.length) {
      const token = this.#tokens[at];
      if (token === undefined) break;
      this.#spend(1);
      if (token.kind === 'mark' && token.text === close) return { values, end: at + 1 };
      if (token.kind === 'line' || (token.kind === 'mark' && (token.text === ',' || token.text === '=>'))) {
        at += 1;
        continue;
      }
      const expression = this.expression(at, close, depth + 1);
      values.push(expression.value);
      at = Math.max(expression.end, at + 1);
    }
    return { values, end: at };
  }

  /** Up to a comma, a closing mark or the end of the statement. */
  expression(from: number, close: string, depth = 0): { readonly value: Value; readonly end: number } {
    let text: string | undefined;
    let list: readonly string[] | undefined;
    let name: string | undefined;
    let at = from;
    const add = (value: Value) => {
      text = ((text ?? '') + value.text).slice(0, maxTextCharacters);
      if (value.list !== undefined) list = text === value.text ? value.list : undefined;
      else list = undefined;
    };
    for (; at < this.#tokens.length;) {
      const token = this.#tokens[at];
      if (token === undefined || depth > maxDepth) return { value: unknown, end: this.#skip(at) };
      this.#spend(1);
      const next = this.#tokens[at + 1];
      if (token.kind === 'line') {
        // Inside brackets a statement goes on.
        if (close === ';') break;
        at += 1;
      } else if (token.kind === 'mark' && /^[),\]};]$/.test(token.text)) break;
      else if (token.kind === 'mark' && token.text === '=>') break;
      else if (token.kind === 'name' && next?.kind === 'mark' && (next.text === '=' || next.text === ':') && text === undefined) {
        name = token.text;
        at += 2;
      } else if (token.kind === 'mark' && /^(?:\+|\.|\.\.|\*\*?|\\|&|#)$/.test(token.text)) {
        if (token.text.startsWith('*') && text !== undefined) add(unknown);
        at += 1;
      } else {
        const primary = this.#primary(at, depth);
        add(primary.value);
        at = Math.max(primary.end, at + 1);
      }
    }
    return { value: { text: text ?? '', ...(list !== undefined && { list }), ...(name !== undefined && { name }) }, end: at };
  }

  #primary(at: number, depth: number): { readonly value: Value; readonly end: number } {
    const token = this.#tokens[at];
    if (token === undefined) return { value: unknown, end: at + 1 };
    if (token.kind === 'string') return this.#after({ text: this.resolve(token.text) }, at + 1, depth);
    if (token.kind === 'words') return this.#after(listOf(token.text.split(/\s+/)), at + 1, depth);
    if (token.kind === 'number') return { value: { text: token.text }, end: at + 1 };
    if (token.kind === 'mark' && token.text === '[') {
      const inner = this.arguments(at + 1, ']', depth + 1);
      return this.#after(listOf(inner.values.map((value) => value.text)), inner.end, depth);
    }
    if (token.kind === 'mark' && token.text === '(') {
      const inner = this.arguments(at + 1, ')', depth + 1);
      const [only] = inner.values;
      return this.#after(
        inner.values.length === 1 && only !== undefined ? only : listOf(inner.values.map((value) => value.text)),
        inner.end,
        depth,
      );
    }
    if (token.kind === 'name') return this.#named(at, depth);
    return { value: unknown, end: this.#skip(at) };
  }

  #named(at: number, depth: number): { readonly value: Value; readonly end: number } {
    let name = this.#tokens[at]?.text ?? '';
    let end = at + 1;
    const known = this.#variables.get(name);
    if (known !== undefined) return this.#after(known, end, depth);
    while (/^(?:\.|::|->|\?\.)$/.test(this.#tokens[end]?.text ?? '') && this.#tokens[end + 1]?.kind === 'name') {
      name += `.${this.#tokens[end + 1]?.text ?? ''}`;
      end += 2;
    }
    if (this.#tokens[end]?.text !== '(') return { value: unknown, end };
    const inner = this.arguments(end + 1, ')', depth + 1);
    return this.#after(called(name, inner.values), inner.end, depth);
  }

  /** Methods and subscripts after a value. */
  #after(value: Value, from: number, depth: number): { readonly value: Value; readonly end: number } {
    let current = value;
    let at = from;
    for (;;) {
      const token = this.#tokens[at];
      if (token?.kind !== 'mark') return { value: current, end: at };
      const name = this.#tokens[at + 1];
      if (/^(?:\.|->|\?\.)$/.test(token.text) && name?.kind === 'name') {
        if (this.#tokens[at + 2]?.text === '(') {
          const inner = this.arguments(at + 3, ')', depth + 1);
          current = method(current, name.text, inner.values);
          at = inner.end;
        } else {
          current = /^(?:reverse|strip|chomp|trim|to_s|freeze)$/.test(name.text) ? method(current, name.text, []) : unknown;
          at += 2;
        }
      } else if (token.text === '[') {
        const inside = this.#tokens
          .slice(at + 1, at + 6)
          .map((each) => each.text)
          .join('');
        const end = this.arguments(at + 1, ']', depth + 1).end;
        current = inside.startsWith('::-1]') ? reversed(current) : unknown;
        at = end;
      } else if (token.text === '%') {
        current = unknown;
        at += 1;
      } else return { value: current, end: at };
    }
  }

  /** Past a mark and, if it opens, past what it closes. */
  #skip(at: number): number {
    const open = this.#tokens[at]?.text ?? '';
    const close = open === '{' ? '}' : undefined;
    if (close === undefined) return at + 1;
    let depth = 0;
    for (let end = at; end < this.#tokens.length; end += 1) {
      this.#spend(1);
      if (this.#tokens[end]?.text === open) depth += 1;
      else if (this.#tokens[end]?.text === close) depth -= 1;
      if (depth === 0) return end + 1;
    }
    return this.#tokens.length;
  }

  /** Puts known variables into a string. */
  resolve(text: string): string {
    if (!text.includes(insert.open)) return text;
    return text
      .replaceAll(/\uE000([^\uE001]*)\uE001/g, (_, name: string) => this.#variables.get(name)?.text ?? hole)
      .slice(0, maxTextCharacters);
  }
}

const listOf = (list: readonly string[]): Value => ({ list, text: list.join(' ') });
const reversed = (value: Value): Value => ({ text: value.text.includes(hole) ? hole : [...value.text].reverse().join('') });

function called(name: string, values: readonly Value[]): Value {
  const texts = values.map((value) => value.text);
  const [first = ''] = texts;
  const last = name.split('.').at(-1) ?? '';
  if (/^(?:chr|fromCharCode|fromCodePoint)$/.test(last))
    return { text: texts.map((text) => (/^\d{1,6}$/.test(text) ? String.fromCodePoint(Number(text)) : hole)).join('') };
  if (
    /^(?:b64decode|base64_decode|atob|decode64|strict_decode64|decode_base64|from_b64)$/.test(last) ||
    (/^Buffer\.from$/.test(name) && texts[1] === 'base64')
  )
    return { text: fromBase64(first) };
  if (/^(?:fromhex|unhexlify|hex2bin)$/.test(last) || (/^Buffer\.from$/.test(name) && texts[1] === 'hex'))
    return { text: fromHex(first) };
  if (/^(?:strrev|reversed|reverse)$/.test(last)) return reversed({ text: first });
  if (/^(?:Path|PurePath|PosixPath|str|String|bytes|escapeshellcmd|fspath)$/.test(last)) return { text: first };
  if (/^(?:os\.path|path|Path|File)\.join$/.test(name)) return { text: texts.join('/') };
  if (name === 'shlex.split') return listOf(first.split(/\s+/));
  if (/^(?:array|list|tuple|Array|c)$/.test(last)) return listOf(values.flatMap((value) => value.list ?? [value.text]));
  if (/^(?:implode|join)$/.test(last)) return { text: (values[1]?.list ?? texts.slice(1)).join(first) };
  return unknown;
}

function method(value: Value, name: string, values: readonly Value[]): Value {
  const [first] = values;
  if (/^(?:decode|encode|toString|to_s|strip|trim|chomp|freeze|rstrip|lstrip|valueOf)$/.test(name))
    return { text: value.text.trim() };
  if (name === 'join' && value.list !== undefined) return { text: value.list.join(first?.text ?? ',') };
  if (name === 'join') return first?.list === undefined ? unknown : { text: first.list.join(value.text) };
  if (name === 'split')
    return value.text.includes(hole)
      ? { text: value.text }
      : listOf(
          first === undefined || first.text === '' || first.text === ' ' ? value.text.split(/\s+/) : value.text.split(first.text),
        );
  if (name === 'concat')
    return value.list === undefined
      ? { text: value.text + values.map((each) => each.text).join('') }
      : listOf([...value.list, ...values.flatMap((each) => each.list ?? [each.text])]);
  if (name === 'reverse') return value.list === undefined ? reversed(value) : listOf([...value.list].reverse());
  if (/^(?:lower|toLowerCase|downcase)$/.test(name)) return { text: value.text.toLowerCase() };
  if (/^(?:upper|toUpperCase|upcase)$/.test(name)) return { text: value.text.toUpperCase() };
  if (/^(?:replace|replaceAll|gsub)$/.test(name) && first !== undefined && first.text !== '' && !value.text.includes(hole))
    return { text: value.text.replaceAll(first.text, () => values[1]?.text ?? '') };
  return unknown;
}
