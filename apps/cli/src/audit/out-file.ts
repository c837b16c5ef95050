// Files that audit commands write for somewhere else.

import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { HoldfastError } from '@holdfast/protocol/errors';

/** Lines are joined to pieces of about this size before they are written. */
const pieceChars = 64 * 1024;

export function* joined(lines: Iterable<string>): Generator<string> {
  let piece = '';
  for (const line of lines) {
    piece += line;
    if (piece.length < pieceChars) continue;
    yield piece;
    piece = '';
  }
  if (piece !== '') yield piece;
}

/** Whole or not at all, and for this user alone. [CLI-63] Throws `usage` where it can't be written. */
export async function replaceFile(file: string, pieces: Iterable<string | Uint8Array>): Promise<void> {
  const fresh = `${file}.${process.pid}`;
  let handle: FileHandle | undefined;
  try {
    handle = await open(fresh, 'wx', 0o600);
    for (const piece of pieces) await handle.writeFile(piece); // behind what stands there
    await handle.sync();
    await handle.close();
    handle = undefined;
    await rename(fresh, file);
  } catch (cause) {
    await handle?.close();
    await rm(fresh, { force: true }).catch(() => {}); // it may never have been there
    throw new HoldfastError('usage', `${file} cannot be written`, { cause, next: 'name another file with --out' });
  }
}
