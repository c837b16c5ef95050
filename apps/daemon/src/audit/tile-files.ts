// The hash tiles beside an agent's log as files, spec/audit-tiles.md "Beside the log": one a level, of hashes of 32 bytes. Nothing here is synced: what
// is lost is made again from the records.

import { constants } from 'node:fs';
import { mkdir, open, stat, truncate } from 'node:fs/promises';
import path from 'node:path';
import { hashBytes } from '@holdfast/protocol/audit/tiles';
import { isAbsent, writeAll } from './files.ts';

/** Calls throw what the file system says. */
export interface TileFiles {
  /** Whole hashes that a level has. */
  count(level: number): Promise<number>;
  /** As many of `count` hashes from number `first` on as are there. */
  read(level: number, first: number, count: number): Promise<Uint8Array>;
  write(level: number, first: number, hashes: Uint8Array): Promise<void>;
  /** Leaves so many. */
  cut(level: number, count: number): Promise<void>;
}

/** The folder is made (0700) with its first hash. */
export function tileFiles(folder: string): TileFiles {
  const at = (level: number) => path.join(folder, String(level));
  return {
    async count(level) {
      try {
        return Math.floor((await stat(at(level))).size / hashBytes);
      } catch (cause) {
        if (isAbsent(cause)) return 0;
        throw cause;
      }
    },

    async read(level, first, count) {
      const handle = await open(at(level), constants.O_RDONLY);
      try {
        const { buffer, bytesRead } = await handle.read(
          new Uint8Array(count * hashBytes),
          0,
          count * hashBytes,
          first * hashBytes,
        );
        return buffer.subarray(0, bytesRead);
      } finally {
        await handle.close();
      }
    },

    async write(level, first, hashes) {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const handle = await open(at(level), constants.O_WRONLY | constants.O_CREAT, 0o600);
      try {
        await writeAll(handle, hashes, first * hashBytes);
      } finally {
        await handle.close();
      }
    },

    cut: (level, count) => truncate(at(level), count * hashBytes),
  };
}
