// How much the relay gives to whom, spec/relay.md §7. Each bound names what it protects; sizes of single things stand with their formats.

export interface RelayLimits {
  /** Open connections; past it the longest unauthenticated one gives way, or the new one is turned away. */
  readonly maxConnections: number;
  /** Of those, unauthenticated: strangers must not crowd out members. */
  readonly maxStrangers: number;
  /** A stranger that neither proves itself nor uses a rendezvous is a leak. */
  readonly strangerMs: number;
  /** A member's older connections give way: after a network change the old ones are dead without knowing it. */
  readonly maxConnectionsPerPrincipal: number;
  /** Requests of one connection that are not answered yet; past it the socket is not read. */
  readonly maxInFlight: number;
  /** Pushes wait in the store, not in memory, once this much is buffered for a reader. */
  readonly pushBufferBytes: number;
  /** A reader that lets answers pile up past this is cut. */
  readonly maxBufferedBytes: number;
  /** Per principal, over all its connections. */
  readonly principal: Rate;
  /** All agents of a fleet together; devices have only their own: no agent can hold up an operator. */
  readonly agents: Rate;
  readonly stranger: Rate;
  /** Status lists, over the whole relay: whoever asks for them is nobody. */
  readonly statusReads: Rate;
  /** New fleets, over the whole relay. */
  readonly creations: Rate;
  readonly maxFleets: number;
  readonly maxTopicBytes: number;
  readonly maxLockboxes: number;
  /** Of one agent's audit log. [SHIP-5] */
  readonly maxShippedBytes: number;
  /** Signals of one agent: what it says is pushed to each device, and no device should have to hang up on it. */
  readonly agentSignals: Rate;
  /** Unexpired signals of one sender, and of a fleet; one more of each sender of which it keeps the newest alone. */
  readonly maxSignalsPerSender: number;
  readonly maxSignals: number;
  /** Between two messages that wake one device. [WEBPUSH-4] */
  readonly pushGapMs: number;
  readonly maxRendezvous: number;
  readonly maxRendezvousTotalBytes: number;
  /** A connection that does not answer a ping within one such interval is gone. */
  readonly pingMs: number;
}

/** `perSecond` units in the long run, `burst` at once; a unit is one request, or each whole 16 KiB of it. */
export interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

export const defaultLimits: RelayLimits = {
  maxConnections: 20_000,
  maxStrangers: 1024,
  strangerMs: 20 * 60_000,
  maxConnectionsPerPrincipal: 16,
  maxInFlight: 128,
  pushBufferBytes: 256 * 1024,
  maxBufferedBytes: 8 * 1024 * 1024,
  principal: { perSecond: 1000, burst: 4000 },
  agents: { perSecond: 4000, burst: 20_000 },
  stranger: { perSecond: 10, burst: 40 },
  statusReads: { perSecond: 500, burst: 5000 },
  creations: { perSecond: 1, burst: 60 },
  maxFleets: 100_000,
  maxTopicBytes: 1024 * 1024 * 1024,
  maxLockboxes: 65_536,
  maxShippedBytes: 4 * 1024 * 1024 * 1024,
  agentSignals: { perSecond: 10, burst: 200 },
  maxSignalsPerSender: 64,
  maxSignals: 4096,
  pushGapMs: 10_000,
  maxRendezvous: 1024,
  maxRendezvousTotalBytes: 16 * 1024 * 1024,
  pingMs: 30_000,
};

/** Wall time is told and expires signals; everything else is counted in monotonic time. */
export interface Clock {
  wallMs(): number;
  elapsedMs(): number;
}

const unitBytes = 16 * 1024;

/** What a request of this size costs. */
export function unitsOf(bytes: number): number {
  return 1 + Math.floor(bytes / unitBytes);
}

/** A bucket that fills by time and empties by use. */
export class Bucket {
  readonly #rate: Rate;
  #left: number;
  #filledAtMs: number;

  constructor(rate: Rate, nowMs: number) {
    this.#rate = rate;
    this.#left = rate.burst;
    this.#filledAtMs = nowMs;
  }

  /** True and taken, or false and nothing taken. `nowMs` is monotonic. */
  take(units: number, nowMs: number): boolean {
    this.#left = Math.min(this.#rate.burst, this.#left + ((nowMs - this.#filledAtMs) * this.#rate.perSecond) / 1000);
    this.#filledAtMs = nowMs;
    if (this.#left < units) return false;
    this.#left -= units;
    return true;
  }
}
