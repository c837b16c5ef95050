// The audit writer on a bad disk: full, broken at the n-th call, without power. What was acknowledged is there; what was refused had no effect;
// the writer goes on by itself.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { before, describe, it, mock } from 'node:test';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';

import { codeOf } from '@holdfast/protocol/errors';
import { share } from '@holdfast/testkit/shares';
import { toHex } from '@holdfast/protocol/codec/bytes';
import { numbered } from '@holdfast/testkit/numbered';
import { openAuditFolder } from '../../src/audit/files.ts';
import type { AuditWriter } from '../../src/audit/writer.ts';
import { LogWorld } from './log-world.ts';
import { MemoryDisk } from './memory-disk.ts';

let world: LogWorld;
before(async () => {
  world = await LogWorld.make();
});

const refused = (act: Promise<unknown>) => assert.rejects(act, (thrown) => codeOf(thrown) === 'audit_unavailable');
const turn = () => new Promise<void>((resolve) => void setImmediate(resolve));
const numbers = (writer: AuditWriter) => world.numbers(writer);

describe('a disk that fails', () => {
  for (const [what, code] of [
    ['append', 'ENOSPC'],
    ['sync', 'EIO'],
    ['create', 'EROFS'],
  ] as const) {
    it(`in ${what} (${code}): no record, no effect, and it goes on in order`, async () => {
      const disk = new MemoryDisk();
      const writer = await world.open(disk);
      if (what !== 'create') await writer.appendDurable(numbered(0));
      disk.fault = (_, step) => (step === what || step === 'create' ? code : undefined);
      await refused(writer.appendDurable(numbered(1)));
      await refused(writer.appendDurable(numbered(2)));
      disk.fault = () => undefined;
      await writer.appendDurable(numbered(3));
      const found = await numbers(writer);
      assert.ok(found.includes(3));
      assert.ok(!found.includes(2), 'a refused record that was never written stays out');
      assert.deepEqual(
        found,
        found.toSorted((a, b) => a - b),
      );
      await writer.close();
      const again = await world.open(disk.afterPowerLoss(() => 0));
      assert.deepEqual(await numbers(again), found);
      await world.verify(again);
      await again.close();
    });
  }

  it('loses nothing that was acknowledged before it failed, though it was not synced yet', async () => {
    const disk = new MemoryDisk();
    const writer = await world.open(disk);
    await writer.appendDurable(numbered(0));
    await writer.append(numbered(1)); // written, not synced
    disk.fault = (_, step) => (step === 'sync' ? 'EIO' : undefined);
    await refused(writer.appendDurable(numbered(2)));
    disk.fault = () => undefined;
    while ((await world.open(disk.afterPowerLoss(() => 0))).size < 2) await turn(); // by itself, without another append
    assert.deepEqual((await numbers(writer)).slice(0, 2), [0, 1]);
    await writer.close();
  });

  it('takes the next record at once, without waiting for a timer', async () => {
    mock.timers.enable({ apis: ['setTimeout'] });
    try {
      const disk = new MemoryDisk();
      const writer = await world.open(disk);
      disk.fault = () => 'EIO';
      for (let number = 0; number < 4; number += 1) await refused(writer.appendDurable(numbered(number)));
      disk.fault = () => undefined;
      await writer.appendDurable(numbered(4));
      await writer.close();
    } finally {
      mock.timers.reset();
    }
  });

  it('for good: refuses everything, and closes', async () => {
    const disk = new MemoryDisk();
    const writer = await world.open(disk);
    await writer.appendDurable(numbered(0));
    disk.fault = () => 'EIO';
    for (let number = 1; number < 5; number += 1) await refused(writer.appendDurable(numbered(number)));
    await writer.close();
    const again = await world.open(disk.afterPowerLoss(() => 0));
    assert.deepEqual(await numbers(again), [0]);
    await again.close();
  });
});

/** One life of a writer: appends of both kinds while the disk fails at some calls; then kill -9 or no power. */
const life = fc.record({
  appends: fc.array(fc.record({ durable: fc.boolean(), wait: fc.boolean() }), { minLength: 1, maxLength: 25 }),
  faults: fc.array(fc.nat({ max: 60 }), { maxLength: 4 }),
  end: fc.constantFrom('close', 'kill', 'power'),
  chances: fc.infiniteStream(fc.nat()),
});

describe('any disk', () => {
  it('[AUDIT-17, AUDIT-19] keeps what was acknowledged, in order, and a log that verifies', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(life, { minLength: 1, maxLength: 4 }), async (lives) => {
        let disk = new MemoryDisk();
        let number = 0;
        const durable = new Set<number>();
        for (const { appends, faults, end, chances } of lives) {
          const writer = await world.open(disk); // recovery needs no hand
          disk.fault = (call) => (faults.includes(call) ? 'EIO' : undefined);
          const kept = new Set<number>();
          const pending: Promise<void>[] = [];
          for (const each of appends) {
            const mine = number;
            number += 1;
            const done = each.durable ? writer.appendDurable(numbered(mine)) : writer.append(numbered(mine));
            const settled = done.then(
              () => void (each.durable ? durable : kept).add(mine),
              () => {},
            );
            if (each.wait) await settled;
            else pending.push(settled);
          }
          if (end !== 'power') await Promise.all(pending);
          if (end === 'close') {
            disk.fault = () => undefined;
            await writer.appendDurable(numbered(number)); // a disk that works again is enough
            durable.add(number);
            number += 1;
            await writer.close();
          }
          const acknowledged = new Set([...durable]);
          const next =
            end === 'power' ? disk.afterPowerLoss((max) => Number(chances.next().value ?? 0) % (max + 1)) : disk.afterKill();
          disk.fault = () => 'EIO'; // the old process is gone: it writes nothing more
          disk = next;
          const reader = await world.open(disk.afterKill());
          const found = await numbers(reader);
          assert.deepEqual(
            found,
            [...new Set(found)].toSorted((a, b) => a - b),
            'in order, none twice',
          );
          for (const each of acknowledged) assert.ok(found.includes(each), `durable record ${each} is there`);
          if (end === 'close') for (const each of kept) assert.ok(found.includes(each), `record ${each} is there`);
          await world.verify(reader);
          await reader.close();
        }
      }),
      { numRuns: share({ ci: 60, soak: 3000 }) },
    );
  });
});

describe('kill -9', () => {
  it('at any moment leaves every acknowledged durable record, and a log that goes on', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'holdfast-audit-crash-'));
    try {
      let acknowledged = 0;
      for (let round = 0; round < share({ ci: 4, soak: 100 }); round += 1) {
        const child = spawn(
          process.execPath,
          [
            fileURLToPath(new URL('./append-forever.ts', import.meta.url)),
            path.join(folder, 'log'),
            toHex(world.key),
            toHex(world.fleet),
            toHex(world.agent),
            String(acknowledged),
          ],
          { stdio: ['ignore', 'pipe', 'inherit'] },
        );
        const until = acknowledged + 20 + Math.floor(Math.random() * 400);
        for await (const line of createInterface({ input: child.stdout })) {
          acknowledged = Math.max(acknowledged, Number(line) + 1);
          if (acknowledged >= until) child.kill('SIGKILL');
        }
        const writer = await world.open(await openAuditFolder(path.join(folder, 'log')));
        const found = new Set(await numbers(writer));
        for (let number = 0; number < acknowledged; number += 1)
          assert.ok(found.has(number), `record ${number} was acknowledged`);
        assert.equal(found.size, writer.size);
        await world.verify(writer);
        await writer.close();
        acknowledged = Math.max(...found) + 1;
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
