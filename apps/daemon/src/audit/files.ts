// The folder of one agent's audit log, as the writer sees it: a few files that only grow. The port is small so that tests can take the disk
// away at any call; the adapter below is node:fs, never blocking the event loop.

import { constants } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, truncate, unlink, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { HoldfastError } from '@holdfast/protocol/errors';

export interface AppendFile {
  /** Writes all of `bytes` at the end, or throws; then the file's end is unknown. */
  append(bytes: Uint8Array): Promise<void>;
  /** Returns once everything appended would survive a power loss. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** Calls throw what the file system says. Names are the writer's own. */
export interface AuditFiles {
  list(): Promise<readonly string[]>;
  /** Fresh bytes; undefined when there is no such file. */
  read(name: string): Promise<Uint8Array | undefined>;
  /** A new file whose name would survive a power loss. Throws when the name is taken. */
  create(name: string): Promise<AppendFile>;
  /** Cuts a file, durably. */
  truncate(name: string, length: number): Promise<void>;
  /** Removes a file, durably. */
  remove(name: string): Promise<void>;
  /** Replaces the beginning of a small file in place, without sync: it may be older after a power loss, never newer. */
  overwrite(name: string, bytes: Uint8Array): Promise<void>;
  /** Puts other bytes in a file's place, durably: at every moment it is whole, the old one or the new one. `${name}.new` may be left of a call that ended early. */
  replace(name: string, bytes: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

/** Folders that a writer of this process has: a second writer would break the order. Other processes are kept out by the home's lock. */
const taken = new Set<string>();

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

export async function writeAll(handle: FileHandle, bytes: Uint8Array, position: number | null): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position === null ? null : position + done);
    done += bytesWritten;
  }
}

export const isAbsent = (thrown: unknown) => thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT';

/** Makes the folder (0700) if it is missing. Throws `usage` while this process already has it open. */
export async function openAuditFolder(folder: string): Promise<AuditFiles> {
  if (taken.has(folder)) throw new HoldfastError('usage', 'this audit log already has a writer');
  taken.add(folder);
  const inPlace = new Map<string, FileHandle>();
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await syncFolder(path.dirname(folder));
  } catch (cause) {
    taken.delete(folder);
    throw cause;
  }
  const at = (name: string) => path.join(folder, name);
  return {
    list: () => readdir(folder),

    async read(name) {
      try {
        return new Uint8Array(await readFile(at(name)));
      } catch (cause) {
        if (isAbsent(cause)) return undefined;
        throw cause;
      }
    },

    async create(name) {
      const handle = await open(at(name), 'wx', 0o600);
      try {
        await syncFolder(folder);
      } catch (cause) {
        await handle.close();
        throw cause;
      }
      return {
        append: (bytes) => writeAll(handle, bytes, null),
        sync: () => handle.datasync(),
        close: () => handle.close(),
      };
    },

    async truncate(name, length) {
      await truncate(at(name), length);
      const handle = await open(at(name), 'r+');
      try {
        await handle.sync();
      } finally {
        await handle.close();
      }
    },

    async remove(name) {
      await inPlace.get(name)?.close();
      inPlace.delete(name);
      await unlink(at(name)).catch((cause: unknown) => {
        if (!isAbsent(cause)) throw cause;
      });
      await syncFolder(folder);
    },

    async overwrite(name, bytes) {
      const handle = inPlace.get(name) ?? (await open(at(name), constants.O_RDWR | constants.O_CREAT, 0o600));
      inPlace.set(name, handle);
      await writeAll(handle, bytes, 0);
    },

    async replace(name, bytes) {
      const handle = await open(at(`${name}.new`), 'w', 0o600);
      try {
        await writeAll(handle, bytes, null);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(at(`${name}.new`), at(name));
      await syncFolder(folder);
    },

    async close() {
      taken.delete(folder);
      await Promise.all([...inPlace.values()].map((handle) => handle.close()));
      inPlace.clear();
    },
  };
}
