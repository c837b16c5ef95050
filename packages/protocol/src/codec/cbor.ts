// Deterministic CBOR, spec/codec.md: RFC 8949 §4.2.1 without floats, tags, indefinite lengths or simple values but false, true, null.
// Decoding is total: it ends in one value or one coded error, reads all input, and never allocates by what the input claims.

import { HoldfastError } from '../errors.ts';
import { compareBytes, concat, utf8 } from './bytes.ts';

export type Value = number | string | boolean | null | Uint8Array | readonly Value[] | { readonly [key: string]: Value };

/** Deeper than any of our formats (the deepest uses 7); bounds recursion on hostile input. */
const maxDepth = 16;

const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function head(major: number, argument: number): Uint8Array {
  if (argument < 24) return Uint8Array.of((major << 5) | argument);
  if (argument < 0x100) return Uint8Array.of((major << 5) | 24, argument);
  if (argument < 0x10000) return Uint8Array.of((major << 5) | 25, argument >> 8, argument & 0xff);
  const wide = argument >= 0x1_0000_0000;
  const bytes = new Uint8Array(wide ? 9 : 5);
  bytes[0] = (major << 5) | (wide ? 27 : 26);
  const view = new DataView(bytes.buffer);
  if (wide) view.setBigUint64(1, BigInt(argument));
  else view.setUint32(1, argument);
  return bytes;
}

function encodeParts(value: Value, depth: number, parts: Uint8Array[]): void {
  if (depth > maxDepth) throw new HoldfastError('codec_limit', 'value is nested too deeply');
  if (value === false || value === true || value === null) {
    parts.push(Uint8Array.of(value === null ? 0xf6 : value ? 0xf5 : 0xf4));
  } else if (typeof value === 'number') {
    if (!Number.isSafeInteger(value)) throw new HoldfastError('codec_shape', 'number is not a safe integer');
    parts.push(value >= 0 ? head(0, value) : head(1, -1 - value));
  } else if (typeof value === 'string') {
    if (!value.isWellFormed()) throw new HoldfastError('codec_shape', 'text is not well-formed Unicode');
    const bytes = utf8(value);
    parts.push(head(3, bytes.length), bytes);
  } else if (value instanceof Uint8Array) {
    parts.push(head(2, value.length), value);
  } else if (Array.isArray(value)) {
    parts.push(head(4, value.length));
    for (const item of value as readonly Value[]) encodeParts(item, depth + 1, parts);
  } else {
    const fields = Object.entries(value)
      .map(([key, item]) => ({ key: encodeValue(key), item }))
      .sort((a, b) => compareBytes(a.key, b.key));
    parts.push(head(5, fields.length));
    for (const { key, item } of fields) {
      parts.push(key);
      encodeParts(item, depth + 1, parts);
    }
  }
}

/** [CODEC-1] The one encoding of a value. Throws `codec_shape` for what the subset cannot express, `codec_limit` past `maxDepth`. */
export function encodeValue(value: Value): Uint8Array {
  const parts: Uint8Array[] = [];
  encodeParts(value, 0, parts);
  return concat(...parts);
}

class Reader {
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private offset = 0;

  constructor(bytes: Uint8Array) {
    // Never a Buffer, whose `slice` shares memory.
    this.bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get remaining(): number {
    return this.bytes.length - this.offset;
  }

  /** A view into the input, not a copy. */
  take(length: number): Uint8Array {
    if (length > this.remaining) throw new HoldfastError('codec_truncated', 'input ends inside a value'); // [CODEC-6]
    const taken = this.bytes.subarray(this.offset, this.offset + length);
    this.offset += length;
    return taken;
  }

  private copy(length: number): Uint8Array {
    if (length > this.remaining) throw new HoldfastError('codec_truncated', 'input ends inside a value'); // [CODEC-6]
    this.offset += length;
    // With memory of its own: small arrays without live where collecting garbage moves them, and what was a secret stays behind.
    const copied = new Uint8Array(new ArrayBuffer(length));
    copied.set(this.bytes.subarray(this.offset - length, this.offset));
    return copied;
  }

  private argument(short: number): number {
    if (short < 24) return short;
    if (short > 27) throw new HoldfastError('codec_noncanonical', 'length form is not deterministic'); // [CODEC-3]
    const width = 1 << (short - 24);
    const at = this.offset;
    if (width > this.remaining) throw new HoldfastError('codec_truncated', 'input ends inside a value'); // [CODEC-6]
    this.offset += width;
    const wide = width === 8 ? this.view.getBigUint64(at) : undefined;
    if (wide !== undefined && wide > BigInt(Number.MAX_SAFE_INTEGER))
      throw new HoldfastError('codec_shape', 'integer is not safe'); // [CODEC-2]
    const value =
      wide !== undefined
        ? Number(wide)
        : width === 4
          ? this.view.getUint32(at)
          : width === 2
            ? this.view.getUint16(at)
            : this.view.getUint8(at);
    const least = width === 1 ? 24 : width === 2 ? 0x100 : width === 4 ? 0x10000 : 0x1_0000_0000;
    if (value < least) throw new HoldfastError('codec_noncanonical', 'integer is not in its shortest form'); // [CODEC-3]
    return value;
  }

  value(depth: number): Value {
    if (depth > maxDepth) throw new HoldfastError('codec_limit', 'value is nested too deeply'); // [CODEC-7]
    const initial = this.bytes[this.offset];
    if (initial === undefined) throw new HoldfastError('codec_truncated', 'input ends inside a value'); // [CODEC-6]
    this.offset += 1;
    const major = initial >> 5;
    if (major === 7) return simple(initial);
    if (major === 6) throw new HoldfastError('codec_shape', 'tags are not used'); // [CODEC-2]
    const argument = this.argument(initial & 31);
    switch (major) {
      case 0:
        return argument;
      case 1:
        if (argument === Number.MAX_SAFE_INTEGER) throw new HoldfastError('codec_shape', 'integer is not safe'); // [CODEC-2]
        return -1 - argument;
      case 2:
        return this.copy(argument);
      case 3:
        return this.text(argument);
      case 4:
        return this.list(argument, depth);
      default:
        return this.map(argument, depth);
    }
  }

  private text(length: number): string {
    const bytes = this.take(length);
    if (length <= shortText) {
      const ascii = asciiOf(bytes);
      if (ascii !== undefined) return ascii;
    }
    try {
      return text.decode(bytes);
    } catch (cause) {
      if (cause instanceof HoldfastError) throw cause;
      throw new HoldfastError('codec_shape', 'text is not UTF-8', { cause }); // [CODEC-2]
    }
  }

  private list(length: number, depth: number): Value[] {
    if (length > this.remaining) throw new HoldfastError('codec_truncated', 'input ends inside a list'); // [CODEC-6]
    const items: Value[] = [];
    for (let index = 0; index < length; index += 1) items.push(this.value(depth + 1));
    return items;
  }

  private map(length: number, depth: number): { [key: string]: Value } {
    if (2 * length > this.remaining) throw new HoldfastError('codec_truncated', 'input ends inside a map'); // [CODEC-6]
    const fields: { [key: string]: Value } = Object.create(null) as { [key: string]: Value };
    let previous: Uint8Array | undefined;
    for (let index = 0; index < length; index += 1) {
      const start = this.offset;
      const key = this.value(depth + 1);
      if (typeof key !== 'string') throw new HoldfastError('codec_shape', 'map key is not text'); // [CODEC-2]
      const encoded = this.bytes.subarray(start, this.offset);
      if (previous !== undefined && compareBytes(previous, encoded) >= 0) {
        throw new HoldfastError('codec_noncanonical', 'map keys are not in order or repeat'); // [CODEC-4]
      }
      previous = encoded;
      fields[key] = this.value(depth + 1);
    }
    return fields;
  }
}

/** Keys and names: making a TextDecoder read so few bytes costs several times the bytes. */
const shortText = 24;

function asciiOf(bytes: Uint8Array): string | undefined {
  let ascii = '';
  for (let index = 0; index < bytes.length; index += 1) {
    const unit = bytes[index] ?? 0x80;
    if (unit >= 0x80) return undefined;
    ascii += String.fromCharCode(unit);
  }
  return ascii;
}

function simple(initial: number): boolean | null {
  if (initial === 0xf4) return false;
  if (initial === 0xf5) return true;
  if (initial === 0xf6) return null;
  throw new HoldfastError('codec_shape', 'floats and other simple values are not used'); // [CODEC-2]
}

/** Reads exactly one value. Throws `codec_*` only; byte strings in the result are copies. `maxBytes` bounds the work. */
export function decodeValue(bytes: Uint8Array, maxBytes: number): Value {
  if (bytes.length > maxBytes) throw new HoldfastError('codec_limit', `input is longer than ${maxBytes} bytes`); // [CODEC-7]
  const reader = new Reader(bytes);
  const value = reader.value(0);
  if (reader.remaining > 0) throw new HoldfastError('codec_trailing', 'input goes on after the value'); // [CODEC-5]
  return value;
}
