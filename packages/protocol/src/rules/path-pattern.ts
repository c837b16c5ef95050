// Path patterns of rules, and the paths that calls touch, spec/rules.md. A pattern covers what it names and everything below. Paths are judged
// in canonical spelling; where a part is known only when the shell runs, or the shell has a pattern of its own there, the answer may be `maybe`.

import { globHolds } from './glob.ts';
import type { Grade } from './grade.ts';

/** Stands in a word for what is known only when the shell runs. */
export const hole = '\uFFFC';
/** Stand in a fuzzy path for the shell's own `*` and `?`. */
const anyHere = '\uE000';
const oneHere = '\uE001';
const fuzzyMark = /[\uFFFC\uE000\uE001]/;

export interface Surroundings {
  readonly home: string;
  /** Where relative paths begin; with a hole if it is not known. */
  readonly directory: string;
}

/** A path as a call touches it: absolute, without `.`, `..` and empty segments. */
export interface TouchedPath {
  readonly text: string;
  readonly segments: readonly string[];
  /** Has parts that are not known. */
  readonly fuzzy: boolean;
}

/** The canonical spelling of a path as it was written: `~`, `..`, `file://`, and what `/proc` says of oneself. Lexical: where symlinks lead, the
 * daemon says. Shell patterns count only where `glob`. */
export function canonicalPath(written: string, { home, directory }: Surroundings, glob: boolean): TouchedPath {
  let text = written.startsWith('file://') ? written.slice(7) : written;
  if (glob) text = fuzzyGlob(text);
  const user = /^~([^/]*)/.exec(text);
  if (user !== null) {
    const [all, name = ''] = user;
    const base =
      name === '' ? home : name === '+' ? directory : name === 'root' ? '/root' : name === '-' ? hole : `/home/${name}`;
    text = base + text.slice(all.length);
  } else if (!text.startsWith('/') && !text.startsWith(hole)) text = `${directory}/${text}`;
  const segments: string[] = [];
  for (const segment of text.split('/')) {
    if (segment === '' || segment === '.') continue;
    if (segment === '..') {
      // Above what is not known there may be anything.
      if (segments.at(-1)?.includes(hole) === true) segments.push(hole);
      else segments.pop();
    } else segments.push(segment);
  }
  const real = ofProcess(segments, directory);
  const joined = `/${real.join('/')}`;
  return { text: joined, segments: real, fuzzy: fuzzyMark.test(joined) };
}

/** `/proc/self/root/etc` is `/etc`, `/proc/self/cwd/a` is `a`. */
function ofProcess(segments: string[], directory: string): string[] {
  const [first, process = '', what] = segments;
  if (first !== 'proc' || !/^(self|thread-self|[0-9]+)$/.test(process)) return segments;
  if (what === 'root') return ofProcess(segments.slice(3), directory);
  if (what === 'cwd') return [...directory.split('/').filter((segment) => segment !== ''), ...segments.slice(3)];
  return segments;
}

/** Private marks for the shell's own patterns. Braces are not looked into. */
function fuzzyGlob(text: string): string {
  return text
    .replace(/\{[^{}/]*[,.][^{}/]*\}/g, anyHere)
    .replace(/\[[^\]/]+\]/g, oneHere)
    .replaceAll(/\*+/g, anyHere)
    .replaceAll('?', oneHere);
}

interface Pattern {
  /** As in the rule. */
  readonly text: string;
  /** `**` first where the pattern is not anchored. */
  readonly segments: readonly string[];
  /** The last segment without a wildcard, and those that begin with a dot, as the rule writes them. */
  readonly telling: readonly string[];
  readonly ignoreCase: boolean;
}

/** A pattern of a rule in these surroundings. `./` is `directory`; what begins with neither `/`, `~` nor `./` may stand anywhere. */
export function patternIn(text: string, { home, directory }: Surroundings, ignoreCase: boolean): Pattern {
  const anchored =
    text === '~' || text.startsWith('~/')
      ? home + text.slice(1)
      : text === '.' || text.startsWith('./')
        ? directory + text.slice(1)
        : text.startsWith('/')
          ? text
          : `**/${text}`;
  const fold = (path: string) =>
    (ignoreCase ? path.toLowerCase() : path).split('/').filter((segment) => segment !== '' && segment !== '.');
  const own = fold(text).filter((segment) => segment !== '~' && segment !== '**' && segment !== '*');
  return {
    text,
    segments: fold(anchored),
    telling: own.filter((segment, index) => segment.startsWith('.') || index === own.length - 1),
    ignoreCase,
  };
}

/** How sure it is that the pattern covers the path. */
export function covers(pattern: Pattern, path: TouchedPath): Grade {
  const segments = pattern.ignoreCase ? path.segments.map((segment) => segment.toLowerCase()) : path.segments;
  if (!path.fuzzy) return coversExactly(pattern.segments, segments) ? 2 : 0;
  if (coversExactly(pattern.segments, segments)) return 2; // what is not known stands where the pattern takes anything
  if (endsExactly(pattern.segments, segments)) return 2;
  return mayCover(pattern.segments, segments) ? 1 : 0;
}

/** All readings of the pattern at once, segment by segment. True as soon as the pattern ends: it covers what is below. */
function coversExactly(pattern: readonly string[], path: readonly string[]): boolean {
  let alive: boolean[] = [];
  const enter = (states: boolean[], from: number) => {
    for (let state = from; ; state += 1) {
      states[state] = true;
      if (pattern[state] !== '**') return;
    }
  };
  enter(alive, 0);
  for (const segment of path) {
    if (alive[pattern.length] === true) return true;
    const next: boolean[] = [];
    let any = false;
    for (let state = 0; state < pattern.length; state += 1) {
      if (alive[state] !== true) continue;
      const wanted = pattern[state] ?? '';
      if (wanted === '**') enter(next, state);
      else if (segmentHolds(wanted, segment)) enter(next, state + 1);
      else continue;
      any = true;
    }
    if (!any) return false;
    alive = next;
  }
  return alive[pattern.length] === true;
}

const segmentHolds = (wanted: string, segment: string) =>
  wanted === segment || ((wanted.includes('*') || wanted.includes('?')) && globHolds(wanted, segment));

// A pattern that may stand anywhere against the known end of a path: it holds whatever the unknown part before is.
function endsExactly(pattern: readonly string[], path: readonly string[]): boolean {
  if (pattern[0] !== '**') return false;
  const lastFuzzy = path.findLastIndex((segment) => fuzzyMark.test(segment));
  return coversExactly(pattern, path.slice(lastFuzzy + 1));
}

const maxFuzzyCharacters = 512;

/** Whether some reading of the path is covered, character by character. Longer paths than anybody writes may be. */
function mayCover(pattern: readonly string[], path: readonly string[]): boolean {
  const wanted = tokensOf(pattern);
  const given = `/${path.join('/')}`;
  if (given.length > maxFuzzyCharacters) return true;
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
export function aimsAt({ telling, ignoreCase }: Pattern, path: TouchedPath): boolean {
  return path.segments.some((spelled) => {
    const segment = ignoreCase ? spelled.toLowerCase() : spelled;
    if (!fuzzyMark.test(segment)) return telling.some((wanted) => segmentHolds(wanted, segment));
    return telling.some((wanted) => {
      const named = stemOf(wanted);
      return sharedCharacters(wanted, segment, named.length) * 3 >= named.replaceAll(/[*?]/g, '').length;
    });
  });
}

/** Without its extension, unless there is nothing else to tell it by. */
function stemOf(wanted: string): string {
  const dot = wanted.lastIndexOf('.');
  return dot <= 0 || wanted.slice(0, dot).replaceAll(/[*?.]/g, '') === '' ? wanted : wanted.slice(0, dot);
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
