// A log as a folder of tiles, spec/audit-tiles.md "A folder": for any web server, and any reader of c2sp.org/tlog-tiles. Records and checkpoint are held
// against each other first; what stands in the folder must be an older state of the same log.

import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import {
  bundleOf,
  bundlePath,
  tileHashes,
  TiledTree,
  TileGrowth,
  tilePath,
  tilesOf,
  type Tile,
} from '@holdfast/protocol/audit/tiles';
import { logName, verifyLogNote, type LogHead } from '@holdfast/protocol/blind/log-note';
import { concat, equalBytes } from '@holdfast/protocol/codec/bytes';
import { HoldfastError } from '@holdfast/protocol/errors';
import { leafHash } from '@holdfast/protocol/primitives/merkle';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';
import type { Log } from './log.ts';
import { replaceFile } from './out-file.ts';

/** Writes all of the tree that the published checkpoint `note` names; how many records that are. Throws `audit_*` for another log, `usage` where nothing can be written. */
export async function writeTileFolder(folder: string, log: Log, note: string): Promise<number> {
  const whose = {
    origin: logName(nodePrimitives, log.fleet, log.agent),
    keys: [...(log.earlierKeys ?? []), log.agentKey],
  };
  const head = await verifyLogNote(nodePrimitives, note, whose);
  const leaves = [...log.leaves, ...log.events.map((record) => leafHash(nodePrimitives, record))].slice(0, head.size);
  if (leaves.length < head.size)
    throw new HoldfastError('audit_truncated', `${head.size} audit records were published, ${leaves.length} are left`); // [TILES-8]
  const readTile = tilesOver(leaves);
  const tree = new TiledTree(nodePrimitives, head, readTile);
  await tree.hold().catch((cause: unknown) => {
    throw new HoldfastError('audit_altered', 'the records are not those that were published', { cause }); // [TILES-8]
  });
  const before = await checkpointIn(folder, whose);
  if (before !== undefined) await assertGoesOn(before, head, tree);
  const put = (name: string, bytes: Uint8Array | string): Promise<void> => putFile(path.join(folder, name), bytes);
  for (const tile of tilesOf(head.size)) {
    const first = tile.index * tileHashes;
    const start = first - log.leaves.length; // [TILES-10]
    if (tile.level === 0 && start >= 0) await put(bundlePath(tile), bundleOf(log.events.slice(start, start + tile.width)));
    await put(tilePath(tile), await readTile(tile));
  }
  await put('checkpoint', note); // [TILES-9]
  return head.size;
}

function tilesOver(leaves: readonly Uint8Array[]): (tile: Tile) => Promise<Uint8Array> {
  const growth = new TileGrowth(nodePrimitives);
  for (const leaf of leaves) growth.append(leaf);
  const levels = growth.take();
  return async ({ level, index, width }) => {
    const first = index * tileHashes;
    return concat(...(levels[level] ?? []).slice(first, first + width));
  };
}

/** What an earlier export left. Throws `audit_forged` for anything but a checkpoint of this log. [TILES-9] */
async function checkpointIn(folder: string, whose: Parameters<typeof verifyLogNote>[2]): Promise<LogHead | undefined> {
  const text = await readFile(path.join(folder, 'checkpoint'), 'utf8').catch((cause: unknown) => {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined;
    throw unwritable(folder, cause);
  });
  try {
    return text === undefined ? undefined : await verifyLogNote(nodePrimitives, text, whose);
  } catch (cause) {
    throw new HoldfastError('audit_forged', 'that folder holds another log', { cause, next: 'name another folder with --out' });
  }
}

/** [TILES-9] */
async function assertGoesOn(before: LogHead, head: LogHead, tree: TiledTree): Promise<void> {
  if (before.size > head.size)
    throw new HoldfastError('audit_truncated', `${before.size} records stand in that folder, ${head.size} are published`);
  const { root } = await tree.consistency(before.size);
  if (!equalBytes(root, before.root))
    throw new HoldfastError('audit_altered', 'the records in that folder are others than those of the log');
}

async function putFile(file: string, content: Uint8Array | string): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 }).catch((cause: unknown) => {
    throw unwritable(file, cause);
  });
  await replaceFile(file, [content]);
}

function unwritable(where: string, cause: unknown): HoldfastError {
  return new HoldfastError('usage', `${where} cannot be written`, { cause, next: 'name another folder with --out' });
}
