// A relay connection for the length of one command.

import { connectRelay } from '@holdfast/protocol/exchange/connect-relay';
import type { RelayExchange, RelayIdentity } from '@holdfast/protocol/exchange/relay-exchange';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';

const answerWithinMs = 15_000;

/** What comes unasked. */
export interface RelayEvents {
  /** As received: believed by nobody yet. */
  readonly onSignal?: (wire: Uint8Array) => void;
  readonly onClosed?: () => void;
}

/** Throws `relay_unreachable`, `relay_impostor`. */
export function openRelay(
  relayUrl: string,
  {
    onSignal = () => {},
    onClosed = () => {},
    ...bound
  }: { identity?: RelayIdentity; relayKey?: Uint8Array; answerWithinMs?: number } & RelayEvents = {},
): Promise<RelayExchange> {
  return connectRelay(relayUrl, {
    webSocket: WebSocket,
    primitives: nodePrimitives,
    deadline: (afterMs, expired) => {
      const timer = setTimeout(expired, afterMs);
      return () => clearTimeout(timer);
    },
    answerWithinMs,
    onPush: (push) => {
      if (push.kind === 'push-signal') onSignal(push.signal);
    },
    onClosed,
    ...bound,
  });
}
