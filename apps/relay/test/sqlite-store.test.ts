// The SQLite adapter: the suite of all stores, and what is its own: the lock, a full disk, a store from the future.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';
import { codeOf } from '@holdfast/protocol/errors';
import { sqliteStore } from '../src/sqlite-store.ts';
import type { PlacedEntry, Store } from '../src/store.ts';
import { testStore } from './store-suite.ts';

const folder = mkdtempSync(join(tmpdir(), 'holdfast-store-'));
const opened = new Map<Store, string>();
let count = 0;
after(async () => {
  for (const store of opened.keys()) await store.close();
  rmSync(folder, { recursive: true, force: true });
});

function openAt(path: string, maxStoreBytes?: number): Store {
  const store = sqliteStore({ path, maxStoreBytes });
  opened.set(store, path);
  return store;
}

const newPath = (): string => join(folder, `${(count += 1)}.db`);

testStore('sqlite', {
  open: async () => openAt(newPath()),
  reopen: async (store) => {
    await store.close();
    return openAt(opened.get(store) ?? '');
  },
});

const bytes = (length: number): Uint8Array => new Uint8Array(randomBytes(length));
const control = new Uint8Array(16);
const genesis: PlacedEntry = {
  topic: control,
  position: 0,
  previous: new Uint8Array(32),
  hash: bytes(32),
  atMs: 0,
  wire: bytes(40),
};
const fleet = genesis.hash;
const create = { kind: 'create', fleet, access: bytes(10), genesis } as const;

test('a second relay cannot open the file, and can once the first has closed', async () => {
  const path = newPath();
  const first = openAt(path);
  assert.throws(() => sqliteStore({ path }), { code: 'already_running' });
  await first.commit([create]);
  assert.throws(() => sqliteStore({ path }), { code: 'already_running' });
  await first.close();
  assert.equal(await openAt(path).countFleets(), 1);
});

test('synced before a commit returns: WAL with synchronous FULL', async () => {
  const path = newPath();
  const store = openAt(path);
  await store.commit([create]);
  await store.close();
  const database = new DatabaseSync(path);
  assert.equal(database.prepare('PRAGMA journal_mode').get()?.['journal_mode'], 'wal'); // [RELAY-13]
  database.close();
});

test('a full disk: the batch did not happen, what was there stays, reads go on, and writes work again once there is room', async () => {
  const path = newPath();
  const small = openAt(path, 128 * 1024);
  await small.commit([create]);
  let last = genesis;
  let code = 'ok';
  while (code === 'ok') {
    const next: PlacedEntry = { ...last, position: last.position + 1, previous: last.hash, hash: bytes(32), wire: bytes(8000) };
    code = await small.commit([{ kind: 'append', fleet, entry: next, maxTopicBytes: 1 << 30 }]).then(() => 'ok', codeOf);
    if (code === 'ok') last = next;
  }
  assert.equal(code, 'store_full'); // [RELAY-22]
  assert.ok(last.position > 3);
  assert.equal((await small.head(fleet, control))?.position, last.position);
  const kept = await small.read(fleet, control, 0, { maxEntries: 1000, maxBytes: 1 << 30 });
  assert.equal(kept.length, last.position + 1);
  await small.close();
  const roomy = openAt(path);
  assert.equal((await roomy.head(fleet, control))?.position, last.position);
  const next: PlacedEntry = { ...last, position: last.position + 1, previous: last.hash, hash: bytes(32), wire: bytes(8000) };
  assert.deepEqual(await roomy.commit([{ kind: 'append', fleet, entry: next, maxTopicBytes: 1 << 30 }]), [
    { kind: 'done', repeated: false },
  ]);
});

test('a store of the version before, which had no status lists, goes on with all that is in it', async () => {
  const path = newPath();
  const first = openAt(path);
  await first.commit([create]);
  await first.close();
  const database = new DatabaseSync(path);
  database.exec('DROP TABLE status_lists; PRAGMA user_version = 1');
  database.close();
  const store = openAt(path);
  assert.equal(await store.countFleets(), 1);
  const list = bytes(9);
  await store.commit([{ kind: 'status', fleet, atMs: 1, controlPosition: 1, list }]);
  assert.deepEqual(await store.status(fleet), list);
});

test('a store that a relay made before devices were witnesses goes on, and keeps what they cosign', async () => {
  const path = newPath();
  await openAt(path).close();
  const database = new DatabaseSync(path);
  database.exec('DROP TABLE device_notes; PRAGMA user_version = 4');
  database.close();
  const store = openAt(path);
  const kept = { device: bytes(16), note: bytes(9), vouch: bytes(9) };
  await store.commit([{ kind: 'device-note', log: 'a', ...kept, devices: [kept.device] }]);
  assert.deepEqual(await store.deviceNotes('a'), [kept]);
});

test('what is no store of ours is refused, and left as it is', () => {
  const garbage = newPath();
  writeFileSync(garbage, randomBytes(8192));
  assert.throws(() => sqliteStore({ path: garbage }), { code: 'store_failed' });
  const future = newPath();
  const database = new DatabaseSync(future);
  database.exec('PRAGMA user_version = 99');
  database.close();
  assert.throws(() => sqliteStore({ path: future }), { code: 'store_failed', message: /newer/ });
  assert.throws(() => sqliteStore({ path: join(folder, 'missing', 'x.db') }), { code: 'store_failed' });
});
