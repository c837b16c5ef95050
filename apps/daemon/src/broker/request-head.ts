// The head of a client's request, spec/broker.md §3: what Node's strict parser let through is checked once more on the raw headers, and
// what belongs to the client's own connection is told apart from what goes upstream.

import type { IncomingMessage } from 'node:http';
import { HoldfastError } from '@holdfast/protocol/errors';

export type Header = readonly [name: string, value: string];

export interface RequestHead {
  readonly method: string;
  /** As received, in order, with duplicates. */
  readonly headers: readonly Header[];
  readonly host: string;
  readonly body: 'none' | 'length' | 'chunked';
  /** What the connection should become. An offer of HTTP/2 in the clear may be ignored, and is. */
  readonly upgrade: 'none' | 'websocket' | 'other';
}

const maxHeaders = 128;
const connectionTokens: ReadonlySet<string> = new Set([
  '',
  'close',
  'keep-alive',
  'upgrade',
  'te',
  'trailer',
  'trailers',
  'http2-settings',
  'proxy-connection',
]);
const hopByHop: ReadonlySet<string> = new Set([
  'connection',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

const pseudoHeaders: ReadonlySet<string> = new Set([':authority', ':method', ':path', ':scheme']);
const ofHttp1: ReadonlySet<string> = new Set(['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade']);

/** Headers of one connection, which no proxy passes on (RFC 9110 §7.6.1). [BROKER-12] */
export const isHopByHop = (lowerName: string): boolean => hopByHop.has(lowerName);

const malformed = (message: string): HoldfastError => new HoldfastError('request_malformed', message);

export function pairsOf(rawHeaders: readonly string[]): Header[] {
  const pairs: Header[] = [];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) pairs.push([rawHeaders[at] ?? '', rawHeaders[at + 1] ?? '']);
  return pairs;
}

export function valuesOf(headers: readonly Header[], lowerName: string): string[] {
  return headers.filter(([name]) => name.toLowerCase() === lowerName).map(([, value]) => value);
}

function only(headers: readonly Header[], lowerName: string): string | undefined {
  const values = valuesOf(headers, lowerName);
  if (values.length > 1) throw malformed(`the request has more than one ${lowerName} header`); // [BROKER-11]
  return values[0];
}

/** Throws `request_malformed` for what two parsers could frame or address differently. [BROKER-11, BROKER-12] */
export function readRequestHead(request: IncomingMessage): RequestHead {
  const headers = pairsOf(request.rawHeaders);
  if (request.httpVersion !== '1.1') throw malformed('the broker speaks HTTP/1.1');
  const host = only(headers, 'host');
  const coding = only(headers, 'transfer-encoding');
  if (coding !== undefined && coding.toLowerCase() !== 'chunked') throw malformed('the only transfer coding is chunked');
  const named = valuesOf(headers, 'connection').flatMap((value) => value.toLowerCase().split(','));
  if (!named.every((token) => connectionTokens.has(token.trim())))
    throw malformed('the Connection header names headers that are not of the connection');
  const upgrade = upgradeIn(valuesOf(headers, 'upgrade'));
  return { ...framed(request.method ?? '', host, headers, coding === undefined ? 'none' : 'chunked'), upgrade };
}

/**
 * The same of an HTTP/2 request, as nghttp2 let it through; `ended` if its head is all of it. Throws `request_malformed` as well for what
 * only an HTTP/1.1 connection may say of itself. [BROKER-30]
 */
export function readStreamHead(rawHeaders: readonly string[], ended: boolean): RequestHead {
  const all = pairsOf(rawHeaders);
  const pseudo = all.filter(([name]) => name.startsWith(':'));
  const headers = joinedCookies(all.filter(([name]) => !name.startsWith(':')));
  if (!pseudo.every(([name]) => pseudoHeaders.has(name))) throw malformed('the request has an unknown pseudo-header');
  if (only(pseudo, ':scheme') !== 'https') throw malformed('the scheme is not that of the tunnel');
  if (headers.some(([name]) => ofHttp1.has(name))) throw malformed('the request has a header of an HTTP/1.1 connection');
  const authority = only(pseudo, ':authority');
  const host = only(headers, 'host');
  if (authority !== undefined && host !== undefined && authority !== host) throw malformed('the request names two hosts');
  return { ...framed(only(pseudo, ':method') ?? '', authority ?? host, headers, ended ? 'none' : 'chunked'), upgrade: 'none' };
}

/** `unsized` is how the body is framed when no length is given. */
function framed(
  method: string,
  host: string | undefined,
  headers: readonly Header[],
  unsized: 'none' | 'chunked',
): Omit<RequestHead, 'upgrade'> {
  if (headers.length > maxHeaders) throw malformed(`the request has more than ${maxHeaders} headers`);
  if (host === undefined) throw malformed('the request has no Host header');
  const length = only(headers, 'content-length');
  if (length !== undefined && (valuesOf(headers, 'transfer-encoding').length > 0 || !/^[0-9]{1,15}$/.test(length)))
    throw malformed('the request has an unclear length');
  return { method, headers, host, body: length === undefined ? unsized : 'length' };
}

function upgradeIn(protocols: readonly string[]): RequestHead['upgrade'] {
  const named = protocols.map((protocol) => protocol.toLowerCase()).filter((protocol) => protocol !== 'h2c');
  if (named.length === 0) return 'none';
  return named.join() === 'websocket' ? 'websocket' : 'other';
}

/** HTTP/2 may split what HTTP/1.1 has in one line (RFC 9113 §8.2.3). */
function joinedCookies(headers: readonly Header[]): readonly Header[] {
  const cookies = valuesOf(headers, 'cookie');
  if (cookies.length < 2) return headers;
  return [...headers.filter(([name]) => name !== 'cookie'), ['cookie', cookies.join('; ')]];
}
