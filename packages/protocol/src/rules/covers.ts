// How sure it is that a pattern of a rule covers a path of a call, spec/rules.md [RULES-17, RULES-22].

import { aimsAt, mayCover } from './fuzzy-path.ts';
import type { Grade } from './grade.ts';
import { coversExactly, type Pattern } from './path-pattern.ts';
import { fuzzyMark, type TouchedPath } from './touched-path.ts';

/** `maybe`: what may answer where it is not sure: anything, what the pattern tells, nothing. */
export function covers(pattern: Pattern, path: TouchedPath, maybe: 'any' | 'aimed' | 'none'): Grade {
  const segments = pattern.ignoreCase ? path.segments.map((segment) => segment.toLowerCase()) : path.segments;
  if (coversExactly(pattern, segments, 0)) return 2;
  if (path.fuzzy.length === 0) return 0;
  // A pattern that may stand anywhere holds for the known end of a path, whatever is before.
  if (
    pattern.segments[0] === '**' &&
    coversExactly(pattern, segments, segments.findLastIndex((segment) => fuzzyMark.test(segment)) + 1)
  )
    return 2;
  if (maybe === 'none' || (maybe === 'aimed' && !aimsAt(pattern, path))) return 0;
  return mayCover(pattern, segments) ? 1 : 0;
}
