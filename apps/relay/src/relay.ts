// A relay on a port: HTTP for its health, WebSocket for everything else, spec/relay.md §1. Binds the machine that connection.ts is to
// sockets, folder and clock. It is given no key of any fleet and has no code that opens anything.

import { mkdirSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { HoldfastError } from '@holdfast/protocol/errors';
import { maxRequestBytes } from '@holdfast/protocol/blind/frames';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';
import { WebSocketServer, type WebSocket } from 'ws';
import { Connection, type Log } from './connection.ts';
import { PublicHttp } from './public-http.ts';
import { Fleets } from './fleets.ts';
import { GroupCommit } from './group-commit.ts';
import { Bucket, defaultLimits, type Clock, type RelayLimits } from './limits.ts';
import { openRelayKey } from './relay-key.ts';
import { Rendezvous } from './rendezvous.ts';
import type { RelayCore } from './requests.ts';
import { openWitnessKey } from './witness-key.ts';
import { sqliteStore } from './sqlite-store.ts';
import type { Store } from './store.ts';
import { openVapid } from './web-push/vapid.ts';
import { Waker, type NamedService } from './web-push/waker.ts';

export interface RelayOptions {
  /** 0: any free one. */
  readonly port: number;
  readonly host: string;
  /** Holds relay.db, relay.key and witness.key; made with mode 0700 when it is missing. */
  readonly folder: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly limits?: Partial<RelayLimits>;
  readonly maxStoreBytes?: number;
  /** Devices that are away are woken, spec/web-push.md. */
  readonly push?: { readonly contact: string; readonly services?: readonly NamedService[] } | undefined;
}

export interface Relay {
  /** `http://host:port`, as it stands in pairing URLs. */
  readonly url: string;
  /** Ends all connections and releases the folder; twice is no fault. */
  close(): Promise<void>;
}

export const systemClock: Clock = { wallMs: () => Date.now(), elapsedMs: () => performance.now() };

/** Throws `port_taken`, `already_running` (another relay has the folder), `store_failed`, `store_full`. */
export async function startRelay(options: RelayOptions): Promise<Relay> {
  const { folder } = options;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new HoldfastError('store_failed', "the relay's folder cannot be made", {
      cause,
      next: `check the permissions of ${folder}`,
    });
  }
  const store = sqliteStore({ path: join(folder, 'relay.db'), maxStoreBytes: options.maxStoreBytes });
  try {
    return await openPort(options, await assembleCore(options, store));
  } catch (error) {
    await store.close();
    throw error;
  }
}

async function assembleCore({ folder, clock, limits: changed, push, log }: RelayOptions, store: Store): Promise<RelayCore> {
  const limits = { ...defaultLimits, ...changed };
  const key = await openRelayKey(nodePrimitives, folder, { hasFleets: (await store.countFleets()) > 0 });
  const commits = new GroupCommit(store);
  const forget = async (fleet: Uint8Array, device: Uint8Array, instead: string): Promise<void> => {
    await commits.write({ kind: 'push-endpoint', fleet, device, instead }).catch(() => undefined); // tried again when it is next told
  };
  const waker = push && {
    waker: new Waker({
      ...{ store, forget, clock, log, services: push.services ?? [], gapMs: limits.pushGapMs },
      vapid: await openVapid(nodePrimitives, folder, push.contact),
    }),
  };
  return {
    ...waker,
    primitives: nodePrimitives,
    clock,
    key,
    witness: await openWitnessKey(nodePrimitives, folder, { relay: key, hasWitnessed: await store.hasWitnessed() }),
    store,
    commits,
    fleets: new Fleets(store, limits, clock),
    rendezvous: new Rendezvous(limits),
    limits,
    creations: new Bucket(limits.creations, clock.elapsedMs()),
  };
}

async function openPort(options: RelayOptions, core: RelayCore): Promise<Relay> {
  const sockets = new Sockets(core, options.log);
  const http = new PublicHttp(core, options.log);
  const server = createServer((request, response) => void http.answer(request, response));
  server.maxRequestsPerSocket = 1000;
  server.on('upgrade', (request, socket, head) => sockets.upgrade(request, socket, head));
  await listen(server, options);
  sockets.startSweeping();
  server.on('error', (error) => options.log.error({ reason: error.message }, 'listening failed'));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : options.port;
  const host = options.host.includes(':') ? `[${options.host}]` : options.host;
  let closing: Promise<void> | undefined;
  return {
    url: `http://${host}:${port}`,
    close: async () => (closing ??= closeAll(server, sockets, core)),
  };
}

async function listen(server: Server, { port, host }: RelayOptions): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen(port, host, resolve);
  try {
    await promise;
  } catch (cause) {
    const taken = (cause as NodeJS.ErrnoException).code === 'EADDRINUSE';
    if (!taken)
      throw new HoldfastError('usage', `cannot listen on ${host} port ${port}`, {
        cause,
        next: 'choose another port with HOLDFAST_PORT',
      });
    throw new HoldfastError('port_taken', `port ${port} is in use by another program`, {
      cause,
      next: 'stop it, or choose another port with HOLDFAST_PORT',
    });
  } finally {
    server.off('error', reject);
  }
}

async function closeAll(server: Server, sockets: Sockets, core: RelayCore): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve));
  core.rendezvous.close();
  core.waker?.close();
  sockets.close();
  server.closeAllConnections();
  await core.commits.settled();
  await core.store.close();
  await closed;
}

/** Below this a ping is answered; a reader that lets more pile up gets no pongs either. */
const maxPongBufferedBytes = 64 * 1024;

/** So long a last answer has to leave. */
const lingerMs = 1000;

function endSocket(webSocket: WebSocket): void {
  if (webSocket.readyState !== webSocket.OPEN) return;
  webSocket.close();
  setTimeout(() => webSocket.terminate(), lingerMs).unref();
}

/** The open WebSockets, each with its connection. */
class Sockets {
  readonly #core: RelayCore;
  readonly #log: Log;
  readonly #server = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: maxRequestBytes,
    autoPong: false,
  });
  readonly #open = new Map<WebSocket, { readonly connection: Connection; alive: boolean }>();
  /** In the order of arrival; those that have proved themselves since are dropped when it is next looked at. */
  readonly #strangers = new Set<Connection>();
  #sweep: NodeJS.Timeout | undefined;

  constructor(core: RelayCore, log: Log) {
    this.#core = core;
    this.#log = log;
  }

  startSweeping(): void {
    this.#sweep = setInterval(() => this.#tick(), this.#core.limits.pingMs);
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => socket.destroy());
    // Any origin: the console comes from elsewhere, and a key proves a member, never a cookie. [RELAY-1]
    if (request.url !== '/v1') {
      socket.end('HTTP/1.1 404 Not Found\r\nconnection: close\r\n\r\n');
    } else if (!this.#makeRoom()) {
      socket.end('HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\n\r\n');
    } else {
      this.#server.handleUpgrade(request, socket, head, (webSocket) => this.#accept(webSocket));
    }
  }

  close(): void {
    clearInterval(this.#sweep);
    for (const webSocket of this.#open.keys()) webSocket.terminate();
    this.#server.close();
  }

  /** Strangers give way to newcomers, the longest-standing first: nobody can fill the relay by connecting. [RELAY-25] */
  #makeRoom(): boolean {
    const { maxConnections, maxStrangers } = this.#core.limits;
    for (const connection of this.#strangers) if (!connection.isStranger) this.#strangers.delete(connection);
    if (this.#strangers.size < maxStrangers && this.#open.size < maxConnections) return true;
    const [first] = this.#strangers;
    first?.cut(new HoldfastError('limit_exceeded', 'newer connections need the place'));
    return first !== undefined;
  }

  #accept(webSocket: WebSocket): void {
    const connection: Connection = new Connection(
      this.#core,
      {
        send: (frame) => webSocket.send(frame, { binary: true }, () => connection.drained()),
        bufferedBytes: () => webSocket.bufferedAmount,
        close: () => endSocket(webSocket),
        pause: () => webSocket.pause(),
        resume: () => webSocket.resume(),
      },
      this.#log,
    );
    const entry = { connection, alive: true };
    this.#open.set(webSocket, entry);
    this.#strangers.add(connection);
    webSocket.on('message', (data, isBinary) => {
      if (isBinary && data instanceof Buffer) connection.receive(data);
      else connection.cut(new HoldfastError('relay_protocol', 'frames are binary')); // [RELAY-2]
    });
    webSocket.on('ping', (data) => {
      if (webSocket.bufferedAmount < maxPongBufferedBytes) webSocket.pong(data);
    });
    webSocket.on('pong', () => (entry.alive = true));
    webSocket.on('error', (error) => this.#log.info({ reason: error.message }, 'connection failed'));
    webSocket.on('close', () => {
      this.#open.delete(webSocket);
      this.#strangers.delete(connection);
      connection.closed();
    });
  }

  /** Ends who did not answer the last ping, pings the others. */
  #tick(): void {
    for (const [webSocket, entry] of this.#open) {
      if (!entry.alive || entry.connection.isLeak) webSocket.terminate();
      entry.alive = false;
      webSocket.ping();
    }
    this.#core.fleets.sweep();
  }
}
