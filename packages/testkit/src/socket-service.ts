// A small service of WebSockets behind TLS: what it was asked with, and messages that it answers, repeats or streams.

import type { IncomingMessage } from 'node:http';
import { WebSocketServer, type WebSocket } from 'ws';
import { startService, type Service } from './origin.ts';

export interface SocketService extends Service {
  /** The head of each handshake, in order. */
  readonly handshakes: readonly IncomingMessage[];
  /** How many sockets are open. */
  readonly open: number;
}

/** Hands every socket to `taken`, with the handshake that it came by. */
export async function startSocketService(
  host: string,
  taken: (socket: WebSocket, handshake: IncomingMessage) => void,
): Promise<SocketService> {
  const { server, close, ...service } = await startService((_request, response) => void response.writeHead(426).end(), host);
  const handshakes: IncomingMessage[] = [];
  // Packed frames are what the broker must keep from being agreed on.
  const sockets = new WebSocketServer({ server, perMessageDeflate: true });
  sockets.on('connection', (socket, handshake) => {
    socket.on('error', () => {});
    handshakes.push(handshake);
    taken(socket, handshake);
  });
  return {
    ...service,
    handshakes,
    get open() {
      return sockets.clients.size;
    },
    async close() {
      for (const socket of sockets.clients) socket.terminate();
      sockets.close();
      await close();
    },
  };
}
