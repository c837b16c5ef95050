// Entries that were signed and that the relay has not confirmed, spec/operator-key.md [OPKEY-9]: ciphertext, as it was sent. While they are kept,
// their author signs nothing else for their places.

import { maxEntryBytes } from '../blind/entry.ts';
import { bytesUpTo, decode, encode, list, literal, record } from '../codec/schema.ts';
import { HoldfastError } from '../errors.ts';
import type { OperatorStore } from './ports.ts';

/** More than one act of an operator makes; removing an item ends each of its grants. */
const maxUnsent = 8192;
const maxBytes = 64 * 1024 * 1024;
const unsentForm = record({ v: literal(1), entries: list(bytesUpTo(maxEntryBytes), { min: 1, max: maxUnsent }) });

/** Oldest first; none is the rule. Throws `key_invalid` for what is damaged, `store_failed`. */
export async function unsentEntries(store: OperatorStore): Promise<readonly Uint8Array[]> {
  const content = await store.unsent();
  if (content === undefined) return [];
  try {
    return decode(unsentForm, content, maxBytes).entries;
  } catch (cause) {
    throw new HoldfastError('key_invalid', 'what was not sent yet is damaged', { cause, next: 'restore it from a backup' });
  }
}

/** Durable when it resolves. Throws `store_failed`; then nothing may be sent. */
export async function keepUnsent(store: OperatorStore, entries: readonly Uint8Array[]): Promise<void> {
  await store.keepUnsent(encode(unsentForm, { v: 1, entries: [...entries] }));
}
