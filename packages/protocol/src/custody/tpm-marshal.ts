// Big-endian structures of TPM 2.0 (Part 2), written and read: integers, byte strings, and TPM2B (two bytes of length, then the bytes).
// What is read comes from a chip on a bus that somebody may sit on, or from whoever says that they have one: every length is checked, nothing may be
// left over.

import { concat } from '../codec/bytes.ts';
import { HoldfastError, type ErrorCode } from '../errors.ts';

export function u8(value: number): Uint8Array {
  return Uint8Array.of(value);
}

export function u16(value: number): Uint8Array {
  return Uint8Array.of(value >>> 8, value & 0xff);
}

export function u32(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff);
}

/** TPM2B_*: the bytes with their length before them. */
export function sized(...parts: readonly Uint8Array[]): Uint8Array {
  const content = concat(...parts);
  return concat(u16(content.length), content);
}

/** Reads bytes from their beginning to their end; past the end it throws `fault`. */
export class Reader {
  readonly #bytes: Uint8Array;
  readonly #fault: ErrorCode;
  #offset = 0;

  /** `fault`: an answer of our own TPM is bad, unless it is said what is. */
  constructor(bytes: Uint8Array, fault: ErrorCode = 'key_store_failed') {
    this.#bytes = bytes;
    this.#fault = fault;
  }

  /** A view, not a copy. */
  take(length: number): Uint8Array {
    const end = this.#offset + length;
    if (end > this.#bytes.length) throw new HoldfastError(this.#fault, 'what the TPM says ends too soon');
    const taken = this.#bytes.subarray(this.#offset, end);
    this.#offset = end;
    return taken;
  }

  u16(): number {
    const [high = 0, low = 0] = this.take(2);
    return high * 0x100 + low;
  }

  u32(): number {
    return this.u16() * 0x10000 + this.u16();
  }

  sized(): Uint8Array {
    return this.take(this.u16());
  }

  rest(): Uint8Array {
    return this.take(this.#bytes.length - this.#offset);
  }

  end(): void {
    if (this.#offset !== this.#bytes.length) throw new HoldfastError(this.#fault, 'what the TPM says is too long');
  }
}
