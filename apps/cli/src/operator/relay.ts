// A relay connection for the length of one command.

import { connectRelay } from '@holdfast/protocol/exchange/connect-relay';
import type { RelayExchange, RelayIdentity } from '@holdfast/protocol/exchange/relay-exchange';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';

const answerWithinMs = 15_000;

/** Throws `relay_unreachable`, `relay_impostor`. */
export function openRelay(
  relayUrl: string,
  bound: { identity?: RelayIdentity; relayKey?: Uint8Array; answerWithinMs?: number } = {},
): Promise<RelayExchange> {
  return connectRelay(relayUrl, {
    webSocket: WebSocket,
    primitives: nodePrimitives,
    deadline: (afterMs, expired) => {
      const timer = setTimeout(expired, afterMs);
      return () => clearTimeout(timer);
    },
    answerWithinMs,
    onPush: () => {},
    onClosed: () => {},
    ...bound,
  });
}
