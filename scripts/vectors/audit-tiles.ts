// node scripts/vectors/audit-tiles.ts: vectors of spec/audit-tiles.md. Which tiles a tree has, and proofs that a reader gets from them, with one fault
// each; record n is the text `record n`, proofs are made from all leaves. The same again on every run.

import { bundleOf, bundlePath, tileHashes, tilePath, tilesOf } from '@holdfast/protocol/audit/tiles';
import { utf8 } from '@holdfast/protocol/codec/bytes';
import { leafHash, proveConsistency, proveInclusion, rootOf } from '@holdfast/protocol/primitives/merkle';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { writeVectors } from './write.ts';

const record = (number: number): Uint8Array => utf8(`record ${number}`);
const leavesOf = (size: number) => Array.from({ length: size }, (_, number) => leafHash(primitives, record(number)));

const geometry = [1, 255, 256, 257, 512, 65_536, 70_000].map((size) => ({
  name: `tiles of ${size} records`,
  clause: 'TILES-1',
  expect: 'ok' as const,
  size,
  paths: [...tilesOf(size)].map(tilePath),
}));
const numbers = [0, 999, 1000, 1_234_067, 1_000_000_000].map((index) => ({
  name: `tile ${index}`,
  clause: 'TILES-2',
  expect: 'ok' as const,
  index,
  path: tilePath({ level: 3, index, width: tileHashes }),
  partial: bundlePath({ index, width: 7 }),
}));
writeVectors('audit-tiles/geometry', 'The paths of all tiles of a tree.', geometry);
writeVectors('audit-tiles/paths', 'A full tile of level 3, and a bundle of seven entries, by their number.', numbers);
writeVectors('audit-tiles/bundles', 'Entry bundles: two bytes of length, and the entry.', [
  {
    name: 'three entries, one of them empty and one of 300 bytes',
    clause: 'TILES-3',
    expect: 'ok',
    entries: [utf8('record 0'), new Uint8Array(0), new Uint8Array(300).fill(7)],
    bundle: bundleOf([utf8('record 0'), new Uint8Array(0), new Uint8Array(300).fill(7)]),
  },
]);

type Ask = { readonly consistency: number } | { readonly inclusion: number };
type Change = 'absent' | 'cut' | 'longer' | 'flipped';
const words = (ask: Ask): string => ('inclusion' in ask ? `inclusion of ${ask.inclusion}` : `growth from ${ask.consistency}`);

function tree(size: number, ask: Ask, fault?: { readonly path: string; readonly change: Change }) {
  const leaves = leavesOf(size);
  return {
    name: `${words(ask)} in ${size}${fault === undefined ? '' : `, ${fault.path} ${fault.change}`}`,
    clause: 'TILES-4',
    expect: fault === undefined ? ('ok' as const) : ('audit_tiles' as const),
    size,
    root: rootOf(primitives, leaves),
    ask,
    proof:
      'inclusion' in ask
        ? proveInclusion(primitives, leaves, ask.inclusion)
        : proveConsistency(primitives, leaves, ask.consistency),
    ...(fault !== undefined && { fault }),
  };
}

const changes: readonly Change[] = ['absent', 'cut', 'longer', 'flipped'];
writeVectors('audit-tiles/trees', 'What a reader of tiles makes of a tree whose root it knows.', [
  tree(1, { inclusion: 0 }),
  tree(256, { inclusion: 255 }),
  tree(257, { inclusion: 256 }),
  tree(700, { inclusion: 300 }),
  tree(70_000, { inclusion: 69_999 }),
  tree(70_000, { inclusion: 12_345 }),
  tree(1, { consistency: 1 }),
  tree(257, { consistency: 256 }),
  tree(700, { consistency: 511 }),
  tree(70_000, { consistency: 256 }),
  tree(70_000, { consistency: 4321 }),
  tree(70_000, { consistency: 65_536 }),
  ...changes.map((change) => tree(700, { consistency: 511 }, { path: 'tile/0/001', change })),
  ...changes.map((change) => tree(700, { consistency: 511 }, { path: 'tile/0/002.p/188', change })),
  ...changes.map((change) => tree(700, { inclusion: 600 }, { path: 'tile/1/000.p/2', change })),
  tree(70_000, { consistency: 65_536 }, { path: 'tile/2/000.p/1', change: 'flipped' }),
]);
