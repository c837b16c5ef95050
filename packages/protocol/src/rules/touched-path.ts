// The paths that calls touch, in canonical spelling, spec/rules.md [RULES-17]. What is known only when the shell runs stands in them as a mark.

/** Stands in a word for what is known only when the shell runs. */
export const hole = '\uFFFC';
/** Stand in a fuzzy path for the shell's own `*` and `?`. */
export const anyHere = '\uE000';
export const oneHere = '\uE001';
export const fuzzyMark = /[\uFFFC\uE000\uE001]/;

export interface Surroundings {
  readonly home: string;
  /** Where relative paths begin; with a hole if it is not known. */
  readonly directory: string;
}

/** A path as a call touches it: absolute, without `.`, `..` and empty segments. */
export interface TouchedPath {
  readonly text: string;
  readonly segments: readonly string[];
  /** Segments that are known in part, and what is known of their ends. */
  readonly fuzzy: readonly FuzzySegment[];
}

export interface FuzzySegment {
  readonly segment: string;
  readonly prefix: string;
  readonly suffix: string;
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
  return {
    text: joined,
    segments: real,
    fuzzy: fuzzyMark.test(joined) ? real.filter((segment) => fuzzyMark.test(segment)).map(partlyKnown) : [],
  };
}

function partlyKnown(segment: string): FuzzySegment {
  let last = segment.length - 1;
  while (!fuzzyMark.test(segment[last] ?? hole)) last -= 1;
  return { segment, prefix: segment.slice(0, segment.search(fuzzyMark)), suffix: segment.slice(last + 1) };
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
