// The client's side of a session's one port, spec/broker.md §2: plain proxy requests, CONNECT with the session's own certificates, and the
// agent door [BROKER-1]. Trusts nothing that arrives.

import { createServer, type IncomingMessage, type Server, type ServerOptions, type ServerResponse } from 'node:http';
import type { ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { codeOf, type ErrorCode } from '@holdfast/protocol/errors';
import type { Authority } from './authority.ts';
import type { SessionAuthority } from './certificates.ts';
import { inboundOf, lastResponseOn, upgradeOf, type Inbound } from './inbound.ts';
import type { Limits } from './limits.ts';
import { answerRefusal, answerRefusalRaw, refusal } from './refusal.ts';
import { serveStreams } from './streams.ts';
import { canonicalHost, hostHeaderMatches, parseAbsoluteForm, parseAuthority, type Target } from './target.ts';

export interface ClientPorts {
  readonly certificates: SessionAuthority;
  readonly limits: Limits;
  /** Who asks, by what a request names to its proxy; undefined: nobody in particular. Throws a coded refusal. */
  asker(name: string | undefined): Authority;
  /** Whether anything of theirs may go to the target at all. */
  mayConnect(target: Target, by: Authority): boolean;
  refused(facts: Partial<Target>, thrown: unknown, by?: Authority): void;
  /** What came and was no request. [BROKER-52] */
  turnedAway(code: ErrorCode): void;
  /** A request that arrived for `target`, origin form in `originForm`. */
  forward(target: Target, originForm: string, client: Inbound, by: Authority): void;
  door(request: IncomingMessage, response: ServerResponse): void;
}

interface Tunnel {
  readonly target: Target;
  readonly by: Authority;
}

type Asked = (request: IncomingMessage, response: ServerResponse, client: Inbound) => void;

/** The alerts of RFC 8446 §6.2 with which clients end a handshake whose certificate they do not take. */
const distrusts = (error: Error): boolean =>
  'code' in error && /_ALERT_(?:BAD_CERTIFICATE|CERTIFICATE_UNKNOWN|UNKNOWN_CA)$/.test(String(error.code));

export class Clients {
  readonly #ports: ClientPorts;
  readonly #front: Server;
  readonly #inner: Server;
  readonly #sockets = new Set<Socket>();
  readonly #streams = new Set<ServerHttp2Stream>();
  readonly #tunnels = new WeakMap<Duplex, Tunnel>();
  readonly #deadlines = new WeakMap<Duplex, HeadDeadline>();

  constructor(ports: ClientPorts) {
    this.#ports = ports;
    // Never listening: connections are handed in, and deadlines are ours (Node's own start with listening).
    const options: ServerOptions = {
      insecureHTTPParser: false,
      requireHostHeader: true,
      maxHeaderSize: ports.limits.maxHeadBytes,
      keepAliveTimeout: 0,
      headersTimeout: 0,
      requestTimeout: 0,
      // Others are answered as requests, which refuses them.
      shouldUpgradeCallback: ({ headers }) => headers.upgrade?.toLowerCase() === 'websocket',
    };
    const plain: Asked = (request, response, client) => this.#plain(request, response, client);
    const tunnelled: Asked = (request, response, client) => this.#tunnelled(request, response, client);
    this.#front = this.#listenFor(plain, options);
    this.#inner = this.#listenFor(tunnelled, options);
    this.#front.on(
      'connect',
      (request: IncomingMessage, socket: Socket, head: Buffer) => void this.#connect(request, socket, head),
    );
    this.#inner.on('connect', (_request: IncomingMessage, socket: Duplex) =>
      this.#turnAway(socket, refusal('request_malformed')),
    );
  }

  #listenFor(asked: Asked, options: ServerOptions): Server {
    const server = createServer(options, (request, response) => {
      this.#deadlines.get(request.socket)?.pauseFor(response);
      asked(request, response, inboundOf(request, response));
    });
    // Dropped headers would go unchecked; the head's size bounds them.
    server.maxHeadersCount = 0;
    server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => server.emit('request', request, response)); // [BROKER-11]
    server.on('upgrade', (request: IncomingMessage, socket: Socket, ahead: Buffer) => {
      this.#deadlines.get(socket)?.end();
      if (ahead.length > 0) socket.unshift(ahead);
      const response = lastResponseOn(socket, request);
      asked(request, response, upgradeOf(request, response, socket));
    });
    server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => this.#broken(error, socket));
    return server;
  }

  /** A new connection of the session. */
  accept(socket: Socket): void {
    if (this.#isFull) {
      this.#ports.turnedAway('limit_exceeded'); // [BROKER-52]
      socket.destroy();
      return;
    }
    this.#sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => this.#sockets.delete(socket));
    this.#serve(this.#front, socket);
  }

  get #isFull(): boolean {
    return this.#sockets.size + this.#streams.size >= this.#ports.limits.maxClientConnections;
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #serve(server: Server, socket: Socket): void {
    const late = (asked: boolean): void => {
      if (!asked) this.#ports.turnedAway('request_malformed'); // [BROKER-52]
      socket.destroy();
    };
    this.#deadlines.set(socket, new HeadDeadline(socket, this.#ports.limits.headTimeoutMs, late));
    server.emit('connection', socket);
  }

  #plain(request: IncomingMessage, response: ServerResponse, client: Inbound): void {
    const url = request.url ?? '';
    try {
      const { target, originForm } = url.startsWith('/') ? ownForm(request, url) : parseAbsoluteForm(url);
      if (!isOwnPort(target, request)) {
        this.#ports.forward(target, originForm, client, this.#ports.asker(nameIn(request)));
        return;
      }
      if (!hostHeaderMatches(request.headers.host ?? '', target)) throw refusal('target_mismatch');
      if (request.headers.expect !== undefined) response.writeContinue();
      request.url = originForm;
      this.#ports.door(request, response);
    } catch (error) {
      this.#refuse({}, error, response);
    }
  }

  #tunnelled(request: IncomingMessage, response: ServerResponse, client: Inbound): void {
    const tunnel = this.#tunnels.get(request.socket);
    if (tunnel === undefined) this.#refuse({}, refusal('internal'), response);
    else this.#ports.forward(tunnel.target, request.url ?? '', client, tunnel.by);
  }

  async #connect(request: IncomingMessage, socket: Socket, head: Buffer): Promise<void> {
    // From here on the tunnel has deadlines of its own.
    this.#deadlines.get(socket)?.end();
    let target: Target | undefined;
    let by: Authority | undefined;
    try {
      if (!/^1\.[01]$/.test(request.httpVersion)) throw refusal('request_malformed'); // a line without a version is none of HTTP/1.1
      target = parseAuthority(request.url ?? '', 'https');
      const { host } = request.headers;
      // Some clients name the proxy here; nothing is ever decided by it.
      if (host !== undefined && !hostHeaderMatches(host, target) && !isOwnPort(parseAuthority(host, 'http', 80), request))
        throw refusal('target_mismatch'); // [BROKER-4]
      by = this.#ports.asker(nameIn(request)); // [BROKER-34]
      if (!this.#ports.mayConnect(target, by)) throw refusal('egress_denied'); // [BROKER-13]
      const secureContext = await this.#ports.certificates.contextFor(target.host);
      if (socket.destroyed) return;
      socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      if (head.length > 0) socket.unshift(head);
      this.#intercept(new TLSSocket(socket, { isServer: true, secureContext, ALPNProtocols: ['h2', 'http/1.1'] }), {
        target,
        by,
      });
    } catch (error) {
      this.#ports.refused(target ?? {}, error, by);
      this.#turnAway(socket, error);
    }
  }

  #intercept(tls: TLSSocket, tunnel: Tunnel): void {
    const { target, by } = tunnel;
    const late = setTimeout(() => tls.destroy(refusal('request_malformed')), this.#ports.limits.handshakeTimeoutMs);
    late.unref();
    let begun = false;
    tls.on('error', (error: Error) => {
      if (distrusts(error)) this.#ports.refused(target, refusal('authority_untrusted'), by); // [BROKER-51]
      else if (!begun) this.#ports.turnedAway('request_malformed'); // [BROKER-52]
      tls.destroy();
    });
    tls.once('close', () => clearTimeout(late));
    tls.once('secure', () => {
      clearTimeout(late);
      begun = true;
      if (!namesTarget(tls, target)) {
        this.#ports.refused(target, refusal('target_mismatch'), by); // [BROKER-3]
        tls.destroy();
        return;
      }
      this.#tunnels.set(tls, tunnel);
      if (tls.alpnProtocol === 'h2') this.#serveStreams(tls, tunnel);
      else this.#serve(this.#inner, tls);
    });
  }

  #serveStreams(tls: TLSSocket, { target, by }: Tunnel): void {
    const { limits } = this.#ports;
    const deadline = new HeadDeadline(tls, limits.headTimeoutMs, (asked) => {
      if (!asked) this.#ports.turnedAway('request_malformed'); // [BROKER-52]
      // Tells the client that nothing it may be sending was taken.
      session.close();
      setTimeout(() => tls.destroy(), limits.handshakeTimeoutMs).unref();
    });
    const session = serveStreams(tls, {
      limits,
      admit: (stream) => {
        if (this.#isFull) {
          this.#ports.turnedAway('limit_exceeded'); // [BROKER-52]
          return false;
        }
        this.#streams.add(stream);
        stream.once('close', () => this.#streams.delete(stream));
        deadline.pauseFor(stream);
        return true;
      },
      asked: (path, client) => this.#ports.forward(target, path, client, by),
    });
  }

  #refuse(facts: Partial<Target>, thrown: unknown, response: ServerResponse): void {
    this.#ports.refused(facts, thrown);
    answerRefusal(response, thrown);
  }

  /** What Node's strict parser refuses never becomes a request. [BROKER-11] */
  #broken(error: NodeJS.ErrnoException, socket: Duplex): void {
    if (error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy();
      return;
    }
    const thrown = refusal(error.code === 'HPE_HEADER_OVERFLOW' ? 'limit_exceeded' : 'request_malformed');
    const { target = {}, by } = this.#tunnels.get(socket) ?? {};
    this.#ports.refused(target, thrown, by);
    this.#turnAway(socket, thrown, codeOf(thrown) === 'limit_exceeded' ? 431 : 400);
  }

  #turnAway(socket: Duplex, thrown: unknown, status?: number): void {
    socket.on('error', () => socket.destroy());
    answerRefusalRaw(socket, thrown, status);
    // The client may go on sending what nobody reads.
    socket.resume();
    const late = setTimeout(() => socket.destroy(), this.#ports.limits.handshakeTimeoutMs);
    late.unref();
    socket.once('close', () => clearTimeout(late));
  }
}

/** A request head must be whole in time after the connection began or the last reply ended, however slowly it drips. [BROKER-28] */
class HeadDeadline {
  readonly #timer: NodeJS.Timeout;
  #replies = 0;
  #asked = false;
  #ended = false;

  /** `late` is told whether there was any request before. */
  constructor(socket: Socket, timeoutMs: number, late: (asked: boolean) => void) {
    this.#timer = setTimeout(() => (this.#replies === 0 ? late(this.#asked) : undefined), timeoutMs);
    this.#timer.unref();
    socket.once('close', () => this.end());
  }

  /** `reply` closes when it is over. */
  pauseFor(reply: { once(event: 'close', listener: () => void): unknown }): void {
    this.#replies += 1;
    this.#asked = true;
    reply.once('close', () => {
      this.#replies -= 1;
      if (!this.#ended) this.#timer.refresh();
    });
  }

  end(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
  }
}

/** The user's name in `Proxy-Authorization`, which tells who asks; it proves nothing. Throws for one that can't be read. [BROKER-34] */
function nameIn({ headersDistinct }: IncomingMessage): string | undefined {
  const [value, ...more] = headersDistinct['proxy-authorization'] ?? [];
  if (value === undefined) return undefined;
  const basic = more.length === 0 ? /^basic +([a-z0-9+/]+=*) *$/i.exec(value) : null;
  if (basic?.[1] === undefined) throw refusal('child_ended');
  return Buffer.from(basic[1], 'base64').toString('latin1').split(':', 1)[0] ?? '';
}

const loopbackNames: ReadonlySet<string> = new Set(['127.0.0.1', 'localhost', '[::1]']);

/** The agent door is this very port by a loopback name, asked directly or through the proxy. [BROKER-6] */
function isOwnPort(target: Target, request: IncomingMessage): boolean {
  return target.scheme === 'http' && target.port === request.socket.localPort && loopbackNames.has(target.host);
}

/** A request that is none for a proxy is for the door, or for nobody. [BROKER-6] */
function ownForm(request: IncomingMessage, url: string): { readonly target: Target; readonly originForm: string } {
  const target = parseAuthority(request.headers.host ?? '', 'http', 80);
  if (!isOwnPort(target, request)) throw refusal('request_malformed');
  return { target, originForm: url };
}

/** Names are always sent by clients that check certificates; addresses never are. [BROKER-3] */
function namesTarget(tls: TLSSocket, target: Target): boolean {
  const { servername } = tls as TLSSocket & { readonly servername?: string | false | null };
  if (typeof servername === 'string' && servername !== '') return canonicalHost(servername) === target.host;
  return target.host.startsWith('[') || /^[0-9.]+$/.test(target.host);
}
