// One request of a client and its one answer, whatever protocol carries them, spec/broker.md §2: what is decided and sent on never asks
// which it was. Here the port, and HTTP/1.1 behind it; HTTP/2 stands in streams.ts.

import { ServerResponse, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex, Readable, Writable } from 'node:stream';
import { answerRefusal } from './refusal.ts';
import { readRequestHead, type Header, type RequestHead } from './request-head.ts';

export interface Inbound {
  /** Throws `request_malformed` for what two parsers could read differently. */
  readHead(): RequestHead;
  /** Lets a client go on that asked before it sends its body. */
  proceed(): void;
  /** From here on somebody reads the body, as fast as it goes on. */
  takeBody(): Readable;
  /** The head of the answer; its body goes into what this returns. A `stream` shows its head at once, whatever comes later. */
  begin(status: number, reason: string, headers: readonly Header[], body: 'stream' | 'counted'): Writable;
  /** The same for an answer without a body. */
  answerEmpty(status: number, reason: string, headers: readonly Header[]): void;
  /** For a request to upgrade: answers 101 with these headers and hands out the connection. */
  readonly switchTo?: ((headers: readonly Header[]) => Duplex) | undefined;
  /** Answers with the refusal; if an answer has begun, cuts it, so that a part is not taken for the whole. [BROKER-27] */
  refuse(thrown: unknown): void;
  /** Ends it without another byte. */
  cut(): void;
  /** Called once: `whole` if the answer was handed over to its end. */
  onOver(listener: (whole: boolean) => void): void;
}

export function inboundOf(request: IncomingMessage, response: ServerResponse): Inbound {
  request.on('error', () => response.destroy());
  return {
    ...answerOf(response),
    readHead: () => readRequestHead(request),
    takeBody() {
      // An answer that comes before the upload ends leaves the rest of it on the client's connection.
      response.once('finish', () => {
        if (!request.complete) response.socket?.destroy();
      });
      return request;
    },
    refuse(thrown) {
      if (!response.destroyed) answerRefusal(response, thrown);
    },
    cut: () => void response.socket?.destroy(),
    onOver(listener) {
      response.once('close', () => listener(response.writableFinished));
    },
  };
}

/** The answer to a request to upgrade, whose connection Node has let go of: it ends the connection. */
export function lastResponseOn(socket: Socket, request: IncomingMessage): ServerResponse {
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(socket);
  response.once('finish', () => socket.end());
  return response;
}

/** A request to upgrade: `response` answers it, or `socket` carries something else from then on. */
export function upgradeOf(request: IncomingMessage, response: ServerResponse, socket: Socket): Inbound {
  let switched = false;
  return {
    ...answerOf(response),
    readHead: () => readRequestHead(request),
    takeBody: () => request,
    switchTo(headers) {
      switched = true;
      response.detachSocket(socket);
      const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('');
      socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines}\r\n`, 'latin1');
      return socket;
    },
    refuse(thrown) {
      if (switched) socket.destroy();
      else answerRefusal(response, thrown);
    },
    cut: () => void socket.destroy(),
    onOver(listener) {
      socket.once('close', () =>
        listener(switched ? socket.readableEnded && socket.writableFinished : response.writableFinished),
      );
    },
  };
}

function answerOf(response: ServerResponse): Pick<Inbound, 'proceed' | 'begin' | 'answerEmpty'> {
  return {
    proceed: () => response.writeContinue(), // [BROKER-11]
    begin(status, reason, headers, body) {
      response.writeHead(status, reason, headers.flat());
      // A body of known length brings its head along.
      if (body === 'stream') response.flushHeaders();
      return response;
    },
    answerEmpty(status, reason, headers) {
      response.writeHead(status, reason, headers.flat());
      response.end();
    },
  };
}
