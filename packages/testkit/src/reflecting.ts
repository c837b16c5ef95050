// A service that repeats the credential that it was sent, in each form of the corpus, and a client that looks for it in what comes back
// through a broker. Any broker that is an HTTP proxy: the tests hold ours to it, `bench/reflection.ts` others too.

import { once } from 'node:events';
import { createServer } from 'node:https';
import { request, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import {
  brotliCompressSync,
  brotliDecompressSync,
  deflateRawSync,
  gunzipSync,
  gzipSync,
  inflateRawSync,
  zstdCompressSync,
  zstdDecompressSync,
} from 'node:zlib';
import { makeCertificate, type Service } from './origin.ts';
import { reflections } from './reflections.ts';

/** How a client reaches the broker, and what it sends for the broker to put the credential in. */
export interface Through {
  readonly host: string;
  readonly port: number;
  /** The authority that the broker's certificates come from, PEM. */
  readonly ca: string;
  readonly headers: Readonly<Record<string, string>>;
}

const packers: Readonly<
  Record<string, { readonly pack: (bytes: Buffer) => Buffer; readonly unpack: (bytes: Buffer) => Buffer }>
> = {
  gzip: { pack: gzipSync, unpack: gunzipSync },
  deflate: { pack: deflateRawSync, unpack: inflateRawSync },
  br: { pack: brotliCompressSync, unpack: brotliDecompressSync },
  zstd: { pack: zstdCompressSync, unpack: zstdDecompressSync },
};

/** Where in a reply a form stands. */
export const places: readonly string[] = ['body', 'pieces', 'header', ...Object.keys(packers)];

const [front, back] = [Buffer.from('token: '), Buffer.from('!\n')];
const fillerBytes = 64 * 1024;
const fits = (form: Buffer): boolean => form.every((byte) => byte >= 0x20 && byte < 0x7f);

function reflected(form: string, secret: string): { readonly text: Buffer; readonly form: Buffer; readonly beside: Buffer } {
  let state = 7;
  const chance = (): number => (state = (state * 48_271) % 0x7fff_ffff) / 0x7fff_ffff;
  const made = reflections[form]?.(secret, chance);
  if (made === undefined) throw new Error(`no form ${form}`);
  const beside = Buffer.concat([front, made.before, Buffer.from([0]), made.after, back]);
  return { text: Buffer.concat([front, made.before, made.form, made.after, back]), form: made.form, beside };
}

/** Answers 418 where the credential did not arrive. */
export async function reflectingOrigin(canary: string): Promise<Service> {
  const certificate = await makeCertificate(['localhost']);
  const answer = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(incoming.url ?? '/', 'https://localhost');
    if (!incoming.rawHeaders.some((text) => text.includes(canary))) return void response.writeHead(418).end();
    const { text } = reflected(url.searchParams.get('form') ?? '', canary);
    response.setHeader('content-type', 'text/plain'); // some brokers look at text alone
    const place = url.searchParams.get('place') ?? '';
    const packer = packers[place];
    if (packer !== undefined) return void response.writeHead(200, { 'content-encoding': place }).end(packer.pack(text));
    if (place === 'header') return void response.writeHead(200, { 'x-echo': text.toString('latin1').trim() }).end();
    if (place === 'body') return void response.end(text);
    if (place === 'pieces') {
      for (let at = 0; at < text.length; at += 5) {
        response.write(text.subarray(at, at + 5));
        await turn();
      }
      return void response.end();
    }
    await stream(response, text, Number(place));
  };
  const server = createServer({ cert: certificate.certPem, key: certificate.keyPem }, (incoming, response) => {
    response.on('error', () => {});
    void answer(incoming, response).catch(() => response.destroy());
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    port: (server.address() as AddressInfo).port,
    host: 'localhost',
    caPem: certificate.caPem,
    close: async () => {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

/** So many bytes, with the text across the borders of pieces, each time at another place. */
async function stream(response: ServerResponse, text: Buffer, bytes: number): Promise<void> {
  const filler = Buffer.alloc(fillerBytes, 'lorem ipsum "dolor" sit &amp; %20 amet, \\n ');
  for (let sent = 0, cut = 1; sent < bytes; sent += fillerBytes, cut = (cut % (text.length - 1)) + 1) {
    response.write(text.subarray(0, cut));
    if (!response.write(Buffer.concat([text.subarray(cut), filler]))) await once(response, 'drain');
  }
  response.end();
}

/** Eight bytes of a form that nothing beside it has. */
const windowBytes = 8;

/** `shown` if any eight bytes of the form came through, `unsent` if the broker sent no credential, `refused` if there was no such reply. */
export type Verdict = 'clean' | 'shown' | 'unsent' | 'refused';

/** `place`: one of `places`, or how many bytes to stream. Forms that no header can carry are undefined there. */
export async function lookFor(
  { host, port, ca, headers }: Through,
  origin: Service,
  canary: string,
  form: string,
  place: string,
): Promise<Verdict | undefined> {
  const { form: wanted, beside } = reflected(form, canary);
  if (place === 'header' && !fits(wanted)) return undefined;
  const windows = new Set<string>();
  for (let at = 0; at + windowBytes <= wanted.length; at += 1) {
    const window = wanted.subarray(at, at + windowBytes);
    if (!beside.includes(window)) windows.add(window.toString('latin1'));
  }
  const target = `localhost:${origin.port}`;
  const socket = connect({ host, port });
  socket.on('error', () => {});
  try {
    socket.write(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n\r\n`);
    const [head] = (await once(socket, 'data')) as [Buffer];
    if (!head.includes(' 200 ')) return 'refused';
    const tls = connectTls({ socket, ca, servername: 'localhost' });
    tls.on('error', () => {});
    await once(tls, 'secureConnect');
    const path = `/v1/reflect?${new URLSearchParams({ form, place }).toString()}`;
    const outgoing = request({ createConnection: () => tls, host: 'localhost', path, headers: { ...headers, host: target } });
    outgoing.end();
    const [reply] = (await once(outgoing, 'response')) as [IncomingMessage];
    if (reply.statusCode !== 200) return reply.statusCode === 418 ? 'unsent' : 'refused';
    if (shows(Buffer.from(reply.rawHeaders.join('\n'), 'latin1'), windows)) return 'shown';
    return (await bodyShows(reply, windows)) ? 'shown' : 'clean';
  } finally {
    socket.destroy();
  }
}

function shows(bytes: Buffer, windows: ReadonlySet<string>): boolean {
  for (const window of windows) if (bytes.includes(window, 0, 'latin1')) return true;
  return false;
}

async function bodyShows(reply: IncomingMessage, windows: ReadonlySet<string>): Promise<boolean> {
  const packer = packers[String(reply.headers['content-encoding'])];
  let held = Buffer.alloc(0);
  let shown = false;
  for await (const chunk of reply) {
    held = Buffer.concat([held, chunk as Buffer]);
    if (packer !== undefined) continue;
    shown ||= shows(held, windows);
    held = held.subarray(Math.max(0, held.length - windowBytes + 1));
  }
  return shown || (packer !== undefined && shows(packer.unpack(held), windows));
}
