// What was kept is shown only where nothing could be read, and what is read is kept at once, and then now and then.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import type { FleetState } from '@holdfast/protocol/journal/state';
import { KeptState } from '../../src/fleet/kept-state.ts';
import type { Known } from '../../src/store/last-known.ts';

const known: Known = { state: {} as FleetState, atMs: 7 };
const soon = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function world(found: Known | undefined) {
  const shown: Known[] = [];
  const keptAt: number[] = [];
  const waits: { readonly ms: number; readonly over: () => void }[] = [];
  const clock = {
    now: 1_000_000,
    nowMs: () => clock.now,
    wait: (ms: number, ended: AbortSignal) =>
      new Promise<void>((resolve) => {
        ended.addEventListener('abort', () => resolve());
        const over = (): void => {
          clock.now += ms;
          resolve();
        };
        waits.push({ ms, over });
      }),
  };
  const lastKnown = {
    read: async () => found,
    keep: async (_snapshot: Uint8Array, atMs: number) => void keptAt.push(atMs),
  };
  const kept = new KeptState(lastKnown, clock, (one) => void shown.push(one));
  return { kept, shown, keptAt, waits };
}

const replica = { snapshot: () => new Uint8Array(1) };

describe('the state that is kept for the next start [BKEY-14]', () => {
  it('is shown where the relay was lost before anything was read, and not after', async () => {
    const { kept, shown } = world(known);
    await kept.lost();
    assert.deepEqual(shown, [known]);
    void kept.read(replica);
    await kept.lost();
    assert.equal(shown.length, 1);
  });

  it('is not shown over what was read meanwhile, nor after a lock', async () => {
    const { kept, shown } = world(known);
    const late = kept.lost();
    void kept.read(replica);
    await late;
    const other = world(known);
    other.kept.end();
    await other.kept.lost();
    assert.deepEqual([...shown, ...other.shown], []);
    const none = world(undefined);
    await none.kept.lost();
    assert.deepEqual(none.shown, []);
  });

  it('is written at once, then not more often than every ten seconds, and never after a lock', async () => {
    const { kept, keptAt, waits } = world(undefined);
    void kept.read(replica);
    void kept.read(replica);
    assert.deepEqual(
      waits.map(({ ms }) => ms),
      [0],
    );
    waits[0]?.over();
    await soon();
    void kept.read(replica);
    assert.equal(waits[1]?.ms, 10_000);
    waits[1]?.over();
    await soon();
    assert.deepEqual(keptAt, [1_000_000, 1_010_000]);
    void kept.read(replica);
    kept.end();
    await soon();
    assert.equal(keptAt.length, 2);
  });
});
