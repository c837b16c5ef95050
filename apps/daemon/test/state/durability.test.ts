// The daemon's store on a disk that fails, in a process that is killed, on a machine whose power goes: what it returned from is there, what
// belongs together is whole or absent, and the next start needs no hand. The kernel's own calls are what fails.

import assert from 'node:assert/strict';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { controlTopic } from '@holdfast/protocol/blind/entry';
import type { Found } from '@holdfast/testkit/disk-record';
import { eachFailure, eachKill, eachPowerLoss, type StoreTrial } from '@holdfast/testkit/disk-trials';
import { share } from '@holdfast/testkit/shares';
import { noStrace } from '@holdfast/testkit/strace';
import { StateStore } from '../../src/state/store.ts';
import { agent, boxOf, enrolmentOf, entriesOf, placeOf } from './write-on.ts';

async function check({ folder, acknowledged }: Found): Promise<void> {
  const file = path.join(folder, 'journal.db');
  const store = new StateStore(file);
  try {
    const promised = Math.max(-1, ...acknowledged.map(Number));
    const wires = store.entries(agent, controlTopic);
    const rounds = wires.length / 2;
    assert.ok(Number.isInteger(rounds), 'entries that came together are there together');
    assert.ok(rounds > promised, `round ${promised} was done, ${rounds} are there`);
    assert.deepEqual(wires, Array.from({ length: rounds }, (_, round) => entriesOf(round).map(({ wire }) => wire)).flat());
    for (let round = 0; round <= promised; round += 1) assert.deepEqual(store.lockbox(placeOf(round)), boxOf(round));
    if (promised >= 0) assert.ok((store.pulse(agent)?.countedMs ?? -1) >= promised, 'no older pulse');
    const enrolled = Array.from({ length: promised + 1 }, (_, round) => enrolmentOf(round)).flatMap((each) => each ?? []);
    const now = store.enrolments();
    assert.ok(now.length <= 1);
    for (const each of enrolled) {
      assert.ok([...now, ...store.pastEnrolments()].some(({ enrolledAtMs }) => enrolledAtMs === each.enrolledAtMs));
      assert.ok(!store.attempts().some((key) => Buffer.from(key).equals(each.key)), 'an enrolment ends its attempt');
    }
    store.saveEntries(agent, controlTopic, entriesOf(rounds));
  } finally {
    store.close();
  }
  const database = new DatabaseSync(file, { readOnly: true });
  assert.equal(database.prepare('PRAGMA integrity_check').get()?.['integrity_check'], 'ok');
  database.close();
}

const trial: StoreTrial = {
  program: [fileURLToPath(new URL('./write-on.ts', import.meta.url))],
  files: ['journal.db', 'journal.db-wal', 'journal.db-journal', 'journal.db-shm'],
  check,
};

describe("the daemon's store", { skip: noStrace(), timeout: 3_600_000 }, () => {
  const rounds = share({ ci: 6, soak: 150 }); // 150 fill the log and make SQLite move it into the database
  for (const error of ['EIO', 'ENOSPC'] as const) {
    it(`${error} at the n-th call: done and there, or refused with a code; later ones work`, async () => {
      assert.ok((await eachFailure(trial, error, rounds)) > 15);
    });
  }
  it('kill -9 at the n-th call: what was done is there, and it opens by itself', async () => {
    assert.ok((await eachKill(trial, rounds)) > 8);
  });
  it('without power at any moment: what was done is there, and what belongs together is whole or absent', async () => {
    const disks = await eachPowerLoss(trial, share({ ci: 1, soak: 21 }), async (tryWith) => {
      for (const left of ['sync', 'sync-folder'])
        await assert.rejects(
          tryWith((steps) => steps.filter(({ kind }) => kind !== left)),
          `a store without ${left} is found out`,
        );
    });
    assert.ok(disks > 100, `${disks} disks`);
  });
});
