// Request paths and the globs over them, spec/fence.md. A path is judged as the text that goes out, so only paths that every server reads
// alike are judged at all; the rest is refused. Globs are matched by stepping through them, never by a compiled pattern: linear in the path.

/** Longer paths are refused: bounds matching, and beyond what common servers take. */
const maxPathCharacters = 4096;
export const maxGlobCharacters = 256;

const unreservedOrSafe = /^[A-Za-z0-9._~!$&'()*+,=:@/-]$/;
const unreserved = /^[A-Za-z0-9._~-]$/;
const utf8Text = new TextDecoder('utf-8', { fatal: true });

/** Registries and forges write a name with a slash so, once or twice; more readings are not judged. */
const maxEncodedSlashes = 8;
const encodedSlash = '%2F';

/** The path as servers read it that undo its encoded slashes before they split it. */
export const withSlashes = (path: string): string => path.replaceAll(encodedSlash, '/');

/** The byte of an escape that stands for one thing only, or undefined. */
function plainEscape(digits: string): number | undefined {
  if (!/^[0-9A-F]{2}$/.test(digits)) return undefined; // [FENCE-8] one spelling: upper-case
  const byte = Number.parseInt(digits, 16);
  if (byte < 0x20 || byte === 0x7f) return undefined; // [FENCE-9] control characters
  const character = String.fromCharCode(byte);
  if (byte < 0x80 && unreserved.test(character)) return undefined; // [FENCE-8] needless escapes: `%2E` is a dot
  if (character === '\\' || character === ';' || character === '%') return undefined; // [FENCE-7] [FENCE-9]
  return byte;
}

/**
 * True for a path that has exactly one reading: absolute, no dot segments, no empty ones inside, no `;`, no backslash, no needless escape. With
 * encoded slashes it has two, and is canonical if both are.
 */
export function isCanonicalPath(path: string): boolean {
  if (!hasOneReading(path)) return false;
  const slashes = path.split(encodedSlash).length - 1;
  return slashes === 0 || (slashes <= maxEncodedSlashes && hasOneReading(withSlashes(path))); // [FENCE-7]
}

function hasOneReading(path: string): boolean {
  if (!path.startsWith('/') || path.length > maxPathCharacters) return false;
  const raw: number[] = [];
  for (let at = 0; at < path.length; at += 1) {
    const character = path[at] ?? '';
    if (character !== '%') {
      if (!unreservedOrSafe.test(character)) return false; // [FENCE-9] `;`, `\`, `?`, `#`, spaces, control and non-ASCII characters
      raw.push(character.charCodeAt(0));
      continue;
    }
    const byte = plainEscape(path.slice(at + 1, at + 3));
    if (byte === undefined) return false;
    raw.push(byte);
    at += 2;
  }
  const segments = path.slice(1).split('/');
  if (segments.some((segment, index) => segment === '.' || segment === '..' || (segment === '' && index < segments.length - 1)))
    return false; // [FENCE-6]
  return isUtf8(Uint8Array.from(raw)); // [FENCE-8] overlong forms hide a slash or a dot
}

function isUtf8(bytes: Uint8Array): boolean {
  try {
    utf8Text.decode(bytes);
    return true;
  } catch {
    return false;
  }
}

/** `*` stands for any characters of one segment, `**` for any characters at all; both may stand for none. Everything else is literal. */
export function isPathGlob(glob: string): boolean {
  if (glob.length > maxGlobCharacters || glob.includes('***')) return false;
  return isCanonicalPath(glob.replaceAll('*', 'x')); // [FENCE-5]
}

/** Steps all readings of the glob at once: at most glob × path steps, no backtracking. Both must be canonical. */
export function globMatches(glob: string, path: string): boolean {
  const tokens = glob.split(/(\*\*|\*)/).flatMap((part) => (part === '*' || part === '**' ? [part] : [...part]));
  let alive = new Set<number>();
  const enter = (states: Set<number>, state: number) => {
    for (let each = state; ; each += 1) {
      states.add(each);
      const token = tokens[each];
      if (token !== '*' && token !== '**') return;
    }
  };
  enter(alive, 0);
  for (const character of path) {
    const next = new Set<number>();
    for (const state of alive) {
      const token = tokens[state];
      if (token === '**' || (token === '*' && character !== '/')) enter(next, state);
      else if (token === character) enter(next, state + 1);
    }
    if (next.size === 0) return false;
    alive = next;
  }
  return alive.has(tokens.length);
}
