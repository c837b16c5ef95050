// WebSockets by hand: frames of either side, a handshake, and an origin that takes one.

import { createHash, randomBytes } from 'node:crypto';
import { createServer as createHttpsServer } from 'node:https';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { certificateFor, nextChunk, readReply, type Reply, type TestOrigin, type World } from './world.ts';

export const opcode = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

export interface SocketFrame {
  readonly opcode: number;
  readonly final: boolean;
  readonly payload: Buffer;
}

export interface FrameOptions {
  readonly final?: boolean;
  readonly masked?: boolean;
  readonly reserved?: number;
}

export function socketFrame(kind: number, payload: Buffer | string, options: FrameOptions = {}): Buffer {
  const { final = true, masked = false, reserved = 0 } = options;
  const data = Buffer.from(payload);
  const mask = masked ? randomBytes(4) : Buffer.alloc(0);
  const head = [(final ? 0x80 : 0) | reserved | kind];
  const flag = masked ? 0x80 : 0;
  if (data.length < 126) head.push(flag | data.length);
  else if (data.length < 65_536) head.push(flag | 126, data.length >>> 8, data.length & 0xff);
  else
    head.push(
      flag | 127,
      0,
      0,
      0,
      0,
      data.length >>> 24,
      (data.length >>> 16) & 0xff,
      (data.length >>> 8) & 0xff,
      data.length & 0xff,
    );
  if (masked) for (let at = 0; at < data.length; at += 1) data[at] = (data[at] ?? 0) ^ (mask[at % 4] ?? 0);
  return Buffer.concat([Buffer.from(head), mask, data]);
}

/** Frames as they come; masks are taken off. */
export class FrameReader {
  readonly #socket: Socket;
  #bytes = Buffer.alloc(0);

  constructor(socket: Duplex) {
    this.#socket = socket as Socket;
  }

  /** The next frame, or undefined at the end of the connection. */
  async next(): Promise<SocketFrame | undefined> {
    for (;;) {
      const frame = this.#whole();
      if (frame !== undefined) return frame;
      const chunk = await nextChunk(this.#socket);
      if (chunk === undefined) return undefined;
      this.#bytes = Buffer.concat([this.#bytes, chunk]);
    }
  }

  /** The next message, put together; control frames between are passed over. */
  async message(): Promise<string | undefined> {
    const parts: Buffer[] = [];
    for (;;) {
      const frame = await this.next();
      if (frame === undefined) return undefined;
      if (frame.opcode >= 8) continue;
      parts.push(frame.payload);
      if (frame.final) return Buffer.concat(parts).toString('latin1');
    }
  }

  #whole(): SocketFrame | undefined {
    const bytes = this.#bytes;
    if (bytes.length < 2) return undefined;
    const [first = 0, second = 0] = bytes;
    const short = second & 0x7f;
    const sizeBytes = short === 127 ? 8 : short === 126 ? 2 : 0;
    const start = 2 + sizeBytes + (second & 0x80 ? 4 : 0);
    if (bytes.length < start) return undefined;
    const size = sizeBytes === 8 ? Number(bytes.readBigUInt64BE(2)) : sizeBytes === 2 ? bytes.readUInt16BE(2) : short;
    if (bytes.length < start + size) return undefined;
    const payload = Buffer.from(bytes.subarray(start, start + size));
    if (second & 0x80) for (let at = 0; at < size; at += 1) payload[at] = (payload[at] ?? 0) ^ (bytes[start - 4 + (at % 4)] ?? 0);
    this.#bytes = bytes.subarray(start + size);
    return { opcode: first & 0x0f, final: (first & 0x80) !== 0, payload };
  }
}

export const handshakeKey = Buffer.alloc(16, 7).toString('base64');

export const acceptFor = (key: string): string =>
  createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');

export const handshake = (host: string, more = '', path = '/v1/socket'): string =>
  `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${handshakeKey}\r\n${more}\r\n`;

export interface SocketOrigin extends TestOrigin {
  readonly handshakes: IncomingMessage[];
}

/** Takes every handshake, with `more` in its answer, and hands its socket over. */
export async function socketOrigin(
  it: World,
  taken: (socket: Socket, request: IncomingMessage) => void,
  answer: (request: IncomingMessage) => string = (request) => acceptance(request),
): Promise<SocketOrigin> {
  const certificate = await certificateFor('localhost', '127.0.0.1');
  const handshakes: IncomingMessage[] = [];
  let connections = 0;
  const server = createHttpsServer({ cert: certificate.certPem, key: certificate.keyPem }, (_request, response) => {
    response.writeHead(426, { upgrade: 'websocket' }).end('upgrade');
  });
  server.on('secureConnection', (socket: Socket) => {
    connections += 1;
    it.defer(() => void socket.destroy());
  });
  server.on('upgrade', (request: IncomingMessage, socket: Socket, ahead: Buffer) => {
    socket.on('error', () => {});
    handshakes.push(request);
    socket.write(answer(request), 'latin1');
    if (ahead.length > 0) socket.unshift(ahead);
    taken(socket, request);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  it.defer(() => void server.close());
  const { port } = server.address() as AddressInfo;
  return {
    port,
    ca: certificate.caPem,
    seen: [],
    connections: () => connections,
    answer: () => {},
    started: () => {},
    handshakes,
  };
}

export const acceptance = (request: IncomingMessage, more = ''): string =>
  `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${acceptFor(String(request.headers['sec-websocket-key']))}\r\n${more}\r\n`;

/** A tunnel with the handshake done; throws the reply that it was not. */
export async function openSocket(
  it: World,
  host: string,
  more = '',
  path?: string,
): Promise<{ socket: Socket; reply: Reply; frames: FrameReader }> {
  const socket = await it.tunnel(host);
  socket.write(handshake(host, more, path));
  const reply = await readReply(socket, { headOnly: true });
  return { socket, reply, frames: new FrameReader(socket) };
}
