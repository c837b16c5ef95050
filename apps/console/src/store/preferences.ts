// What a person likes, of this browser: nothing that gives power, and nothing secret. What is damaged is as if it were not there.

import { decode, encode, integer, literal, oneOf, record, type Infer } from '@holdfast/protocol/codec/schema';
import { autoLockMinutes } from '../keys/auto-lock.ts';
import type { Records } from './records.ts';

const preferences = record({
  v: literal(1),
  theme: oneOf('system', 'light', 'dark'),
  lockMinutes: integer({ min: autoLockMinutes.least, max: autoLockMinutes.most }),
});
export type Preferences = Omit<Infer<typeof preferences>, 'v'>;

const name = 'preferences';
const usual: Preferences = { theme: 'system', lockMinutes: autoLockMinutes.usual };

export async function readPreferences(records: Records): Promise<Preferences> {
  return preferencesOf(await records.get(name));
}

/** Throws `codec_shape` for what is out of its bounds, `store_failed`. */
export async function changePreferences(records: Records, change: Partial<Preferences>): Promise<void> {
  await records.change(name, (before) => encode(preferences, { v: 1, ...preferencesOf(before), ...change }));
}

function preferencesOf(wire: Uint8Array | undefined): Preferences {
  if (wire === undefined) return usual;
  try {
    const { theme, lockMinutes } = decode(preferences, wire, 1024);
    return { theme, lockMinutes };
  } catch {
    return usual;
  }
}
