// How one connection reads along in shipped audit logs, spec/relay.md [RELAY-31]: of each log it has a place, and what the reader is too slow for waits in
// the store. So every piece from a place on is pushed once and in order, whatever comes between reading what is there and what is shipped meanwhile.

import { encodeRelayFrame } from '@holdfast/protocol/blind/frames';
import type { SegmentPlace } from '@holdfast/protocol/blind/shipment';
import { toHex } from '@holdfast/protocol/codec/bytes';
import type { ClientWire } from './follow.ts';
import type { Store } from './store.ts';

interface Cursor {
  readonly agent: Uint8Array;
  /** Where the next piece begins, or later. */
  next: SegmentPlace;
  /** A pump is reading the store for this cursor. */
  pumping: boolean;
  /** There may be more in the store than the pump has seen. */
  woken: boolean;
}

export type WatchedLog = SegmentPlace & { readonly agent: Uint8Array };

const maxPieces = 64;

export class ShipmentFollowing {
  readonly #fleet: Uint8Array;
  readonly #store: Store;
  readonly #wire: ClientWire;
  readonly #pushBufferBytes: number;
  readonly #failed: (error: unknown) => void;
  #cursors = new Map<string, Cursor>();
  /** Cursors whose pieces wait until the wire has drained. */
  readonly #held = new Set<Cursor>();

  constructor(options: {
    fleet: Uint8Array;
    store: Store;
    wire: ClientWire;
    pushBufferBytes: number;
    failed: (error: unknown) => void;
  }) {
    this.#fleet = options.fleet;
    this.#store = options.store;
    this.#wire = options.wire;
    this.#pushBufferBytes = options.pushBufferBytes;
    this.#failed = options.failed;
  }

  /** `agentKey`: its id in hex. */
  has(agentKey: string): boolean {
    return this.#cursors.has(agentKey);
  }

  /** These from their places on, also where they were followed before; and no others. */
  start(logs: readonly WatchedLog[]): void {
    this.#held.clear();
    this.#cursors = new Map(
      logs.map(({ agent, ordinal, offset }) => [toHex(agent), { agent, next: { ordinal, offset }, pumping: false, woken: true }]),
    );
    for (const cursor of this.#cursors.values()) this.#pump(cursor);
  }

  /** More of that log is durable. */
  grew(agentKey: string): void {
    const cursor = this.#cursors.get(agentKey);
    if (cursor === undefined) return;
    cursor.woken = true;
    this.#pump(cursor);
  }

  /** The wire has taken what was buffered. */
  drained(): void {
    if (this.#held.size === 0 || !this.#hasRoom()) return;
    const held = [...this.#held];
    this.#held.clear();
    for (const cursor of held) this.#pump(cursor);
  }

  stop(): void {
    this.#cursors.clear();
    this.#held.clear();
  }

  #hasRoom(): boolean {
    return this.#wire.bufferedBytes() < this.#pushBufferBytes;
  }

  #pump(cursor: Cursor): void {
    if (cursor.pumping) return;
    cursor.pumping = true;
    this.#pushFromStore(cursor).catch(this.#failed);
  }

  async #pushFromStore(cursor: Cursor): Promise<void> {
    const { agent } = cursor;
    try {
      while (cursor.woken) {
        if (!this.#hasRoom()) {
          this.#held.add(cursor);
          return;
        }
        cursor.woken = false;
        const limit = { maxPieces, maxBytes: this.#pushBufferBytes };
        const pieces = await this.#store.shipments({ fleet: this.#fleet, agent }, cursor.next, limit);
        if (this.#cursors.get(toHex(agent)) !== cursor) return;
        for (const piece of pieces) {
          this.#wire.send(encodeRelayFrame({ kind: 'push-shipment', agent, ...piece }));
          cursor.next = { ordinal: piece.ordinal, offset: piece.offset + piece.bytes.length };
        }
        if (pieces.length > 0) cursor.woken = true;
      }
    } finally {
      // In the same step as the last look at `woken`: a wake-up in between would be lost.
      cursor.pumping = false;
    }
  }
}
