// The daemon's connection to its fleet's relay, spec/relay.md: kept up with backoff, feeding entries and pulses to the agent's replica in
// order, and asking for freshness. Nothing that the relay says is believed here: it is handed on to what verifies it.

import { controlTopic, type Head, type UnverifiedEntry } from '@holdfast/protocol/blind/entry';
import { compareHeads, headOf } from '@holdfast/protocol/blind/freshness';
import type { RelayPush } from '@holdfast/protocol/blind/frames';
import type { Signal } from '@holdfast/protocol/blind/signal';
import { equalBytes, toHex } from '@holdfast/protocol/codec/bytes';
import { codeOf, HoldfastError, type ErrorCode } from '@holdfast/protocol/errors';
import { connectRelay } from '@holdfast/protocol/exchange/connect-relay';
import {
  appendEntry,
  askFreshness,
  getLockbox,
  getPulse,
  putSignal,
  readTopic,
  watchTopics,
} from '@holdfast/protocol/exchange/relay-calls';
import type { RelayExchange, RelayIdentity } from '@holdfast/protocol/exchange/relay-exchange';
import type { LockboxPlace } from '@holdfast/protocol/seal/lockbox';
import type { Freshness } from '../freshness.ts';
import type { Ports } from '../ports.ts';

const answerWithinMs = 15_000;
const freshEveryMs = 15_000;
const firstBackoffMs = 250;
const maxBackoffMs = 30_000;
/** Entries read at once: more than any fleet has, less than what a relay could make us hold by never coming to an end. */
const maxReadBytes = 256 * 1024 * 1024;
/** What a relay may push between two of our questions: a fleet that writes more is read by pages. Bounds what waits here, and the work for nothing. */
const maxPushes = 2048;
const maxPushedBytes = 32 * 1024 * 1024;
/** Pulses and signals refused in the same time: each is a line in the log. */
const maxRefused = 8;
/** As many as a relay keeps of one sender. */
const maxEarlySignals = 64;
/** Rounds of reading on while the fleet moves faster than we read; then pushes and the next round do the rest. */
const maxReadRounds = 3;

export type LinkState = 'connecting' | 'connected' | 'waiting' | 'ended';

/** What the link feeds. Calls of the `apply` kind never overlap: one supervised writer. */
export interface LinkReader {
  /** The newest control head that was ever seen or pinned: a relay that shows less is rolled back. */
  seenHead(): Head;
  /** The position of the next control entry wanted. */
  nextControl(): number;
  /** `known`: in the history read so far; `ahead`: not read that far. Throws `entry_fork`. */
  compareControl(head: Head): 'known' | 'ahead';
  /** Applies control entries as received; throws a coded error when history does not hold, or could not be kept. */
  applyControl(wires: readonly Uint8Array[]): Promise<void>;
  applyPulse(wire: Uint8Array): Promise<void>;
  /** The position of the next entry of the reader's own topic. */
  nextOwn(): number;
  /** Kept entries of the reader's own topic, for a relay that has lost them. */
  ownFrom(position: number): readonly UnverifiedEntry[];
  /** Entries of the reader's own topic, perhaps none. Throws when they are not its own, or could not be kept. */
  applyOwn(wires: readonly Uint8Array[]): Promise<void>;
}

export interface LinkOptions {
  readonly ports: Ports;
  readonly relayUrl: string;
  readonly relayKey: Uint8Array;
  readonly identity: RelayIdentity;
  readonly freshness: Freshness;
  readonly reader: LinkReader;
  /** Called whenever all was read over a new connection. What it throws ends the connection. */
  readonly onCaughtUp?: () => Promise<void>;
  /** The relay says that an operator's device reads along in the audit log: a word without any authority. */
  readonly onWatched?: () => void;
  /** Signals can be published from here on. */
  readonly onConnected?: () => void;
  /** The relay does not know whoever `identity` is now. */
  readonly onRefused?: () => void;
  /** Signals of the fleet as received, once everything is read. What it throws counts as the relay's fault. */
  readonly onSignal?: (wire: Uint8Array) => Promise<void>;
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
  /** Serialises everything that changes the reader. */
  private queue: Promise<void> = Promise.resolve();
  /** Signals that came before everything was read: the relay hands them over as soon as it knows us. */
  private early: Uint8Array[] = [];
  /** Since we last asked. */
  private pushed = { count: 0, bytes: 0, refused: 0 };
  private current: LinkState = 'connecting';
  private fault: ErrorCode | undefined;

  constructor(options: LinkOptions) {
    this.options = options;
  }

  get state(): LinkState {
    return this.current;
  }

  /** Whether the relay can be asked now; never before `start`. */
  get isOpen(): boolean {
    return this.exchange !== undefined;
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
    this.exchange = undefined;
  }

  /** Asks the relay what is none of the journal's. Throws `relay_unreachable` while there is no connection, and what `asked` throws. */
  async ask<T>(asked: (exchange: RelayExchange) => Promise<T>): Promise<T> {
    const { exchange } = this;
    if (exchange === undefined) throw noConnection();
    return asked(exchange);
  }

  /** Hands a signal to the relay. Throws `relay_unreachable` while not everything is read over a connection, and what the relay says. */
  async publish(signal: Signal): Promise<void> {
    if (this.current !== 'connected') throw noConnection();
    await this.ask((exchange) => putSignal(exchange, signal));
  }

  /** Throws `relay_unreachable` while there is no connection. */
  lockbox(place: LockboxPlace): Promise<Uint8Array | undefined> {
    return this.ask((exchange) => getLockbox(exchange, place));
  }

  /**
   * Appends to the reader's own topic. After a `conflict` the reader has what the relay had: compose again. Throws `relay_unreachable`,
   * what the relay says, and what the reader says of its own topic; the last ends the connection.
   */
  async append(entry: UnverifiedEntry): Promise<'appended' | 'conflict'> {
    const { exchange } = this;
    if (exchange === undefined) throw noConnection();
    const outcome = await appendEntry(exchange, entry);
    try {
      if (outcome.kind === 'appended') await this.enqueue(() => this.options.reader.applyOwn([entry.wire]));
      else await this.agreeOnOwn(exchange, outcome.head);
    } catch (thrown) {
      this.broken(thrown, exchange);
      throw thrown;
    }
    return outcome.kind;
  }

  private get ended(): boolean {
    return this.current === 'ended';
  }

  private async connect(): Promise<void> {
    if (this.ended) return;
    this.current = 'connecting';
    const { ports, relayUrl, relayKey, identity } = this.options;
    let opened: RelayExchange | undefined;
    this.early = [];
    try {
      opened = await connectRelay(relayUrl, {
        webSocket: ports.webSocket,
        primitives: ports.primitives,
        deadline,
        answerWithinMs,
        identity,
        relayKey,
        onPush: (push) => this.onPush(push),
        onClosed: (error) => {
          if (opened !== undefined) this.broken(error, opened); // while connecting, connectRelay throws the same
        },
      });
      if (this.ended) {
        opened.close();
        return;
      }
      this.exchange = opened;
      this.pushed = { count: 0, bytes: 0, refused: 0 };
      await this.catchUp(opened);
      if (this.exchange !== opened) return;
      this.current = 'connected';
      this.fault = undefined;
      ports.log.info({ agent: toHex(identity.principal) }, 'connected to the relay');
      this.scheduleFresh(opened);
      this.options.onConnected?.();
      for (const signal of this.early.splice(0)) this.heard(signal, opened);
    } catch (thrown) {
      this.broken(thrown, opened);
    }
  }

  private async catchUp(exchange: RelayExchange): Promise<void> {
    const { reader } = this.options;
    await this.enqueue(() => reader.applyControl([])); // what could not be kept before is kept now, or we stay away
    await this.readOn(exchange);
    await this.readOwn(exchange);
    await this.options.onCaughtUp?.();
    await watchTopics(exchange, [{ topic: controlTopic, from: reader.nextControl() }]);
    const pulse = await getPulse(exchange);
    if (pulse !== undefined) await this.takePulse(pulse);
  }

  /** Reads until the relay confirms that there is no more. */
  private async readOn(exchange: RelayExchange): Promise<void> {
    const { reader } = this.options;
    for (let round = 0; (await this.confirmed(exchange)) === 'ahead' && round < maxReadRounds; round += 1) {
      const batch = await readAll(exchange, controlTopic, reader.nextControl());
      await this.enqueue(() => reader.applyControl(batch));
    }
  }

  private async readOwn(exchange: RelayExchange): Promise<void> {
    const { reader, identity } = this.options;
    if (this.exchange !== exchange) return; // revoked by what was just read
    const batch = await readAll(exchange, identity.principal, reader.nextOwn());
    await this.enqueue(() => reader.applyOwn(batch));
  }

  /** The relay has more of our topic than we, and we read it; or it has lost some, and gets it again: nobody else can write there. */
  private async agreeOnOwn(exchange: RelayExchange, head: Head | undefined): Promise<void> {
    const { reader } = this.options;
    for (const entry of reader.ownFrom((head?.position ?? -1) + 1)) {
      if ((await appendEntry(exchange, entry)).kind === 'conflict') break;
    }
    await this.readOwn(exchange);
  }

  /**
   * One round: nonce out, statement back, heads compared. What we had seen before asking the relay must know: it cannot have signed less
   * unless it was rolled back. What it told us we must have read: then nothing that it knew is hidden from us.
   */
  private async confirmed(exchange: RelayExchange): Promise<'known' | 'ahead'> {
    const { freshness, identity, relayKey, reader } = this.options;
    const asked = freshness.mark();
    const seen = reader.seenHead();
    const statement = await askFreshness(exchange, { fleet: identity.fleet, relayKey, topics: [] });
    const told = headOf(statement, controlTopic);
    compareHeads(seen, told); // [FRESH-7]
    const compared = told === undefined ? 'ahead' : reader.compareControl(told); // [FRESH-7]
    if (compared === 'known') freshness.relayConfirmed(asked); // [FRESH-8]
    return compared;
  }

  private scheduleFresh(exchange: RelayExchange): void {
    clearTimeout(this.freshTimer);
    this.freshTimer = setTimeout(() => void this.askAgain(exchange), freshEveryMs);
  }

  private async askAgain(exchange: RelayExchange): Promise<void> {
    if (this.exchange !== exchange) return;
    try {
      await this.readOn(exchange);
      this.pushed = { count: 0, bytes: 0, refused: 0 };
      this.backoffMs = firstBackoffMs; // not before: a relay that greets and hangs up is not knocked at in a hurry
      if (this.exchange === exchange) this.scheduleFresh(exchange);
    } catch (thrown) {
      this.broken(thrown, exchange);
    }
  }

  private onPush(push: RelayPush): void {
    const { exchange, pushed } = this;
    const { reader } = this.options;
    if (push.kind === 'push-signal' && this.current === 'connecting') {
      if (this.early.length < maxEarlySignals) this.early.push(push.signal);
      return;
    }
    if (exchange === undefined) return; // not before we are known there: whatever it is, we are about to ask for it
    pushed.count += 1;
    pushed.bytes += push.kind === 'push-entry' ? push.entry.length : 0;
    if (pushed.count > maxPushes || pushed.bytes > maxPushedBytes) {
      this.broken(new HoldfastError('limit_exceeded', 'the relay pushes more than can be read'), exchange); // [RELAY-26]
    } else if (push.kind === 'push-pulse')
      void this.takePulse(push.pulse).catch((thrown: unknown) => this.broken(thrown, exchange));
    else if (push.kind === 'push-signal') this.heard(push.signal, exchange);
    else if (push.kind === 'push-watched') this.options.onWatched?.();
    else if (push.kind === 'push-entry' && equalBytes(push.topic, controlTopic)) {
      void this.enqueue(() => reader.applyControl([push.entry])).catch((thrown: unknown) => this.broken(thrown, exchange));
    }
  }

  /** A pulse that is refused takes nothing away: the last good one goes on ageing. Only one that proves two histories ends the connection. */
  private async takePulse(wire: Uint8Array): Promise<void> {
    try {
      await this.enqueue(() => this.options.reader.applyPulse(wire));
    } catch (thrown) {
      if (codeOf(thrown) === 'entry_fork') throw thrown; // [PULSE-8]
      this.refused('a pulse was refused', thrown);
    }
  }

  /** In its turn: after the entries that came before it. */
  private heard(signal: Uint8Array, exchange: RelayExchange): void {
    const { onSignal } = this.options;
    if (onSignal === undefined) return;
    void this.enqueue(async () => {
      try {
        await onSignal(signal);
      } catch (thrown) {
        this.refused('a signal was refused', thrown);
      }
    }).catch((thrown: unknown) => this.broken(thrown, exchange));
  }

  /** Throws when it was too much: an honest relay hands over what honest members sent. [RELAY-26] */
  private refused(message: string, cause: unknown): void {
    this.pushed.refused += 1;
    if (this.pushed.refused > maxRefused)
      throw new HoldfastError('limit_exceeded', 'the relay sends one bad pulse or signal after the other', { cause });
    this.options.ports.log.warn({ agent: toHex(this.options.identity.principal), code: codeOf(cause) }, message);
  }

  private enqueue(work: () => Promise<void>): Promise<void> {
    const done = this.queue.then(work);
    this.queue = done.catch(() => undefined);
    return done;
  }

  /** `of`: the connection that it happened on, undefined before there was one; an older one's troubles are over. */
  private broken(thrown: unknown, of: RelayExchange | undefined): void {
    if (this.ended || this.exchange !== of) return;
    this.fault = codeOf(thrown);
    if (this.fault === 'relay_refused') this.options.onRefused?.();
    this.options.ports.log.warn(
      { agent: toHex(this.options.identity.principal), code: this.fault },
      'the relay connection failed',
    );
    this.exchange = undefined;
    of?.close();
    this.retry();
  }

  private retry(): void {
    this.current = 'waiting';
    clearTimeout(this.freshTimer);
    clearTimeout(this.timer);
    const jitter = (this.options.ports.primitives.random(1)[0] ?? 0) / 255;
    this.timer = setTimeout(() => void this.connect(), this.backoffMs * (0.5 + jitter / 2));
    this.backoffMs = Math.min(maxBackoffMs, this.backoffMs * 2);
  }
}

const noConnection = (): HoldfastError =>
  new HoldfastError('relay_unreachable', 'there is no connection to the relay', { next: 'see: holdfast status' });

/** A topic to its end. Throws `codec_limit` when there is none. */
async function readAll(exchange: RelayExchange, topic: Uint8Array, from: number): Promise<Uint8Array[]> {
  const batch: Uint8Array[] = [];
  let size = 0;
  for await (const wire of readTopic(exchange, topic, from)) {
    size += wire.length;
    if (size > maxReadBytes) throw new HoldfastError('codec_limit', 'the relay has more entries than a fleet can have');
    batch.push(wire);
  }
  return batch;
}
