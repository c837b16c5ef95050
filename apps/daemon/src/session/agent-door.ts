// The agent's own door: the origin that a session's one port serves beside the proxy, spec/agent-door.md. Here is who may ask, and which
// path goes where; what a path does stands in the file of its routes. Trusts the socket for who is asking, and nothing that is said.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { codeOf, HoldfastError, type ErrorCode } from '@holdfast/protocol/errors';

/** Answers one request. What it throws is told by code: `usage` is 400, `limit_exceeded` 413, other refusals 403. */
export type Handler = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

/** Handlers by exact path, without query, and by method. */
export type Routes = Readonly<Record<string, Readonly<Partial<Record<'GET' | 'POST', Handler>>>>>;

/** A body that drips longer is cut, whatever its size. */
const bodyTimeoutMs = 30_000;

/** Bodies of one session that are not answered yet, together: four of the longest. */
const maxHeldBytes = 32 << 20;

/** Takes room for a part of a request's body, until its response is over. Throws `limit_exceeded`. */
const takers = new WeakMap<IncomingMessage, (bytes: number) => void>();

/**
 * Handles requests whose caller is known by the socket they came through: this session and no other. `turnedAway` hears of what was none.
 * Two routes of one path: the later wins.
 */
export function agentDoor(
  turnedAway: (code: ErrorCode) => void,
  ...parts: readonly Routes[]
): (request: IncomingMessage, response: ServerResponse) => void {
  const routes = new Map(parts.flatMap((part) => Object.entries(part)));
  const handlerFor = (request: IncomingMessage): Handler => {
    if (isOfWebPage(request)) {
      turnedAway('refused');
      throw new HoldfastError('refused', 'web pages are not answered here'); // [AGENT-DOOR-2]
    }
    const methods = routes.get(request.url ?? '');
    if (methods === undefined) return (_request, response) => none(response, 404, 'no such path', paths); // [AGENT-DOOR-3]
    const { method } = request;
    const handler = method === 'GET' || method === 'POST' ? methods[method] : undefined;
    const allowed = Object.keys(methods).join(' or ');
    return handler ?? ((_request, response) => none(response, 405, `only ${allowed} is answered here`)); // [AGENT-DOOR-3]
  };
  const none = (response: ServerResponse, status: number, message: string, next?: string): void => {
    turnedAway('usage');
    answer(response, status, fault('usage', message, next));
  };
  const paths = [...routes].flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method} ${path}`)).join(', ');
  let left = maxHeldBytes;
  return (request, response) => {
    let held = 0;
    response.once('close', () => (left += held));
    takers.set(request, (bytes) => {
      if (bytes > left || response.closed) {
        const next = 'wait for the answers to other requests, then ask again';
        throw new HoldfastError('limit_exceeded', 'the requests of this session hold as much as they may', { next }); // [AGENT-DOOR-5]
      }
      left -= bytes;
      held += bytes;
    });
    void (async () => handlerFor(request)(request, response))().catch((thrown: unknown) => {
      const code = codeOf(thrown);
      if (code === 'usage' || code === 'limit_exceeded') turnedAway(code); // [AGENT-DOOR-11]
      refuse(response, thrown);
    });
  };
}

/** Ends the response with JSON. */
export function answer(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(`${JSON.stringify(value)}\n`);
}

/** Ends the response with one line of text. */
export function answerText(response: ServerResponse, line: string): void {
  response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' });
  response.end(`${line}\n`);
}

/** The whole body as JSON. Throws `usage` for what is none or not announced as JSON, `limit_exceeded` beyond `maxBytes`. [AGENT-DOOR-4] */
export async function readJson(request: IncomingMessage, maxBytes: number): Promise<unknown> {
  // A page can post text to any address without asking; to post JSON it has to ask first.
  if (!/^application\/json *(?:;|$)/i.test(request.headers['content-type'] ?? ''))
    throw new HoldfastError('usage', 'the body is not announced as JSON', { next: 'send content-type: application/json' });
  const late = setTimeout(() => request.destroy(), bodyTimeoutMs);
  const take = takers.get(request);
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > maxBytes) throw new HoldfastError('limit_exceeded', `the body is longer than ${maxBytes} bytes`);
      take?.(chunk.length);
      chunks.push(chunk);
    }
  } finally {
    clearTimeout(late);
  }
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.concat(chunks)));
  } catch (cause) {
    throw new HoldfastError('usage', 'the body is no JSON', { cause });
  }
}

/** Browsers say where a request comes from, in one of these; a name that was bound to loopback says it in Host. */
function isOfWebPage({ headers }: IncomingMessage): boolean {
  const { origin, referer, host = '' } = headers;
  return (
    origin !== undefined ||
    referer !== undefined ||
    headers['sec-fetch-site'] !== undefined ||
    !/^(127\.0\.0\.1|localhost)(:\d{1,5})?$/.test(host)
  );
}

const fault = (code: string, message: string, next?: string) => ({ error: { code, message, ...(next && { next }) } });

function refuse(response: ServerResponse, thrown: unknown): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const code = codeOf(thrown);
  const known = thrown instanceof HoldfastError ? thrown : new HoldfastError(code, 'the daemon failed');
  const status = code === 'usage' ? 400 : code === 'limit_exceeded' ? 413 : code === 'internal' ? 500 : 403;
  // What is left of a body that nobody read would be taken for the next request.
  if (!response.req.complete) response.setHeader('connection', 'close');
  answer(response, status, fault(code, known.message, known.next));
}
