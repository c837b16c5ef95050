// One request of a client and its one answer, whatever protocol carries them, spec/broker.md §2: what is decided and sent on never asks
// which it was. Here the port, and HTTP/1.1 behind it; HTTP/2 stands in streams.ts.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Readable, Writable } from 'node:stream';
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
    readHead: () => readRequestHead(request),
    proceed: () => response.writeContinue(), // [BROKER-11]
    takeBody() {
      // An answer that comes before the upload ends leaves the rest of it on the client's connection.
      response.once('finish', () => {
        if (!request.complete) response.socket?.destroy();
      });
      return request;
    },
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
    refuse(thrown) {
      if (!response.destroyed) answerRefusal(response, thrown);
    },
    cut: () => void response.socket?.destroy(),
    onOver(listener) {
      response.once('close', () => listener(response.writableFinished));
    },
  };
}
