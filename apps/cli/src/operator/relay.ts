// A relay connection for the length of one command.

import { connectRelay } from '@holdfast/protocol/exchange/connect-relay';
import type { RelayExchange, RelayIdentity } from '@holdfast/protocol/exchange/relay-exchange';
import type { RelayEvents } from '@holdfast/protocol/operator/ports';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';

const answerWithinMs = 15_000;

/** Throws `relay_unreachable`, `relay_impostor`. */
export function openRelay(
  relayUrl: string,
  {
    onPush = () => {},
    onClosed = () => {},
    ...bound
  }: { readonly identity?: RelayIdentity; readonly relayKey?: Uint8Array; readonly answerWithinMs?: number } & RelayEvents = {},
): Promise<RelayExchange> {
  return connectRelay(relayUrl, {
    webSocket: WebSocket,
    primitives: nodePrimitives,
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
