// Entries that were signed and that the relay has not confirmed, spec/operator-key.md [OPKEY-9]: ciphertext, as it was sent. While they are here,
// their author signs nothing else for their places. A device and a recovery code at the same home have a file each: only its author can send an entry.

import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { maxEntryBytes } from '@holdfast/protocol/blind/entry';
import { bytesUpTo, decode, encode, list, literal, record } from '@holdfast/protocol/codec/schema';
import { HoldfastError } from '@holdfast/protocol/errors';
import { isAbsent, writeAtomically } from './key-file.ts';

/** More than one act of an operator makes; removing an item ends each of its grants. */
const maxUnsent = 8192;
const maxFileBytes = 64 * 1024 * 1024;
const unsentForm = record({ v: literal(1), entries: list(bytesUpTo(maxEntryBytes), { min: 1, max: maxUnsent }) });

/** Where an author keeps them: the device of this home, or a recovery code that is used here. */
export function unsentFile(folder: string, author: 'device' | 'code'): string {
  return path.join(folder, author === 'device' ? 'unsent' : 'unsent-code');
}

/** Oldest first; none is the rule. Throws `key_invalid` when the file is damaged, `store_failed`. */
export function unsentEntries(file: string): readonly Uint8Array[] {
  let content: Uint8Array;
  try {
    content = readFileSync(file);
  } catch (cause) {
    if (isAbsent(cause)) return [];
    throw new HoldfastError('store_failed', `${file} cannot be read`, { cause, next: 'check its permissions' });
  }
  try {
    return decode(unsentForm, content, maxFileBytes).entries;
  } catch (cause) {
    throw new HoldfastError('key_invalid', `${file} is damaged`, { cause, next: 'restore it from a backup' });
  }
}

/** On disk when this returns. Throws `store_failed`; then nothing may be sent. */
export function keepUnsent(file: string, entries: readonly Uint8Array[]): void {
  writeAtomically(file, encode(unsentForm, { v: 1, entries }));
}

export function forgetUnsent(file: string): void {
  rmSync(file, { force: true });
}

/** Of a home that begins anew. */
export function forgetAllUnsent(folder: string): void {
  for (const author of ['device', 'code'] as const) forgetUnsent(unsentFile(folder, author));
}
