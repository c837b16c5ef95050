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

/** A topic in memory whose reads end when the test says. */
class SlowStore {
  readonly entries: Uint8Array[] = [];
  readonly #reads: (() => void)[] = [];

  async read(
    _fleet: Uint8Array,
    _topic: Uint8Array,
    from: number,
    limit: { maxEntries: number; maxBytes: number },
  ): Promise<readonly Uint8Array[]> {
    const count = Math.min(limit.maxEntries, Math.max(1, Math.floor(limit.maxBytes / entryBytes)));
    const page = this.entries.slice(from, from + count);
    await new Promise<void>((resolve) => this.#reads.push(resolve));
    return page;
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
  const steps = fc.array(fc.constantFrom('append', 'append', 'drain', 'read', 'turn'), { maxLength: 80 });
  await fc.assert(
    fc.asyncProperty(fc.nat({ max: 10 }), fc.nat({ max: 12 }), steps, async (backlog, from, script) => {
      const [store, wire] = [new SlowStore(), new SlowWire()];
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
      for (let index = 0; index < backlog; index += 1) store.entries.push(frameOf(index));
      following.start(topic, from);
      for (const step of script) {
        if (step === 'append') append();
        else if (step === 'read') store.finishRead();
        else if (step === 'turn') await turn();
        else {
          wire.drain();
          following.drained();
        }
      }
      for (let still = 0; still < 3;) {
        const moved = store.finishRead();
        wire.drain();
        following.drained();
        await turn();
        still = moved ? 0 : still + 1;
      }
      assert.deepEqual(
        wire.sent,
        Array.from({ length: Math.max(0, store.entries.length - from) }, (_, index) => from + index),
      ); // [RELAY-15]
      assert.ok(wire.mostBuffered < 3 * pushBufferBytes, `${wire.mostBuffered} bytes buffered`); // [RELAY-24]
    }),
    { numRuns: share({ ci: 300, soak: 20_000 }) },
  );
});
