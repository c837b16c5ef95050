// Following under any timing: a slow store, a reader that drains when it likes, appends at any moment. Fakes at the two ports.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseRelayFrame, encodeRelayFrame } from '@holdfast/protocol/blind/frames';
import { share } from '../../../packages/testkit/src/shares.ts';
import { Following } from '../src/follow.ts';
import type { Store } from '../src/store.ts';

const topic = new Uint8Array(16).fill(7);
const topicKey = Buffer.from(topic).toString('hex');
const entryBytes = 100;
const frameOf = (position: number): Uint8Array => {
  const entry = new Uint8Array(entryBytes);
  new DataView(entry.buffer).setUint32(0, position);
  return entry;
};

/** A topic in memory whose reads end when the test says, and show it as it was when they began or as it is when they end. */
class SlowStore {
  readonly entries: Uint8Array[] = [];
  readonly #late: boolean;
  readonly #reads: (() => void)[] = [];

  constructor(late: boolean) {
    this.#late = late;
  }

  async read(
    _fleet: Uint8Array,
    _topic: Uint8Array,
    from: number,
    limit: { maxEntries: number; maxBytes: number },
  ): Promise<readonly Uint8Array[]> {
    const count = Math.min(limit.maxEntries, Math.max(1, Math.floor(limit.maxBytes / entryBytes)));
    const early = this.entries.slice(from, from + count);
    await new Promise<void>((resolve) => this.#reads.push(resolve));
    return this.#late ? this.entries.slice(from, from + count) : early;
  }

  finishRead(): boolean {
    const finish = this.#reads.shift();
    finish?.();
    return finish !== undefined;
  }
}

class SlowWire {
  readonly sent: number[] = [];
  #buffered = 0;
  mostBuffered = 0;

  send(bytes: Uint8Array): void {
    const frame = parseRelayFrame(bytes);
    assert.ok(frame.kind === 'push-entry');
    this.sent.push(new DataView(frame.entry.buffer, frame.entry.byteOffset).getUint32(0));
    this.#buffered += bytes.length;
    this.mostBuffered = Math.max(this.mostBuffered, this.#buffered);
  }

  bufferedBytes(): number {
    return this.#buffered;
  }

  drain(): void {
    this.#buffered = 0;
  }
}

const turn = async (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('every position once and in order, however reads, appends and draining fall together; memory stays bounded', async () => {
  const steps = fc.array(fc.constantFrom('append', 'append', 'burst', 'drain', 'read', 'turn', 'restart'), { maxLength: 80 });
  await fc.assert(
    fc.asyncProperty(fc.boolean(), fc.nat({ max: 10 }), fc.nat({ max: 12 }), steps, async (late, backlog, from, script) => {
      const [store, wire] = [new SlowStore(late), new SlowWire()];
      const pushBufferBytes = 3 * entryBytes;
      const failed = (error: unknown): void => assert.fail(String(error));
      const following = new Following({
        fleet: new Uint8Array(32),
        store: store as unknown as Store,
        wire,
        pushBufferBytes,
        failed,
      });
      const append = (): void => {
        const entry = frameOf(store.entries.length);
        store.entries.push(entry);
        following.appended(topicKey, store.entries.length - 1, encodeRelayFrame({ kind: 'push-entry', topic, entry }));
      };
      const drain = (): void => {
        wire.drain();
        following.drained();
      };
      /** What was sent since the reader last began to follow. */
      let sentBefore = 0;
      const acts = {
        append,
        burst: () => Array.from({ length: 12 }, append),
        drain,
        read: () => store.finishRead(),
        turn: () => undefined,
        restart: () => {
          sentBefore = wire.sent.length;
          following.start(topic, from);
        },
      };
      for (let index = 0; index < backlog; index += 1) store.entries.push(frameOf(index));
      following.start(topic, from);
      for (const step of script) {
        acts[step]();
        if (step === 'turn') await turn();
      }
      for (let still = 0; still < 3;) {
        const moved = store.finishRead();
        drain();
        await turn();
        still = moved ? 0 : still + 1;
      }
      const expected = Array.from({ length: Math.max(0, store.entries.length - from) }, (_, index) => from + index);
      assert.deepEqual(wire.sent.slice(sentBefore), expected); // [RELAY-15]
      assert.ok(wire.mostBuffered < 3 * pushBufferBytes, `${wire.mostBuffered} bytes buffered`); // [RELAY-24]
    }),
    { numRuns: share({ ci: 400, soak: 20_000 }) },
  );
});
