// A connection without sockets: what it does when its client sends faster than it can be answered.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { encodeRequest, parseRelayFrame, type RelayFrame } from '@holdfast/protocol/blind/frames';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { Connection } from '../src/connection.ts';
import { Fleets } from '../src/fleets.ts';
import { GroupCommit } from '../src/group-commit.ts';
import { Bucket, defaultLimits, type RelayLimits } from '../src/limits.ts';
import { openRelayKey } from '../src/relay-key.ts';
import { Rendezvous } from '../src/rendezvous.ts';
import type { RelayCore } from '../src/requests.ts';
import { sqliteStore } from '../src/sqlite-store.ts';
import { openWitnessKey } from '../src/witness-key.ts';

interface Stage {
  readonly connection: Connection;
  readonly core: RelayCore;
  readonly frames: RelayFrame[];
  readonly calls: string[];
  elapsedMs: number;
}

async function stage(context: TestContext, changed: Partial<RelayLimits>): Promise<Stage> {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-connection-'));
  const store = sqliteStore({ path: join(folder, 'relay.db') });
  context.after(async () => {
    rendezvous.close();
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const limits = { ...defaultLimits, ...changed };
  const rendezvous = new Rendezvous(limits);
  const clock = { wallMs: () => 0, elapsedMs: () => set.elapsedMs };
  const key = await openRelayKey(primitives, folder, { hasFleets: false });
  const core: RelayCore = {
    primitives,
    clock,
    key,
    witness: await openWitnessKey(primitives, folder, { relay: key, hasWitnessed: false }),
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
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const set: { elapsedMs: number } = { elapsedMs: 0 };
  return Object.assign(set, { core, frames, calls, connection: new Connection(core, wire, log) });
}

const place = (index: number): { rendezvous: Uint8Array; slot: 'offer' } => ({
  rendezvous: new Uint8Array(16).fill(index),
  slot: 'offer',
});
const turn = async (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('with too many requests unanswered the socket is not read; it is again when answers have gone out', async (context) => {
  const { connection, core, frames, calls } = await stage(context, { maxInFlight: 4 });
  for (let id = 1; id <= 5; id += 1)
    connection.receive(encodeRequest({ kind: 'rendezvous-take', id, ...place(id), waitMs: 60_000 }));
  await turn();
  assert.deepEqual(calls, ['pause']); // [RELAY-24]
  for (const index of [5, 1]) core.rendezvous.put(place(index), Uint8Array.of(index), 1000, 0);
  await turn();
  assert.deepEqual(calls, ['pause', 'resume']);
  const answered = frames.flatMap((frame) => (frame.kind === 'taken' ? [[frame.id, frame.body?.[0]]] : []));
  assert.deepEqual(answered, [
    [5, 5],
    [1, 1],
  ]);
  connection.closed();
  core.rendezvous.put(place(2), Uint8Array.of(2), 1000, 0);
  assert.deepEqual(await core.rendezvous.take(place(2), 0, 0, new AbortController().signal), Uint8Array.of(2));
});

test('a stranger that does nothing is a leak after half a minute, one that uses a rendezvous after twenty', async (context) => {
  const idle = await stage(context, {});
  const busy = await stage(context, {});
  busy.connection.receive(encodeRequest({ kind: 'rendezvous-take', id: 1, ...place(1), waitMs: 0 }));
  await turn();
  const leaksAt = (elapsedMs: number): boolean[] =>
    [idle, busy].map((each) => Object.assign(each, { elapsedMs }).connection.isLeak);
  assert.deepEqual(leaksAt(30_000), [false, false]);
  assert.deepEqual(leaksAt(30_001), [true, false]); // [RELAY-25]
  assert.deepEqual(leaksAt(20 * 60_000 + 1), [true, true]);
});
