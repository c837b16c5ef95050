// The relay's store on a disk that fails, in a process that is killed, on a machine whose power goes: what was acknowledged is there, a commit is
// whole or absent, and nobody has to mend anything. The kernel's own calls are what fails; SQLite is the real one.

import assert from 'node:assert/strict';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Found } from '@holdfast/testkit/disk-record';
import { eachFailure, eachKill, eachPowerLoss, type StoreTrial } from '@holdfast/testkit/disk-trials';
import { share } from '@holdfast/testkit/shares';
import { noStrace } from '@holdfast/testkit/strace';
import { sqliteStore } from '../src/sqlite-store.ts';
import { entryAt, fleet, nextPosition, topics, writesAt } from './write-on.ts';

async function check({ folder, acknowledged }: Found): Promise<void> {
  const file = path.join(folder, 'relay.db');
  const store = sqliteStore({ path: file });
  const next = await nextPosition(store);
  const promised = Math.max(-1, ...acknowledged.map(Number));
  assert.ok(next > promised, `${promised} was acknowledged, ${next - 1} is there`);
  for (const topic of topics) {
    const wires = await store.read(fleet, topic, 0, { maxEntries: next + 9, maxBytes: 1 << 30 });
    assert.deepEqual(
      wires,
      Array.from({ length: next }, (_, position) => entryAt(topic, position).wire),
      'both topics to the same place, in order',
    );
  }
  await store.commit(writesAt(next));
  await store.close();
  const database = new DatabaseSync(file, { readOnly: true });
  assert.equal(database.prepare('PRAGMA integrity_check').get()?.['integrity_check'], 'ok');
  database.close();
}

const trial: StoreTrial = {
  program: [fileURLToPath(new URL('./write-on.ts', import.meta.url))],
  files: ['relay.db', 'relay.db-wal', 'relay.db-journal', 'relay.db-shm'],
  check,
};

describe("the relay's store", { skip: noStrace(), timeout: 3_600_000 }, () => {
  const entries = share({ ci: 12, soak: 300 }); // 300 fill the log and make SQLite move it into the database
  for (const error of ['EIO', 'ENOSPC'] as const) {
    it(`[RELAY-13] ${error} at the n-th call: a commit is acknowledged and there, or refused with a code; later ones work`, async () => {
      assert.ok((await eachFailure(trial, error, entries)) > 20);
    });
  }
  it('[RELAY-13] kill -9 at the n-th call: what was acknowledged is there, and it opens by itself', async () => {
    assert.ok((await eachKill(trial, entries)) > 10);
  });
  it('[RELAY-13] without power at any moment: what was acknowledged is there, and a commit is whole or absent', async () => {
    const disks = await eachPowerLoss(trial, share({ ci: 2, soak: 20 }), async (tryWith) => {
      for (const left of ['sync', 'sync-folder'])
        await assert.rejects(
          tryWith((steps) => steps.filter(({ kind }) => kind !== left)),
          `a store without ${left} is found out`,
        );
    });
    assert.ok(disks > 100, `${disks} disks`);
  });
});
