// HTTP/2 written by hand, for what no client library would send: frames, and header blocks without compression.

import type { TLSSocket } from 'node:tls';
import { nextChunk } from './world.ts';

export const type = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  window: 8,
  continuation: 9,
} as const;
export const flag = { endStream: 1, ack: 1, endHeaders: 4 } as const;
const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

export function frame(kind: number, flags: number, stream: number, payload: Uint8Array = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = kind;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

function lengthOf(size: number): number[] {
  if (size < 127) return [size];
  const bytes = [127];
  let rest = size - 127;
  for (; rest >= 128; rest >>>= 7) bytes.push((rest & 127) | 128);
  return [...bytes, rest];
}

/** Each pair as a literal, never indexed and never shortened. */
export function block(pairs: readonly (readonly [string, string])[]): Buffer {
  return Buffer.concat(
    pairs.map(([name, value]) => {
      const [nameBytes, valueBytes] = [Buffer.from(name, 'latin1'), Buffer.from(value, 'latin1')];
      return Buffer.concat([
        Buffer.from([0, ...lengthOf(nameBytes.length)]),
        nameBytes,
        Buffer.from(lengthOf(valueBytes.length)),
        valueBytes,
      ]);
    }),
  );
}

const maxFrameBytes = 16_384;

/** A whole head, in as many frames as it needs. */
export function headers(stream: number, pairs: readonly (readonly [string, string])[], flags: number = flag.endStream): Buffer {
  const bytes = block(pairs);
  const frames: Buffer[] = [];
  for (let at = 0; at === 0 || at < bytes.length; at += maxFrameBytes) {
    const last = at + maxFrameBytes >= bytes.length ? flag.endHeaders : 0;
    const piece = bytes.subarray(at, at + maxFrameBytes);
    frames.push(at === 0 ? frame(type.headers, flags | last, stream, piece) : frame(type.continuation, last, stream, piece));
  }
  return Buffer.concat(frames);
}

/** The client's side of one connection. */
export class RawHttp2 {
  readonly socket: TLSSocket;
  #bytes = Buffer.alloc(0);

  constructor(socket: TLSSocket) {
    this.socket = socket;
    socket.write(Buffer.concat([Buffer.from(preface), frame(type.settings, 0, 0)]));
  }

  /** The next frame, or undefined when the connection has ended. */
  async next(): Promise<Frame | undefined> {
    for (;;) {
      const size = this.#bytes.length < 9 ? undefined : this.#bytes.readUIntBE(0, 3);
      if (size !== undefined && this.#bytes.length >= 9 + size) {
        const head = this.#bytes.subarray(0, 9);
        const payload = this.#bytes.subarray(9, 9 + size);
        this.#bytes = this.#bytes.subarray(9 + size);
        return { type: head[3] ?? 0, flags: head[4] ?? 0, stream: head.readUInt32BE(5), payload };
      }
      const chunk = await nextChunk(this.socket);
      if (chunk === undefined) return undefined;
      this.#bytes = Buffer.concat([this.#bytes, chunk]);
    }
  }

  /** How the stream was answered: a head, a reset, or the end of the connection. */
  async outcome(stream: number): Promise<'answered' | 'reset' | 'ended'> {
    for (;;) {
      const one = await this.next();
      if (one === undefined || one.type === type.goAway) return 'ended';
      if (one.stream !== stream) continue;
      if (one.type === type.headers) return 'answered';
      if (one.type === type.reset) return 'reset';
    }
  }
}
