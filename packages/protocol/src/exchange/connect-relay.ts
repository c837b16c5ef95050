// Binds a relay exchange to a WebSocket. The constructor is an argument: browsers and Node both have a global one, apps bind it.

import { maxAnswerBytes } from '../blind/frames.ts';
import { HoldfastError } from '../errors.ts';
import { RelayExchange, type RelayExchangeOptions } from './relay-exchange.ts';

/** What is used of the standard WebSocket (https://websockets.spec.whatwg.org). */
export interface WebSocketLike {
  binaryType: string;
  addEventListener(type: 'open' | 'close' | 'error', listener: () => void): void;
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void;
  send(data: Uint8Array): void;
  close(): void;
}
export type WebSocketConstructor = new (url: string) => WebSocketLike;

export interface ConnectOptions extends Omit<RelayExchangeOptions, 'wire'> {
  readonly webSocket: WebSocketConstructor;
}

/** The WebSocket address of a relay that is known by its http(s) address. Throws `usage`. */
export function relaySocketUrl(relayUrl: string): string {
  const match = /^(https?):\/\/([^/?#\s@]+)\/?$/.exec(relayUrl);
  if (match === null)
    throw new HoldfastError('usage', 'a relay address looks like https://relay.example or http://127.0.0.1:7433'); // [RELAY-2]
  return `${match[1] === 'https' ? 'wss' : 'ws'}://${match[2]}/v1`;
}

/**
 * Connects, and proves the identity if one is given. The deadline for the first answer covers connecting. Throws `usage` for a bad
 * address, `relay_unreachable`, `relay_impostor`, `relay_refused`, `relay_protocol`. `onClosed` tells of the end, also of this attempt.
 */
export async function connectRelay(relayUrl: string, { webSocket, ...options }: ConnectOptions): Promise<RelayExchange> {
  const socket = new webSocket(relaySocketUrl(relayUrl));
  socket.binaryType = 'arraybuffer';
  const exchange = new RelayExchange({
    ...options,
    wire: { send: (frame) => socket.send(frame), close: () => socket.close() },
  });
  socket.addEventListener('message', ({ data }) => {
    // Text, and what is too long to be a frame, is no frame: the exchange refuses it as it refuses any other garbage.
    const frame = data instanceof ArrayBuffer && data.byteLength <= maxAnswerBytes ? new Uint8Array(data) : new Uint8Array();
    exchange.receive(frame);
  });
  socket.addEventListener('close', () => exchange.closed());
  socket.addEventListener('error', () => exchange.closed());
  await exchange.ready;
  return exchange;
}
