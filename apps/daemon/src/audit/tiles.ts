// The hash tiles that the daemon keeps beside an agent's log, spec/audit-tiles.md: made from records that a checkpoint covers, whenever they are asked
// for, so that a proof reads a few of them and not the log. None is believed: what comes of them holds against that checkpoint, or they are made anew.

import { hashesAt, hashesIn, tileHashes, TiledTree, TileGrowth, type Tile } from '@holdfast/protocol/audit/tiles';
import type { Anchor } from '@holdfast/protocol/audit/verify';
import { concat } from '@holdfast/protocol/codec/bytes';
import { codeOf, HoldfastError } from '@holdfast/protocol/errors';
import type { Primitives } from '@holdfast/protocol/primitives/primitives';
import { lostEvidenceNext, ourTurn } from './stored-log.ts';
import type { TileFiles } from './tile-files.ts';
import type { AuditWriter } from './writer.ts';

/** Hashed in a few milliseconds. */
const pageRecords = 1024;

export interface LogTilesParts {
  readonly primitives: Primitives;
  readonly log: Pick<AuditWriter, 'leaves'>;
  readonly files: TileFiles;
  /** Called when they did not hold, before they are made anew. */
  readonly remade: () => void;
}

export class LogTiles {
  private readonly parts: LogTilesParts;
  private working: Promise<unknown> = Promise.resolve();
  private closed = false;

  constructor(parts: LogTilesParts) {
    this.parts = parts;
  }

  /**
   * The root that the log had at `size`, and the proof that the tree of `head`, which a checkpoint of this log signed, goes on from there. Throws
   * `usage` for size 0 and beyond the head, `audit_corrupt` where the records do not give the head's root, and what the file system says.
   */
  consistency(size: number, head: Anchor): Promise<{ readonly root: Uint8Array; readonly proof: readonly Uint8Array[] }> {
    const told = this.working.then(() => this.attempt(size, head));
    this.working = told.catch(() => {});
    return told;
  }

  /** Nothing is written afterwards; what was asked for and is not made by then is `audit_unavailable`. */
  async close(): Promise<void> {
    this.closed = true;
    await this.working;
  }

  private async attempt(size: number, head: Anchor): ReturnType<TiledTree['consistency']> {
    try {
      return await this.read(size, head);
    } catch (thrown) {
      if (codeOf(thrown) !== 'audit_tiles') throw thrown;
    }
    this.parts.remade(); // [TILES-6]
    await this.cutTo(0);
    try {
      return await this.read(size, head);
    } catch (cause) {
      if (codeOf(cause) !== 'audit_tiles') throw cause;
      throw new HoldfastError('audit_corrupt', 'the audit records do not give the root that was signed', {
        next: lostEvidenceNext,
        cause,
      }); // [TILES-6]
    }
  }

  private async read(size: number, head: Anchor): ReturnType<TiledTree['consistency']> {
    const { primitives, files } = this.parts;
    await this.grow(head.size);
    const readTile = ({ level, index, width }: Tile) => files.read(level, index * tileHashes, width);
    return new TiledTree(primitives, head, readTile).consistency(size); // [TILES-7]
  }

  /** Makes what is missing of the tree of `size`, lower levels first. [TILES-5] */
  private async grow(size: number): Promise<void> {
    const { primitives, files, log } = this.parts;
    this.assertOpen();
    let have = await this.cutTo(size);
    const open: Uint8Array[][] = [];
    for (let level = 0; hashesAt(level, have) > 0; level += 1) {
      const width = hashesAt(level, have) % tileHashes;
      open.push(width === 0 ? [] : hashesIn(await files.read(level, hashesAt(level, have) - width, width)));
    }
    const growth = new TileGrowth(primitives, open);
    while (have < size) {
      const leaves = await log.leaves({ from: have, limit: Math.min(pageRecords, size - have) });
      if (leaves.length === 0) throw new HoldfastError('audit_corrupt', `audit record ${have} is missing`);
      for (const leaf of leaves) growth.append(leaf);
      for (const [level, hashes] of growth.take().entries()) await files.write(level, hashesAt(level, have), concat(...hashes));
      have += leaves.length;
      await ourTurn();
      this.assertOpen();
    }
  }

  private assertOpen(): void {
    if (this.closed) throw new HoldfastError('audit_unavailable', 'the audit log is closed');
  }

  /** Cuts all levels to the largest tree up to `size` that they hold; that tree's size. [TILES-5] */
  private async cutTo(size: number): Promise<number> {
    const { files } = this.parts;
    const counts: number[] = [];
    for (let count = await files.count(0); count > 0; count = await files.count(counts.length)) counts.push(count);
    let whole = size;
    for (const [level, count] of [...counts, 0].entries()) whole = Math.min(whole, (count + 1) * tileHashes ** level - 1);
    for (const [level, count] of counts.entries())
      if (count > hashesAt(level, whole)) await files.cut(level, hashesAt(level, whole));
    return whole;
  }
}
