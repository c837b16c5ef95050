// One client's connection as a machine fed with frames, spec/relay.md §3: greets, takes the proof of identity, answers requests in the
// order in which they came, and ends what breaks the protocol. It knows no sockets.

import { toHex } from '@holdfast/protocol/codec/bytes';
import { encodeRelayFrame, parseRequest, type RelayRequest } from '@holdfast/protocol/blind/frames';
import { verifyRelayAuth } from '@holdfast/protocol/blind/relay-auth';
import { codeOf, HoldfastError } from '@holdfast/protocol/errors';
import type { Fleet } from './fleets.ts';
import { Following, type ClientWire } from './follow.ts';
import { ShipmentFollowing } from './follow-shipments.ts';
import { Bucket, unitsOf } from './limits.ts';
import {
  answerAnybody,
  answerMember,
  isStrangerRequest,
  type AnswerBody,
  type MemberCaller,
  type RelayCore,
  type Reply,
} from './requests.ts';

/** Called by the connection; all calls after `close` are dropped. */
export interface ConnectionWire extends ClientWire {
  close(): void;
  /** Stops and goes on reading: what is not read piles up at the sender. */
  pause(): void;
  resume(): void;
}

/** Ids and codes only; pino fits. */
export interface Log {
  info(fields: Readonly<Record<string, string | number>>, message: string): void;
  warn(fields: Readonly<Record<string, string | number>>, message: string): void;
  error(fields: Readonly<Record<string, string | number>>, message: string): void;
}

export class Connection {
  readonly #core: RelayCore;
  readonly #wire: ConnectionWire;
  readonly #log: Log;
  readonly #nonce: Uint8Array;
  readonly #strangerBucket: Bucket;
  readonly #over = new AbortController();
  #member: MemberCaller | undefined;
  #usedRendezvous = false;
  /** Requests are admitted one after the other; answers to those admitted may overtake each other. */
  #admission: Promise<void> = Promise.resolve();
  #inFlight = 0;
  readonly startedMs: number;

  constructor(core: RelayCore, wire: ConnectionWire, log: Log) {
    this.#core = core;
    this.#wire = wire;
    this.#log = log;
    this.#nonce = core.primitives.random(32);
    this.startedMs = core.clock.elapsedMs();
    this.#strangerBucket = new Bucket(core.limits.stranger, this.startedMs);
    wire.send(encodeRelayFrame({ kind: 'welcome', v: 1, relay: core.key.publicKey, nonce: this.#nonce })); // [RELAY-4]
  }

  get isStranger(): boolean {
    return this.#member === undefined;
  }

  /** Not yet of use to anybody. */
  get isLeak(): boolean {
    const { strangerMs } = this.#core.limits;
    const ageMs = this.#core.clock.elapsedMs() - this.startedMs;
    return this.isStranger && ageMs > (this.#usedRendezvous ? strangerMs : strangerMs / 40);
  }

  /** One frame off the wire; the connection owns it. */
  receive(frame: Uint8Array): void {
    if (this.#over.signal.aborted) return;
    this.#inFlight += 1;
    if (this.#inFlight === this.#core.limits.maxInFlight) this.#wire.pause(); // [RELAY-24]
    this.#admission = this.#admission.then(async () => this.#admit(frame));
  }

  /** The wire has taken what was buffered. */
  drained(): void {
    this.#member?.following.drained();
    this.#member?.followedLogs.drained();
  }

  /** The wire is gone. */
  closed(): void {
    this.#end();
  }

  cut(error: HoldfastError): void {
    if (this.#over.signal.aborted) return;
    this.#log.info({ code: error.code, ...this.#names() }, 'connection cut');
    this.#end();
  }

  #names(): { readonly fleet?: string; readonly principal?: string } {
    if (this.#member === undefined) return {};
    return { fleet: toHex(this.#member.fleet.id), principal: toHex(this.#member.member.id) };
  }

  #end(): void {
    if (this.#over.signal.aborted) return;
    this.#over.abort();
    if (this.#member !== undefined) {
      this.#member.following.stop();
      this.#member.followedLogs.stop();
      this.#member.fleet.leave(this.#member);
      this.#core.fleets.release(this.#member.fleet);
    }
    this.#wire.close();
  }

  async #admit(frame: Uint8Array): Promise<void> {
    if (this.#over.signal.aborted) return;
    let request: RelayRequest;
    try {
      request = parseRequest(frame);
    } catch (error) {
      // Without an id there is nothing to answer to.
      this.cut(new HoldfastError('relay_protocol', 'the client sent what is no request', { cause: error })); // [RELAY-5]
      return;
    }
    try {
      this.#charge(unitsOf(frame.length));
      const reply = await this.#reply(request);
      if ('later' in reply) {
        // Encoding an answer can fail as well.
        reply.later.then((body) => this.#answer(request, body)).catch((error: unknown) => this.#refuse(request, error));
        return;
      }
      this.#answer(request, reply.now);
      if (!this.#over.signal.aborted) reply.after?.();
    } catch (error) {
      this.#refuse(request, error);
      if (request.kind === 'auth') this.#end(); // [RELAY-7]
    }
  }

  #charge(units: number): void {
    const nowMs = this.#core.clock.elapsedMs();
    const member = this.#member;
    const granted =
      member === undefined ? this.#strangerBucket.take(units, nowMs) : member.fleet.take(member.member, units, nowMs);
    if (!granted) throw new HoldfastError('limit_exceeded', 'too many requests'); // [RELAY-25]
  }

  async #reply(request: RelayRequest): Promise<Reply> {
    if (request.kind === 'auth') return this.#authenticate(request);
    if (isStrangerRequest(request)) {
      if (request.kind !== 'fleet-create') this.#usedRendezvous = true;
      return answerAnybody(this.#core, request, this.#over.signal);
    }
    if (this.#member === undefined) throw new HoldfastError('relay_refused', 'prove who you are first'); // [RELAY-6]
    return answerMember(this.#core, this.#member, request);
  }

  async #authenticate({ fleet: id, principal, signature }: Extract<RelayRequest, { kind: 'auth' }>): Promise<Reply> {
    if (this.#member !== undefined) throw new HoldfastError('relay_refused', 'this connection has proved who it is');
    const fleet = await this.#core.fleets.acquire(id);
    if (fleet === undefined) throw new HoldfastError('relay_refused', 'the relay does not know this principal');
    try {
      const member = fleet.member(principal);
      if (member === undefined) throw new HoldfastError('relay_refused', 'the relay does not know this principal');
      const auth = { fleet: id, principal, nonce: this.#nonce, relay: this.#core.key.publicKey };
      await verifyRelayAuth(this.#core.primitives, auth, signature, member.sign);
      // Asked again after the wait: the list may have moved on, the connection may be over.
      if (this.#over.signal.aborted || fleet.member(principal) !== member)
        throw new HoldfastError('relay_refused', 'the relay does not know this principal');
      this.#member = this.#callerOf(fleet, member);
    } catch (error) {
      this.#core.fleets.release(fleet);
      throw error;
    }
    const caller = this.#member;
    return { now: { kind: 'ok' }, after: () => fleet.join(caller, this.#core.clock.wallMs()) };
  }

  #callerOf(fleet: Fleet, member: MemberCaller['member']): MemberCaller {
    const { store, limits } = this.#core;
    const failed = (error: unknown): void =>
      this.cut(new HoldfastError(codeOf(error), 'cannot read what this connection follows', { cause: error }));
    const reading = { fleet: fleet.id, store, wire: this.#wire, pushBufferBytes: limits.pushBufferBytes, failed };
    const following = new Following(reading);
    return {
      fleet,
      member,
      following,
      followedTopics: following,
      followedLogs: new ShipmentFollowing(reading),
      push: (frame) => this.#send(frame),
      cut: (error) => this.cut(error),
      assertConnected: () => {
        if (this.#over.signal.aborted) throw new HoldfastError('relay_refused', 'the connection is over');
      },
    };
  }

  /** Throws `codec_*` for an answer that is no frame: nothing was sent or counted. */
  #answer(request: RelayRequest, body: AnswerBody): void {
    const frame = encodeRelayFrame({ ...body, id: request.id });
    this.#inFlight -= 1;
    if (this.#inFlight === this.#core.limits.maxInFlight - 1) this.#wire.resume();
    if (!this.#over.signal.aborted) this.#send(frame);
  }

  #refuse(request: RelayRequest, error: unknown): void {
    const code = codeOf(error);
    if (code === 'internal' || code === 'store_failed' || code === 'store_full') {
      this.#log.error(
        { code, request: request.kind, reason: String((error as { cause?: unknown }).cause ?? error) },
        'request failed',
      );
    }
    const message = code === 'internal' || !(error instanceof Error) ? 'the relay could not do this' : error.message;
    this.#answer(request, { kind: 'error', code, message: message.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 256) });
  }

  #send(frame: Uint8Array): void {
    this.#wire.send(frame);
    if (this.#wire.bufferedBytes() > this.#core.limits.maxBufferedBytes) {
      this.cut(new HoldfastError('limit_exceeded', 'the client reads too slowly')); // [RELAY-24]
    }
  }
}
