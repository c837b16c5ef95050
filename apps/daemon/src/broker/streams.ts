// HTTP/2 inside a tunnel, spec/broker.md §2: nghttp2 frames and bounds what comes, each of its streams is one request as any other. Trusts
// nothing that arrives; what a stream asks for is read, decided on and answered by the same code as a request of HTTP/1.1.

import { constants, performServerHandshake, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import type { Inbound } from './inbound.ts';
import type { Limits } from './limits.ts';
import { answerRefusalOnStream, refusal } from './refusal.ts';
import { readStreamHead, type RequestHead } from './request-head.ts';

export interface StreamPorts {
  readonly limits: Limits;
  /** Whether the session may have another request open; if so it counts from now on, until the stream closes. */
  admit(stream: ServerHttp2Stream): boolean;
  /** `path` as sent: an origin form, or whatever else stood there. */
  asked(path: string, client: Inbound): void;
}

/** Serves a connection whose handshake chose `h2`, until it ends. [BROKER-30] */
export function serveStreams(tls: TLSSocket, { limits, admit, asked }: StreamPorts): ServerHttp2Session {
  const session = performServerHandshake(tls, {
    settings: {
      enablePush: false,
      enableConnectProtocol: false,
      maxConcurrentStreams: limits.maxStreamsPerConnection,
      maxHeaderListSize: limits.maxHeadBytes,
      headerTableSize: 4096,
      initialWindowSize: limits.streamWindowBytes,
    },
    maxHeaderListPairs: 256,
    maxDeflateDynamicTableSize: 4096,
    maxOutstandingPings: 4,
    maxSettings: 16,
    maxSessionInvalidFrames: 20,
    maxSessionRejectedStreams: limits.maxStreamsPerConnection,
    streamResetBurst: limits.maxStreamsPerConnection,
    streamResetRate: 20,
    // Origins repeat headers that HTTP/1.1 lets them repeat.
    strictSingleValueFields: false,
  });
  // Node waits for it on any TLS socket, and only servers and clients of its own say it.
  tls.emit('secureConnect');
  session.on('error', () => tls.destroy());
  session.on('stream', (stream: ServerHttp2Stream, _headers, flags: number, rawHeaders: readonly string[]) => {
    stream.on('error', () => {});
    // Asked and taken back in one go: nobody waits for an answer, so nothing is minted for it.
    if (stream.destroyed || stream.closed) return;
    if (!admit(stream)) {
      stream.close(constants.NGHTTP2_REFUSED_STREAM);
      return;
    }
    const ended = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0;
    const tooLong = headBytes(rawHeaders) > limits.maxHeadBytes;
    asked(
      pathOf(rawHeaders),
      inboundOf(stream, () => readStreamHead(rawHeaders, ended), tooLong),
    );
  });
  return session;
}

function pathOf(rawHeaders: readonly string[]): string {
  const at = rawHeaders.findIndex((name, index) => index % 2 === 0 && name === ':path');
  return at < 0 ? '' : (rawHeaders[at + 1] ?? '');
}

/** As RFC 9113 §6.5.2 counts; nghttp2 is told of the limit and holds nobody to it. */
function headBytes(rawHeaders: readonly string[]): number {
  return rawHeaders.reduce((sum, text) => sum + text.length + 16, 0);
}

function inboundOf(stream: ServerHttp2Stream, read: () => RequestHead, tooLong: boolean): Inbound {
  let begun = false;
  const respond = (status: number, headers: readonly (readonly [string, string])[]): void => {
    stream.respond([':status', String(status), ...headers.flat()]);
    begun = true;
  };
  return {
    readHead() {
      if (tooLong) throw refusal('limit_exceeded'); // [BROKER-11]
      return read();
    },
    proceed: () => stream.additionalHeaders({ ':status': 100 }), // [BROKER-11]
    takeBody() {
      // The rest of an upload that outlives its answer is nobody's.
      stream.once('finish', () => {
        if (!stream.readableEnded) stream.close(constants.NGHTTP2_NO_ERROR);
      });
      return stream;
    },
    begin(status, _reason, headers) {
      respond(status, headers);
      return stream;
    },
    answerEmpty(status, _reason, headers) {
      respond(status, headers);
      stream.end();
    },
    refuse(thrown) {
      if (!stream.destroyed && !stream.closed) answerRefusalOnStream(stream, thrown, tooLong ? 431 : undefined);
    },
    // With an error: a bare close is lost when whoever writes to the stream hears of it first.
    cut: () => void stream.destroy(refusal('request_cut')),
    onOver(listener) {
      let told = false;
      const tell = (whole: boolean): void => {
        if (!told) listener(whole);
        told = true;
      };
      // A reset without an error looks like the end of the body: half an upload would be taken for the whole. `aborted` says that the
      // stream was closed before its answer was written to the end.
      stream.once('end', () => {
        if (stream.aborted) tell(false);
      });
      stream.once('close', () =>
        tell(begun && stream.writableFinished && !stream.aborted && stream.rstCode === constants.NGHTTP2_NO_ERROR),
      );
    },
  };
}
