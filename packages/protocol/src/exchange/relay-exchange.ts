// A client's side of a relay connection as a machine fed with frames, spec/relay.md. It knows no sockets and no clock: it is given a
// wire and deadlines. It trusts nothing that the relay says: entries, pulses and signals are verified by whoever asked for them,
// and whatever breaks the protocol ends the connection.

import { equalBytes } from '../codec/bytes.ts';
import {
  answerKinds,
  encodeRequest,
  parseRelayFrame,
  type AnswerTo,
  type RelayAnswer,
  type RelayFrame,
  type RelayPush,
  type RelayRequest,
  type RequestKind,
} from '../blind/frames.ts';
import { signRelayAuth } from '../blind/relay-auth.ts';
import { HoldfastError, parseCode } from '../errors.ts';
import type { KeyHolder } from '../keys/key-holder.ts';
import type { Primitives } from '../primitives/primitives.ts';

/** Carries whole frames, in order. Frames passed to `send` stay unchanged; those passed to `receive` are the exchange's. */
export interface Wire {
  send(frame: Uint8Array): void;
  close(): void;
}

/** Calls `expired` once, `afterMs` from now, unless the returned function is called before. */
export type Deadline = (afterMs: number, expired: () => void) => () => void;

export interface RelayIdentity {
  readonly fleet: Uint8Array;
  readonly principal: Uint8Array;
  readonly holder: Pick<KeyHolder, 'sign'>;
}

export interface RelayExchangeOptions {
  readonly primitives: Primitives;
  readonly wire: Wire;
  readonly deadline: Deadline;
  /** How long the relay may take for one answer, beyond what a request asks it to wait. */
  readonly answerWithinMs: number;
  /** Absent: the connection may only create a fleet and use rendezvous. */
  readonly identity?: RelayIdentity | undefined;
  /** The pinned key of the fleet's relay: another key is `relay_impostor`. Absent only before a fleet is known. */
  readonly relayKey?: Uint8Array | undefined;
  /** Pushes in the order of arrival, unverified. */
  onPush(push: RelayPush): void;
  /** Once, when the connection is over, whoever ended it. */
  onClosed(error: HoldfastError): void;
}

type RequestOf<K extends RequestKind> = Omit<Extract<RelayRequest, { kind: K }>, 'id'>;

interface Pending {
  readonly kind: RequestKind;
  readonly cancelDeadline: () => void;
  resolve(answer: RelayAnswer): void;
  reject(error: HoldfastError): void;
}

export class RelayExchange {
  /** Resolves once the relay has greeted and, with an identity, accepted the proof; rejects with what ended the connection. */
  readonly ready: Promise<{ readonly relayKey: Uint8Array }>;
  readonly primitives: Primitives;
  readonly #options: RelayExchangeOptions;
  readonly #pending = new Map<number, Pending>();
  readonly #greeted = Promise.withResolvers<Extract<RelayFrame, { kind: 'welcome' }>>();
  #welcomed = false;
  #nextId = 1;
  #ended: HoldfastError | undefined;

  constructor(options: RelayExchangeOptions) {
    this.#options = options;
    this.primitives = options.primitives;
    const cancel = options.deadline(options.answerWithinMs, () =>
      this.#end('relay_unreachable', 'the relay did not greet in time'),
    );
    this.ready = this.#begin().finally(cancel);
    // Whoever does not wait for `ready` learns the same from onClosed.
    this.ready.catch(() => undefined);
  }

  async #begin(): Promise<{ readonly relayKey: Uint8Array }> {
    const { relay, nonce } = await this.#greeted.promise;
    const { identity } = this.#options;
    if (identity !== undefined) {
      const { fleet, principal, holder } = identity;
      try {
        const signature = await signRelayAuth(holder, { fleet, principal, nonce, relay }); // [RELAY-6]
        await this.request({ kind: 'auth', fleet, principal, signature });
      } catch (cause) {
        throw this.#endWith(
          cause instanceof HoldfastError
            ? cause
            : new HoldfastError('internal', 'could not prove identity to the relay', { cause }),
        );
      }
    }
    return { relayKey: relay };
  }

  /** One frame off the wire. Never throws: what breaks the protocol ends the connection. */
  receive(bytes: Uint8Array): void {
    if (this.#ended !== undefined) return;
    let frame: RelayFrame;
    try {
      frame = parseRelayFrame(bytes);
    } catch (cause) {
      this.#endWith(new HoldfastError('relay_protocol', 'the relay sent what is no frame', { cause })); // [RELAY-5]
      return;
    }
    switch (frame.kind) {
      case 'welcome':
        this.#onWelcome(frame);
        break;
      case 'push-entry':
      case 'push-pulse':
      case 'push-signal':
      case 'push-shipment':
      case 'push-watched':
        if (this.#welcomed) this.#options.onPush(frame);
        else this.#end('relay_protocol', 'the relay pushed before its welcome'); // [RELAY-5]
        break;
      default:
        this.#onAnswer(frame);
    }
  }

  /** The wire is gone. */
  closed(): void {
    this.#end('relay_unreachable', 'the connection to the relay has ended');
  }

  /** Ends the connection; pending requests fail with `relay_unreachable`. */
  close(): void {
    this.#end('relay_unreachable', 'the connection to the relay was closed');
  }

  /**
   * Sends one request; resolves with its answer. Rejects with the relay's code, with `relay_unreachable` when the connection ends or
   * the answer does not come in time (then the connection ends as well: order would be lost), with `codec_*` for a request that no
   * relay would accept.
   */
  async request<K extends RequestKind>(request: RequestOf<K> & { readonly kind: K }): Promise<AnswerTo<K>> {
    if (this.#ended !== undefined) throw this.#ended;
    const id = this.#nextId;
    this.#nextId += 1;
    const frame = encodeRequest({ ...request, id } as unknown as RelayRequest);
    const { promise, resolve, reject } = Promise.withResolvers<RelayAnswer>();
    const waitMs = 'waitMs' in request && typeof request.waitMs === 'number' ? request.waitMs : 0;
    const expired = (): void => void this.#end('relay_unreachable', 'the relay did not answer in time');
    const cancelDeadline = this.#options.deadline(this.#options.answerWithinMs + waitMs, expired);
    this.#pending.set(id, { kind: request.kind, cancelDeadline, resolve, reject });
    this.#options.wire.send(frame);
    return (await promise) as AnswerTo<K>;
  }

  #onWelcome(frame: Extract<RelayFrame, { kind: 'welcome' }>): void {
    if (this.#welcomed) {
      this.#end('relay_protocol', 'the relay greeted twice'); // [RELAY-5]
      return;
    }
    const { relayKey } = this.#options;
    if (relayKey !== undefined && !equalBytes(relayKey, frame.relay)) {
      const next = "check the relay's address; a relay whose key was lost cannot serve this fleet";
      this.#endWith(new HoldfastError('relay_impostor', "the relay does not have the fleet's relay key", { next })); // [RELAY-3]
      return;
    }
    this.#welcomed = true;
    this.#greeted.resolve(frame);
  }

  #onAnswer(answer: RelayAnswer): void {
    const pending = this.#pending.get(answer.id);
    if (pending === undefined) {
      this.#end('relay_protocol', 'the relay answered what was not asked, or twice'); // [RELAY-5]
      return;
    }
    const expected: readonly string[] = answerKinds[pending.kind];
    if (answer.kind !== 'error' && !expected.includes(answer.kind)) {
      this.#end('relay_protocol', 'the relay gave an answer of the wrong kind'); // [RELAY-5]
      return;
    }
    this.#pending.delete(answer.id);
    pending.cancelDeadline();
    if (answer.kind === 'error') pending.reject(refusal(answer));
    else pending.resolve(answer);
  }

  #end(code: 'relay_unreachable' | 'relay_protocol', message: string): void {
    const next =
      code === 'relay_unreachable'
        ? 'start the relay or check its address; what was asked may have happened'
        : 'check the address: this is no relay, or a newer one';
    this.#endWith(new HoldfastError(code, message, { next }));
  }

  /** The first reason stays the reason. */
  #endWith(error: HoldfastError): HoldfastError {
    if (this.#ended !== undefined) return this.#ended;
    this.#ended = error;
    this.#greeted.reject(error);
    // What was asked may or may not have happened: that is `relay_unreachable` whatever the reason is.
    const unanswered =
      error.code === 'relay_unreachable' ? error : new HoldfastError('relay_unreachable', error.message, { cause: error });
    for (const { cancelDeadline, reject } of this.#pending.values()) {
      cancelDeadline();
      reject(unanswered);
    }
    this.#pending.clear();
    this.#options.wire.close();
    this.#options.onClosed(error);
    return error;
  }
}

/** What a relay refused. Its words are its own; the next step is ours. */
function refusal({ code, message }: Extract<RelayAnswer, { kind: 'error' }>): HoldfastError {
  const known = parseCode(code);
  const isOfDisk = known === 'store_failed' || known === 'store_full';
  return new HoldfastError(
    known,
    message,
    isOfDisk ? { next: "see to the relay's disk, its space and its permissions, then try again" } : {},
  );
}
