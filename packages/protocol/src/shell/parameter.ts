// `${x:0:1}`, `${x/a/b}`, `${x%y}`, `${x^^}` on values that are known, as the shell computes them. undefined: not known. A value with holes is
// known only as far as its first hole.

import { hole } from './command.ts';

export function slice(value: string, offset: number, length: number | undefined): string | undefined {
  const characters = [...value];
  const holeAt = characters.indexOf(hole);
  if (holeAt !== -1 && (offset < 0 || length === undefined || length < 0 || offset + length > holeAt)) return undefined;
  const start = offset < 0 ? characters.length + offset : offset;
  if (start < 0 || start > characters.length) return '';
  const end = length === undefined ? characters.length : length < 0 ? characters.length + length : start + length;
  return characters.slice(start, Math.max(start, end)).join('');
}

/** Steps through pattern and text with one fallback a star: at most pattern × text. `?` and `*` only; `[…]` is refused before. */
function patternMatches(pattern: string, text: string): boolean {
  let [p, t, star, mark] = [0, 0, -1, 0];
  while (t < text.length) {
    if (pattern[p] === '*') {
      star = p;
      mark = t;
      p += 1;
    } else if (p < pattern.length && (pattern[p] === '?' || pattern[p] === text[t])) {
      p += 1;
      t += 1;
    } else if (star !== -1) {
      p = star + 1;
      mark += 1;
      t = mark;
    } else return false;
  }
  while (pattern[p] === '*') p += 1;
  return p === pattern.length;
}

const maxPatternWork = 4096;
const workable = (value: string, pattern: string): boolean =>
  !value.includes(hole) &&
  !pattern.includes(hole) &&
  !/[[\]()\\]/.test(pattern) &&
  value.length * (pattern.length + 1) <= maxPatternWork;

/** `#`, `##`, `%`, `%%`. */
export function remove(value: string, operator: string, pattern: string): string | undefined {
  if (!workable(value, pattern)) return undefined;
  const front = operator.startsWith('#');
  const sizes = Array.from({ length: value.length + 1 }, (_, size) => size);
  if (operator.length === 2) sizes.reverse();
  for (const size of sizes) {
    const part = front ? value.slice(0, size) : value.slice(value.length - size);
    if (patternMatches(pattern, part)) return front ? value.slice(size) : value.slice(0, value.length - size);
  }
  return value;
}

/** `/`, `//`, `/#`, `/%`. */
export function replace(value: string, operator: string, pattern: string, replacement: string): string | undefined {
  if (pattern === '') return value;
  if (!/[*?]/.test(pattern) && !/[[\]()\\]/.test(pattern) && !value.includes(hole) && !pattern.includes(hole)) {
    if (operator === '//') return value.replaceAll(pattern, () => replacement);
    if (operator === '/') return value.replace(pattern, () => replacement);
    if (operator === '/#') return value.startsWith(pattern) ? replacement + value.slice(pattern.length) : value;
    return value.endsWith(pattern) ? value.slice(0, value.length - pattern.length) + replacement : value;
  }
  if (!workable(value, pattern) || value.length > 64) return undefined;
  let result = '';
  for (let at = 0; at < value.length;) {
    const end = longestMatch(value, pattern, at);
    if (end > at && (operator !== '/#' || at === 0) && (operator !== '/%' || end === value.length)) {
      result += replacement;
      at = end;
      if (operator !== '//') return result + value.slice(at);
    } else {
      result += value[at] ?? '';
      at += 1;
    }
  }
  return result;
}

function longestMatch(value: string, pattern: string, from: number): number {
  for (let end = value.length; end > from; end -= 1) if (patternMatches(pattern, value.slice(from, end))) return end;
  return from;
}

/** `^`, `^^`, `,`, `,,` without a pattern. */
export function changeCase(value: string, operator: string): string {
  const change = (text: string) => (operator.startsWith('^') ? text.toUpperCase() : text.toLowerCase());
  return operator.length === 2 ? change(value) : change(value.slice(0, 1)) + value.slice(1);
}

/** `@U`, `@u`, `@L`, `@Q`, `@E` …: those that leave a plain value plain. */
export function transform(value: string, operator: string): string | undefined {
  if (operator === 'U') return value.toUpperCase();
  if (operator === 'u') return changeCase(value, '^');
  if (operator === 'L') return value.toLowerCase();
  return operator === 'E' && !value.includes('\\') ? value : undefined;
}
