// Paths and queries, spec/broker.md §3: one reading for the fence and for the origin. What servers could read in two ways is refused, not mended.

const maxPathCharacters = 4096;
const unreserved = /[A-Za-z0-9._~-]/;
const plainPath = /^\/(?:[A-Za-z0-9._~!$&'()*+,=:@/-]|%[0-9A-F]{2})*$/;
/** Backslash, semicolon, percent sign, control characters: escapes that some servers undo before they split the path. */
const unsafeEscape = /%(?:5C|3B|25|[01][0-9A-F]|7F)/;
/** Others undo encoded slashes, too; a few may stand, and the path is judged in both readings. */
const encodedSlash = '%2F';
const maxEncodedSlashes = 8;

export interface SplitUrl {
  readonly path: string;
  /** Without the question mark; empty when there is none. */
  readonly query: string;
}

/** Splits an origin form; undefined for anything that is none (asterisk form, fragments, bytes beyond visible ASCII). */
export function splitOriginForm(url: string): SplitUrl | undefined {
  const parts = /^(\/[\x21\x22\x24-\x3e\x40-\x7e]*)(?:\?([\x21\x22\x24-\x7e]*))?$/.exec(url);
  return parts?.[1] === undefined ? undefined : { path: parts[1], query: parts[2] ?? '' };
}

/** The path that is judged and then sent: needless escapes undone, the others in upper case; undefined if it has more readings. [BROKER-9] */
export function canonicalPath(path: string): string | undefined {
  const plain = path.replaceAll(/%([0-9A-Fa-f]{2})/g, (escape, digits: string) => {
    const character = String.fromCharCode(Number.parseInt(digits, 16));
    return unreserved.test(character) ? character : escape.toUpperCase();
  });
  if (plain.length > maxPathCharacters || !plainPath.test(plain) || unsafeEscape.test(plain)) return undefined;
  if (plain.split(encodedSlash).length - 1 > maxEncodedSlashes) return undefined;
  if (!plainSegments(plain) || !plainSegments(plain.replaceAll(encodedSlash, '/'))) return undefined;
  return decoded(plain) === undefined ? undefined : plain;
}

function plainSegments(path: string): boolean {
  const segments = path.slice(1).split('/');
  return segments.every(
    (segment, index) => segment !== '.' && segment !== '..' && (segment !== '' || index === segments.length - 1),
  );
}

/** Percent-decoding as UTF-8; undefined for what is not (overlong forms hide slashes). */
function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/** Percent-decoding byte by byte that never fails: for looking into a text, not for deciding by it. */
export function loosely(text: string): string {
  return text
    .replaceAll('+', ' ')
    .replaceAll(/%([0-9A-Fa-f]{2})/g, (_escape, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
}

export interface Parameter {
  /** As written, `name=value`. */
  readonly raw: string;
  /** Decoded. */
  readonly name: string;
  readonly value: string;
}

/** The parameters between `&` signs, in order; joined by `&` their raw texts are the query again. */
export function parametersOf(query: string): readonly Parameter[] {
  if (query === '') return [];
  return query.split('&').map((raw) => {
    const equals = raw.indexOf('=');
    const [name, value] = equals < 0 ? [raw, ''] : [raw.slice(0, equals), raw.slice(equals + 1)];
    return { raw, name: loosely(name), value: loosely(value) };
  });
}
