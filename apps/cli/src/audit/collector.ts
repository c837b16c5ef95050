// A collector of OTLP over HTTP, spec/audit-export.md: where one may be, one batch in one request, and what its answer means.

import { request as askHttp, type IncomingMessage } from 'node:http';
import { request as askHttps } from 'node:https';
import { parseJsonObject, type JsonObject } from '@holdfast/protocol/codec/json';
import { HoldfastError } from '@holdfast/protocol/errors';
import { usage } from '../output.ts';

/** A collector that says nothing for so long is away. */
const answerWithinMs = 30_000;
const maxAnswerBytes = 64 * 1024;
const maxWaitMs = 300_000;
const maxHeaders = 32;

export interface Collector {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** Authorities that it is trusted by, PEM; absent: the system's. */
  readonly ca?: string;
}

/** `taken`: it has them; `rejected` of them it will not keep. `away`: the same batch again, not before `waitMs` where it says so. */
export type Answer =
  | { readonly kind: 'taken'; readonly rejected: number; readonly why: string }
  | { readonly kind: 'away'; readonly why: string; readonly waitMs?: number };

/** Throws `usage`. [EXPORT-5] */
export function collectorUrl(typed: string): URL {
  const example = 'for example --otlp https://collector.example.com:4318';
  const url = URL.parse(typed);
  if (url === null) throw usage(`${typed} is no address of a collector`, example);
  const loopback = /^(127(\.\d+){3}|\[::1\]|localhost)$/.test(url.hostname);
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && loopback))
    throw usage('a collector is reached by https, or by http on this machine', example);
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '')
    throw usage('the address of a collector has no user, no query and no fragment', 'credentials go into --header-file');
  if (!url.pathname.endsWith('/v1/logs')) url.pathname = `${url.pathname.replace(/\/$/, '')}/v1/logs`;
  return url;
}

/** `NAME: VALUE` a line. Throws `usage`. [EXPORT-11] */
export function collectorHeaders(text: string): Record<string, string> {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '');
  const headers = lines.map((line) => {
    const [, name = '', value = ''] = /^([A-Za-z0-9-]{1,64}):[ \t]*([\x21-\x7e][\x20-\x7e]{0,8191})$/.exec(line.trimEnd()) ?? [];
    if (name === '' || /^(content-|host$|transfer-|connection$)/i.test(name))
      throw usage('the header file has a line that is no header of its own', 'a line is NAME: VALUE');
    return [name.toLowerCase(), value] as const;
  });
  if (headers.length > maxHeaders) throw usage('the header file has too many lines');
  return Object.fromEntries(headers);
}

const refused = (message: string): HoldfastError =>
  new HoldfastError('collector_refused', message, { next: 'check its address, its headers and what it says; then start again' });

/** Sends one batch. Throws `collector_refused` for an answer that trying again would not change, and what `signal` aborts with. [EXPORT-8] */
export async function send({ url, headers, ca }: Collector, body: string, signal: AbortSignal): Promise<Answer> {
  let reply: IncomingMessage;
  let text: string;
  try {
    reply = await post({ url, headers, ...(ca !== undefined && { ca }) }, body, signal);
    text = await textOf(reply);
  } catch (cause) {
    signal.throwIfAborted();
    return { kind: 'away', why: cause instanceof Error && 'code' in cause ? String(cause.code) : 'no answer' };
  }
  const status = reply.statusCode ?? 0;
  if (status >= 200 && status < 300) return { kind: 'taken', ...rejectedOf(text) };
  if (status === 408 || status === 429 || status >= 500) {
    const waitMs = Number(reply.headers['retry-after']) * 1000;
    return { kind: 'away', why: `HTTP ${status}`, ...(waitMs > 0 && { waitMs: Math.min(waitMs, maxWaitMs) }) };
  }
  throw refused(`the collector answers HTTP ${status}`);
}

function post({ url, headers, ca }: Collector, body: string, signal: AbortSignal): Promise<IncomingMessage> {
  const ask = url.protocol === 'https:' ? askHttps : askHttp;
  return new Promise((resolve, reject) => {
    const asked = ask(url, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
      signal,
      ...(ca !== undefined && { ca }),
    });
    asked.setTimeout(answerWithinMs, () => asked.destroy(new Error('no answer in time')));
    asked.once('error', reject);
    asked.once('response', resolve);
    asked.end(body);
  });
}

/** The answer as far as it matters. */
async function textOf(reply: IncomingMessage): Promise<string> {
  let text = '';
  for await (const piece of reply.setEncoding('utf8')) if (text.length < maxAnswerBytes) text += String(piece);
  return text;
}

/** Of an answer that is no JSON, or has nothing to say, nothing was rejected. [EXPORT-9] */
function rejectedOf(text: string): { readonly rejected: number; readonly why: string } {
  let said: JsonObject = {};
  try {
    said = parseJsonObject(Buffer.from(text), maxAnswerBytes);
  } catch {
    // many collectors answer with nothing
  }
  const partial = said['partialSuccess'];
  const { rejectedLogRecords, errorMessage } = (typeof partial === 'object' && partial !== null ? partial : {}) as JsonObject;
  const rejected = Number(rejectedLogRecords ?? 0);
  return { rejected: rejected > 0 ? rejected : 0, why: typeof errorMessage === 'string' ? errorMessage.slice(0, 200) : '' };
}

/** The refusal of records in a batch that was taken. [EXPORT-9] */
export const rejectedBatch = (from: number, to: number, { rejected, why }: { rejected: number; why: string }): HoldfastError =>
  refused(`the collector rejected ${rejected} of the events ${from} to ${to}${why === '' ? '' : `: ${why}`}`);
