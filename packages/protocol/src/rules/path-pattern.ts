// Path patterns of rules, spec/rules.md [RULES-17]: `*` and `?` within a segment, `**` for any number of segments. A pattern covers what it names
// and everything below.

import { globHolds } from './glob.ts';
import type { Surroundings } from './touched-path.ts';

/** A segment by which one can tell what is meant: its stem without the extension, how many letters that has, and its ends without wildcards. */
export interface Telling {
  readonly name: string;
  readonly wild: boolean;
  readonly prefix: string;
  readonly suffix: string;
  readonly stem: number;
  readonly letters: number;
}

export interface Pattern {
  /** `**` first where the pattern is not anchored. */
  readonly segments: readonly string[];
  /** How many of them begin it without a wildcard. */
  readonly fixed: number;
  readonly telling: readonly Telling[];
  readonly ignoreCase: boolean;
}

/** A pattern of a rule in these surroundings. `./` is `directory`; what begins with neither `/`, `~` nor `./` may stand anywhere. */
export function patternIn(text: string, { home, directory }: Surroundings, ignoreCase: boolean): Pattern {
  const fold = (path: string) =>
    (ignoreCase ? path.toLowerCase() : path).split('/').filter((segment) => segment !== '' && segment !== '.');
  const segments = fold(anchored(text, home, directory));
  const wild = segments.findIndex((segment) => /[*?]/.test(segment));
  const own = fold(text).filter((segment) => segment !== '~' && segment !== '**' && segment !== '*');
  return {
    segments,
    fixed: wild < 0 ? segments.length : wild,
    telling: own.filter((segment, index) => segment.startsWith('.') || index === own.length - 1).map(tellingOf),
    ignoreCase,
  };
}

function anchored(text: string, home: string, directory: string): string {
  if (text === '~' || text.startsWith('~/')) return home + text.slice(1);
  if (text === '.' || text.startsWith('./')) return directory + text.slice(1);
  return text.startsWith('/') ? text : `**/${text}`;
}

function tellingOf(name: string): Telling {
  const dot = name.lastIndexOf('.');
  const stem = dot <= 0 || name.slice(0, dot).replaceAll(/[*?.]/g, '') === '' ? name : name.slice(0, dot);
  const parts = name.split(/[*?]/);
  return {
    name,
    wild: parts.length > 1,
    prefix: parts[0] ?? '',
    suffix: parts.at(-1) ?? '',
    stem: stem.length,
    letters: stem.replaceAll(/[*?]/g, '').length,
  };
}

const segmentHolds = (wanted: string, segment: string | undefined) =>
  segment !== undefined && (wanted === segment || ((wanted.includes('*') || wanted.includes('?')) && globHolds(wanted, segment)));

/** From the path's segment `from` on. True as soon as the pattern ends: it covers what is below. */
export function coversExactly({ segments: pattern }: Pattern, path: readonly string[], from: number): boolean {
  const [first, name = ''] = pattern;
  if (first === '**' && pattern.length === 2) {
    for (let at = from; at < path.length; at += 1) if (segmentHolds(name, path[at])) return true;
    return false;
  }
  if (!pattern.includes('**')) {
    if (path.length - from < pattern.length) return false;
    return pattern.every((wanted, index) => segmentHolds(wanted, path[from + index]));
  }
  return coversByStates(pattern, path, from);
}

/** All readings of the pattern at once, segment by segment. */
function coversByStates(pattern: readonly string[], path: readonly string[], from: number): boolean {
  let alive: boolean[] = [];
  const enter = (states: boolean[], state: number) => {
    for (let each = state; ; each += 1) {
      states[each] = true;
      if (pattern[each] !== '**') return;
    }
  };
  enter(alive, 0);
  for (let at = from; at < path.length; at += 1) {
    if (alive[pattern.length] === true) return true;
    const next: boolean[] = [];
    for (let state = 0; state < pattern.length; state += 1) {
      if (alive[state] !== true) continue;
      const wanted = pattern[state] ?? '';
      if (wanted === '**') enter(next, state);
      else if (segmentHolds(wanted, path[at])) enter(next, state + 1);
    }
    if (next.length === 0) return false;
    alive = next;
  }
  return alive[pattern.length] === true;
}
