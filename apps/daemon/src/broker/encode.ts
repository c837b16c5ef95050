// Encodings of a secret as bytes, never as a string, spec/broker.md §5. Every result is a Buffer of its own memory that the caller
// overwrites; nothing here keeps one. Used to write a secret into a request and to make the fingerprints that replies are scrubbed by.

/** Memory outside of V8's heap and of Node's pool, so that no collector and no neighbour keeps a copy. */
export function ownBuffer(length: number): Buffer {
  return Buffer.from(new ArrayBuffer(length));
}

const bytesOf = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));
const lowerHex = bytesOf('0123456789abcdef');
const upperHex = bytesOf('0123456789ABCDEF');
const base64Alphabet = bytesOf('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/');
const base64UrlAlphabet = bytesOf('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_');

/** Joins; the parts stay the caller's. */
export function joined(...parts: readonly Uint8Array[]): Buffer {
  const whole = ownBuffer(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** RFC 4648 §4 with padding. */
export function base64(bytes: Uint8Array): Buffer {
  const out = ownBuffer(Math.ceil(bytes.length / 3) * 4);
  for (let from = 0, to = 0; from < bytes.length; from += 3, to += 4) {
    const left = bytes.length - from;
    const group = ((bytes[from] ?? 0) << 16) | ((bytes[from + 1] ?? 0) << 8) | (bytes[from + 2] ?? 0);
    out[to] = base64Alphabet[group >>> 18] ?? 0;
    out[to + 1] = base64Alphabet[(group >>> 12) & 63] ?? 0;
    out[to + 2] = left > 1 ? (base64Alphabet[(group >>> 6) & 63] ?? 0) : 0x3d;
    out[to + 3] = left > 2 ? (base64Alphabet[group & 63] ?? 0) : 0x3d;
  }
  return out;
}

/** The characters of a base64 text that depend on `bytes` alone when `offset` (0 to 2) other bytes stand before them and any follow. */
export function base64Core(bytes: Uint8Array, offset: number, alphabet: 'standard' | 'url'): Buffer {
  const table = alphabet === 'standard' ? base64Alphabet : base64UrlAlphabet;
  const firstBit = offset === 0 ? 0 : offset === 1 ? 4 : 2;
  const out = ownBuffer(Math.floor((bytes.length * 8 - firstBit) / 6));
  for (let index = 0, bit = firstBit; index < out.length; index += 1, bit += 6) {
    const two = ((bytes[bit >>> 3] ?? 0) << 8) | (bytes[(bit >>> 3) + 1] ?? 0);
    out[index] = table[(two >>> (10 - (bit & 7))) & 63] ?? 0;
  }
  return out;
}

/** Whether characters at either end of that core also carry some bits of `bytes`. */
export function base64Edges(length: number, offset: number): { readonly before: boolean; readonly after: boolean } {
  const firstBit = offset === 0 ? 0 : offset === 1 ? 4 : 2;
  return { before: firstBit > 0, after: (length * 8 - firstBit) % 6 > 0 };
}

export function hex(bytes: Uint8Array, letters: 'lower' | 'upper'): Buffer {
  const digits = letters === 'lower' ? lowerHex : upperHex;
  const out = ownBuffer(bytes.length * 2);
  for (let at = 0; at < bytes.length; at += 1) {
    out[at * 2] = digits[(bytes[at] ?? 0) >>> 4] ?? 0;
    out[at * 2 + 1] = digits[(bytes[at] ?? 0) & 15] ?? 0;
  }
  return out;
}

/** Which bytes an encoder leaves as they are. */
type Plain = (byte: number) => boolean;

const isAlphanumeric: Plain = (byte) =>
  (byte >= 0x30 && byte <= 0x39) || (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a);
const among =
  (characters: string): Plain =>
  (byte) =>
    isAlphanumeric(byte) || characters.includes(String.fromCharCode(byte));

/** RFC 3986 §2.3. */
export const unreservedOnly: Plain = among('-._~');
/** What `encodeURIComponent` leaves. */
export const componentPlain: Plain = among("-._~!*'()");
/** What the form serializer of the URL standard leaves; it writes a space as `+`. */
export const formPlain: Plain = among('-._*');
export const nothingPlain: Plain = () => false;

export function percent(bytes: Uint8Array, plain: Plain, letters: 'lower' | 'upper', space: '%20' | '+' = '%20'): Buffer {
  const digits = letters === 'lower' ? lowerHex : upperHex;
  const out = ownBuffer(bytes.length * 3);
  let at = 0;
  for (const byte of bytes) {
    if (plain(byte)) out[at++] = byte;
    else if (byte === 0x20 && space === '+') out[at++] = 0x2b;
    else {
      out[at++] = 0x25;
      out[at++] = digits[byte >>> 4] ?? 0;
      out[at++] = digits[byte & 15] ?? 0;
    }
  }
  return out.subarray(0, at);
}

/** Replaces single bytes by texts: the escapes of JSON and HTML. */
export function escaped(bytes: Uint8Array, escapes: ReadonlyMap<number, string>): Buffer {
  const longest = Math.max(1, ...[...escapes.values()].map((text) => text.length));
  const out = ownBuffer(bytes.length * longest);
  let at = 0;
  for (const byte of bytes) {
    const text = escapes.get(byte);
    if (text === undefined) out[at++] = byte;
    else at += out.write(text, at, 'latin1');
  }
  return out.subarray(0, at);
}

/** JSON with every character as `\u00xx`. */
export function jsonUnicode(bytes: Uint8Array, letters: 'lower' | 'upper'): Buffer {
  const digits = letters === 'lower' ? lowerHex : upperHex;
  const out = ownBuffer(bytes.length * 6);
  let at = 0;
  for (const byte of bytes) {
    at += out.write('\\u00', at, 'latin1');
    out[at++] = digits[byte >>> 4] ?? 0;
    out[at++] = digits[byte & 15] ?? 0;
  }
  return out;
}

/** ASCII letters in one case, as servers that normalise what they echo would write them. */
export function inCase(bytes: Uint8Array, letters: 'lower' | 'upper'): Buffer {
  const out = ownBuffer(bytes.length);
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at] ?? 0;
    const isUpper = byte >= 0x41 && byte <= 0x5a;
    const isLower = byte >= 0x61 && byte <= 0x7a;
    out[at] = letters === 'lower' && isUpper ? byte + 0x20 : letters === 'upper' && isLower ? byte - 0x20 : byte;
  }
  return out;
}

export function reversed(bytes: Uint8Array): Buffer {
  const out = ownBuffer(bytes.length);
  for (let at = 0; at < bytes.length; at += 1) out[at] = bytes[bytes.length - 1 - at] ?? 0;
  return out;
}
