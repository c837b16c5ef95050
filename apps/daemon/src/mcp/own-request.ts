// A request of the daemon's on behalf of a session, sent through that session's own broker as any program of the session would: by its proxy, with its
// certificates. The way there is a socket in a folder of the daemon's own, made with the first request and gone with the session.

import { mkdtemp, rm } from 'node:fs/promises';
import { request, type IncomingMessage } from 'node:http';
import { connect, createServer, isIP, type Server, type Socket } from 'node:net';
import path from 'node:path';
import { connect as connectTls } from 'node:tls';
import { HoldfastError } from '@holdfast/protocol/errors';
import type { OwnRequest } from './tools.ts';

/** [MCP-7] */
const maxBodyBytes = 1 << 20;
export const ownRequestMs = 60_000;
const maxAtOnce = 8;

export interface OwnReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly bodyCut?: true;
}

/** What of a broker is needed to reach it. */
export interface Reachable {
  readonly caPem: string;
  attach(server: Server): void;
}

export class OwnRequests {
  readonly #broker: Reachable;
  readonly #folder: string;
  #way: Promise<{ readonly socketPath: string; readonly folder: string }> | undefined;
  #open = 0;

  /** `folder`: the daemon's own, which no session sees. */
  constructor(broker: Reachable, folder: string) {
    this.#broker = broker;
    this.#folder = folder;
  }

  /** `name`: whose request it is, as the broker knows them; absent: the session's. `late`: ends it. @throws limit_exceeded, upstream_unreachable, upstream_timeout */
  async send(
    { method, url, headers, body }: OwnRequest,
    name?: string,
    late = AbortSignal.timeout(ownRequestMs),
  ): Promise<OwnReply> {
    if (this.#open >= maxAtOnce) throw new HoldfastError('limit_exceeded', `more than ${maxAtOnce} requests at once`);
    this.#open += 1;
    try {
      const named = name === undefined ? {} : { 'proxy-authorization': `Basic ${Buffer.from(`${name}:x`).toString('base64')}` };
      const { socketPath } = await (this.#way ??= this.#listen());
      const secure = url.protocol === 'https:';
      const socket = secure ? await this.#tunnel(socketPath, url, late, named) : connect(socketPath);
      const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
      // Always on this socket: an agent, or an address, would lead around the broker. [MCP-1]
      const sent = request({
        createConnection: () => socket,
        method,
        path: secure ? `${url.pathname}${url.search}` : `${url.origin}${url.pathname}${url.search}`,
        headers: { ...headers, ...length, ...(!secure && named), host: url.host, connection: 'close' },
        signal: late,
      });
      const reply = await new Promise<IncomingMessage>((resolve, reject) => {
        sent.once('response', resolve).once('error', reject).end(body);
      });
      return await read(reply);
    } catch (thrown) {
      if (thrown instanceof HoldfastError) throw thrown;
      if (late.aborted) throw new HoldfastError('upstream_timeout', 'no answer in time');
      throw new HoldfastError('upstream_unreachable', 'the request did not come through', { cause: thrown });
    } finally {
      this.#open -= 1;
    }
  }

  /** The listening server is the broker's to close. */
  async close(): Promise<void> {
    const way = await this.#way?.catch(() => undefined);
    if (way !== undefined) await rm(way.folder, { recursive: true, force: true });
  }

  async #listen(): Promise<{ readonly socketPath: string; readonly folder: string }> {
    const folder = await mkdtemp(path.join(this.#folder, 'own-'));
    const socketPath = path.join(folder, 's');
    const server = createServer();
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(socketPath, resolve));
    this.#broker.attach(server);
    return { socketPath, folder };
  }

  /** TLS with the broker, which says no by status before there is a tunnel. */
  async #tunnel(socketPath: string, url: URL, signal: AbortSignal, named: Readonly<Record<string, string>>): Promise<Socket> {
    const place = `${url.hostname}:${url.port === '' ? '443' : url.port}`;
    const plain = await new Promise<Socket>((resolve, reject) => {
      const createConnection = () => connect(socketPath);
      const asked = request({ createConnection, method: 'CONNECT', path: place, headers: { ...named, host: place }, signal });
      asked.once('error', reject);
      asked.once('connect', (reply, tunnel) => (reply.statusCode === 200 ? resolve(tunnel) : reject(refusedBy(reply))));
      asked.end();
    });
    const name = isIP(url.hostname.replace(/^\[|\]$/g, '')) === 0 ? { servername: url.hostname } : {};
    return connectTls({ socket: plain, ca: this.#broker.caPem, ...name });
  }
}

function refusedBy({ headers, statusCode }: IncomingMessage): HoldfastError {
  const code = headers['x-holdfast-error'];
  return new HoldfastError('refused', `the broker refused: ${typeof code === 'string' ? code : String(statusCode)}`, {
    next: 'an operator sees why in holdfast audit show',
  });
}

async function read(reply: IncomingMessage): Promise<OwnReply> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of reply) {
    chunks.push(chunk as Buffer);
    size += (chunk as Buffer).length;
    if (size > maxBodyBytes) break;
  }
  const headers = Object.entries(reply.headers).map(([name, value]) => [
    name,
    Array.isArray(value) ? value.join(', ') : (value ?? ''),
  ]);
  return {
    status: reply.statusCode ?? 0,
    headers: Object.fromEntries(headers) as Record<string, string>,
    body: Buffer.concat(chunks).subarray(0, maxBodyBytes).toString('utf8'),
    ...(size > maxBodyBytes && { bodyCut: true as const }),
  };
}
