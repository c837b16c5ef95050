// The audit log in a real folder, on a disk that fails, in a process that is killed, on a machine whose power goes: every record that was
// acknowledged is there, in order, once, in a log that verifies and goes on. What the writer does on any disk is told in faults.test.ts.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { toHex } from '@holdfast/protocol/codec/bytes';
import type { Found } from '@holdfast/testkit/disk-record';
import { eachFailure, eachKill, eachPowerLoss, type StoreTrial } from '@holdfast/testkit/disk-trials';
import { share } from '@holdfast/testkit/shares';
import { noStrace } from '@holdfast/testkit/strace';
import { numbered } from '@holdfast/testkit/numbered';
import { openAuditFolder } from '../../src/audit/files.ts';
import { LogWorld } from './log-world.ts';

const world = await LogWorld.make();

async function check({ folder, acknowledged }: Found): Promise<void> {
  const writer = await world.open(await openAuditFolder(folder));
  try {
    const found = await world.numbers(writer);
    assert.deepEqual(
      found,
      [...new Set(found)].toSorted((a, b) => a - b),
      'in order, none twice',
    );
    for (const number of acknowledged) assert.ok(found.includes(Number(number)), `record ${number} was acknowledged`);
    await writer.appendDurable(numbered(1_000_000));
    await world.verify(writer);
  } finally {
    await writer.close();
  }
}

const trial: StoreTrial = {
  program: [
    fileURLToPath(new URL('./write-on.ts', import.meta.url)),
    ...[world.key, world.fleet, world.agent].map((each) => toHex(each)),
  ],
  check,
};

describe('the audit log in its folder', { skip: noStrace(), timeout: 3_600_000 }, () => {
  const records = share({ ci: 12, soak: 400 });
  for (const error of ['EIO', 'ENOSPC'] as const) {
    it(`[AUDIT-17] ${error} at the n-th call: no acknowledgement without a record, and it goes on by itself`, async () => {
      assert.ok((await eachFailure(trial, error, records)) > 15);
    });
  }
  it('[AUDIT-17, AUDIT-19] kill -9 at the n-th call: every acknowledged record is there, and it opens by itself', async () => {
    assert.ok((await eachKill(trial, records)) > 8);
  });
  it('[AUDIT-17, AUDIT-19] without power at any moment: every acknowledged record is there, and it opens by itself', async () => {
    const disks = await eachPowerLoss(trial, share({ ci: 5, soak: 60 }), async (tryWith) => {
      for (const left of ['sync', 'sync-folder'])
        await assert.rejects(
          tryWith((steps) => steps.filter(({ kind }) => kind !== left)),
          `a log without ${left} is found out`,
        );
    });
    assert.ok(disks > 20, `${disks} disks`);
  });
});
