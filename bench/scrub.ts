// What scrubbing costs: replies of 16 MB on the broker's own way from a service to a client, scrubbed, and passed on as they come, by turns in one run;
// over loopback, the time of service, broker and client together. Text full of what could be an encoding of a secret is read in several ways, and what
// comes packed is unpacked besides. In MB of plain text a second of processor time, so that a busy machine counts less; medians. `slower`: of the ratios
// of each turn.
//   npm run bench -- scrub

import { once } from 'node:events';
import { createServer, request as sendRequest, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { brotliCompressSync, constants, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { inboundOf } from '../apps/daemon/src/broker/inbound.ts';
import { Fingerprints } from '../apps/daemon/src/broker/fingerprints.ts';
import { passReply } from '../apps/daemon/src/broker/reply.ts';

const canary = 'sk-Live_7f3K9q2LmZx41/+&<w0Tz';
const megabytes = 16;
const rounds = 3;
const pieceBytes = 64 * 1024;

const texts: Readonly<Record<string, string>> = {
  'plain text': 'lorem ipsum dolor sit amet, consectetur adipiscing elit\n',
  json: JSON.stringify({ id: 1234567, name: 'a "quoted" name', url: 'https://x.example/a?b=1&c=2', list: [1, 2, 3] }),
  html: '<a class="x" href="/a?b=1&amp;c=2">It&#39;s &quot;me&quot;</a>\n',
  percent: 'q=a%20b%2Fc%3Dd&name=J%C3%B6rg&',
  base64: Buffer.from('some bytes that are encoded here').toString('base64'),
  hex: Buffer.from('some bytes that are encoded here').toString('hex'),
  'utf-16': Buffer.from('lorem ipsum dolor sit amet ', 'utf16le').toString('latin1'),
};

/** Of JSON, as services write it: what a decoder costs depends little on the text. */
const packers: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  gzip: (bytes) => gzipSync(bytes),
  deflate: (bytes) => deflateSync(bytes),
  br: (bytes) => brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } }),
  zstd: (bytes) => zstdCompressSync(bytes),
};

interface Reply {
  readonly body: Buffer;
  readonly coding?: string;
}

/** Not so uniform that a packer makes nothing of it. */
function varied(text: string): Buffer {
  const body = Buffer.alloc(megabytes << 20, text, 'latin1');
  for (let at = 0, state = 7; at < body.length; at += 97) body[at] = 0x61 + ((state = (state * 48_271) % 0x7fff_ffff) % 26);
  return body;
}

const replies: Readonly<Record<string, Reply>> = {
  ...Object.fromEntries(
    Object.entries(texts).map(([name, text]) => [name, { body: Buffer.alloc(megabytes << 20, text, 'latin1') }]),
  ),
  ...Object.fromEntries(
    Object.entries(packers).map(([coding, pack]) => [`json, ${coding}`, { coding, body: pack(varied(texts['json'] ?? '')) }]),
  ),
};

const prints = new Fingerprints(1);
prints.add(Buffer.from(canary));

/** The service, and the broker's way from its replies to a client's connection. */
const service = createServer((request, response) => {
  const { body, coding } = replies[decodeURIComponent((request.url ?? '').slice(1))] ?? {};
  if (body === undefined) return void response.writeHead(404).end();
  response.writeHead(200, coding === undefined ? {} : { 'content-encoding': coding });
  Readable.from(piecesOf(body)).pipe(response);
});
const way = createServer((request, response) => {
  const scrubbed = request.headers['x-scrubbed'] === 'yes';
  const asked = sendRequest({ port: portOf(service), path: request.url, agent: false });
  asked.on('response', (reply) =>
    passReply(reply, inboundOf(request, response), 'GET', scrubbed ? prints : undefined, (fault) => {
      throw fault;
    }),
  );
  asked.end();
});
const portOf = (server: Server): number => (server.address() as AddressInfo).port;
for (const server of [service, way]) await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));

/** In memory of their own: what is scrubbed is overwritten. */
function piecesOf(body: Buffer): Buffer[] {
  return Array.from({ length: Math.ceil(body.length / pieceBytes) }, (_, at) =>
    Buffer.from(body.subarray(at * pieceBytes, (at + 1) * pieceBytes)),
  );
}

/** Processor time of one reply, in seconds: service, way and client. */
async function secondsOf(name: string, scrubbed: boolean): Promise<number> {
  const before = process.cpuUsage();
  const headers = { 'x-scrubbed': scrubbed ? 'yes' : 'no' };
  const asked = sendRequest({ port: portOf(way), path: `/${encodeURIComponent(name)}`, headers, agent: false }).end();
  const [reply] = (await once(asked, 'response')) as [IncomingMessage];
  reply.resume();
  await once(reply, 'end');
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

const median = (of: readonly number[]): number =>
  of.toSorted((one, other) => one - other)[Math.floor(of.length / 2)] ?? Number.NaN;
const rate = (seconds: readonly number[]): number => Math.round(megabytes / median(seconds));

const results: Record<string, { 'passed on': number; scrubbed: number; slower: number }> = {};
for (const name of Object.keys(replies)) {
  const [passed, scrubbed]: [number[], number[]] = [[], []];
  await secondsOf(name, true);
  for (let round = 0; round < rounds; round += 1) {
    passed.push(await secondsOf(name, false));
    scrubbed.push(await secondsOf(name, true));
  }
  const slower = median(scrubbed.map((seconds, round) => seconds / (passed[round] ?? Number.NaN)));
  results[name] = { 'passed on': rate(passed), scrubbed: rate(scrubbed), slower: Math.round(slower * 10) / 10 };
}
console.table(results);
console.log(JSON.stringify({ bench: 'scrub', megabytes, rounds, 'MB/s': results }));
process.exit();
