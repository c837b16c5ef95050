// The frames of one direction of a WebSocket, spec/broker.md §6: read strictly, and where secrets could come back, scrubbed across their
// borders. Trusts nothing that arrives; keeps at most a frame's head, a control frame, and what the scrubber holds back.

import { Transform, type TransformCallback } from 'node:stream';
import { joined, ownBuffer } from './encode.ts';
import type { Fingerprints } from './fingerprints.ts';
import { refusal } from './refusal.ts';
import { Scrubber, scrubWhole } from './scrub.ts';

interface FrameHead {
  readonly final: boolean;
  readonly opcode: number;
  readonly length: number;
  readonly bytes: number;
}

const continuation = 0x0;
const text = 0x1;
const binary = 0x2;
const close = 0x8;
const known: ReadonlySet<number> = new Set([continuation, text, binary, close, 0x9, 0xa]);
const isControl = (opcode: number): boolean => opcode >= 0x8;
const maxControlBytes = 125;

/** The head at the start of `bytes`, or undefined while it is not whole. Throws `reply_refused` or `request_malformed`, as `fault` makes it. */
function readHead(bytes: Buffer, masked: boolean, fault: () => Error): FrameHead | undefined {
  if (bytes.length < 2) return undefined;
  const [first = 0, second = 0] = bytes;
  const opcode = first & 0x0f;
  const final = (first & 0x80) !== 0;
  // Reserved bits belong to extensions, and none was agreed on.
  if ((first & 0x70) !== 0 || !known.has(opcode) || ((second & 0x80) !== 0) !== masked) throw fault();
  const short = second & 0x7f;
  if (isControl(opcode) && (!final || short > maxControlBytes)) throw fault();
  const lengthBytes = short === 127 ? 8 : short === 126 ? 2 : 0;
  const size = 2 + lengthBytes + (masked ? 4 : 0);
  if (bytes.length < size) return undefined;
  const length = lengthBytes === 8 ? Number(bytes.readBigUInt64BE(2)) : lengthBytes === 2 ? bytes.readUInt16BE(2) : short;
  if (!Number.isSafeInteger(length)) throw fault();
  return { final, opcode, length, bytes: size };
}

/** A head as servers write it. */
function serverHead(final: boolean, opcode: number, length: number): Buffer {
  const first = (final ? 0x80 : 0) | opcode;
  if (length < 126) return Buffer.from([first, length]);
  if (length < 0x1_0000) return Buffer.from([first, 126, length >>> 8, length & 0xff]);
  const head = Buffer.alloc(10);
  head[0] = first;
  head[1] = 127;
  head.writeBigUInt64BE(BigInt(length), 2);
  return head;
}

/** With `prints` messages keep their content and their borders, while fragments may become others. [BROKER-32] */
export class FrameGate extends Transform {
  readonly #masked: boolean;
  readonly #prints: Fingerprints | undefined;
  readonly #scrubber: Scrubber | undefined;
  #head = ownBuffer(0);
  #frame: FrameHead | undefined;
  #left = 0;
  /** Set between the first frame of a message and its last. */
  #inMessage = false;
  /** What the next frame that goes out says it is. */
  #nextOpcode = continuation;
  #control: Buffer | undefined;
  #closed = false;

  constructor({ from, prints }: { readonly from: 'client' | 'server'; readonly prints?: Fingerprints | undefined }) {
    super();
    this.#masked = from === 'client';
    this.#prints = prints;
    this.#scrubber = prints === undefined ? undefined : new Scrubber(prints);
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    try {
      let rest = chunk;
      while (rest.length > 0) rest = this.#frame === undefined ? this.#takeHead(rest) : this.#takePayload(this.#frame, rest);
      done();
    } catch (error) {
      done(error instanceof Error ? error : refusal('internal', error));
    }
  }

  #fault(): Error {
    return refusal(this.#masked ? 'request_malformed' : 'reply_refused');
  }

  #takeHead(chunk: Buffer): Buffer {
    const bytes = joined(this.#head, chunk.subarray(0, 14));
    const frame = readHead(bytes, this.#masked, () => this.#fault());
    if (frame === undefined) {
      this.#head = bytes;
      return chunk.subarray(14);
    }
    this.#assertInOrder(frame);
    const taken = frame.bytes - this.#head.length;
    this.#head = ownBuffer(0);
    this.#frame = frame;
    this.#left = frame.length;
    if (this.#scrubber === undefined) {
      this.push(bytes.subarray(0, frame.bytes));
    } else {
      bytes.fill(0); // what it had of the payload
      if (isControl(frame.opcode)) this.#control = ownBuffer(frame.length);
      else if (frame.opcode !== continuation) this.#nextOpcode = frame.opcode;
    }
    if (frame.length === 0) this.#takePayload(frame, ownBuffer(0));
    return chunk.subarray(taken);
  }

  #assertInOrder({ opcode, final }: FrameHead): void {
    if (this.#closed) throw this.#fault();
    if (opcode === close) this.#closed = true;
    if (isControl(opcode)) return;
    if (this.#inMessage !== (opcode === continuation)) throw this.#fault();
    this.#inMessage = !final;
  }

  #takePayload(frame: FrameHead, chunk: Buffer): Buffer {
    const piece = chunk.subarray(0, this.#left);
    this.#left -= piece.length;
    const ends = this.#left === 0;
    if (ends) this.#frame = undefined;
    if (this.#control !== undefined) this.#scrubControl(frame, this.#control, piece, ends);
    else if (this.#scrubber !== undefined) this.#scrubData(this.#scrubber, piece, ends && frame.final);
    else if (piece.length > 0) this.push(piece);
    return chunk.subarray(piece.length);
  }

  #scrubControl(frame: FrameHead, whole: Buffer, piece: Buffer, ends: boolean): void {
    piece.copy(whole, frame.length - this.#left - piece.length);
    if (!ends) return;
    this.#control = undefined;
    if (this.#prints !== undefined) scrubWhole(this.#prints, whole);
    this.push(joined(serverHead(true, frame.opcode, whole.length), whole));
  }

  #scrubData(scrubber: Scrubber, piece: Buffer, endsMessage: boolean): void {
    const clean = piece.length === 0 ? piece : scrubber.push(piece);
    const last = endsMessage ? scrubber.border() : ownBuffer(0);
    if (!endsMessage && clean.length === 0) return;
    this.push(serverHead(endsMessage, this.#nextOpcode, clean.length + last.length));
    this.#nextOpcode = continuation;
    if (clean.length > 0) this.push(clean);
    if (last.length > 0) this.push(last);
  }
}
