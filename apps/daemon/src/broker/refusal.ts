// How the broker says no, spec/broker.md §8: one text for each code, so that two refusals of one kind cannot be told apart.

import type { ServerResponse } from 'node:http';
import type { ServerHttp2Stream } from 'node:http2';
import type { Duplex } from 'node:stream';
import { codeOf, HoldfastError, type ErrorCode } from '@holdfast/protocol/errors';

interface Text {
  readonly status: number;
  readonly message: string;
  readonly next: string;
}

const texts = {
  address_refused: {
    status: 403,
    message: 'The host leads to an address that sessions may not reach.',
    next: 'If it is meant, have the operator allow it with --allow-private.',
  },
  approval_crowded: {
    status: 403,
    message: 'As many requests of this session wait for an operator as may.',
    next: 'Wait for their answers.',
  },
  approval_denied: {
    status: 403,
    message: 'An operator said no to this request.',
    next: 'Do without it, or talk to the operator.',
  },
  approval_expired: {
    status: 403,
    message: 'This request waited for an approval, and no operator gave one in time.',
    next: 'Have the operator look at holdfast approvals, then send it again.',
  },
  approval_unavailable: {
    status: 403,
    message: 'An operator has to approve this request, and nobody could be asked about all of it.',
    next: 'Send a short request with text in its body; see if the relay is there.',
  },
  authority_untrusted: {
    status: 403,
    message: "The client does not trust the session's authority.",
    next: 'See how it is told to: holdfast doctor.',
  },
  child_ended: {
    status: 403,
    message: 'What this request was started by has ended.',
    next: 'Start it again from a call that goes on.',
  },
  client_auth_refused: {
    status: 403,
    message: 'This host has a granted credential, and the request brought its own authentication.',
    next: 'Send none, or the placeholder at its declared position.',
  },
  credential_ambiguous: {
    status: 403,
    message: 'More than one credential fits this request.',
    next: 'Put the placeholder of the one you mean at its declared position.',
  },
  egress_denied: {
    status: 403,
    message: 'This session may not make this request.',
    next: 'Ask the operator for a grant, or for holdfast egress allow HOST.',
  },
  internal: {
    status: 500,
    message: 'The broker failed; the request was not completed.',
    next: 'Report it with the log of the daemon.',
  },
  limit_exceeded: {
    status: 503,
    message: 'Too many connections or too large a message.',
    next: 'Wait a little, then ask for less at once.',
  },
  placeholder_misplaced: {
    status: 403,
    message: 'A placeholder stands where none is swapped.',
    next: 'Put it at its declared position only.',
  },
  reply_refused: {
    status: 502,
    message: 'The reply could not be cleaned or breaks HTTP.',
    next: 'The request may have been carried out; look at the service.',
  },
  request_ambiguous: {
    status: 403,
    message: 'The request could be read as another one than was decided on.',
    next: 'Send it without override headers and parameters.',
  },
  request_cut: { status: 403, message: 'The request was ended.', next: 'Ask the operator if the credential was revoked.' },
  request_malformed: {
    status: 400,
    message: 'The request is not plain HTTP for a proxy.',
    next: 'Send it as common clients do.',
  },
  path_unsafe: {
    status: 403,
    message: 'The path can be read in more than one way.',
    next: 'Send the plain path: no dot segments, encoded slashes, semicolons or empty segments.',
  },
  rules_denied: {
    status: 403,
    message: "The operators' rules deny this request.",
    next: 'An operator sees which rule in holdfast audit show.',
  },
  target_mismatch: {
    status: 403,
    message: 'CONNECT target, TLS server name and Host header differ.',
    next: 'Connect to the host that is asked for.',
  },
  upgrade_refused: {
    status: 403,
    message: 'Protocol upgrades other than to WebSocket do not pass.',
    next: 'Use plain requests, server-sent events or WebSocket.',
  },
  upstream_timeout: {
    status: 504,
    message: 'The upstream did not answer in time.',
    next: 'Try again; the request may have been carried out.',
  },
  upstream_unpinned: {
    status: 502,
    message: 'The certificates of the upstream verify, and none has a key that the operator pinned.',
    next: 'Ask the operator: if the service has a new key, the grant needs its --pin.',
  },
  upstream_unreachable: {
    status: 502,
    message: 'The upstream cannot be resolved or connected to, or it hung up.',
    next: 'Check the host and that the service runs.',
  },
  upstream_untrusted: {
    status: 502,
    message: 'The certificate of the upstream does not verify.',
    next: 'Mend it, or have the operator add the item with --ca FILE.',
  },
} as const satisfies Partial<Record<ErrorCode, Text>>;

export type RefusalCode = keyof typeof texts;

const isRefusalCode = (code: string): code is RefusalCode => Object.hasOwn(texts, code);

/** A refusal of ours; its text comes from the table. */
export function refusal(code: RefusalCode, cause?: unknown): HoldfastError {
  return new HoldfastError(
    code,
    texts[code].message,
    cause === undefined ? { next: texts[code].next } : { next: texts[code].next, cause },
  );
}

interface Told {
  readonly code: ErrorCode;
  readonly status: number;
  /** The reason phrase: all that many clients show. */
  readonly reason: string;
  readonly body: string;
}

/** What a client is told of anything thrown: our table's text for our codes, the daemon's own words for its refusals, nothing of a bug. */
function tell(thrown: unknown): Told {
  const code = codeOf(thrown);
  const known: Text | undefined = isRefusalCode(code) ? texts[code] : undefined;
  const own =
    thrown instanceof HoldfastError && known === undefined
      ? { message: thrown.message, next: thrown.next ?? '' }
      : (known ?? texts.internal);
  const error = { code, message: own.message, next: own.next };
  const reason = `Holdfast: ${code}. ${own.next}`.replaceAll(/[^\x20-\x7e]/g, '?').trim();
  return { code, status: known?.status ?? 403, reason, body: `${JSON.stringify({ error })}\n` };
}

/** Answers with the refusal if nothing was sent yet, else ends the client's connection so that a cut reply is not taken for a whole one. [BROKER-27, BROKER-29] */
export function answerRefusal(response: ServerResponse, thrown: unknown): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const { code, status, reason, body } = tell(thrown);
  // Nobody reads the body of a refused request: the connection ends instead.
  const { headers, complete } = response.req;
  const unread = !complete && (headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0');
  response.writeHead(status, reason, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    'x-holdfast-error': code,
    ...(unread ? { connection: 'close' } : {}),
  });
  response.end(response.req.method === 'HEAD' ? undefined : body);
}

/** The same on a stream of HTTP/2, which has no reason phrase. */
export function answerRefusalOnStream(stream: ServerHttp2Stream, thrown: unknown, status?: number): void {
  if (stream.headersSent) {
    stream.destroy(refusal('request_cut', thrown));
    return;
  }
  const { code, status: usual, body } = tell(thrown);
  stream.respond({
    ':status': status ?? usual,
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    'x-holdfast-error': code,
  });
  // For HEAD it has ended already.
  if (stream.writable) stream.end(body);
}

/** The same on a bare connection (CONNECT, broken requests), which ends with it. */
export function answerRefusalRaw(socket: Duplex, thrown: unknown, status?: number): void {
  const told = tell(thrown);
  socket.end(
    `HTTP/1.1 ${status ?? told.status} ${told.reason}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(told.body)}\r\n` +
      `x-holdfast-error: ${told.code}\r\nconnection: close\r\n\r\n${told.body}`,
  );
}
