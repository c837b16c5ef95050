// The CLI's door, spec/door.md: one Unix socket in a private folder. One request a connection; `run` keeps its connection for the
// session's streams. Whoever can open the socket can ask; what changes power comes signed through the journal.

import { rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import {
  decodeDoorRequest,
  encodeDoorReply,
  maxDoorFrameBytes,
  type DoorReply,
  type DoorRequest,
} from '@holdfast/protocol/door/wire';
import { FrameReader } from '@holdfast/protocol/codec/framing';
import { codeOf, HoldfastError } from '@holdfast/protocol/errors';
import { faultOf } from '../fault.ts';
import type { Log } from '../ports.ts';

/** One caller, after its request. */
export interface Caller {
  /** False: the socket's buffer is full, wait for `drained`. */
  reply(reply: DoorReply): boolean;
  drained(): Promise<void>;
  /** Frames after the request; at most one listener. What it throws ends the connection with that code. */
  onFrame(listener: (frame: DoorRequest) => void): void;
  /** Fires once, when the caller is gone. */
  readonly gone: AbortSignal;
}

/** Answers one request; what it throws becomes a `failed` reply. The connection ends when it returns. */
export type DoorHandler = (request: DoorRequest, caller: Caller) => Promise<void>;

/** More callers than any person or script has at once; sessions included. */
const maxConnections = 512;
/** Who connects and asks nothing makes room for others. */
const askWithinMs = 10_000;
/** Frames that may come before the request's handler listens. */
const maxWaitingFrames = 64;
/** At the daemon's end: so long a last reply has to leave. */
const lingerMs = 1000;
/** Messages are sentences; what quotes a caller's input is cut. */
const maxMessageChars = 1000;

export function failure(thrown: unknown): DoorReply {
  const code = codeOf(thrown);
  if (code === 'internal' || !(thrown instanceof HoldfastError)) {
    return { kind: 'failed', code, message: 'something unexpected happened in the daemon', next: "see the daemon's log" };
  }
  const { message, next } = thrown;
  return { kind: 'failed', code, message: sentence(message), ...(next !== undefined && { next: sentence(next) }) };
}

const sentence = (text: string): string => text.slice(0, maxMessageChars).toWellFormed();

/** A caller's two directions: one socket, or the two bodies of a request. */
export interface Line {
  readonly input: Readable;
  readonly output: Writable;
  /** Lets the last reply leave, then ends. */
  finish(): void;
  destroy(): void;
}

/** One conversation, from its first frame, which is a request, to its end. */
export function converse(line: Line, log: Log, handler: DoorHandler): void {
  new Connection(line, log, handler);
}

class Connection implements Caller {
  private readonly line: Line;
  private readonly ended = new AbortController();
  private readonly frames = new FrameReader(maxDoorFrameBytes);
  private readonly waiting: DoorRequest[] = [];
  private listener: ((frame: DoorRequest) => void) | undefined;
  readonly gone = this.ended.signal;

  constructor(line: Line, log: Log, handler: DoorHandler) {
    this.line = line;
    let started = false;
    const late = setTimeout(() => line.destroy(), askWithinMs);
    for (const stream of [line.input, line.output]) stream.on('error', () => line.destroy());
    line.output.on('close', () => {
      clearTimeout(late);
      this.ended.abort();
    });
    line.input.on('data', (chunk: Buffer) => {
      try {
        for (const payload of this.frames.push(chunk)) {
          const frame = decodeDoorRequest(payload);
          if (started) this.deliver(frame);
          else {
            started = true;
            clearTimeout(late);
            void this.answer(frame, log, handler);
          }
        }
      } catch (thrown) {
        line.input.removeAllListeners('data'); // nothing after the fault is looked at
        this.reply(failure(thrown)); // [DOOR-3]
        line.finish();
      }
    });
  }

  private async answer(request: DoorRequest, log: Log, handler: DoorHandler): Promise<void> {
    try {
      await handler(request, this);
    } catch (thrown) {
      if (codeOf(thrown) === 'internal') log.warn({ request: request.kind, ...faultOf(thrown) }, 'a request failed unexpectedly');
      this.reply(failure(thrown));
    }
    this.line.output.end();
  }

  private deliver(frame: DoorRequest): void {
    if (this.listener) this.listener(frame);
    else if (this.waiting.length < maxWaitingFrames) this.waiting.push(frame);
    else throw new HoldfastError('codec_limit', 'too many frames before the request was answered');
  }

  onFrame(listener: (frame: DoorRequest) => void): void {
    this.listener = listener;
    for (const frame of this.waiting.splice(0)) listener(frame);
  }

  reply(reply: DoorReply): boolean {
    const { output } = this.line;
    return output.destroyed || output.writableEnded || output.write(encodeDoorReply(reply));
  }

  drained(): Promise<void> {
    const { output } = this.line;
    if (output.destroyed || !output.writableNeedDrain) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        output.off('drain', done);
        output.off('close', done);
        resolve();
      };
      output.on('drain', done);
      output.on('close', done);
    });
  }
}

export interface Door {
  close(): Promise<void>;
}

/** Listens at `path`, replacing a socket file that a killed daemon left (the home's lock is held, so nobody listens there). */
export async function openDoor(path: string, log: Log, handler: DoorHandler): Promise<Door> {
  rmSync(path, { force: true });
  const connections = new Set<Socket>();
  const server: Server = createServer((socket) => {
    connections.add(socket);
    socket.on('close', () => connections.delete(socket));
    const line = { input: socket, output: socket, finish: () => socket.destroySoon(), destroy: () => socket.destroy() };
    converse(line, log, handler);
  });
  server.maxConnections = maxConnections;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of connections) {
          socket.destroySoon();
          setTimeout(() => socket.destroy(), lingerMs).unref();
        }
      }),
  };
}
