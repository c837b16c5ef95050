// What an operator device in a browser brings along, packages/protocol/src/operator/ports.ts: WebCrypto, this browser's store, its clocks and WebSockets.

import { connectRelay, type WebSocketConstructor } from '@holdfast/protocol/exchange/connect-relay';
import type { RelayExchange, RelayIdentity } from '@holdfast/protocol/exchange/relay-exchange';
import type { OperatorPorts, OperatorStore, RelayEvents } from '@holdfast/protocol/operator/ports';
import { webPrimitives } from '@holdfast/protocol/primitives/web';
import type { LiveClock } from './live-fleet.ts';

const answerWithinMs = 15_000;

/** @public For the ways in. Throws `usage`, `relay_unreachable`, `relay_impostor`. */
export function openRelay(
  relayUrl: string,
  {
    onPush = () => {},
    onClosed = () => {},
    ...bound
  }: { readonly identity?: RelayIdentity; readonly relayKey?: Uint8Array } & RelayEvents = {},
): Promise<RelayExchange> {
  return connectRelay(relayUrl, {
    webSocket: WebSocket as WebSocketConstructor,
    primitives: webPrimitives,
    deadline: (afterMs, expired) => {
      const timer = setTimeout(expired, afterMs);
      return () => clearTimeout(timer);
    },
    answerWithinMs,
    onPush,
    onClosed,
    ...bound,
  });
}

/** @public For the shell. */
export function browserPorts(store: OperatorStore): OperatorPorts {
  return { primitives: webPrimitives, nowMs: Date.now, store, connect: openRelay };
}

/** @public For the shell. */
export const pageClock: LiveClock = {
  nowMs: Date.now,
  wait: (ms, ended) =>
    new Promise((resolve) => {
      if (ended.aborted) return resolve();
      const timer = setTimeout(resolve, ms);
      ended.addEventListener('abort', () => {
        clearTimeout(timer);
        resolve();
      });
    }),
};
