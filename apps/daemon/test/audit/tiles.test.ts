// The hash tiles beside a log: what they save, and that nothing of them is believed. spec/audit-tiles.md

import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { codeOf } from '@holdfast/protocol/errors';
import { utf8 } from '@holdfast/protocol/codec/bytes';
import { leafHash, proveConsistency, rootOf } from '@holdfast/protocol/primitives/merkle';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { tileFiles, type TileFiles } from '../../src/audit/tile-files.ts';
import { LogTiles } from '../../src/audit/tiles.ts';

const largest = 3000;
const records = Array.from({ length: largest }, (_, number) => utf8(`record ${number}`));
const leaves = records.map((record) => leafHash(primitives, record));
const headAt = (size: number) => ({ size, root: rootOf(primitives, leaves.slice(0, size)) });

class World {
  readonly folder: string;
  /** Records that were read of the log. */
  read = 0;
  remade = 0;
  log = records;

  constructor(t: TestContext) {
    const folder = mkdtempSync(path.join(tmpdir(), 'holdfast-tiles-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    this.folder = path.join(folder, 'tiles');
  }

  tiles(files: TileFiles = tileFiles(this.folder)): LogTiles {
    return new LogTiles({
      primitives,
      log: {
        leaves: async ({ from, limit }) => {
          const page = this.log.slice(from, from + Math.min(limit, 700));
          this.read += page.length;
          return page.map((record) => leafHash(primitives, record));
        },
      },
      files,
      remade: () => (this.remade += 1),
    });
  }

  file(level: number): string {
    return path.join(this.folder, String(level));
  }

  async holds(older: number, size: number, tiles = this.tiles()): Promise<void> {
    const { root, proof } = await tiles.consistency(older, headAt(size));
    assert.deepEqual(root, headAt(older).root);
    assert.deepEqual(proof, proveConsistency(primitives, leaves.slice(0, size), older));
  }
}

test('[TILES-5, TILES-7] a record is read once, whatever is proved of it afterwards, by this run or another', async (t) => {
  const world = new World(t);
  const tiles = world.tiles();
  await world.holds(1, 700, tiles);
  assert.equal(world.read, 700);
  for (const [older, size] of [[700, 701], [256, 1500], [1024, 2800]] as const) await world.holds(older, size, tiles); // prettier-ignore
  await world.holds(2800, 2800);
  await world.holds(513, 2800);
  assert.equal(world.read, 2800);
  assert.equal(world.remade, 0);
  assert.deepEqual(readdirSync(world.folder).toSorted(), ['0', '1']);
  assert.deepEqual([statSync(world.file(0)).size, statSync(world.file(1)).size], [2800 * 32, 10 * 32]);
  assert.equal(statSync(world.folder).mode & 0o777, 0o700);
});

test('[TILES-5] asked for at once from several sides, they grow once', async (t) => {
  const world = new World(t);
  const tiles = world.tiles();
  await Promise.all([world.holds(5, 900, tiles), world.holds(600, 1800, tiles), world.holds(899, 900, tiles)]);
  assert.ok(world.read <= 1800 + 900, String(world.read)); // the last of them wanted an older tree
  assert.equal(world.remade, 0);
});

test('[TILES-5] killed before any single write, or in the middle of one, the next run goes on and tells of no fault', async (t) => {
  for (let at = 1; ; at += 1) {
    const world = new World(t);
    let writes = 0;
    const files = tileFiles(world.folder);
    const dies: TileFiles = {
      ...files,
      write: async (level, first, hashes) => {
        writes += 1;
        if (writes === at) {
          await files.write(level, first, hashes.subarray(0, Math.floor(hashes.length / 2) - 5));
          throw new Error('killed');
        }
        await files.write(level, first, hashes);
      },
    };
    const died = await world.tiles(dies).consistency(300, headAt(2100)).then(() => false, () => true); // prettier-ignore
    if (!died) return assert.ok(at > 4);
    await world.holds(300, 2100);
    await world.holds(2100, 2500);
    assert.equal(world.remade, 0, `at write ${at}`);
  }
});

test('[TILES-5] once closed, nothing is written any more', async (t) => {
  const world = new World(t);
  const files = tileFiles(world.folder);
  let closing: Promise<void> | undefined;
  let writes = 0;
  const tiles: LogTiles = world.tiles({
    ...files,
    write: async (...asked) => {
      closing ??= tiles.close();
      await files.write(...asked);
      writes += 1;
    },
  });
  const refused = () => assert.rejects(tiles.consistency(1, headAt(2800)), (thrown) => codeOf(thrown) === 'audit_unavailable');
  await refused();
  await closing;
  const before = writes;
  assert.ok(before > 0 && world.read < 2800);
  await refused();
  assert.equal(writes, before);
});

test('[TILES-6] one that was changed, at whatever place, is told of and made anew, and the proof is that of the records', async (t) => {
  for (const [level, byte] of [
    [0, 0],
    [0, 300 * 32],
    [0, 2047 * 32 + 31],
    [1, 0],
    [1, 7 * 32],
  ] as const) {
    const world = new World(t);
    await world.holds(1000, 2048);
    const bytes = readFileSync(world.file(level));
    bytes[byte] = (bytes[byte] ?? 0) ^ 1;
    writeFileSync(world.file(level), bytes);
    for (const older of [1, 255, 301, 1000, 2047]) await world.holds(older, 2048);
    await world.holds(2048, largest);
    assert.equal(world.remade, 1, `level ${level}, byte ${byte}`);
  }
});

test('[TILES-5, TILES-6] what was cut, lost or left behind by a power loss does no harm', async (t) => {
  const faults: readonly (readonly [string, (world: World) => void, number])[] = [
    ['a level cut', (world) => truncateSync(world.file(1), 3 * 32), 0],
    ['a level gone', (world) => rmSync(world.file(1)), 0],
    ['all of it gone', (world) => rmSync(world.folder, { recursive: true }), 0],
    ['half a hash more', (world) => appendFileSync(world.file(0), new Uint8Array(20)), 0],
    ['hashes that are none', (world) => appendFileSync(world.file(0), new Uint8Array(32 * 9)), 1],
    ['a level more', (world) => writeFileSync(world.file(2), new Uint8Array(32)), 0],
    ['hashes overwritten by zeros', (world) => writeFileSync(world.file(0), new Uint8Array(32 * 2100)), 1],
  ];
  for (const [what, harm, remade] of faults) {
    const world = new World(t);
    await world.holds(1000, 2100);
    harm(world);
    await world.holds(1000, 2500);
    await world.holds(2100, 2500);
    assert.equal(world.remade, remade, what);
  }
});

test('[TILES-6] records that do not give the signed root are no fault of the tiles', async (t) => {
  const world = new World(t);
  await world.holds(5, 1000);
  world.log = records.with(1200, utf8('another'));
  await assert.rejects(world.tiles().consistency(1000, headAt(1500)), (thrown) => codeOf(thrown) === 'audit_corrupt');
  world.log = records.slice(0, 1400);
  await assert.rejects(world.tiles().consistency(1000, headAt(1500)), (thrown) => codeOf(thrown) === 'audit_corrupt');
});
