// A log of which hashes are left: every reader of it copes, and nothing passes for pruned that was not. When that may be, pruner.test.ts tells.

import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { openSegment, parseSegmentName, prunedSegment, SegmentSealer, type Frame } from '@holdfast/protocol/audit/segment';
import { codeOf, HoldfastError } from '@holdfast/protocol/errors';
import { leafHash, proveConsistency, rootOf } from '@holdfast/protocol/primitives/merkle';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { concat, utf8 } from '@holdfast/protocol/codec/bytes';
import { numbered } from '@holdfast/testkit/numbered';
import { LogTiles } from '../../src/audit/tiles.ts';
import type { TileFiles } from '../../src/audit/tile-files.ts';
import type { AuditWriter } from '../../src/audit/writer.ts';
import { LogWorld, pruned } from './log-world.ts';
import { MemoryDisk } from './memory-disk.ts';

let world: LogWorld;
before(async () => {
  world = await LogWorld.make();
});

const refuses = (act: Promise<unknown>, code: string) => assert.rejects(act, (thrown) => codeOf(thrown) === code);

/** A log of so many closed segments of five records with checkpoints, and what they were. */
async function written(segments: number) {
  const disk = new MemoryDisk();
  for (let ordinal = 0; ordinal < segments; ordinal += 1) {
    const writer = await world.open(disk);
    for (let number = 0; number < 5; number += 1) await writer.appendDurable(numbered(5 * ordinal + number));
    await writer.close();
  }
  const writer = await world.open(disk);
  const leaves = (await world.readAll(writer)).map((each) => leafHash(primitives, each));
  return { disk, writer, leaves, ends: writer.closedSegments.map(({ next }) => next) };
}

const nameOf = (disk: MemoryDisk, ordinal: number): string =>
  [...disk.files.keys()].find((name) => parseSegmentName(name)?.ordinal === ordinal) ?? '';

/** A segment as somebody with the log's key would write it. */
async function rewritten(disk: MemoryDisk, ordinal: number, change: (frame: Frame) => Frame): Promise<void> {
  const name = nameOf(disk, ordinal);
  const { fleet, agent, key } = world;
  const [secrets, id] = [{ primitives, key, fleet, agent }, parseSegmentName(name) ?? assert.fail()];
  const opened = (await openSegment(secrets, id, (await disk.read(name)) ?? new Uint8Array())) ?? assert.fail();
  const sealer = new SegmentSealer(secrets, id, utf8(opened.pruned ? 'HFPRUNE1' : 'HFAUDIT1'));
  const parts = [sealer.header];
  for (const frame of [opened.start, ...opened.frames]) parts.push(await sealer.seal(change(frame)));
  await disk.replace(name, concat(...parts));
}

class MemoryTiles implements TileFiles {
  readonly levels: Uint8Array[] = [];
  count = async (level: number) => (this.levels[level]?.length ?? 0) / 32;
  read = async (level: number, first: number, count: number) =>
    (this.levels[level] ?? new Uint8Array()).slice(32 * first, 32 * (first + count));
  write = async (level: number, first: number, hashes: Uint8Array) => {
    this.levels[level] = concat((this.levels[level] ?? new Uint8Array()).slice(0, 32 * first), hashes);
  };
  cut = async (level: number, count: number) => {
    this.levels[level] = (this.levels[level] ?? new Uint8Array()).slice(0, 32 * count);
  };
}

describe('a log that was pruned', () => {
  it('[AUDIT-65, AUDIT-66] keeps hashes, checkpoints and root, over restarts, and no byte of a record', async () => {
    const { disk, writer, leaves, ends } = await written(3);
    const [checkpoints, below] = [await writer.checkpoints(), ends[1] ?? 0];
    const { size, root } = await (async () => ({ size: writer.size, root: (await world.verify(writer)).root }))();
    await writer.prune(pruned(below));
    const holds = async (log: AuditWriter): Promise<void> => {
      assert.equal(log.firstKept, below);
      assert.deepEqual((await log.checkpoints()).slice(0, checkpoints.length), checkpoints);
      assert.deepEqual((await world.leaves(log, size)).slice(0, size), leaves);
      const verdict = await world.verify(log, { size, root });
      assert.deepEqual(verdict.pruned, { records: below, version: 1, retentionDays: 1 });
      await refuses(log.read({ from: below - 1, limit: 1 }), 'audit_gap');
      assert.equal((await log.read({ from: below, limit: 1 })).length, 1);
      for (const wire of checkpoints) await log.assertMade(wire);
    };
    await holds(writer);
    await writer.appendDurable(numbered(99));
    await writer.close();
    const again = await world.open(disk.afterPowerLoss(() => 0));
    await holds(again);
    await again.prune(pruned(ends[2] ?? 0));
    assert.equal(again.firstKept, ends[2]);
    await again.close();
    const asEvidence = await world.open(disk.afterKill(), { evidenceOf: new HoldfastError('audit_altered', 'told so') });
    await holds(asEvidence);
    await asEvidence.close();
  });

  it('[AUDIT-66] nothing goes where the record of it could not be written, and no more than it names', async () => {
    const { disk, writer, ends } = await written(3);
    disk.fault = () => 'EIO';
    await refuses(writer.prune(pruned(ends[1] ?? 0)), 'audit_unavailable');
    disk.fault = () => undefined;
    assert.equal(writer.firstKept, 0);
    await writer.prune(pruned((ends[1] ?? 0) + 1)); // within a segment, which stays
    assert.equal(writer.firstKept, ends[1]);
    await writer.close();
  });

  it('[AUDIT-66] a disk that fails at a segment leaves it as it was, and the next try goes on', async () => {
    const { disk, writer, ends } = await written(3);
    let replaced = 0;
    disk.fault = (_, step) => (step === 'replace' && (replaced += 1) === 2 ? 'EIO' : undefined);
    await assert.rejects(writer.prune(pruned(ends[2] ?? 0)));
    assert.equal(writer.firstKept, ends[0]);
    await world.verify(writer);
    await writer.prune(pruned(ends[2] ?? 0));
    assert.equal(writer.firstKept, ends[2]);
    await world.verify(writer);
    await writer.close();
  });

  it('[AUDIT-24] of a log that is evidence nothing goes', async () => {
    const { disk, writer, ends } = await written(2);
    writer.freeze(new HoldfastError('audit_altered', 'told so'));
    await refuses(writer.prune(pruned(ends[0] ?? 0)), 'audit_unavailable');
    assert.equal(writer.firstKept, 0);
    await writer.close();
    const evidence = await world.open(disk, { evidenceOf: new HoldfastError('audit_altered', 'told so') });
    await refuses(evidence.prune(pruned(ends[0] ?? 0)), 'audit_unavailable');
    assert.equal(evidence.firstKept, 0);
    await evidence.close();
  });

  it('[TILES-5] gives the same tiles, also where they are made anew', async () => {
    const { writer, leaves, ends } = await written(3);
    await writer.prune(pruned(ends[1] ?? 0));
    const head = { size: leaves.length, root: rootOf(primitives, leaves) };
    const tiles = new LogTiles({ primitives, log: writer, files: new MemoryTiles(), remade: () => assert.fail() });
    for (const size of [1, ends[0] ?? 0, (ends[1] ?? 0) + 2])
      assert.deepEqual((await tiles.consistency(size, head)).proof, proveConsistency(primitives, leaves, size));
    await writer.close();
  });

  it('[AUDIT-14] whose hashes were altered, under the key of the log too, is altered', async () => {
    const { disk, writer, ends } = await written(2);
    await writer.prune(pruned(ends[0] ?? 0));
    await writer.close();
    await rewritten(disk, 0, (frame) => (frame.kind === 'leaves' ? { ...frame, hashes: frame.hashes.toReversed() } : frame));
    const again = await world.open(disk);
    await refuses(world.verify(again), 'audit_altered');
    await again.close();
  });

  it('[AUDIT-65] a segment pruned behind one that is not, or that is not what it says, is damaged', async () => {
    const { disk, writer, ends } = await written(3);
    await writer.prune(pruned(ends[0] ?? 0));
    await writer.close();
    const behind = disk.afterKill();
    const third = nameOf(behind, 2);
    const { fleet, agent, key } = world;
    const [secrets, id] = [{ primitives, key, fleet, agent }, parseSegmentName(third) ?? assert.fail()];
    const opened = (await openSegment(secrets, id, (await behind.read(third)) ?? new Uint8Array())) ?? assert.fail();
    await behind.replace(third, await prunedSegment(secrets, id, opened)); // the second was not
    const [second, lying] = [nameOf(disk, 1), disk.afterKill()];
    const file = (await lying.read(second)) ?? new Uint8Array();
    await lying.replace(second, concat(utf8('HFPRUNE1'), file.subarray(8)));
    for (const found of [behind, lying]) {
      const again = await world.open(found);
      await refuses(world.leaves(again, ends[2] ?? 0), 'audit_corrupt');
      await again.close();
    }
  });

  it('[AUDIT-68] records that went without a record of it are missing', async () => {
    const { disk, writer, ends } = await written(3);
    const kept = disk.afterKill();
    await writer.prune(pruned(ends[0] ?? 0));
    await kept.replace(nameOf(kept, 0), (await disk.read(nameOf(disk, 0))) ?? new Uint8Array());
    await writer.close();
    const again = await world.open(kept);
    assert.equal(again.firstKept, ends[0]);
    await refuses(world.verify(again), 'audit_gap');
    await again.close();
  });
});
