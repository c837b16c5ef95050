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
export function base64Core(bytes: Uint8Array, offset: number): Buffer {
  const firstBit = offset === 0 ? 0 : offset === 1 ? 4 : 2;
  const out = ownBuffer(Math.floor((bytes.length * 8 - firstBit) / 6));
  for (let index = 0, bit = firstBit; index < out.length; index += 1, bit += 6) {
    const two = ((bytes[bit >>> 3] ?? 0) << 8) | (bytes[(bit >>> 3) + 1] ?? 0);
    out[index] = base64Alphabet[(two >>> (10 - (bit & 7))) & 63] ?? 0;
  }
  return out;
}

/** Whether characters at either end of that core also carry some bits of `bytes`. */
export function base64Edges(length: number, offset: number): { readonly before: boolean; readonly after: boolean } {
  const firstBit = offset === 0 ? 0 : offset === 1 ? 4 : 2;
  return { before: firstBit > 0, after: (length * 8 - firstBit) % 6 > 0 };
}

/** Two digits a byte, and `between` them. */
export function hex(bytes: Uint8Array, between?: number): Buffer {
  const step = between === undefined ? 2 : 3;
  const out = ownBuffer(Math.max(0, bytes.length * step - (step - 2)));
  for (let at = 0; at < bytes.length; at += 1) {
    out[at * step] = lowerHex[(bytes[at] ?? 0) >>> 4] ?? 0;
    out[at * step + 1] = lowerHex[(bytes[at] ?? 0) & 15] ?? 0;
    if (between !== undefined && at > 0) out[at * step - 1] = between;
  }
  return out;
}

/** Each byte as a decimal number. */
export function decimal(bytes: Uint8Array): Buffer {
  const out = ownBuffer(bytes.length * 3);
  let at = 0;
  for (const byte of bytes) {
    if (byte > 99) out[at++] = 0x30 + Math.floor(byte / 100);
    if (byte > 9) out[at++] = 0x30 + (Math.floor(byte / 10) % 10);
    out[at++] = 0x30 + (byte % 10);
  }
  return out.subarray(0, at);
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
export function percent(bytes: Uint8Array, plain: Plain): Buffer {
  const out = ownBuffer(bytes.length * 3);
  let at = 0;
  for (const byte of bytes) {
    if (plain(byte)) out[at++] = byte;
    else {
      out[at++] = 0x25;
      out[at++] = upperHex[byte >>> 4] ?? 0;
      out[at++] = upperHex[byte & 15] ?? 0;
    }
  }
  return out.subarray(0, at);
}

const [quote, backslash] = [0x22, 0x5c];
/** The inside of a text of JSON, RFC 8259 §7, of ASCII. */
export function jsonText(bytes: Uint8Array): Buffer {
  const out = ownBuffer(bytes.length * 6);
  let at = 0;
  for (const byte of bytes) {
    if (byte < 0x20) {
      for (const digit of [backslash, 0x75, 0x30, 0x30, lowerHex[byte >>> 4] ?? 0, lowerHex[byte & 15] ?? 0]) out[at++] = digit;
      continue;
    }
    if (byte === quote || byte === backslash) out[at++] = backslash;
    out[at++] = byte;
  }
  return out.subarray(0, at);
}

export function replaced(bytes: Uint8Array, from: number, to: number): Buffer {
  const out = ownBuffer(bytes.length);
  for (let at = 0; at < bytes.length; at += 1) out[at] = bytes[at] === from ? to : (bytes[at] ?? 0);
  return out;
}

export function reversed(bytes: Uint8Array): Buffer {
  const out = ownBuffer(bytes.length);
  for (let at = 0; at < bytes.length; at += 1) out[at] = bytes[bytes.length - 1 - at] ?? 0;
  return out;
}
