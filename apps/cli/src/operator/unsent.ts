// Entries that were signed and that the relay has not confirmed, spec/operator-key.md [OPKEY-9]: ciphertext, as it was sent. While they are here,
// this device signs nothing else for their places.

import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { maxEntryBytes } from '@holdfast/protocol/blind/entry';
import { bytesUpTo, decode, encode, list, literal, record } from '@holdfast/protocol/codec/schema';
import { HoldfastError } from '@holdfast/protocol/errors';
import { isAbsent, writeAtomically } from './key-file.ts';

/** More than one act of an operator makes; removing an item ends each of its grants. */
const maxUnsent = 8192;
const maxFileBytes = 64 * 1024 * 1024;
const unsentFile = record({ v: literal(1), entries: list(bytesUpTo(maxEntryBytes), { min: 1, max: maxUnsent }) });

const unsentPath = (folder: string) => path.join(folder, 'unsent');

/** Oldest first; none is the rule. Throws `key_invalid` when the file is damaged, `store_failed`. */
export function unsentEntries(folder: string): readonly Uint8Array[] {
  let content: Uint8Array;
  try {
    content = readFileSync(unsentPath(folder));
  } catch (cause) {
    if (isAbsent(cause)) return [];
    throw new HoldfastError('store_failed', `${unsentPath(folder)} cannot be read`, { cause, next: 'check its permissions' });
  }
  try {
    return decode(unsentFile, content, maxFileBytes).entries;
  } catch (cause) {
    throw new HoldfastError('key_invalid', `${unsentPath(folder)} is damaged`, { cause, next: 'restore it from a backup' });
  }
}

/** On disk when this returns. Throws `store_failed`; then nothing may be sent. */
export function keepUnsent(folder: string, entries: readonly Uint8Array[]): void {
  writeAtomically(unsentPath(folder), encode(unsentFile, { v: 1, entries }));
}

export function forgetUnsent(folder: string): void {
  rmSync(unsentPath(folder), { force: true });
}
