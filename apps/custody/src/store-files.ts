// The files of a key store: written beside their place, synced, renamed, the folder synced; a machine that dies at any point has the old file
// or the new one. What stopped a write is said by its code alone.

import { constants } from 'node:fs';
import { mkdir, open, readdir, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';

import { HoldfastError } from '@holdfast/protocol/errors';

const newSuffix = '.new';

/** The names in a store's folder, without what a write left that never came to its rename: that is removed. */
export async function storeNames(folder: string): Promise<readonly string[]> {
  const names = await attempt('read the key store', () => readdir(folder));
  for (const name of names.filter((each) => each.endsWith(newSuffix))) {
    await attempt('clean the key store', () => unlink(join(folder, name)));
  }
  return names.filter((each) => !each.endsWith(newSuffix));
}

/** Ours alone; one that exists is left as it is. */
export async function makeFolder(folder: string): Promise<void> {
  await attempt('make the key store', () => mkdir(folder, { recursive: true, mode: 0o700 }));
}

/** Gone when it resolves. */
export async function remove(folder: string, name: string): Promise<void> {
  await attempt('remove the key', async () => {
    await unlink(join(folder, name));
    await syncFolder(folder);
  });
}

/** [CUSTODY-14] All or nothing, and there when it resolves. Custody takes one request at a time, so no two writes meet. */
export async function replace(folder: string, name: string, content: Uint8Array): Promise<void> {
  const path = join(folder, name);
  await attempt('write the key store', async () => {
    const file = await open(
      path + newSuffix,
      constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
      0o600,
    );
    try {
      await file.writeFile(content);
      await file.sync();
      await file.close();
      await rename(path + newSuffix, path);
    } catch (cause) {
      await file.close().catch(() => {});
      await unlink(path + newSuffix).catch(() => {});
      throw cause;
    }
    await syncFolder(folder);
  });
}

/** Through a handle: Node's permission model allows no other fsync. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** No more than a file of ours can have; the caller overwrites it. */
export async function readBounded(path: string, maxBytes: number): Promise<Uint8Array> {
  return attempt('read the key store', async () => {
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
    try {
      const buffer = new Uint8Array(maxBytes + 1);
      let filled = 0;
      for (;;) {
        const { bytesRead } = await file.read(buffer, filled, buffer.length - filled);
        if (bytesRead === 0) return buffer.subarray(0, filled);
        filled += bytesRead;
      }
    } finally {
      await file.close();
    }
  });
}

async function attempt<T>(what: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (cause) {
    const reason = cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : 'unexpected';
    throw new HoldfastError('store_failed', `cannot ${what}: ${reason}`, { cause });
  }
}
