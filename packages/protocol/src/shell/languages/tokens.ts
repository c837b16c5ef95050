// Pieces of code in languages that look alike: names, strings with their escapes undone, marks. Enough to find calls with literal words; not a
// parser of any of them. One pass, no backtracking.

import { hole } from '../command.ts';

export interface Token {
  readonly kind: 'name' | 'string' | 'number' | 'mark' | 'line' | 'run' | 'words';
  /** Of a string: its value; parts that are put in when it runs are holes, or names between two marks (`insert`). */
  readonly text: string;
  readonly at: number;
}

/** Around the name of a variable that stands in a string. */
export const insert = { open: '\uE000', close: '\uE001' } as const;

export interface Syntax {
  readonly comments: readonly string[];
  /** Strings without escapes but of their own mark. */
  readonly plain: string;
  /** Strings with escapes. */
  readonly escaped: string;
  readonly interpolation: 'none' | 'perl' | 'ruby' | 'template' | 'prefix';
  /** `'''` and `"""`. */
  readonly triple?: true;
  /** `qx{…}`, `%x(…)`. */
  readonly operators?: 'perl' | 'ruby';
  /** What stands in backticks is run. */
  readonly runs?: true;
  /** Slashes may stand around patterns. */
  readonly patterns?: true;
  readonly blockComments?: true;
  readonly sigils?: true;
}

const maxTokens = 200_000;
const maxPatternCharacters = 1000;
const closing: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}', '<': '>' };

/** undefined: a string without an end, or more pieces than are read. */
export function tokensOf(code: string, syntax: Syntax): readonly Token[] | undefined {
  const tokens: Token[] = [];
  const push = (kind: Token['kind'], text: string, at: number) => tokens.push({ kind, text, at });
  const name = syntax.sigils === true ? /[$@%&]?[A-Za-z_]\w*|\$\{\w+\}/y : /[A-Za-z_$\u0080-\uFFFB][\w$\u0080-\uFFFB]*/y;
  let at = 0;
  while (at < code.length) {
    if (tokens.length > maxTokens) return undefined;
    const character = code[at] ?? '';
    if (character === '\n') {
      push('line', '\n', at);
      at += 1;
    } else if (/\s/.test(character)) at += 1;
    else if (startsComment(code, at, syntax)) at = endOf(code, '\n', at);
    else if (syntax.blockComments === true && code.startsWith('/*', at)) at = endOf(code, '*/', at + 2) + 2;
    else {
      const next =
        operatorAt(code, at, syntax, tokens, push) ?? stringAt(code, at, syntax, push) ?? patternAt(code, at, syntax, tokens);
      if (next === -1) return undefined;
      if (next !== undefined) {
        at = next;
        continue;
      }
      name.lastIndex = at;
      const word = name.exec(code)?.[0];
      const number = word === undefined ? /\d[\w.]*/y : undefined;
      if (number !== undefined) number.lastIndex = at;
      const digits = number?.exec(code)?.[0];
      if (word !== undefined) push('name', word, at);
      else if (digits !== undefined) push('number', digits, at);
      else push('mark', markAt(code, at), at);
      at += (word ?? digits ?? markAt(code, at)).length;
    }
  }
  push('line', '\n', at);
  return tokens;
}

const marks = ['->', '::', '?.', '=>', '==', '!=', '<=', '>=', '=~', '..', '&&', '||', '+=', '.='];
const markAt = (code: string, at: number): string => marks.find((mark) => code.startsWith(mark, at)) ?? code[at] ?? '';

function endOf(code: string, mark: string, from: number): number {
  const at = code.indexOf(mark, from);
  return at === -1 ? code.length : at;
}

const startsComment = (code: string, at: number, syntax: Syntax): boolean =>
  syntax.comments.some((mark) => code.startsWith(mark, at));

type Push = (kind: Token['kind'], text: string, at: number) => void;

function stringAt(code: string, at: number, syntax: Syntax, push: Push): number | undefined {
  // Python's prefixes.
  const prefix = syntax.interpolation === 'prefix' ? (/^[rRbBuUfF]{1,2}(?=['"])/.exec(code.slice(at, at + 3))?.[0] ?? '') : '';
  const start = at + prefix.length;
  const mark = code[start] ?? '';
  const plain = syntax.plain.includes(mark);
  if (mark === '' || (!plain && !syntax.escaped.includes(mark))) return undefined;
  const triple = syntax.triple === true && code.startsWith(mark.repeat(3), start);
  const end = triple ? mark.repeat(3) : mark;
  const raw = plain || /r/i.test(prefix);
  const body = bodyOf(code, start + end.length, end, mark);
  if (body === undefined) return -1;
  const interpolates =
    syntax.interpolation === 'prefix' ? /f/i.test(prefix) : syntax.interpolation === 'template' ? mark === '`' : !plain;
  const text = interpolates ? inserted(body.text, syntax.interpolation) : body.text;
  push(
    mark === '`' && syntax.runs === true ? 'run' : 'string',
    raw ? text.replaceAll(/\\(['\\])/g, plain ? '$1' : '\\$1') : unescaped(text),
    at,
  );
  return body.end;
}

function bodyOf(
  code: string,
  from: number,
  end: string,
  open: string,
): { readonly text: string; readonly end: number } | undefined {
  const nests = open !== end && closing[open] === end;
  let depth = 0;
  for (let at = from; at < code.length; at += 1) {
    if (code[at] === '\\') at += 1;
    else if (code.startsWith(end, at) && depth === 0) return { text: code.slice(from, at), end: at + end.length };
    else if (nests && code[at] === open) depth += 1;
    else if (nests && code[at] === end) depth -= 1;
  }
  return undefined;
}

/** Variables in a string by their names, other expressions as holes. */
function inserted(text: string, how: Syntax['interpolation']): string {
  const named = (name: string | undefined, sigil = '') =>
    name === undefined ? hole : `${insert.open}${sigil}${name}${insert.close}`;
  if (how === 'perl')
    return text.replaceAll(
      /\\.|([$@])(?:\{(\w+)\}|(\w+)(?![\w[{-]))|\{?[$@][\w{[][^\s"']*/gs,
      (whole, sigil: string, braced?: string, bare?: string) => (whole.startsWith('\\') ? whole : named(braced ?? bare, sigil)),
    );
  if (how === 'ruby')
    return text.replaceAll(/\\.|#\{\s*(?:(\w+)\s*\}|[^}]*\})/gs, (whole, name?: string) =>
      whole.startsWith('\\') ? whole : named(name),
    );
  if (how === 'template')
    return text.replaceAll(/\\.|\$\{\s*(?:(\w+)\s*\}|[^}]*\})/gs, (whole, name?: string) =>
      whole.startsWith('\\') ? whole : named(name),
    );
  return text.replaceAll(/\{\{|\}\}|\{\s*(?:(\w+)\s*\}|[^}]*\})/g, (whole, name?: string) =>
    whole === '{{' ? '{' : whole === '}}' ? '}' : named(name),
  );
}

function unescaped(text: string): string {
  return text.replaceAll(
    /\\(x\{([0-9a-fA-F]{1,6})\}|x([0-9a-fA-F]{1,2})|u\{([0-9a-fA-F]{1,6})\}|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|N\{[^}]*\}|([0-7]{1,3})|\n|.)/gs,
    (...groups: (string | undefined)[]) => {
      const [, escape = '', a, b, c, d, e, octal] = groups;
      const digits = a ?? b ?? c ?? d ?? e;
      const value =
        digits === undefined ? (octal === undefined ? undefined : Number.parseInt(octal, 8)) : Number.parseInt(digits, 16);
      if (value !== undefined) return value <= 0x10_ffff ? String.fromCodePoint(value) : hole;
      if (escape.startsWith('N{')) return hole;
      return { n: '\n', r: '\r', t: '\t', a: '\u0007', b: '\b', e: '\u001B', f: '\f', v: '\v', '\n': '' }[escape] ?? escape;
    },
  );
}

/** `qx{ls}`, `q(x)`, `qw(a b)`, `s/a/b/e`, `%x(ls)`, `%w[a b]`. */
function operatorAt(code: string, at: number, syntax: Syntax, tokens: readonly Token[], push: Push): number | undefined {
  if (syntax.operators === undefined) return undefined;
  const before = tokens.at(-1);
  const pattern =
    syntax.operators === 'perl' ? /(qx|qq|qw|qr|q|m|s|tr|y)\s*([^\w\s,;)=]|(?<=\s)#)/y : /%([xqQwWiIr]?)([^\w\s=])/y;
  if (syntax.operators === 'ruby' && before !== undefined && /^(?:name|number|string)$/.test(before.kind)) return undefined;
  // `->s`, `$h{s}`, `-s $file` are none.
  if (before?.kind === 'mark' && /^(?:->|\.|-|\{)$/.test(before.text) && !/^(?:qx|qq|qw|q|tr)\W/.test(code.slice(at, at + 3)))
    return undefined;
  return quoteLike();

  function quoteLike(): number | undefined {
    pattern.lastIndex = at;
    const match = pattern.exec(code);
    if (match === null) return undefined;
    const [whole, operator = '', open = ''] = match;
    if (open === '=' && code[at + whole.length] === '>') return undefined;
    const close = closing[open] ?? open;
    const body = bodyOf(code, at + whole.length, close, open);
    if (body === undefined) return -1;
    const text = open === "'" || operator === 'q' ? body.text : inserted(body.text, syntax.interpolation);
    if (operator === 's' || operator === 'tr' || operator === 'y') return substitution(body, open, close, operator);
    if (operator === 'qx' || operator === 'x') push('run', unescaped(text), at);
    else if (/^q?w$/i.test(operator)) push('words', body.text.trim(), at);
    else if (operator !== 'm' && operator !== 'qr' && operator !== 'r')
      push('string', operator === 'q' ? body.text : unescaped(text), at);
    return operator === 'm' || operator === 'qr' || operator === 'r' ? afterFlags(body.end) : body.end;
  }

  function substitution(first: { readonly end: number }, open: string, close: string, operator: string): number {
    let from = first.end;
    if (close !== open) {
      while (/\s/.test(code[from] ?? '')) from += 1;
      from += 1;
    }
    const second = bodyOf(code, from, closing[code[from - 1] ?? ''] ?? close, code[from - 1] ?? open);
    if (second === undefined) return -1;
    const end = afterFlags(second.end);
    // With the flag e the replacement is code.
    if (operator === 's' && code.slice(second.end, end).includes('e')) {
      push('name', 'eval', at);
      push('string', second.text, at);
    }
    return end;
  }

  function afterFlags(from: number): number {
    let end = from;
    while (/[a-z]/.test(code[end] ?? '')) end += 1;
    return end;
  }
}

/** A slash after a mark or a keyword begins a pattern, after a value it divides. */
function patternAt(code: string, at: number, syntax: Syntax, tokens: readonly Token[]): number | undefined {
  if (syntax.patterns !== true || code[at] !== '/') return undefined;
  const before = tokens.findLast((token) => token.kind !== 'line');
  const value =
    before !== undefined &&
    (before.kind !== 'mark' || /^[)\]}]$/.test(before.text)) &&
    !/^(?:return|typeof|case|if|unless|and|or|not|split|grep|in|when|while)$/.test(before.text);
  if (value) return undefined;
  let inClass = false;
  const limit = Math.min(code.length, at + maxPatternCharacters);
  for (let end = at + 1; end < limit && code[end] !== '\n'; end += 1) {
    if (code[end] === '\\') end += 1;
    else if (code[end] === '[') inClass = true;
    else if (code[end] === ']') inClass = false;
    else if (code[end] === '/' && !inClass) {
      end += 1;
      while (/[a-z]/.test(code[end] ?? '')) end += 1;
      return end;
    }
  }
  return undefined;
}
