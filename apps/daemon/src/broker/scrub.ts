// Scrubs secrets out of bytes as they stream, in place and at equal length, spec/broker.md §6. Holds back only an end that could be the
// beginning of an encoding, so that event streams do not stall.

import { Transform, type TransformCallback } from 'node:stream';
import { joined, ownBuffer } from './encode.ts';
import type { Fingerprints } from './fingerprints.ts';

const isBase64 = (byte: number): boolean => /[A-Za-z0-9+/_-]/.test(String.fromCharCode(byte));
const edgeFill = 0x78;
const star = 0x2a;

/** One stream's scrubber. Chunks become its own: what it does not give back it overwrites. */
export class Scrubber {
  readonly #prints: Fingerprints;
  #held = ownBuffer(0);
  /** How much of what is held has gone out already, at a border. */
  #out = 0;
  /** The last encoding ended with the last byte, and the next character still carries some of its bits. */
  #edgeOpen = false;

  constructor(prints: Fingerprints) {
    this.#prints = prints;
  }

  /** What can go out now. [BROKER-21, BROKER-22] */
  push(chunk: Buffer): Buffer {
    const work = this.#withHeld(chunk);
    const clean = this.#mask(work, false);
    this.#held = ownBuffer(work.length - clean);
    work.copy(this.#held, 0, clean);
    work.fill(0, clean);
    const out = Math.min(this.#out, clean);
    this.#out -= out;
    work.fill(0, 0, out);
    return work.subarray(out, clean);
  }

  /**
   * What was held back, where a message ends and the next may be long in coming. What is the beginning of a secret beyond doubt goes out
   * overwritten; what may be one goes out, and the rest of it, should it come, does not. [BROKER-32]
   */
  border(): Buffer {
    const released = joined(this.#held.subarray(this.#out));
    if (this.#prints.nextCandidate(this.#held, 0) === 0) released.fill(star);
    this.#out = this.#held.length;
    return released;
  }

  /** What was held back, at the end of the stream: a beginning without an end is no secret. */
  end(): Buffer {
    const work = this.#held;
    const out = this.#out;
    this.#held = ownBuffer(0);
    this.#out = 0;
    this.#mask(work, true);
    return work.subarray(out);
  }

  #withHeld(chunk: Buffer): Buffer {
    if (this.#held.length === 0) return chunk;
    const work = ownBuffer(this.#held.length + chunk.length);
    this.#held.copy(work);
    chunk.copy(work, this.#held.length);
    this.#held.fill(0);
    chunk.fill(0);
    return work;
  }

  /** Overwrites what it finds; returns how many bytes from the start are settled. */
  #mask(work: Buffer, final: boolean): number {
    if (this.#edgeOpen && work.length > 0) {
      if (isBase64(work[0] ?? 0)) work[0] = edgeFill;
      this.#edgeOpen = false;
    }
    let at = 0;
    for (;;) {
      const candidate = this.#prints.nextCandidate(work, at);
      if (candidate < 0) break;
      const match = this.#prints.matchAt(work, candidate);
      if (match === undefined || (match === 'partial' && final)) {
        at = candidate + 1;
        continue;
      }
      if (match === 'partial') return candidate;
      const end = candidate + match.length;
      work.fill(match.fill, candidate, end);
      if (match.edges.before && candidate > 0 && isBase64(work[candidate - 1] ?? 0)) work[candidate - 1] = edgeFill;
      if (match.edges.after && end === work.length) this.#edgeOpen = true;
      else if (match.edges.after && isBase64(work[end] ?? 0)) work[end] = edgeFill;
      at = end;
    }
    return final ? work.length : this.#prints.liveEnd(work, at);
  }
}

/** The scrubber as a stream, for bodies. */
export function scrubStream(prints: Fingerprints): Transform {
  const scrubber = new Scrubber(prints);
  return new Transform({
    transform(chunk: Buffer, _encoding, done: TransformCallback) {
      const clean = scrubber.push(chunk);
      done(null, clean.length > 0 ? clean : undefined);
    },
    flush(done: TransformCallback) {
      const rest = scrubber.end();
      done(null, rest.length > 0 ? rest : undefined);
    },
  });
}

/** Scrubs a whole text in place. */
export function scrubWhole(prints: Fingerprints, bytes: Buffer): void {
  const scrubber = new Scrubber(prints);
  const first = scrubber.push(bytes);
  const rest = scrubber.end();
  if (first.length + rest.length !== bytes.length || first.buffer !== bytes.buffer)
    throw new Error('a scrubbed text keeps its length');
  rest.copy(bytes, first.length);
  rest.fill(0);
}
