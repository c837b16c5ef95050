// A connection without sockets: what it does when its client sends faster than it can be answered.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { encodeRequest, parseRelayFrame, type RelayFrame } from '@holdfast/protocol/blind/frames';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { Connection } from '../src/connection.ts';
import { Fleets } from '../src/fleets.ts';
import { GroupCommit } from '../src/group-commit.ts';
import { Bucket, defaultLimits } from '../src/limits.ts';
import { openRelayKey } from '../src/relay-key.ts';
import { Rendezvous } from '../src/rendezvous.ts';
import { sqliteStore } from '../src/sqlite-store.ts';

test('with too many requests unanswered the socket is not read; it is again when answers have gone out', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-connection-'));
  const store = sqliteStore({ path: join(folder, 'relay.db') });
  context.after(async () => {
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const limits = { ...defaultLimits, maxInFlight: 4 };
  const clock = { wallMs: () => 0, elapsedMs: () => 0 };
  const rendezvous = new Rendezvous(limits);
  const core = {
    primitives,
    clock,
    key: await openRelayKey(primitives, folder, { hasFleets: false }),
    store,
    commits: new GroupCommit(store),
    fleets: new Fleets(store, limits, clock),
    rendezvous,
    limits,
    creations: new Bucket(limits.creations, 0),
  };
  const frames: RelayFrame[] = [];
  const calls: string[] = [];
  const wire = {
    send: (frame: Uint8Array) => void frames.push(parseRelayFrame(frame)),
    bufferedBytes: () => 0,
    close: () => void calls.push('close'),
    pause: () => void calls.push('pause'),
    resume: () => void calls.push('resume'),
  };
  const connection = new Connection(core, wire, { info: () => undefined, warn: () => undefined, error: () => undefined });
  const place = (index: number): { rendezvous: Uint8Array; slot: 'offer' } => ({
    rendezvous: new Uint8Array(16).fill(index),
    slot: 'offer',
  });
  for (let id = 1; id <= 5; id += 1)
    connection.receive(encodeRequest({ kind: 'rendezvous-take', id, ...place(id), waitMs: 60_000 }));
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(calls, ['pause']); // [RELAY-24]
  for (const index of [5, 1]) rendezvous.put(place(index), Uint8Array.of(index), 1000, 0);
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(calls, ['pause', 'resume']);
  const answered = frames.flatMap((frame) => (frame.kind === 'taken' ? [[frame.id, frame.body?.[0]]] : []));
  assert.deepEqual(answered, [
    [5, 5],
    [1, 1],
  ]);
  connection.closed();
  rendezvous.put(place(2), Uint8Array.of(2), 1000, 0);
  assert.equal(await rendezvous.take(place(2), 0, 0, new AbortController().signal).then((body) => body?.[0]), 2);
});
