// How tests, stories and benches come to a relay: over a real WebSocket, with time enough for a busy machine, deaf unless they say otherwise.

import type { ConnectOptions } from '@holdfast/protocol/exchange/connect-relay';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';

/** For `connectRelay`. */
export const overWebSocket = {
  primitives,
  webSocket: WebSocket,
  deadline: (afterMs, expired) => {
    const timer = setTimeout(expired, afterMs);
    return () => clearTimeout(timer);
  },
  answerWithinMs: 60_000,
  onPush: () => {},
  onClosed: () => {},
} as const satisfies ConnectOptions;
