// The fleet as this browser reads it from the relay, live: connects, reads, follows, and begins again after each loss without losing its place. Every
// change is verified by the same reader as the CLI's and the daemon's; a relay that lies ends the connection, and what was verified stays on the screen.

import { controlTopic, type Verified } from '@holdfast/protocol/blind/entry';
import type { RelayPush } from '@holdfast/protocol/blind/frames';
import type { Pulse } from '@holdfast/protocol/blind/pulse';
import { equalBytes, toHex } from '@holdfast/protocol/codec/bytes';
import { codeOf, HoldfastError } from '@holdfast/protocol/errors';
import { getPulse, watchTopics } from '@holdfast/protocol/exchange/relay-calls';
import { liveAgents, topicTip, type FleetState } from '@holdfast/protocol/journal/state';
import type { KeyHolder } from '@holdfast/protocol/keys/key-holder';
import { Asks, type News } from '@holdfast/protocol/operator/asks';
import { readPulse } from '@holdfast/protocol/operator/newest-pulse';
import type { OperatorFacts, OperatorPorts } from '@holdfast/protocol/operator/ports';
import { OperatorSession, readFleet } from '@holdfast/protocol/operator/session';

/** Between two tries, growing. */
const firstPauseMs = 500;
const longestPauseMs = 15_000;
/** An unlocked console in front of a person is a sign of life; it locks by itself when nobody is there. */
const pulseEveryMs = 30 * 60_000;

export type Connection =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'live'; readonly sinceMs: number }
  /** Tries go on. */
  | { readonly kind: 'lost'; readonly sinceMs: number }
  /** What the relay shows does not hold, or it does not take this device: tried again when a person wants it, and not by itself. */
  | { readonly kind: 'refused'; readonly error: HoldfastError };

/** What whoever shows the fleet is told. */
export interface LiveEvents {
  connection(now: Connection): void;
  /** After each change of what was verified. */
  state(state: FleetState, session: OperatorSession): void;
  /** Of asks, in order; without news where more signals did not hold. */
  asks(news: readonly News[], asks: Asks): void;
  /** What else the relay pushed, believed by nobody yet. */
  pushed(push: RelayPush, session: OperatorSession): void;
  /** The newest sign of life of any operator device. */
  pulse(pulse: Verified<Pulse>): void;
}

export interface LiveClock {
  nowMs(): number;
  /** Resolves early when `ended`. */
  wait(ms: number, ended: AbortSignal): Promise<void>;
}

export class LiveFleet {
  readonly asks: Asks;
  readonly #ports: OperatorPorts;
  readonly #facts: OperatorFacts;
  readonly #holder: KeyHolder;
  readonly #events: LiveEvents;
  readonly #clock: LiveClock;
  readonly #ended = new AbortController();
  #session: OperatorSession | undefined;
  #newestPulse: Verified<Pulse> | undefined;
  /** Of signals, the last time that asks were told of. */
  #toldRefused = 0;
  /** Pulses that did not hold. */
  refusedPulses = 0;
  #hurry = new AbortController();

  constructor(
    ports: OperatorPorts,
    who: { readonly facts: OperatorFacts; readonly holder: KeyHolder },
    clock: LiveClock,
    events: LiveEvents,
  ) {
    this.#ports = ports;
    this.#facts = who.facts;
    this.#holder = who.holder;
    this.#clock = clock;
    this.#events = events;
    this.asks = new Asks(ports);
  }

  /** Throws `relay_unreachable` while there is no connection: nothing can be done then. */
  get session(): OperatorSession {
    if (this.#session !== undefined) return this.#session;
    throw new HoldfastError('relay_unreachable', 'this console has no connection to the relay', {
      next: 'wait until it is connected again; nothing was changed',
    });
  }

  /** Until `end`. Never rejects: what ends it is told as a connection. */
  async run(): Promise<void> {
    let pauseMs = firstPauseMs;
    while (!this.#ended.signal.aborted) {
      this.#events.connection({ kind: 'connecting' });
      try {
        await this.#follow(() => (pauseMs = firstPauseMs));
      } catch (thrown) {
        if (codeOf(thrown) !== 'relay_unreachable' && !this.#ended.signal.aborted) {
          const error =
            thrown instanceof HoldfastError ? thrown : new HoldfastError('internal', 'this console failed', { cause: thrown });
          this.#events.connection({ kind: 'refused', error });
          await this.#asked();
          continue;
        }
      }
      if (this.#ended.signal.aborted) return;
      this.#events.connection({ kind: 'lost', sinceMs: this.#clock.nowMs() });
      this.#hurry = new AbortController();
      await this.#clock.wait(pauseMs, AbortSignal.any([this.#ended.signal, this.#hurry.signal]));
      pauseMs = Math.min(longestPauseMs, 2 * pauseMs);
    }
  }

  /** Until somebody wants another try, or the end. */
  async #asked(): Promise<void> {
    this.#hurry = new AbortController();
    const over = AbortSignal.any([this.#ended.signal, this.#hurry.signal]);
    await new Promise<void>((resolve) => over.addEventListener('abort', () => resolve()));
  }

  /** The network is back, or somebody looks, or wants another try: it is now. */
  tryNow(): void {
    this.#hurry.abort();
  }

  /** Closes the connection and wipes the fleet's keys; the operator's are their owner's. */
  end(): void {
    this.#ended.abort();
    this.#session?.disconnect();
    this.#session = undefined;
  }

  /** One connection, from its begin to its end. Throws what ended it. */
  async #follow(connected: () => void): Promise<void> {
    const over = Promise.withResolvers<never>();
    over.promise.catch(() => undefined);
    const early: RelayPush[] = [];
    let take: (push: RelayPush) => void = (push) => early.push(push);
    const lost = (): void => over.reject(new HoldfastError('relay_unreachable', 'the connection to the relay has ended'));
    const read = await readFleet(this.#ports, this.#facts, this.#holder, { onPush: (push) => take(push), onClosed: lost });
    const session = new OperatorSession(read);
    if (this.#ended.signal.aborted) return session.disconnect();
    try {
      this.#session = session;
      take = this.#taker(session, over.reject);
      await this.#readAgents(session);
      connected();
      this.#events.connection({ kind: 'live', sinceMs: this.#clock.nowMs() });
      this.#events.state(session.state, session);
      for (const push of early.splice(0)) take(push);
      await this.#watch(session);
      const pulsing = new AbortController();
      void this.#pulse(session, AbortSignal.any([this.#ended.signal, pulsing.signal])).catch(over.reject);
      try {
        await over.promise;
      } finally {
        pulsing.abort();
      }
    } finally {
      if (this.#session === session) this.#session = undefined;
      session.disconnect();
    }
  }

  /** Takes what is pushed, one after the other; entries are read on by, and so verified as at any start. */
  #taker(session: OperatorSession, fail: (thrown: unknown) => void): (push: RelayPush) => void {
    let isReading = false;
    let again = false;
    const readOn = async (topic: Uint8Array): Promise<void> => {
      if (!equalBytes(topic, controlTopic)) return session.readAgentTopic(topic);
      const before = liveAgents(session.state).length;
      await session.readOn();
      if (liveAgents(session.state).length !== before) await this.#watch(session);
    };
    const topics = new Map<string, Uint8Array>();
    const read = async (): Promise<void> => {
      if (isReading) {
        again = true;
        return;
      }
      isReading = true;
      try {
        do {
          again = false;
          const wanted = [...topics.values()];
          topics.clear();
          for (const topic of wanted) await readOn(topic);
          this.#events.state(session.state, session);
        } while (again);
      } finally {
        isReading = false;
      }
    };
    return (push) => {
      if (push.kind === 'push-entry') {
        topics.set(toHex(push.topic), push.topic);
        read().catch(fail);
      } else if (push.kind === 'push-signal') {
        this.asks.hear(push);
        this.#tellNews(session).catch(fail);
      } else if (push.kind === 'push-pulse') void this.#heardPulse(session, push.pulse);
      this.#events.pushed(push, session);
    };
  }

  async #tellNews(session: OperatorSession): Promise<void> {
    const news = await this.asks.news(session);
    const { refused } = this.asks;
    if (news.length === 0 && refused === this.#toldRefused) return;
    this.#toldRefused = refused;
    this.#events.asks(news, this.asks);
  }

  async #readAgents(session: OperatorSession): Promise<void> {
    for (const { id } of liveAgents(session.state)) await session.readAgentTopic(id);
  }

  async #watch(session: OperatorSession): Promise<void> {
    const agents = liveAgents(session.state).map(({ id }) => ({
      topic: id,
      from: (topicTip(session.state, id)?.position ?? -1) + 1,
    }));
    await watchTopics(session.relay, [{ topic: controlTopic, from: session.head.position + 1 }, ...agents]);
  }

  /** One that does not hold is as if it had not come: what stops without one stops at the daemons. */
  async #heardPulse(session: OperatorSession, wire: Uint8Array | undefined): Promise<void> {
    if (wire === undefined) return;
    try {
      this.#newestPulse = await readPulse(session, wire, this.#newestPulse);
      this.#events.pulse(this.#newestPulse);
    } catch {
      this.refusedPulses += 1;
    }
  }

  async #pulse(session: OperatorSession, over: AbortSignal): Promise<void> {
    while (!over.aborted) {
      await session.signOfLife();
      await this.#heardPulse(session, await getPulse(session.relay));
      await this.#clock.wait(pulseEveryMs, over);
    }
  }
}
