// What the daemon takes from the outside world, bound once in main.ts: clocks, chance, logs, the way to a relay.

import type { WebSocketConstructor } from '@holdfast/protocol/exchange/connect-relay';
import type { Primitives } from '@holdfast/protocol/primitives/primitives';

export interface Clock {
  /** Wall clock, milliseconds since 1970: for records that people read. */
  nowMs(): number;
  /** Milliseconds since some start, never set back: for every deadline. */
  monotonicMs(): number;
}

/** Ids and codes only; never names, paths or bodies of requests. */
export interface Log {
  info(fields: Readonly<Record<string, string | number | undefined>>, message: string): void;
  warn(fields: Readonly<Record<string, string | number | undefined>>, message: string): void;
}

export interface Ports {
  readonly clock: Clock;
  readonly log: Log;
  readonly primitives: Primitives;
  readonly webSocket: WebSocketConstructor;
}
