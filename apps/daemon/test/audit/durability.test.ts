// The audit log in a real folder, on a disk that fails, in a process that is killed, on a machine whose power goes: every record that was
// acknowledged is there, in order, once, in a log that verifies and goes on. What the writer does on any disk is told in faults.test.ts.

import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { toHex } from '@holdfast/protocol/codec/bytes';
import type { Found, Step } from '@holdfast/testkit/disk-record';
import { eachFailure, eachKill, eachPowerLoss, type StoreTrial } from '@holdfast/testkit/disk-trials';
import { share } from '@holdfast/testkit/shares';
import { noStrace } from '@holdfast/testkit/strace';
import { numbered } from '@holdfast/testkit/numbered';
import { openAuditFolder } from '../../src/audit/files.ts';
import { LogWorld, pruned } from './log-world.ts';

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

/** Records of the first half are there or pruned, as the log says, and what was pruned stays so. */
async function checkPruned({ folder, acknowledged }: Found): Promise<void> {
  const writer = await world.open(await openAuditFolder(folder));
  try {
    const { pruned: gone, events, root } = await world.verify(writer);
    const found = await world.numbers(writer);
    assert.equal(gone?.records ?? 0, writer.firstKept);
    if (acknowledged.includes('pruned')) assert.ok(writer.firstKept > 0);
    const missing = acknowledged.flatMap((each) => (each === 'pruned' || found.includes(Number(each)) ? [] : [Number(each)]));
    assert.ok(missing.length <= writer.firstKept, `${missing.join(' ')}: acknowledged, and ${writer.firstKept} were pruned`);
    for (const number of missing) assert.ok(number < Math.min(...found), `record ${number} was acknowledged`);
    assert.ok(
      (await readdir(folder)).every((name) => !name.endsWith('.new')),
      'nothing is left of a prune that ended early',
    );
    const { next } = writer.closedSegments.at(-1) ?? { next: 0 };
    const before = { size: events, root };
    await writer.appendDurable(numbered(1_000_000));
    if (next > 0) await writer.prune(pruned(next));
    await world.verify(writer, before);
  } finally {
    await writer.close();
  }
}

const trialOf = (program: URL, checking: StoreTrial['check']): StoreTrial => ({
  program: [fileURLToPath(program), ...[world.key, world.fleet, world.agent].map((each) => toHex(each))],
  check: checking,
});
const trial = trialOf(new URL('./write-on.ts', import.meta.url), check);
const pruning = trialOf(new URL('./prune-on.ts', import.meta.url), checkPruned);

/** The last sync before the first step of that kind left out. */
function withoutSyncBefore(steps: Step[], kind: Step['kind']): Step[] {
  const until = steps.findIndex((each) => each.kind === kind);
  const sync = steps.findLastIndex((each, index) => index < until && each.kind === 'sync');
  return steps.toSpliced(sync, 1);
}

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
  it('[AUDIT-66] pruning on a disk that fails at the n-th call: each record is there or pruned, and it goes on by itself', async () => {
    assert.ok((await eachFailure(pruning, 'EIO', share({ ci: 6, soak: 40 }))) > 10);
  });
  it('[AUDIT-66] kill -9 at the n-th call of a prune: each record is there or pruned, as the log says', async () => {
    assert.ok((await eachKill(pruning, share({ ci: 6, soak: 40 }))) > 8);
  });
  it('[AUDIT-66] without power at any moment of a prune: each record is there or pruned, as the log says', async () => {
    const disks = await eachPowerLoss(pruning, share({ ci: 4, soak: 20 }), async (tryWith) => {
      await assert.rejects(
        tryWith((steps) => withoutSyncBefore(steps, 'rename')),
        'a segment that takes the place of another before it is synced is found out',
      );
    });
    assert.ok(disks > 20, `${disks} disks`);
  });
});
