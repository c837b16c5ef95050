// The tree of a log as tiles, spec/audit-tiles.md (c2sp.org/tlog-tiles): what a static folder holds of it, and proofs from a few of them. Who reads
// them believes none before it gives the root that was signed.

import { concat, equalBytes } from '../codec/bytes.ts';
import { HoldfastError } from '../errors.ts';
import {
  completeSpans,
  consistencySpans,
  Frontier,
  inclusionSpans,
  rootOf,
  verifyConsistency,
  verifyInclusion,
  type Span,
} from '../primitives/merkle.ts';
import type { Primitives } from '../primitives/primitives.ts';
import type { Anchor } from './verify.ts';

export const hashBytes = 32;
export const tileHashes = 256;

/** [TILES-1] `width` of its hashes are there; `tileHashes` when it is full. */
export interface Tile {
  readonly level: number;
  readonly index: number;
  readonly width: number;
}

/** Hashes that a level of a tree of `size` has: each of a complete subtree of 256^level leaves. */
export function hashesAt(level: number, size: number): number {
  return Math.floor(size / tileHashes ** level);
}

/** The tile that holds hash `at` of a level of a tree of `size`. */
function tileAround(level: number, at: number, size: number): Tile {
  const index = Math.floor(at / tileHashes);
  return { level, index, width: Math.min(tileHashes, hashesAt(level, size) - index * tileHashes) };
}

/** [TILES-1] All tiles of a tree of `size`, level by level. */
export function* tilesOf(size: number): Generator<Tile> {
  for (let level = 0, count = size; count > 0; level += 1, count = hashesAt(level, size)) {
    for (let at = 0; at < count; at += tileHashes) yield tileAround(level, at, size);
  }
}

/** [TILES-2] */
export function tilePath({ level, index, width }: Tile): string {
  return `tile/${level}/${numberPath(index)}${partOf(width)}`;
}

/** [TILES-2] The entries under a tile of level 0. */
export function bundlePath({ index, width }: Omit<Tile, 'level'>): string {
  return `tile/entries/${numberPath(index)}${partOf(width)}`;
}

function numberPath(index: number): string {
  const digits = String(index);
  const padded = digits.padStart(Math.ceil(digits.length / 3) * 3, '0');
  return padded.replaceAll(/...(?=.)/g, 'x$&/');
}

const partOf = (width: number): string => (width === tileHashes ? '' : `.p/${width}`);

/** [TILES-3] Entries, each behind its length. A record is far shorter than 64 KiB. */
export function bundleOf(records: readonly Uint8Array[]): Uint8Array {
  return concat(...records.flatMap((record) => [Uint8Array.of(record.length >> 8, record.length & 0xff), record]));
}

/** What leaves add to each level, behind what stands there. */
export class TileGrowth {
  private readonly primitives: Primitives;
  /** Of each level, the hashes of the tile that is not full. */
  private readonly open: Uint8Array[][];
  private readonly added: Uint8Array[][] = [];

  constructor(primitives: Primitives, open: readonly (readonly Uint8Array[])[] = []) {
    this.primitives = primitives;
    this.open = open.map((hashes) => [...hashes]);
  }

  append(hash: Uint8Array, level = 0): void {
    (this.added[level] ??= []).push(hash);
    const open = (this.open[level] ??= []);
    open.push(hash);
    if (open.length < tileHashes) return;
    this.open[level] = [];
    this.append(rootOf(this.primitives, open), level + 1);
  }

  /** What was added since the last call, lowest level first. */
  take(): Uint8Array[][] {
    return this.added.splice(0);
  }
}

/** The bytes of a tile's hashes, or fewer, or none, where they are not there; of more, the first. */
export type ReadTile = (tile: Tile) => Promise<Uint8Array | undefined>;

/**
 * A tree behind its tiles. `head`: as a checkpoint that was verified has it. What these functions return holds against it; they throw `audit_tiles`
 * where a tile is missing, cut or another one. [TILES-4]
 */
export class TiledTree {
  private readonly primitives: Primitives;
  private readonly head: Anchor;
  private readonly readTile: ReadTile;

  constructor(primitives: Primitives, head: Anchor, readTile: ReadTile) {
    this.primitives = primitives;
    this.head = head;
    this.readTile = onceEach(readTile);
  }

  /** That the tiles at the right edge give the head's root. */
  async hold(): Promise<void> {
    const { size, root } = this.head;
    if (!equalBytes(await this.root({ from: 0, to: size }), root)) throw disagrees();
  }

  /** The leaf hash of a record, and its proof in the tree of the head. Throws `usage` for an index outside. */
  async inclusion(index: number): Promise<{ readonly leaf: Uint8Array; readonly proof: readonly Uint8Array[] }> {
    const proof = await this.roots(inclusionSpans(index, this.head.size));
    const leaf = await this.root({ from: index, to: index + 1 });
    held(() => verifyInclusion(this.primitives, { ...this.head, index, leaf, proof }));
    return { leaf, proof };
  }

  /** The root of the tree of `size`, and the proof that it is a beginning of the head's. Throws `usage` for size 0 and beyond the head. */
  async consistency(size: number): Promise<{ readonly root: Uint8Array; readonly proof: readonly Uint8Array[] }> {
    const proof = await this.roots(consistencySpans(size, this.head.size));
    const root = size === this.head.size ? this.head.root : await this.root({ from: 0, to: size });
    held(() => verifyConsistency(this.primitives, { from: { size, root }, to: this.head, proof }));
    return { root, proof };
  }

  private async roots(spans: readonly Span[]): Promise<Uint8Array[]> {
    const roots: Uint8Array[] = [];
    for (const span of spans) roots.push(await this.root(span));
    return roots;
  }

  private async root(span: Span): Promise<Uint8Array> {
    const peaks: Uint8Array[] = [];
    for (const complete of completeSpans(span)) peaks.push(await this.node(complete));
    return new Frontier(this.primitives, { size: span.to - span.from, peaks }).root();
  }

  /** The root of a complete subtree: of up to 256 hashes of one tile, one below the other. */
  private async node({ from, to }: Span): Promise<Uint8Array> {
    let level = 0;
    while (tileHashes ** (level + 1) <= to - from) level += 1;
    const leaves = tileHashes ** level;
    const first = from / leaves;
    const tile = tileAround(level, first, this.head.size);
    const bytes = await this.readTile(tile);
    if (bytes?.length !== tile.width * hashBytes) throw disagrees();
    const hashes = hashesIn(bytes).slice(first % tileHashes, (first % tileHashes) + (to - from) / leaves);
    return rootOf(this.primitives, hashes);
  }
}

/** One after the other. */
export function hashesIn(bytes: Uint8Array): Uint8Array[] {
  return Array.from({ length: bytes.length / hashBytes }, (_, at) => bytes.slice(at * hashBytes, (at + 1) * hashBytes));
}

function onceEach(readTile: ReadTile): ReadTile {
  const known = new Map<string, ReturnType<ReadTile>>();
  return (tile) => {
    const path = tilePath(tile);
    const found = known.get(path) ?? readTile(tile);
    known.set(path, found);
    return found;
  };
}

function held(verify: () => void): void {
  try {
    verify();
  } catch (cause) {
    throw disagrees(cause);
  }
}

function disagrees(cause?: unknown): HoldfastError {
  return new HoldfastError('audit_tiles', 'hash tiles do not give the root that was signed', { cause }); // [TILES-4]
}
