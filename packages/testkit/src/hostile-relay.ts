// A relay that lies, spec/relay.md's adversary: it stands in front of an honest one (a real process, or one in memory) and speaks the real
// wire to both sides. A script says for each frame what becomes of it. It has no key of anybody's; a script may have been given some.

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  encodeRelayFrame,
  encodeRequest,
  parseRelayFrame,
  parseRequest,
  type RelayFrame,
  type RelayRequest,
} from '@holdfast/protocol/blind/frames';
import { toHex } from '@holdfast/protocol/codec/bytes';
import type { WebSocketConstructor, WebSocketLike } from '@holdfast/protocol/exchange/connect-relay';
import { WebSocket as Client, WebSocketServer, type RawData } from 'ws';

/** What goes to a client: a frame, or any bytes in the place of one. */
export type ToClient = RelayFrame | Uint8Array;

/** One connection through the hostile relay. */
export interface Line {
  /** Connections are counted from 0. */
  readonly index: number;
  /** Who it is, in hex, once it has said so. */
  readonly principal: string | undefined;
  /** Says something to the client that nobody asked for. */
  toClient(...frames: readonly ToClient[]): void;
  /** Bytes of the connection itself, past WebSocket's own framing; only on a real one. */
  toSocket(bytes: Uint8Array): void;
  cut(): void;
  /** Resolves when either end has left. */
  readonly ended: Promise<void>;
}

/** What is done with frames; they are passed on where a script does not care. */
export interface Script {
  /** What the relay gets in the place of a request: nothing drops it. */
  request?(request: RelayRequest, line: Line): readonly RelayRequest[];
  /** What the client gets in the place of a frame; `asked` is the request that it answers. A promise delays all that come after it. */
  answer?(frame: RelayFrame, line: Line, asked: RelayRequest | undefined): readonly ToClient[] | Promise<readonly ToClient[]>;
}

/** The honest side of a connection: what it takes, until it is ended. */
export interface RelayEnd {
  receive(request: Uint8Array): void;
  end(): void;
}
/** Opens a connection to the honest relay that stands behind; `answer` and `ended` may come at any time after. */
export type Upstream = (answer: (frame: Uint8Array) => void, ended: () => void, line: Line) => RelayEnd;

/** The client's side of a connection. */
interface ClientEnd {
  send(frame: Uint8Array): void;
  raw(bytes: Uint8Array): void;
  close(): void;
}

export class HostileRelay {
  /** What it does from now on, on all connections. */
  script: Script = {};
  /** All that clients asked, in order. */
  readonly asked: RelayRequest[] = [];
  private readonly upstream: Upstream;
  private readonly lines = new Set<HostileLine>();
  private count = 0;

  constructor(upstream: Upstream) {
    this.upstream = upstream;
  }

  /** So many came so far. */
  get connections(): number {
    return this.count;
  }

  /** So many are open. */
  get open(): number {
    return this.lines.size;
  }

  /** The open connections of one principal. */
  linesOf(principal: string): readonly Line[] {
    return [...this.lines].filter((line) => line.principal === principal);
  }

  /** A client came; returns where its frames go. */
  accept(client: ClientEnd): { receive(frame: Uint8Array): void; closed(): void } {
    const line = new HostileLine(this, this.count, client, this.upstream, () => this.lines.delete(line));
    this.count += 1;
    this.lines.add(line);
    return line;
  }

  /** Says something to every client, or to those of one principal. */
  toClients(frames: readonly ToClient[], principal?: string): void {
    for (const line of principal === undefined ? this.lines : this.linesOf(principal)) line.toClient(...frames);
  }

  /** Ends all connections: who comes back gets the script from its beginning. */
  cut(): void {
    for (const line of [...this.lines]) line.cut();
  }

  /** The constructor of sockets that lead here and nowhere else. */
  get webSocket(): WebSocketConstructor {
    return socketTo(this);
  }
}

class HostileLine implements Line {
  readonly index: number;
  principal: string | undefined;
  private readonly relay: HostileRelay;
  private readonly client: ClientEnd;
  private readonly upstream: RelayEnd;
  private readonly asked = new Map<number, RelayRequest>();
  private readonly gone: () => void;
  private readonly ending = Promise.withResolvers<void>();
  private over = false;
  /** Answers leave in order, also when one is delayed. */
  private queue: Promise<void> = Promise.resolve();

  constructor(relay: HostileRelay, index: number, client: ClientEnd, upstream: Upstream, gone: () => void) {
    this.relay = relay;
    this.index = index;
    this.client = client;
    this.gone = gone;
    this.upstream = upstream(
      (frame) => this.answered(frame),
      () => this.cut(),
      this,
    );
  }

  get ended(): Promise<void> {
    return this.ending.promise;
  }

  receive(bytes: Uint8Array): void {
    const request = parseRequest(bytes);
    if (request.kind === 'auth') this.principal = toHex(request.principal);
    this.asked.set(request.id, request);
    this.relay.asked.push(request);
    for (const each of this.relay.script.request?.(request, this) ?? [request]) this.upstream.receive(encodeRequest(each));
  }

  toClient(...frames: readonly ToClient[]): void {
    for (const frame of frames) if (!this.over) this.client.send(frame instanceof Uint8Array ? frame : encodeRelayFrame(frame));
  }

  toSocket(bytes: Uint8Array): void {
    this.client.raw(bytes);
  }

  cut(): void {
    if (this.over) return;
    this.closed();
    this.client.close();
  }

  closed(): void {
    if (this.over) return;
    this.over = true;
    this.gone();
    this.ending.resolve();
    this.upstream.end();
  }

  private answered(bytes: Uint8Array): void {
    const frame = parseRelayFrame(bytes);
    const { script } = this.relay;
    const passOn = async (before: Promise<void>): Promise<void> => {
      await before;
      const asked = 'id' in frame ? this.asked.get(frame.id) : undefined;
      this.toClient(...((await script.answer?.(frame, this, asked)) ?? [frame]));
    };
    this.queue = passOn(this.queue);
  }
}

/** Sockets in memory. Frames travel a turn of the event loop, as real ones do at least. */
function socketTo(relay: HostileRelay): WebSocketConstructor {
  return class MemorySocket implements WebSocketLike {
    binaryType = '';
    private readonly events = new EventTarget();
    private readonly far: ReturnType<HostileRelay['accept']>;
    private over = false;

    constructor() {
      this.far = relay.accept({
        send: (frame) => void setImmediate(() => this.deliver(frame)),
        raw: () => {},
        close: () => void setImmediate(() => this.end()),
      });
    }

    addEventListener(type: string, listener: (event: { readonly data: unknown }) => void): void {
      this.events.addEventListener(type, (event) => listener({ data: (event as CustomEvent<unknown>).detail }));
    }

    send(frame: Uint8Array): void {
      const copy = frame.slice();
      setImmediate(() => this.over || this.far.receive(copy));
    }

    close(): void {
      this.far.closed();
      setImmediate(() => this.end());
    }

    private deliver(frame: Uint8Array): void {
      if (!this.over) this.events.dispatchEvent(new CustomEvent('message', { detail: frame.slice().buffer }));
    }

    private end(): void {
      if (this.over) return;
      this.over = true;
      this.events.dispatchEvent(new CustomEvent('close'));
    }
  };
}

/** A hostile relay on a port of this machine. */
export interface ListeningRelay {
  readonly relay: HostileRelay;
  readonly url: string;
  close(): Promise<void>;
}

/** Listens in front of a real relay; which one is asked for every connection anew. */
export async function listenHostile(upstreamUrl: () => string): Promise<ListeningRelay> {
  const relay = new HostileRelay((answer, ended) => dial(upstreamUrl(), answer, ended));
  const server = createServer((_request, response) => void response.end('{"ok":true}'));
  const sockets = new WebSocketServer({ server, path: '/v1', perMessageDeflate: false });
  sockets.on('connection', (socket, request) => {
    const far = relay.accept({
      send: (frame) => socket.send(frame),
      raw: (bytes) => void request.socket.write(bytes),
      close: () => socket.terminate(),
    });
    socket.on('message', (data) => far.receive(bytesOf(data)));
    socket.on('error', () => socket.terminate());
    socket.on('close', () => far.closed());
  });
  const port = await listen(server);
  return {
    relay,
    url: `http://127.0.0.1:${port}`,
    close: async () => {
      relay.cut();
      sockets.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function dial(url: string, answer: (frame: Uint8Array) => void, ended: () => void): RelayEnd {
  const socket = new Client(`${url.replace(/^http/, 'ws')}/v1`, { perMessageDeflate: false });
  const waiting: Uint8Array[] = [];
  socket.on('open', () => waiting.forEach((request) => socket.send(request)));
  socket.on('message', (data) => answer(bytesOf(data)));
  socket.on('error', ended);
  socket.on('close', ended);
  return {
    receive: (request) => (socket.readyState === socket.CONNECTING ? void waiting.push(request) : socket.send(request)),
    end: () => socket.terminate(),
  };
}

function bytesOf(data: RawData): Uint8Array {
  return Array.isArray(data) ? Buffer.concat(data) : new Uint8Array(data as Buffer);
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}
