// A session's broker on loopback with real TLS origins and a hand-made authority: what the broker's tests play with.

import { createServer as createHttpsServer } from 'node:https';
import { createServer as createTcpServer, connect, type AddressInfo, type Socket } from 'node:net';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { connect as connectHttp2, type ClientHttp2Session } from 'node:http2';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { HoldfastError } from '@holdfast/protocol/errors';
import { makeCertificate, type Certificate } from '@holdfast/testkit/origin';
import {
  createBroker,
  type Broker,
  type BrokerOptions,
  type GrantView,
  type Judged,
  type Meter,
  type ReceivedBody,
  type RequestFacts,
  type EgressView,
  type Use,
} from '../../src/broker/broker.ts';

export const secretText = 'sk-Live_7f3K9q2LmZx41/+&<"w0Tz';
export const placeholder = 'hf_0123456789abcdefghijklmnop';

export interface Record_ {
  readonly kind: 'use' | 'opened' | 'wiped' | 'failed' | 'passed' | 'refused' | 'misused';
  readonly code?: string;
  readonly facts?: Partial<RequestFacts>;
  /** Those that an agent asked for, by their text. */
  readonly handles?: readonly string[];
}

export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
  /** Which connection of the origin it came on, from 1. */
  readonly connection: number;
}

export const headerOf = (seen: Seen | undefined, name: string): string | undefined => {
  const at = seen?.rawHeaders.findIndex((each, index) => index % 2 === 0 && each.toLowerCase() === name.toLowerCase()) ?? -1;
  return at < 0 ? undefined : seen?.rawHeaders[at + 1];
};

type Answer = (seen: Seen, response: ServerResponse, request: IncomingMessage) => void;

const shared = new Map<string, Promise<Certificate>>();
/** Certificates take a while; files of tests share one for each set of names. */
export function certificateFor(...hosts: string[]): Promise<Certificate> {
  const key = hosts.join();
  const known = shared.get(key) ?? makeCertificate(hosts);
  shared.set(key, known);
  return known;
}

export interface TestOrigin {
  readonly port: number;
  readonly ca: string;
  readonly seen: Seen[];
  readonly connections: () => number;
  answer: Answer;
  /** Hears of each request when its head has arrived. */
  started: (request: IncomingMessage) => void;
}

export interface Reply {
  readonly status: number;
  readonly reason: string;
  readonly head: string;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
}

export interface World extends AsyncDisposable {
  readonly broker: Broker;
  readonly port: number;
  readonly records: Record_[];
  readonly grants: GrantView[];
  readonly egress: Map<string, EgressView>;
  readonly resolved: string[];
  /** The handles that wait, and the grant of each. */
  readonly handles: Map<string, string>;
  origin(answer?: Answer, certificate?: Certificate): Promise<TestOrigin>;
  /** A grant for localhost at that origin: any request it covers. */
  grant(origin: TestOrigin, change?: Partial<GrantView>): GrantView;
  open(): Promise<Socket>;
  /** A tunnel with the client's TLS, by CONNECT. `head`: more lines of its head. */
  tunnel(target: string, servername?: string, protocols?: string[], head?: string): Promise<TLSSocket>;
  /** The same, speaking HTTP/2 inside. */
  http2(target: string): Promise<ClientHttp2Session>;
  /** Sends bytes as they are through a tunnel and reads one reply. */
  ask(target: string, request: string | Buffer, head?: string): Promise<Reply>;
  defer(action: () => void | Promise<void>): void;
}

export interface WorldOptions extends Partial<BrokerOptions> {
  /** How a use opens; default: a fresh copy of `secretText`. */
  readonly open?: (grant: GrantView) => Promise<Buffer>;
  readonly use?: (grant: GrantView, facts: RequestFacts, body?: ReceivedBody) => Promise<Judged | void>;
  /** A use is over. */
  readonly over?: () => void;
  /** What its bytes pass by. */
  readonly meter?: () => Meter;
  /** Before a request without a credential counts as recorded. */
  readonly passed?: () => Promise<void>;
}

export function ownCopy(text: string): Buffer {
  const own = Buffer.from(new ArrayBuffer(Buffer.byteLength(text)));
  own.write(text);
  return own;
}

export async function world(options: WorldOptions = {}): Promise<World> {
  const deferred: (() => void | Promise<void>)[] = [];
  const records: Record_[] = [];
  const grants: GrantView[] = [];
  const egress = new Map<string, EgressView>();
  const resolved: string[] = [];
  const waiting = new Map<string, string>();
  const targets = new WeakMap<GrantView, string>();
  let handles = 0;

  const broker = await createBroker({
    authority: {
      grantsFor: (target) =>
        // Whatever the scheme: the broker does not lean on it.
        grants.filter((grant) => (targets.get(grant) ?? '') === `${target.host}:${target.port}`),
      egressFor: (target) => egress.get(`${target.scheme}://${target.host}:${target.port}`),
      async use(grant, facts, handle, body): Promise<Use> {
        const judged = (await options.use?.(grant, facts, body)) ?? { query: facts.query, body: undefined };
        if (handle !== undefined && waiting.get(handle) !== grant.grantId)
          throw new HoldfastError('refused', 'the vault refuses this');
        if (handle !== undefined) waiting.delete(handle);
        records.push({ kind: 'use', facts, ...(handle !== undefined && { handles: [handle] }) });
        handles += 1;
        return {
          handleId: String(handles),
          judged,
          meter: options.meter?.(),
          open: async () => {
            const secret = (await options.open?.(grant)) ?? ownCopy(secretText);
            records.push({ kind: 'opened' });
            return secret;
          },
          wiped: (sent) => records.push({ kind: 'wiped', ...(!sent && { code: 'unsent' }) }),
          failed: (code) => records.push({ kind: 'failed', code }),
          over: () => options.over?.(),
        };
      },
      grantOf: (handle) => waiting.get(handle),
      misused(seen) {
        for (const handle of seen) waiting.delete(handle);
        if (seen.length > 0) records.push({ kind: 'misused', handles: seen });
      },
      async passed(facts) {
        await options.passed?.();
        records.push({ kind: 'passed', facts });
      },
      refused: (facts, code) => records.push({ kind: 'refused', code, facts }),
    },
    door: (request, response) => response.end(`door ${request.url}`),
    log: { info: () => {}, warn: () => {} },
    resolve: async (host) => {
      resolved.push(host);
      return ['127.0.0.1'];
    },
    ...options,
  });
  const server = createTcpServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  broker.attach(server);
  const { port } = server.address() as AddressInfo;

  const open = async (): Promise<Socket> => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.on('error', () => {});
    deferred.push(() => void socket.destroy());
    await new Promise((done) => socket.once('connect', done));
    return socket;
  };

  const tunnel = async (target: string, servername?: string, protocols: string[] = [], head = ''): Promise<TLSSocket> => {
    const socket = await open();
    socket.write(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n${head}\r\n`);
    const reply = await readReply(socket, { headOnly: true });
    if (reply.status !== 200) throw new Refused(reply);
    const host = target.replace(/:\d+$/, '');
    const named = servername ?? (/^[\d.]+$|^\[/.test(host) ? undefined : host);
    const tls = connectTls({
      socket,
      ca: broker.caPem,
      host: host.replace(/^\[|\]$/g, ''),
      ALPNProtocols: protocols,
      ...(named === undefined ? {} : { servername: named }),
    });
    tls.on('error', () => {});
    await new Promise<void>((done, fail) => {
      tls.once('secureConnect', done);
      tls.once('error', fail);
      tls.once('close', () => fail(new Error('closed in the handshake')));
    });
    return tls;
  };

  return {
    broker,
    port,
    records,
    grants,
    egress,
    resolved,
    handles: waiting,
    async origin(answer = (_seen, response) => response.end('ok'), certificate) {
      const made = certificate ?? (await certificateFor('localhost', '127.0.0.1'));
      const seen: Seen[] = [];
      const numbers = new WeakMap<object, number>();
      let connections = 0;
      const state: TestOrigin = { port: 0, ca: made.caPem, seen, connections: () => connections, answer, started: () => {} };
      const https = createHttpsServer({ cert: made.certPem, key: made.keyPem, keepAliveTimeout: 30_000 }, (request, response) => {
        const chunks: Buffer[] = [];
        request.on('error', () => response.destroy());
        request.on('data', (chunk: Buffer) => chunks.push(chunk));
        state.started(request);
        request.on('end', () => {
          const one: Seen = {
            method: request.method ?? '',
            url: request.url ?? '',
            rawHeaders: request.rawHeaders,
            body: Buffer.concat(chunks),
            connection: numbers.get(request.socket) ?? 0,
          };
          seen.push(one);
          state.answer(one, response, request);
        });
      });
      https.on('secureConnection', (socket) => numbers.set(socket, (connections += 1)));
      await new Promise<void>((done) => https.listen(0, '127.0.0.1', done));
      deferred.push(() => {
        https.close();
        https.closeAllConnections();
      });
      return Object.assign(state, { port: (https.address() as AddressInfo).port });
    },
    grant(origin, change = {}) {
      const made: GrantView = {
        grantId: `g${grants.length + 1}`,
        placeholder,
        attach: { kind: 'bearer' },
        ca: origin.ca,
        pins: undefined,
        allowPrivate: true,
        approve: false,
        limitsArguments: false,
        judgesBody: false,
        matches: (facts) => facts.path.startsWith('/v1/') && facts.method !== 'DELETE',
        ...change,
      };
      targets.set(made, `localhost:${origin.port}`);
      grants.push(made);
      return made;
    },
    open,
    tunnel,
    async http2(target) {
      const tls = await tunnel(target, undefined, ['h2']);
      const session = connectHttp2(`https://${target}`, { createConnection: () => tls });
      session.on('error', () => {});
      deferred.push(() => session.destroy());
      return session;
    },
    async ask(target, request, head) {
      let tls: TLSSocket;
      try {
        tls = await tunnel(target, undefined, [], head);
      } catch (error) {
        if (error instanceof Refused) return error.reply;
        throw error;
      }
      tls.write(request);
      const reply = await readReply(tls, { method: String(request).split(' ')[0] ?? '' });
      tls.destroy();
      return reply;
    },
    defer: (action) => void deferred.push(action),
    async [Symbol.asyncDispose]() {
      for (const action of deferred.reverse()) await action();
      await broker.close();
    },
  };
}

class Refused extends Error {
  readonly reply: Reply;

  constructor(reply: Reply) {
    super('CONNECT refused');
    this.reply = reply;
  }
}

interface ReadOptions {
  /** The reply to a CONNECT that succeeds has no body. */
  readonly headOnly?: boolean;
  readonly method?: string;
}

/** Reads one reply; ends at its framing or with the connection. */
export async function readReply(socket: Socket, { headOnly = false, method = 'GET' }: ReadOptions = {}): Promise<Reply> {
  let bytes = Buffer.alloc(0);
  const result = (): Reply | undefined => {
    const end = bytes.indexOf('\r\n\r\n');
    if (end < 0) return undefined;
    const head = bytes.toString('latin1', 0, end + 4);
    const [status = '', ...lines] = head.trimEnd().split('\r\n');
    const headers = new Map(
      lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
    );
    const parts = /^HTTP\/1\.1 (\d+) ?(.*)$/.exec(status);
    const code = Number(parts?.[1]);
    const reply = (body: Buffer): Reply => ({ status: code, reason: parts?.[2] ?? '', head, headers, body });
    if (code === 100) {
      bytes = bytes.subarray(end + 4);
      return result();
    }
    const rest = bytes.subarray(end + 4);
    if (code === 101) {
      if (rest.length > 0) socket.unshift(rest);
      return reply(Buffer.alloc(0));
    }
    if ((headOnly && code === 200) || method === 'HEAD' || code === 204 || code === 304) return reply(Buffer.alloc(0));
    if (headers.get('transfer-encoding') === 'chunked') {
      const body = unchunked(rest);
      return body === undefined ? undefined : reply(body);
    }
    const length = headers.get('content-length');
    if (length !== undefined && rest.length >= Number(length)) return reply(rest.subarray(0, Number(length)));
    return ended ? reply(rest) : undefined;
  };
  let ended = false;
  for (;;) {
    const whole = result();
    if (whole !== undefined) return whole;
    if (ended) throw new Error(`the connection ended in a reply: ${bytes.toString('latin1').slice(0, 300)}`);
    const chunk = await nextChunk(socket);
    if (chunk === undefined) ended = true;
    else bytes = Buffer.concat([bytes, chunk]);
  }
}

/** The next bytes, or undefined at the end of the connection. */
export async function nextChunk(socket: Socket): Promise<Buffer | undefined> {
  for (;;) {
    const ready = socket.read() as Buffer | null;
    if (ready !== null) return ready;
    if (socket.destroyed || socket.readableEnded) return undefined;
    await new Promise<void>((done) => {
      const heard = (): void => {
        for (const event of ['readable', 'end', 'close', 'error'] as const) socket.removeListener(event, heard);
        done();
      };
      for (const event of ['readable', 'end', 'close', 'error'] as const) socket.on(event, heard);
    });
  }
}

function unchunked(bytes: Buffer): Buffer | undefined {
  const parts: Buffer[] = [];
  let at = 0;
  for (;;) {
    const line = bytes.indexOf('\r\n', at);
    if (line < 0) return undefined;
    const size = Number.parseInt(bytes.toString('latin1', at, line), 16);
    if (size === 0) return bytes.length >= line + 4 ? Buffer.concat(parts) : undefined;
    if (bytes.length < line + 2 + size + 2) return undefined;
    parts.push(bytes.subarray(line + 2, line + 2 + size));
    at = line + 2 + size + 2;
  }
}

export const codeIn = (reply: Reply): string | undefined => reply.headers.get('x-holdfast-error');
