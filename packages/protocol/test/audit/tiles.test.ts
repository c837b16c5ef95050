// A log's tree in tiles, spec/audit-tiles.md: which there are, and what is believed of them. Against our vectors, the examples of c2sp.org/tlog-tiles, and
// proofs that are made from all leaves.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  bundleOf,
  bundlePath,
  hashesIn,
  tileHashes,
  TiledTree,
  TileGrowth,
  tilePath,
  tilesOf,
  type ReadTile,
} from '@holdfast/protocol/audit/tiles';
import { concat, toHex, utf8 } from '@holdfast/protocol/codec/bytes';
import { codeOf } from '@holdfast/protocol/errors';
import { leafHash, proveConsistency, proveInclusion, rootOf } from '@holdfast/protocol/primitives/merkle';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { share } from '@holdfast/testkit/shares';
import {
  externalText,
  fromVectorHex,
  noExternalVectors,
  outcomeOf,
  ownVectors,
  type VectorEntry,
} from '@holdfast/testkit/vectors';

const runs = { numRuns: share({ ci: 60, soak: 3000 }) };
const largest = 70_000;
const leaves = Array.from({ length: largest }, (_, number) => leafHash(primitives, utf8(`record ${number}`)));

/** All tiles of the tree of the first `size` leaves, by path. */
function tilesWith(size: number): Map<string, Uint8Array> {
  const growth = new TileGrowth(primitives);
  for (const leaf of leaves.slice(0, size)) growth.append(leaf);
  const levels = growth.take();
  const hashes = (level: number, first: number, width: number) => concat(...(levels[level] ?? []).slice(first, first + width));
  return new Map([...tilesOf(size)].map((tile) => [tilePath(tile), hashes(tile.level, tile.index * tileHashes, tile.width)]));
}

const whole = tilesWith(largest);
const readFrom =
  (tiles: ReadonlyMap<string, Uint8Array>, read: string[] = []): ReadTile =>
  async (tile) => {
    read.push(tilePath(tile));
    return tiles.get(tilePath(tile));
  };
const flip = (bytes: Uint8Array, at: number) => bytes.map((byte, index) => (index === at ? byte ^ 1 : byte));

describe('audit-tiles: which there are', () => {
  for (const { name, clause, size, paths } of ownVectors<VectorEntry & { size: number; paths: string[] }>('audit-tiles/geometry')
    .entries) {
    it(`${clause} ${name}`, () => {
      assert.deepEqual([...tilesOf(size)].map(tilePath), paths);
      assert.deepEqual([...tilesWith(size)].map(([path, bytes]) => [path, bytes.length]), sizesOf(size)); // prettier-ignore
    });
  }
  for (const { name, clause, index, path, partial } of ownVectors<VectorEntry & { index: number; path: string; partial: string }>(
    'audit-tiles/paths',
  ).entries) {
    it(`${clause} ${name}`, () => {
      assert.equal(tilePath({ level: 3, index, width: tileHashes }), path);
      assert.equal(bundlePath({ index, width: 7 }), partial);
    });
  }
  for (const { name, clause, entries, bundle } of ownVectors<VectorEntry & { entries: string[]; bundle: string }>(
    'audit-tiles/bundles',
  ).entries) {
    it(`${clause} ${name}`, () => assert.equal(toHex(bundleOf(entries.map(fromVectorHex))), bundle));
  }

  it('[TILES-1, TILES-2] are those of the examples of tlog-tiles', { skip: noExternalVectors }, () => {
    const text = externalText('c2sp-specs/tlog-tiles.md').replaceAll(/\s+/g, ' ');
    assert.match(text, /a tree of size 70,000 will be represented by 273 full level 0 tiles, one partial level 0 tile of width 112, one full level 1 tile, one partial level 1 tile of width 17, and one partial level 2 tile of width 1\./); // prettier-ignore
    const counts = new Map<string, number>();
    for (const { level, width } of tilesOf(70_000)) {
      const kind = `level ${level}, width ${width}`;
      counts.set(kind, (counts.get(kind) ?? 0) + 1);
    }
    assert.deepEqual(Object.fromEntries(counts), {
      'level 0, width 256': 273,
      'level 0, width 112': 1,
      'level 1, width 256': 1,
      'level 1, width 17': 1,
      'level 2, width 1': 1,
    });
    assert.match(text, /a tree of size 256 will be represented by a full level 0 tile and a partial level 1 tile of width 1\./);
    assert.deepEqual([...tilesOf(256)].map(({ level, width }) => [level, width]), [[0, 256], [1, 1]]); // prettier-ignore
    assert.match(text, /index 1234067 will be encoded as `x001\/x234\/067`/);
    assert.equal(tilePath({ level: 0, index: 1_234_067, width: 256 }), 'tile/0/x001/x234/067');
  });
});

/** Path and bytes of each tile, by the text of the format. */
function sizesOf(size: number): [string, number][] {
  return [...tilesOf(size)].map(tilePath).map((path) => [path, 32 * Number(/\.p\/(\d+)$/.exec(path)?.[1] ?? 256)]);
}

type Tree = {
  size: number;
  root: string;
  ask: { consistency: number } | { inclusion: number };
  proof: string[];
  fault?: { path: string; change: 'absent' | 'cut' | 'longer' | 'flipped' };
};

describe('audit-tiles: what a reader believes', () => {
  for (const { name, clause, expect, size, root, ask, proof, fault } of ownVectors<VectorEntry & Tree>('audit-tiles/trees')
    .entries) {
    it(`${clause} ${name}: ${expect}`, async () => {
      const tiles = new Map(tilesWith(size));
      if (fault !== undefined) {
        const good = tiles.get(fault.path);
        assert.ok(good !== undefined);
        if (fault.change === 'absent') tiles.delete(fault.path);
        if (fault.change === 'cut') tiles.set(fault.path, good.slice(0, -32));
        if (fault.change === 'longer') tiles.set(fault.path, concat(good, good.slice(0, 32)));
        if (fault.change === 'flipped') tiles.set(fault.path, good.map((byte) => byte ^ 1)); // prettier-ignore
      }
      const tree = new TiledTree(primitives, { size, root: fromVectorHex(root) }, readFrom(tiles));
      let told: readonly Uint8Array[] = [];
      const outcome = await outcomeOf(async () => {
        ({ proof: told } = 'inclusion' in ask ? await tree.inclusion(ask.inclusion) : await tree.consistency(ask.consistency));
      });
      assert.equal(outcome, expect);
      if (expect === 'ok') assert.deepEqual(told.map(toHex), proof);
    });
  }

  it('[TILES-4] proofs are those of all leaves, whatever the sizes', async () => {
    const sizes = fc
      .integer({ min: 1, max: 1500 })
      .chain((size) => fc.tuple(fc.constant(size), fc.integer({ min: 1, max: size })));
    await fc.assert(
      fc.asyncProperty(sizes, async ([size, older]) => {
        const some = leaves.slice(0, size);
        const tree = new TiledTree(primitives, { size, root: rootOf(primitives, some) }, readFrom(tilesWith(size)));
        await tree.hold();
        const grown = await tree.consistency(older);
        assert.deepEqual(grown.proof, proveConsistency(primitives, some, older));
        assert.deepEqual(grown.root, rootOf(primitives, some.slice(0, older)));
        const held = await tree.inclusion(older - 1);
        assert.deepEqual(held, { leaf: some[older - 1], proof: proveInclusion(primitives, some, older - 1) });
      }),
      runs,
    );
  });

  it('[TILES-4] a flipped bit of any tile that a proof reads is refused, at whatever place', async () => {
    const head = { size: largest, root: rootOf(primitives, leaves) };
    const read: string[] = [];
    await new TiledTree(primitives, head, readFrom(whole, read)).consistency(4321);
    for (const path of new Set(read)) {
      const good = whole.get(path) ?? new Uint8Array();
      // One of a tile's hashes may be none that this proof needs: then the same proof comes out.
      for (let at = 0; at < good.length; at += 32 * 31) {
        const tree = new TiledTree(primitives, head, readFrom(new Map([...whole, [path, flip(good, at)]])));
        const told = await tree.consistency(4321).catch((thrown: unknown) => codeOf(thrown));
        if (told !== 'audit_tiles')
          assert.deepEqual(told, await new TiledTree(primitives, head, readFrom(whole)).consistency(4321));
      }
    }
  });

  it('a proof of 70,000 records reads a few tiles', async () => {
    const head = { size: largest, root: rootOf(primitives, leaves) };
    for (const older of [1, 256, 4321, 65_536, 69_999]) {
      const read: string[] = [];
      await new TiledTree(primitives, head, readFrom(whole, read)).consistency(older);
      assert.ok(read.length <= 7, read.join(' '));
    }
  });

  it('tiles grow on from those that are not full', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1000 }), fc.integer({ min: 0, max: 1000 }), (first, more) => {
        const begun = new TileGrowth(primitives);
        for (const leaf of leaves.slice(0, first)) begun.append(leaf);
        const before = begun.take();
        const open = before.map((hashes) => hashes.slice(Math.floor(hashes.length / tileHashes) * tileHashes));
        const after = new TileGrowth(primitives, open);
        for (const leaf of leaves.slice(first, first + more)) after.append(leaf);
        const added = after.take();
        const joined = Array.from({ length: Math.max(before.length, added.length) }, (_, level) =>
          concat(...(before[level] ?? []), ...(added[level] ?? [])),
        );
        const atOnce = new TileGrowth(primitives);
        for (const leaf of leaves.slice(0, first + more)) atOnce.append(leaf);
        assert.deepEqual(joined.map(hashesIn), atOnce.take());
      }),
      runs,
    );
  });
});
