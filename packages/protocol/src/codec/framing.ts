// Frames on a byte stream, spec/codec.md: four bytes of length, big-endian, then that many bytes of one encoded value.

import { HoldfastError } from '../errors.ts';

const headerBytes = 4;

/** A new array; `payload` stays the caller's. Throws `codec_limit`. */
export function framed(payload: Uint8Array, maxBytes: number): Uint8Array {
  if (payload.length > maxBytes) throw new HoldfastError('codec_limit', `frame is longer than ${maxBytes} bytes`); // [CODEC-10]
  const frame = new Uint8Array(headerBytes + payload.length);
  new DataView(frame.buffer).setUint32(0, payload.length);
  frame.set(payload, headerBytes);
  return frame;
}

/** Cuts a stream into payloads. Holds one incomplete frame at most, and overwrites nothing of what it hands out. */
export class FrameReader {
  readonly #maxBytes: number;
  readonly #header = new Uint8Array(headerBytes);
  #headerFilled = 0;
  #payload: Uint8Array | undefined;
  #filled = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** True between the first and the last byte of a frame: a stream that ends here was cut. */
  get partial(): boolean {
    return this.#headerFilled > 0;
  }

  /**
   * The payloads that `chunk` completes, each a copy owned by the caller; `chunk` may be overwritten afterwards.
   * Throws `codec_limit` as soon as a frame announces more than `maxBytes`; the stream cannot be read on after that.
   */
  push(chunk: Uint8Array): Uint8Array[] {
    const payloads: Uint8Array[] = [];
    let offset = 0;
    while (offset < chunk.length) {
      const payload = this.#payload;
      if (payload === undefined) {
        const taken = chunk.subarray(offset, offset + headerBytes - this.#headerFilled);
        this.#header.set(taken, this.#headerFilled);
        this.#headerFilled += taken.length;
        offset += taken.length;
        if (this.#headerFilled < headerBytes) continue;
        const length = new DataView(this.#header.buffer).getUint32(0);
        if (length > this.#maxBytes) throw new HoldfastError('codec_limit', `frame is longer than ${this.#maxBytes} bytes`); // [CODEC-10]
        this.#payload = new Uint8Array(length);
        this.#filled = 0;
      } else {
        const taken = chunk.subarray(offset, offset + payload.length - this.#filled);
        payload.set(taken, this.#filled);
        this.#filled += taken.length;
        offset += taken.length;
      }
      if (this.#payload !== undefined && this.#filled === this.#payload.length) {
        payloads.push(this.#payload);
        this.#payload = undefined;
        this.#headerFilled = 0;
      }
    }
    return payloads;
  }
}
