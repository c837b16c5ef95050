// Replies on their way to the client, spec/broker.md §6: headers of one connection taken off, codings undone, secrets scrubbed.

import type { IncomingMessage } from 'node:http';
import { pipeline, type Readable, type Transform } from 'node:stream';
import { constants, createBrotliDecompress, createGunzip, createZstdDecompress } from 'node:zlib';
import type { Fingerprints } from './fingerprints.ts';
import { AnyInflate, expansionLimit } from './inflate.ts';
import type { Inbound } from './inbound.ts';
import { refusal } from './refusal.ts';
import { isHopByHop, pairsOf, valuesOf, type Header } from './request-head.ts';
import { scrubStream } from './scrub.ts';

/** Would lead the client past the broker, or hand it a credential that the secret begot. */
const withheldFromClients: ReadonlySet<string> = new Set([
  'alt-svc',
  'alt-used',
  'clear-site-data',
  'public-key-pins',
  'x-holdfast-error',
]);
const withheldWhenGuarded: ReadonlySet<string> = new Set(['accept-ranges', 'authentication-info', 'set-cookie', 'set-cookie2']);

/** Browsers take no larger window from anybody either (RFC 9659); a decoder would make room for what the reply names. */
const zstdWindowLog = 23;
/** More layers than anybody writes in earnest. [BROKER-24] */
const maxCodings = 4;

function decoderFor(coding: string): Transform {
  switch (coding) {
    case 'gzip':
    case 'x-gzip':
      return createGunzip();
    case 'deflate':
      return new AnyInflate();
    case 'br':
      return createBrotliDecompress();
    case 'zstd':
      return createZstdDecompress({ params: { [constants.ZSTD_d_windowLogMax]: zstdWindowLog } });
    default:
      throw refusal('reply_refused'); // [BROKER-24]
  }
}

const hasBody = (method: string, status: number): boolean => method !== 'HEAD' && status !== 204 && status !== 304;

/**
 * Passes the reply on. `prints` is given for hosts that have a grant; their replies are scrubbed. Throws `reply_refused` before anything is
 * sent; later faults end the client's connection and go to `fault`. [BROKER-21, BROKER-24]
 */
export function passReply(
  reply: IncomingMessage,
  client: Inbound,
  method: string,
  prints: Fingerprints | undefined,
  fault: (error: unknown) => void,
): void {
  const headers = pairsOf(reply.rawHeaders);
  const status = reply.statusCode ?? 502;
  const codings = valuesOf(headers, 'transfer-encoding');
  if (codings.length > 1 || (codings[0] ?? 'chunked').toLowerCase() !== 'chunked') throw refusal('reply_refused');
  // A change of protocol that is none would leave the two sides in different ones.
  if (status < 200) throw refusal('reply_refused');
  // Nobody asked for a part: a part of a secret is not recognised. [BROKER-24]
  if (prints !== undefined && status === 206) throw refusal('reply_refused');

  // Deltas against another reply, and characters that are others to a client than to whoever looks for a secret. [BROKER-24]
  if (prints !== undefined && (status === 226 || !isAscii(headers))) throw refusal('reply_refused');

  const reason = plainReason(reply.statusMessage ?? '');
  if (!hasBody(method, status)) {
    client.answerEmpty(status, reason, headersForClient(headers, prints !== undefined, false));
    reply.resume();
    return;
  }
  const stages: (Readable | Transform)[] = [reply];
  const decoders = prints === undefined ? [] : contentDecoders(headers);
  stages.push(...decoders);
  if (prints !== undefined) stages.push(scrubStream(prints));
  const counted = decoders.length === 0 && valuesOf(headers, 'content-length').length > 0;
  const body = client.begin(
    status,
    reason,
    headersForClient(headers, prints !== undefined, decoders.length > 0),
    counted ? 'counted' : 'stream',
  );
  pipeline([...stages, body], (error) => {
    if (error) fault(refusal('reply_refused', error));
  });
}

/** Tables in which the bytes of ASCII are ASCII, or stand between zeros; UTF-7 and EBCDIC are others. */
const asciiTables = [
  /utf-?(?:8|16|32)(?:le|be)?|(?:us-)?ascii|ansi_x3\.4-19(?:68|86)|binary/,
  /iso[-_]?8859[-_]?\d{1,2}(?:-[ei])?|latin-?\d{1,2}|l\d{1,2}|koi8-(?:r|u|ru)|tis-620|iso-2022-(?:jp|kr)(?:-\d)?/,
  /(?:windows|x-cp|cp|ms)-?(?:125\d|874|93[26]|949|950)|(?:ibm|cp)-?(?:437|85\d|86\d)|macintosh|x-mac-[a-z-]+/,
  /(?:x-)?sjis|shift[-_]jis|euc-?(?:jp|kr|tw|cn)|ks_c_5601-1987|gbk|gb18030|gb_?2312(?:-80)?|big5(?:-hkscs)?/,
].map(({ source }) => new RegExp(`^(?:${source})$`, 'i'));

/** Whether all that is said of a body's characters is one of those. */
function isAscii(headers: readonly Header[]): boolean {
  const named = valuesOf(headers, 'content-type').flatMap((value) => [...value.matchAll(/charset\s*=\s*["']?([^"';,\s]+)/gi)]);
  return named.every(([, name = '']) => asciiTables.some((table) => table.test(name)));
}

/** What undoes the codings of a body, the last one first, and bounds what comes of it. */
function contentDecoders(headers: readonly Header[]): Transform[] {
  const codings = valuesOf(headers, 'content-encoding')
    .flatMap((value) => value.toLowerCase().split(','))
    .map((coding) => coding.trim())
    .filter((coding) => coding !== '' && coding !== 'identity');
  if (codings.length === 0) return [];
  if (codings.length > maxCodings) throw refusal('reply_refused');
  const { packed, unpacked } = expansionLimit();
  return [packed, ...codings.toReversed().map(decoderFor), unpacked];
}

/** What of a reply's head goes on. */
export function headersForClient(headers: readonly Header[], guarded: boolean, decoded: boolean): Header[] {
  const ofConnection = new Set(
    valuesOf(headers, 'connection').flatMap((value) =>
      value
        .toLowerCase()
        .split(',')
        .map((name) => name.trim()),
    ),
  );
  return headers.filter(([name]) => {
    const lower = name.toLowerCase();
    if (isHopByHop(lower) || ofConnection.has(lower) || withheldFromClients.has(lower)) return false; // [BROKER-12]
    if (guarded && withheldWhenGuarded.has(lower)) return false; // [BROKER-25]
    return !(decoded && (lower === 'content-encoding' || lower === 'content-length'));
  });
}

const plainReason = (reason: string): string => reason.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 200);
