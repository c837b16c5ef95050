// The contract of a relay's store: every adapter passes this suite. What is told of durability is tested with failing disks (durability.test.ts).

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import type { Outcome, PlacedEntry, Store, Write } from '../src/store.ts';

const bytes = (length: number): Uint8Array => new Uint8Array(randomBytes(length));
const done: Outcome = { kind: 'done', repeated: false };
const repeated: Outcome = { kind: 'done', repeated: true };
const noHash = new Uint8Array(32);
const control = new Uint8Array(16);

/** The next entry of a topic; undefined: the first. */
function entryAfter(topic: Uint8Array, before: PlacedEntry | undefined, parts: Partial<PlacedEntry> = {}): PlacedEntry {
  const place =
    before === undefined
      ? { position: 0, previous: noHash, atMs: 1000 }
      : { position: before.position + 1, previous: before.hash, atMs: before.atMs };
  return { topic, ...place, hash: bytes(32), wire: bytes(40), ...parts };
}

function append(fleet: Uint8Array, entry: PlacedEntry, maxTopicBytes = 1 << 20): Write {
  return { kind: 'append', fleet, entry, maxTopicBytes };
}

function headOf({ position, hash }: PlacedEntry): { position: number; hash: Uint8Array } {
  return { position, hash };
}

/** `open` makes an empty store; `reopen` closes one and opens what it left. */
export function testStore(
  name: string,
  { open, reopen }: { open(): Promise<Store>; reopen(store: Store): Promise<Store> },
): void {
  async function withFleet(): Promise<{ store: Store; fleet: Uint8Array; genesis: PlacedEntry; access: Uint8Array }> {
    const store = await open();
    const genesis = entryAfter(control, undefined);
    const access = bytes(50);
    assert.deepEqual(await store.commit([{ kind: 'create', fleet: genesis.hash, access, genesis }]), [done]);
    return { store, fleet: genesis.hash, genesis, access };
  }

  test(`${name}: a fleet begins with its access list and genesis; again is no fault, another is refused`, async () => {
    const { store, fleet, genesis, access } = await withFleet();
    assert.deepEqual(await store.fleet(fleet), { access, pulse: undefined });
    assert.deepEqual(await store.head(fleet, control), headOf(genesis));
    assert.equal(await store.countFleets(), 1);
    const outcomes = await store.commit([
      { kind: 'create', fleet, access, genesis },
      { kind: 'create', fleet, access: bytes(50), genesis },
    ]);
    assert.deepEqual(outcomes[0], repeated);
    assert.equal(outcomes[1]?.kind === 'refused' && outcomes[1].code, 'access_stale'); // [RELAY-8]
    assert.equal(await store.fleet(bytes(32)), undefined);
  });

  test(`${name}: an append must follow the head; the very same again is no fault`, async () => {
    const { store, fleet, genesis } = await withFleet();
    const second = entryAfter(control, genesis);
    const third = entryAfter(control, second);
    assert.deepEqual(await store.commit([append(fleet, second), append(fleet, third)]), [done, done]);
    const head = headOf(third);
    const outcomes = await store.commit([
      append(fleet, second),
      append(fleet, genesis),
      append(fleet, entryAfter(control, second)),
      append(fleet, entryAfter(control, third, { previous: bytes(32) })),
      append(fleet, entryAfter(control, third, { position: 9 })),
    ]);
    const conflict: Outcome = { kind: 'conflict', head };
    assert.deepEqual(outcomes, [repeated, repeated, conflict, conflict, conflict]); // [RELAY-21]
    assert.deepEqual(await store.head(fleet, control), head);
  });

  test(`${name}: an empty topic takes position 0 only and says that it is empty`, async () => {
    const { store, fleet } = await withFleet();
    const topic = bytes(16);
    assert.deepEqual(await store.commit([append(fleet, entryAfter(topic, entryAfter(topic, undefined)))]), [
      { kind: 'conflict', head: undefined },
    ]);
    assert.equal(await store.head(fleet, topic), undefined);
  });

  test(`${name}: of 200 appends for one place one wins`, async () => {
    const { store, fleet, genesis } = await withFleet();
    const racing = Array.from({ length: 200 }, () => append(fleet, entryAfter(control, genesis)));
    const batches = await Promise.all([store.commit(racing.slice(0, 100)), store.commit(racing.slice(100))]);
    assert.equal(batches.flat().filter(({ kind }) => kind === 'done').length, 1);
    assert.equal((await store.head(fleet, control))?.position, 1);
  });

  test(`${name}: time may stand still but not run backwards, and a topic has a size`, async () => {
    const { store, fleet, genesis } = await withFleet();
    const early = entryAfter(control, genesis, { atMs: 999 });
    const large = entryAfter(control, genesis, { wire: bytes(100) });
    const outcomes = await store.commit([append(fleet, early), append(fleet, large, 139), append(fleet, large, 140)]);
    assert.deepEqual(
      outcomes.map((outcome) => (outcome.kind === 'refused' ? outcome.code : outcome.kind)),
      ['entry_time', 'limit_exceeded', 'done'],
    ); // [RELAY-21]
  });

  test(`${name}: reads go in order from a position, bounded by count and size, with at least one`, async () => {
    const { store, fleet, genesis } = await withFleet();
    const entries = [genesis];
    for (let index = 0; index < 20; index += 1) entries.push(entryAfter(control, entries.at(-1)));
    await store.commit(entries.slice(1).map((entry) => append(fleet, entry)));
    const wires = entries.map(({ wire }) => wire);
    const limit = { maxEntries: 100, maxBytes: 1 << 20 };
    assert.deepEqual(await store.read(fleet, control, 0, limit), wires);
    assert.deepEqual(await store.read(fleet, control, 15, limit), wires.slice(15));
    assert.deepEqual(await store.read(fleet, control, 3, { ...limit, maxEntries: 4 }), wires.slice(3, 7));
    assert.deepEqual(await store.read(fleet, control, 3, { ...limit, maxBytes: 85 }), wires.slice(3, 5));
    assert.deepEqual(await store.read(fleet, control, 3, { ...limit, maxBytes: 1 }), wires.slice(3, 4)); // [RELAY-14]
    assert.deepEqual(await store.read(fleet, control, 21, limit), []);
  });

  test(`${name}: fleets and topics are apart`, async () => {
    const { store, fleet, genesis } = await withFleet();
    const other = entryAfter(control, undefined);
    await store.commit([{ kind: 'create', fleet: other.hash, access: bytes(9), genesis: other }]);
    const topic = bytes(16);
    const own = entryAfter(topic, undefined);
    await store.commit([append(fleet, own)]);
    assert.equal(await store.head(other.hash, topic), undefined);
    assert.deepEqual(await store.read(fleet, control, 0, { maxEntries: 9, maxBytes: 999 }), [genesis.wire]);
    assert.deepEqual(await store.commit([append(other.hash, entryAfter(topic, own))]), [{ kind: 'conflict', head: undefined }]);
  });

  test(`${name}: access lists move one version at a time`, async () => {
    const { store, fleet } = await withFleet();
    const list = { kind: 'access', fleet, version: 2, access: bytes(60) } as const;
    const outcomes = await store.commit([list, list, { ...list, access: bytes(60) }, { ...list, version: 4, access: bytes(60) }]);
    assert.deepEqual(
      outcomes.map((outcome) => (outcome.kind === 'refused' ? outcome.code : outcome)),
      [done, repeated, 'access_stale', 'access_stale'],
    ); // [RELAY-12]
    assert.deepEqual((await store.fleet(fleet))?.access, list.access);
  });

  test(`${name}: pulses move forward by time and control position`, async () => {
    const { store, fleet } = await withFleet();
    const pulse = { kind: 'pulse', fleet, atMs: 100, controlPosition: 5, pulse: bytes(30) } as const;
    const outcomes = await store.commit([
      pulse,
      { ...pulse, atMs: 99 },
      { ...pulse, atMs: 200, controlPosition: 4 },
      { ...pulse, atMs: 200, pulse: bytes(31) },
    ]);
    assert.deepEqual(
      outcomes.map(({ kind }) => kind),
      ['done', 'refused', 'refused', 'done'],
    ); // [RELAY-17]
    assert.equal((await store.fleet(fleet))?.pulse?.length, 31);
  });

  test(`${name}: status lists move forward by time and control position`, async () => {
    const { store, fleet } = await withFleet();
    assert.equal(await store.status(fleet), undefined);
    const status = { kind: 'status', fleet, atMs: 100, controlPosition: 5, list: bytes(30) } as const;
    const last = { ...status, controlPosition: 6, list: bytes(31) };
    const outcomes = await store.commit([
      status,
      status,
      { ...status, atMs: 99, controlPosition: 9, list: bytes(32) },
      { ...status, atMs: 200, controlPosition: 4, list: bytes(33) },
      last,
    ]);
    assert.deepEqual(
      outcomes.map((outcome) => (outcome.kind === 'refused' ? outcome.code : outcome)),
      [done, repeated, 'status_stale', 'status_stale', done],
    ); // [STATUS-6]
    assert.deepEqual(await store.status(fleet), last.list);
    assert.equal(await store.status(bytes(32)), undefined);
  });

  test(`${name}: of each device and log one note is kept, and of no device that is not named`, async () => {
    const { store } = await withFleet();
    const [one, two] = [bytes(16), bytes(16)];
    const note = (log: string, device: Uint8Array, devices = [one, two]) =>
      ({ kind: 'device-note', log, device, note: bytes(9), vouch: bytes(8), devices }) as const;
    const [first, second, other] = [note('a', one), note('a', one), note('b', one)];
    assert.deepEqual(await store.commit([first, second, other, note('a', two)]), [done, done, done, done]);
    const again = await reopen(store);
    assert.equal((await again.deviceNotes('a')).length, 2);
    await again.commit([note('a', two, [two])]);
    assert.deepEqual((await again.deviceNotes('a')).map((each) => each.device), [two]); // prettier-ignore
    assert.deepEqual((await again.deviceNotes('b')).map((each) => each.note), [other.note]); // prettier-ignore
    assert.deepEqual(await again.deviceNotes('c'), []);
  }); // [WITNESS-22]

  test(`${name}: lockboxes have places, stay what they are, and are counted`, async () => {
    const { store, fleet } = await withFleet();
    const place = { audience: 'fleet', epoch: 0, keyCommitment: bytes(32), member: bytes(16) };
    const put = { kind: 'lockbox', fleet, ...place, sealed: bytes(70), maxLockboxes: 2 } as const;
    const other = { ...put, sealed: bytes(71) };
    const rivals = { ...other, keyCommitment: bytes(32) };
    const outcomes = await store.commit([put, other, rivals, { ...put, epoch: 2 }, put]);
    assert.deepEqual(
      outcomes.map((outcome) => (outcome.kind === 'refused' ? outcome.code : outcome.kind)),
      ['done', 'id_taken', 'done', 'limit_exceeded', 'done'],
    ); // [RELAY-16]
    assert.deepEqual(outcomes.at(-1), { kind: 'done', repeated: true });
    assert.deepEqual(await store.lockbox(fleet, place), put.sealed);
    assert.deepEqual(await store.lockbox(fleet, rivals), rivals.sealed);
    assert.equal(await store.lockbox(fleet, { ...place, member: bytes(16) }), undefined);
    assert.equal(await store.lockbox(bytes(32), place), undefined);
  });

  test(`${name}: everything is there after opening again; closing twice is no fault`, async () => {
    const { store, fleet, genesis } = await withFleet();
    const second = entryAfter(control, genesis);
    const place = { audience: 'fleet', epoch: 0, keyCommitment: bytes(32), member: control };
    await store.commit([
      append(fleet, second),
      { kind: 'access', fleet, version: 2, access: bytes(33) },
      { kind: 'pulse', fleet, atMs: 1, controlPosition: 1, pulse: bytes(12) },
      { kind: 'lockbox', fleet, ...place, sealed: bytes(7), maxLockboxes: 9 },
    ]);
    await store.commit([{ kind: 'status', fleet, atMs: 1, controlPosition: 1, list: bytes(13) }]);
    const before = await store.fleet(fleet);
    const again = await reopen(store);
    assert.deepEqual(await again.fleet(fleet), before);
    assert.deepEqual(await again.head(fleet, control), headOf(second));
    assert.deepEqual(await again.read(fleet, control, 0, { maxEntries: 9, maxBytes: 999 }), [genesis.wire, second.wire]);
    assert.equal((await again.lockbox(fleet, place))?.length, 7);
    assert.equal((await again.status(fleet))?.length, 13);
    await again.close();
    await again.close();
  });
}
