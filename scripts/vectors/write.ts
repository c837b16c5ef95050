// Writes a vector file: `about`, then one entry a line group, byte strings as hex. Run by hand; what comes out is checked in.

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

import { toHex } from '@holdfast/protocol/codec/bytes';
import type { VectorEntry } from '@holdfast/testkit/vectors';

const folder = resolve(import.meta.dirname, '../../spec/vectors');

/** `name` as `ownVectors` takes it. Byte arrays anywhere in an entry become hex. */
export function writeVectors(
  name: string,
  about: string,
  entries: readonly (VectorEntry & Readonly<Record<string, unknown>>)[],
): void {
  const names = new Set(entries.map((entry) => entry.name));
  if (names.size !== entries.length) throw new Error(`${name}: two entries have one name`);
  const path = resolve(folder, `${name}.json`);
  mkdirSync(dirname(path), { recursive: true });
  const hexed = (_key: string, value: unknown): unknown => (value instanceof Uint8Array ? toHex(value) : value);
  writeFileSync(path, `${JSON.stringify({ about, entries }, hexed, 1)}\n`);
}

/** `bytes` with one bit changed. */
export function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const changed = bytes.slice();
  changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return changed;
}
