// The daemon's connection to its fleet's relay, spec/relay.md: kept up with backoff, feeding entries and pulses to the agent's replica in
// order, and asking for freshness. Nothing that the relay says is believed here: it is handed on to what verifies it.

import { controlTopic } from '@holdfast/protocol/blind/entry';
import { compareHeads, headOf } from '@holdfast/protocol/blind/freshness';
import type { RelayPush } from '@holdfast/protocol/blind/frames';
import type { Head } from '@holdfast/protocol/blind/entry';
import { equalBytes, toHex } from '@holdfast/protocol/codec/bytes';
import { codeOf, HoldfastError, type ErrorCode } from '@holdfast/protocol/errors';
import { connectRelay } from '@holdfast/protocol/exchange/connect-relay';
import type { RelayExchange, RelayIdentity } from '@holdfast/protocol/exchange/relay-exchange';
import { appendEntry, askFreshness, getLockbox, getPulse, readTopic, watchTopics, type AppendOutcome, type LockboxPlace } from '@holdfast/protocol/exchange/relay-calls';
import type { UnverifiedEntry } from '@holdfast/protocol/blind/entry';
import type { Freshness } from '../freshness.ts';
import type { Ports } from '../ports.ts';

const answerWithinMs = 15_000;
const freshEveryMs = 15_000;
const firstBackoffMs = 250;
const maxBackoffMs = 30_000;

export type LinkState = 'connecting' | 'connected' | 'waiting' | 'ended';

/** What the link feeds. Calls never overlap: one supervised writer. */
export interface LinkReader {
  /** The control head that has been seen; the next entry wanted is the one after it. */
  controlHead(): Head | undefined;
  /** Applies control entries as received; throws a coded error when history does not hold. */
  applyControl(wires: readonly Uint8Array[]): Promise<void>;
  applyPulse(wire: Uint8Array): Promise<void>;
}

export interface LinkOptions {
  readonly ports: Ports;
  readonly relayUrl: string;
  readonly relayKey: Uint8Array;
  readonly identity: RelayIdentity;
  readonly freshness: Freshness;
  readonly reader: LinkReader;
}

const deadline = (afterMs: number, expired: () => void): (() => void) => {
  const timer = setTimeout(expired, afterMs);
  return () => clearTimeout(timer);
};

export class RelayLink {
  private readonly options: LinkOptions;
  private exchange: RelayExchange | undefined;
  private backoffMs = firstBackoffMs;
  private timer: NodeJS.Timeout | undefined;
  private freshTimer: NodeJS.Timeout | undefined;
  /** Serialises everything that touches the reader. */
  private queue: Promise<void> = Promise.resolve();
  private current: LinkState = 'connecting';
  private fault: ErrorCode | undefined;

  constructor(options: LinkOptions) {
    this.options = options;
  }

  get state(): LinkState {
    return this.current;
  }

  /** Why the last connection ended, while there is none. */
  get error(): ErrorCode | undefined {
    return this.fault;
  }

  start(): void {
    void this.connect();
  }

  /** For good: a revoked agent does not knock again. */
  stop(): void {
    this.current = 'ended';
    clearTimeout(this.timer);
    clearTimeout(this.freshTimer);
    this.exchange?.close();
  }

  /** Asks for the relay's word on our heads now instead of at the next round. */
  async confirm(): Promise<void> {
    const { exchange } = this;
    if (exchange !== undefined && this.current === 'connected') await this.askFresh(exchange);
  }

  /** Appends to the agent's own topic. Throws `relay_unreachable` while there is no connection. */
  async append(entry: UnverifiedEntry): Promise<AppendOutcome> {
    return appendEntry(this.connected(), entry);
  }

  async lockbox(place: LockboxPlace): Promise<Uint8Array | undefined> {
    return getLockbox(this.connected(), place);
  }

  async *ownTopic(topic: Uint8Array, from: number): AsyncGenerator<Uint8Array> {
    yield* readTopic(this.connected(), topic, from);
  }

  private connected(): RelayExchange {
    if (this.exchange === undefined) throw new HoldfastError('relay_unreachable', 'there is no connection to the relay', { next: 'see: holdfast status' });
    return this.exchange;
  }

  private async connect(): Promise<void> {
    if (this.current === 'ended') return;
    this.current = 'connecting';
    const { ports, relayUrl, relayKey, identity } = this.options;
    try {
      const exchange = await connectRelay(relayUrl, {
        webSocket: WebSocket,
        primitives: ports.primitives,
        deadline,
        answerWithinMs,
        identity,
        relayKey,
        onPush: (push) => this.onPush(push),
        onClosed: (error) => this.onClosed(error),
      });
      this.exchange = exchange;
      await this.catchUp(exchange);
      if (this.exchange !== exchange) return;
      this.current = 'connected';
      this.fault = undefined;
      this.backoffMs = firstBackoffMs;
      ports.log.info({ agent: toHex(identity.principal) }, 'connected to the relay');
      this.scheduleFresh(exchange);
    } catch (thrown) {
      this.broken(thrown);
    }
  }

  private async catchUp(exchange: RelayExchange): Promise<void> {
    const { reader } = this.options;
    const pulse = await getPulse(exchange);
    const asked = await this.confirmed(exchange);
    if (asked === 'ahead') {
      const batch: Uint8Array[] = [];
      for await (const wire of readTopic(exchange, controlTopic, (reader.controlHead()?.position ?? -1) + 1)) batch.push(wire);
      await this.enqueue(() => reader.applyControl(batch));
    }
    await watchTopics(exchange, [{ topic: controlTopic, from: (reader.controlHead()?.position ?? -1) + 1 }]);
    if (pulse !== undefined) await this.enqueue(() => reader.applyPulse(pulse));
    if (asked === 'ahead') await this.confirmed(exchange);
  }

  /** One round: nonce out, statement back, heads compared. Throws when the relay shows an older or another history. */
  private async confirmed(exchange: RelayExchange): Promise<'same' | 'ahead'> {
    const { freshness, identity, relayKey, reader } = this.options;
    const asked = freshness.mark();
    const statement = await askFreshness(exchange, { fleet: identity.fleet, relayKey, topics: [] });
    const told = headOf(statement, controlTopic);
    const seen = reader.controlHead();
    const compared = compareHeads(seen, told); // [FRESHNESS-6]
    if (compared === 'same') freshness.relayConfirmed(asked);
    return compared;
  }

  private async askFresh(exchange: RelayExchange): Promise<void> {
    try {
      // Entries on their way here are applied before heads are compared again.
      if ((await this.confirmed(exchange)) === 'ahead') {
        await this.queue;
        await this.confirmed(exchange);
      }
    } catch (thrown) {
      if (this.exchange === exchange) this.broken(thrown);
    }
  }

  private scheduleFresh(exchange: RelayExchange): void {
    clearTimeout(this.freshTimer);
    this.freshTimer = setTimeout(() => {
      if (this.exchange !== exchange) return;
      void this.askFresh(exchange).then(() => this.scheduleFresh(exchange));
    }, freshEveryMs);
  }

  private onPush(push: RelayPush): void {
    const { reader } = this.options;
    if (push.kind === 'push-pulse') void this.enqueue(() => reader.applyPulse(push.pulse)).catch((thrown) => this.ignored(thrown));
    else if (push.kind === 'push-entry' && equalBytes(push.topic, controlTopic)) {
      void this.enqueue(() => reader.applyControl([push.entry])).catch((thrown) => this.broken(thrown));
    }
  }

  private enqueue(work: () => Promise<void>): Promise<void> {
    const done = this.queue.then(work);
    this.queue = done.catch(() => undefined);
    return done;
  }

  /** A pulse that does not verify takes nothing away: the last good one goes on ageing. */
  private ignored(thrown: unknown): void {
    this.options.ports.log.warn({ code: codeOf(thrown) }, 'a pulse was refused');
  }

  private broken(thrown: unknown): void {
    this.fault = codeOf(thrown);
    this.options.ports.log.warn({ code: this.fault }, 'the relay connection failed');
    const { exchange } = this;
    this.exchange = undefined;
    exchange?.close();
    this.retry();
  }

  private onClosed(error: HoldfastError): void {
    if (this.exchange === undefined) return; // still connecting: connect() hears it
    this.exchange = undefined;
    this.fault ??= error.code;
    this.retry();
  }

  private retry(): void {
    if (this.current === 'ended' || this.current === 'waiting') return;
    this.current = 'waiting';
    clearTimeout(this.freshTimer);
    clearTimeout(this.timer);
    const jitter = (this.options.ports.primitives.random(1)[0] ?? 0) / 255;
    this.timer = setTimeout(() => void this.connect(), this.backoffMs * (0.5 + jitter / 2));
    this.backoffMs = Math.min(maxBackoffMs, this.backoffMs * 2);
  }
}
