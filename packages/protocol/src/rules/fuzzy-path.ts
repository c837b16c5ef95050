// Paths that are known in part, against patterns of rules, spec/rules.md [RULES-22]: whether some reading is covered, and whether what is known of the
// path is told by the pattern.

import { globHolds } from './glob.ts';
import type { Pattern, Telling } from './path-pattern.ts';
import { anyHere, fuzzyMark, hole, oneHere, type FuzzySegment, type TouchedPath } from './touched-path.ts';

const maxFuzzyCharacters = 512;

/** Whether some reading of the path is covered. Longer paths than anybody writes may be. */
export function mayCover({ segments: pattern }: Pattern, path: readonly string[]): boolean {
  if (!path.some((segment) => segment.includes(hole))) return mayCoverSegments(pattern, path);
  const given = `/${path.join('/')}`;
  return given.length > maxFuzzyCharacters || mayCoverCharacters(tokensOf(pattern), given);
}

/** Where only the shell's own patterns stand, which stay within their segment. */
function mayCoverSegments(pattern: readonly string[], path: readonly string[]): boolean {
  let alive = new Set([0]);
  const skipped = (states: ReadonlySet<number>) => {
    const all = new Set(states);
    for (const state of all) if (pattern[state] === '**') all.add(state + 1);
    return all;
  };
  alive = skipped(alive);
  for (const segment of path) {
    if (alive.has(pattern.length)) return true;
    const next = new Set<number>();
    for (const state of alive) {
      if (pattern[state] === '**') next.add(state);
      else if (mayBe(pattern[state] ?? '', segment)) next.add(state + 1);
    }
    if (next.size === 0) return false;
    alive = skipped(next);
  }
  return alive.has(pattern.length);
}

/** The shell's `*` and `?` take no leading dot. */
function mayBe(wanted: string, segment: string): boolean {
  if (!fuzzyMark.test(segment)) return wanted === segment || globHolds(wanted, segment);
  if (wanted.startsWith('.') && (segment.startsWith(anyHere) || segment.startsWith(oneHere))) return false;
  return sharedCharacters(wanted, segment, 0) >= 0;
}

/** Character by character, for an unknown stretch that may hold slashes. */
function mayCoverCharacters(wanted: readonly string[], given: string): boolean {
  let alive = new Uint8Array(wanted.length + 1);
  alive[0] = 1;
  settle(alive, wanted);
  let done = alive[wanted.length] === 1;
  for (const character of given) {
    const next = new Uint8Array(wanted.length + 1);
    if (character === hole || character === anyHere) spread(alive, next, wanted, character === hole);
    else
      for (let state = 0; state < wanted.length; state += 1) {
        if (alive[state] !== 1) continue;
        const token = wanted[state] ?? '';
        if (token === '**' || (token === '*' && character !== '/')) next[state] = 1;
        else if (token === character || (character !== '/' && (token === '?' || (character === oneHere && token !== '/'))))
          next[state + 1] = 1;
      }
    settle(next, wanted);
    if (done && character === '/') return true;
    done = next[wanted.length] === 1;
    alive = next;
  }
  return done;
}

/** One unknown stretch: from every state to all that it can reach. The shell's `*` stays within a segment and takes no leading dot. */
function spread(from: Uint8Array, to: Uint8Array, wanted: readonly string[], acrossSlashes: boolean): void {
  for (let state = 0; state <= wanted.length; state += 1) {
    if (from[state] !== 1) continue;
    const hidden = wanted[state] === '.' && wanted[state - 1] === '/';
    for (let reach = state; reach <= wanted.length; reach += 1) {
      to[reach] = 1;
      const token = wanted[reach];
      if (!acrossSlashes && (token === '/' || hidden)) break;
    }
  }
}

/** `*` and `**` may stand for nothing. */
function settle(states: Uint8Array, wanted: readonly string[]): void {
  for (let state = 0; state < wanted.length; state += 1) {
    const token = wanted[state];
    if (states[state] === 1 && (token === '*' || token === '**')) states[state + 1] = 1;
  }
}

// `**` takes a slash along, so that it may stand for no segment at all.
function tokensOf(pattern: readonly string[]): readonly string[] {
  const tokens: string[] = [];
  for (const segment of pattern) {
    if (segment === '**') tokens.push('**');
    else tokens.push('/', ...segment.replaceAll(/\*+/g, '*'));
  }
  return tokens;
}

/** Whether what is known of the path is told by the pattern: `.e*` aims at `.env`, `*` and `"$x"` at nothing, nor `*.json` at `auth.json`. */
export function aimsAt(pattern: Pattern, path: TouchedPath): boolean {
  return (
    aimsInPart(pattern, path) ||
    path.segments.some((segment) => pattern.telling.some(({ name }) => name === segment || globHolds(name, segment)))
  );
}

/** The same for the segments that are known in part. */
export function aimsInPart({ telling, ignoreCase }: Pattern, { fuzzy }: TouchedPath): boolean {
  for (const spelled of fuzzy) {
    const known = ignoreCase
      ? { segment: spelled.segment.toLowerCase(), prefix: spelled.prefix.toLowerCase(), suffix: spelled.suffix.toLowerCase() }
      : spelled;
    for (const each of telling)
      if (mayShare(each, known) && sharedCharacters(each.name, known.segment, each.stem) * 3 >= each.letters) return true;
  }
  return false;
}

/** What can be ruled out at a glance, by how both begin and end. */
function mayShare({ name, wild, prefix, suffix }: Telling, known: FuzzySegment): boolean {
  if (!wild)
    return (
      name.length >= known.prefix.length + known.suffix.length && name.startsWith(known.prefix) && name.endsWith(known.suffix)
    );
  return (
    (prefix.startsWith(known.prefix) || known.prefix.startsWith(prefix)) &&
    (suffix.endsWith(known.suffix) || known.suffix.endsWith(suffix))
  );
}

/** The most characters of the pattern's first `counted` that stand in the segment as they are, over all readings that fit; -1 if none fits. */
function sharedCharacters(wanted: string, segment: string, counted: number): number {
  const none = Array.from({ length: wanted.length + 1 }, () => -1);
  let best = [...none];
  best[0] = 0;
  const skipStars = (counts: number[]) => {
    for (let state = 0; state < wanted.length; state += 1)
      if (wanted[state] === '*') counts[state + 1] = Math.max(counts[state + 1] ?? -1, counts[state] ?? -1);
  };
  skipStars(best);
  for (const character of segment) {
    const next = [...none];
    const reach = (state: number, count: number) => {
      next[state] = Math.max(next[state] ?? -1, count);
    };
    for (let state = 0; state <= wanted.length; state += 1) {
      const count = best[state] ?? -1;
      if (count < 0) continue;
      const token = wanted[state];
      if (character === hole || character === anyHere) for (let to = state; to <= wanted.length; to += 1) reach(to, count);
      else if (token === '*') reach(state, count);
      else if (token === '?') reach(state + 1, count);
      else if (token === character || character === oneHere) reach(state + 1, count + (state < counted ? 1 : 0));
    }
    skipStars(next);
    best = next;
  }
  return best[wanted.length] ?? -1;
}
