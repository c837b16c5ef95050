// Rendezvous, spec/relay.md §5: two ends that share a code exchange one sealed message each. In memory, minutes, single use. A slot
// that was taken stays taken until its rendezvous expires, so that a code cannot be used twice.

import { toHex } from '@holdfast/protocol/codec/bytes';
import { HoldfastError } from '@holdfast/protocol/errors';
import type { RelayLimits } from './limits.ts';

interface Slot {
  /** Undefined once it was taken. */
  body: Uint8Array | undefined;
  readonly expiresAtMs: number;
}

interface Taker {
  give(body: Uint8Array): void;
  expire(): void;
}

export class Rendezvous {
  readonly #limits: Pick<RelayLimits, 'maxRendezvous' | 'maxRendezvousTotalBytes'>;
  readonly #slots = new Map<string, Slot>();
  readonly #takers = new Map<string, Taker>();
  #bytes = 0;

  constructor(limits: Pick<RelayLimits, 'maxRendezvous' | 'maxRendezvousTotalBytes'>) {
    this.#limits = limits;
  }

  /** `nowMs` is monotonic. Throws `rendezvous_used`, `limit_exceeded`. */
  put(place: { rendezvous: Uint8Array; slot: string }, body: Uint8Array, ttlMs: number, nowMs: number): void {
    const key = keyOf(place);
    this.#dropExpired(nowMs);
    if (this.#slots.has(key)) throw new HoldfastError('rendezvous_used', 'this slot was put before'); // [RELAY-23]
    if (this.#slots.size >= this.#limits.maxRendezvous || this.#bytes + body.length > this.#limits.maxRendezvousTotalBytes) {
      throw new HoldfastError('limit_exceeded', 'too many rendezvous are open'); // [RELAY-25]
    }
    const slot: Slot = { body, expiresAtMs: nowMs + ttlMs };
    this.#slots.set(key, slot);
    this.#bytes += body.length;
    const taker = this.#takers.get(key);
    if (taker !== undefined) taker.give(this.#takeBody(slot, body));
  }

  /**
   * What was put, or undefined when nothing came within `waitMs` or `abandoned` fired. A second taker of the same slot sends the
   * first one home empty-handed. Throws `rendezvous_used` when it was taken before.
   */
  async take(
    place: { rendezvous: Uint8Array; slot: string },
    waitMs: number,
    nowMs: number,
    abandoned: AbortSignal,
  ): Promise<Uint8Array | undefined> {
    const key = keyOf(place);
    this.#dropExpired(nowMs);
    const slot = this.#slots.get(key);
    if (slot !== undefined) {
      if (slot.body === undefined) throw new HoldfastError('rendezvous_used', 'this slot was taken before'); // [RELAY-23]
      return this.#takeBody(slot, slot.body);
    }
    if (waitMs === 0 || abandoned.aborted) return undefined;
    if (this.#takers.size >= this.#limits.maxRendezvous && !this.#takers.has(key))
      throw new HoldfastError('limit_exceeded', 'too many wait for a rendezvous'); // [RELAY-25]
    return this.#wait(key, waitMs, abandoned);
  }

  /** All who wait get nothing. */
  close(): void {
    for (const taker of this.#takers.values()) taker.expire();
  }

  async #wait(key: string, waitMs: number, abandoned: AbortSignal): Promise<Uint8Array | undefined> {
    this.#takers.get(key)?.expire();
    const { promise, resolve } = Promise.withResolvers<Uint8Array | undefined>();
    const end = (body: Uint8Array | undefined): void => {
      clearTimeout(timer);
      abandoned.removeEventListener('abort', taker.expire);
      if (this.#takers.get(key) === taker) this.#takers.delete(key);
      resolve(body);
    };
    const taker: Taker = { give: end, expire: () => end(undefined) };
    const timer = setTimeout(taker.expire, waitMs);
    this.#takers.set(key, taker);
    abandoned.addEventListener('abort', taker.expire);
    return promise;
  }

  #takeBody(slot: Slot, body: Uint8Array): Uint8Array {
    slot.body = undefined;
    this.#bytes -= body.length;
    return body;
  }

  #dropExpired(nowMs: number): void {
    for (const [key, slot] of this.#slots) {
      if (slot.expiresAtMs > nowMs) continue;
      this.#bytes -= slot.body?.length ?? 0;
      this.#slots.delete(key);
    }
  }
}

function keyOf({ rendezvous, slot }: { rendezvous: Uint8Array; slot: string }): string {
  return `${toHex(rendezvous)}/${slot}`;
}
