// How one connection follows topics: each has a cursor, and what the reader is too slow for waits in the store, not in memory. So
// every position is pushed once and in order, whatever happens between reading the backlog and a live append.

import { toHex } from '@holdfast/protocol/codec/bytes';
import { encodeRelayFrame } from '@holdfast/protocol/blind/frames';
import type { Store } from './store.ts';

/** A reader's socket as followers and answers see it. */
export interface ClientWire {
  /** Sends or buffers; a closed wire drops it. */
  send(frame: Uint8Array): void;
  /** Bytes taken by `send` that the network has not taken yet. */
  bufferedBytes(): number;
}

interface Cursor {
  readonly topic: Uint8Array;
  /** The position to push next. */
  next: number;
  /** A pump is reading the store for this cursor. */
  pumping: boolean;
  /** There may be more in the store than the pump has seen. */
  woken: boolean;
}

const pageEntries = 64;

export class Following {
  readonly #fleet: Uint8Array;
  readonly #store: Store;
  readonly #wire: ClientWire;
  readonly #pushBufferBytes: number;
  readonly #failed: (error: unknown) => void;
  readonly #cursors = new Map<string, Cursor>();
  /** Cursors whose entries wait until the wire has drained. */
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

  get size(): number {
    return this.#cursors.size;
  }

  has(topic: Uint8Array): boolean {
    return this.#cursors.has(toHex(topic));
  }

  /** Begins at `from`, also when the topic was followed before. */
  start(topic: Uint8Array, from: number): void {
    const cursor: Cursor = { topic, next: from, pumping: false, woken: true };
    this.#cursors.set(toHex(topic), cursor);
    this.#pump(cursor);
  }

  /** An entry is durable; `frame` is its push. */
  appended(topicKey: string, position: number, frame: Uint8Array): void {
    const cursor = this.#cursors.get(topicKey);
    if (cursor === undefined || position < cursor.next) return;
    if (position === cursor.next && !cursor.pumping && !cursor.woken && this.#hasRoom()) {
      cursor.next += 1;
      this.#wire.send(frame);
      return;
    }
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

  #follows(cursor: Cursor): boolean {
    return this.#cursors.get(toHex(cursor.topic)) === cursor;
  }

  #pump(cursor: Cursor): void {
    if (cursor.pumping) return;
    cursor.pumping = true;
    this.#pushFromStore(cursor).catch(this.#failed);
  }

  async #pushFromStore(cursor: Cursor): Promise<void> {
    try {
      while (cursor.woken) {
        if (!this.#hasRoom()) {
          this.#held.add(cursor);
          return;
        }
        cursor.woken = false;
        const limit = { maxEntries: pageEntries, maxBytes: this.#pushBufferBytes };
        const entries = await this.#store.read(this.#fleet, cursor.topic, cursor.next, limit);
        if (!this.#follows(cursor)) return;
        for (const entry of entries) {
          this.#wire.send(encodeRelayFrame({ kind: 'push-entry', topic: cursor.topic, entry }));
          cursor.next += 1;
        }
        if (entries.length > 0) cursor.woken = true;
      }
    } finally {
      // In the same step as the last look at `woken`: a wake-up in between would be lost.
      cursor.pumping = false;
    }
  }
}
