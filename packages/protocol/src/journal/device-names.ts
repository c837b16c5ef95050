// What operator devices are called, spec/devices.md: for people, and so that none is taken for another one.

import { toHex } from '../codec/bytes.ts';
import type { Device, FleetState, Renaming } from './state.ts';

/** What is left when form, case, white space and what shows as nothing are taken away. Letters of other scripts that look alike are still told apart. */
function asRead(name: string): string {
  return name
    .normalize('NFKC')
    .toLowerCase()
    .normalize('NFKC')
    .replaceAll(/[\p{White_Space}\p{Default_Ignorable_Code_Point}]+/gu, '');
}

/** Whether another device has this name or was added by it, or one that is gone. [JOURNAL-43] */
export function isAnothersName({ devices, former }: FleetState, device: Uint8Array, name: string): boolean {
  const [id, wanted] = [toHex(device), asRead(name)];
  if (wanted === '') return true;
  const called = (of: { readonly name: string }, joinedAs: string | undefined): readonly string[] => [of.name, joinedAs ?? ''];
  const others = [
    ...[...devices].map(([other, each]) => ({ other, names: called(each, each.renamed?.joinedAs) })),
    ...[...former].map(([other, each]) => ({ other, names: called(each, each.joinedAs) })),
  ];
  return others.some(({ other, names }) => other !== id && names.some((each) => asRead(each) === wanted));
}

/** Under the new name; the one by which it was added stays with it. [JOURNAL-44] */
export function renamed(device: Device, name: string, { position, atMs }: Omit<Renaming, 'joinedAs'>): Device {
  return { ...device, name, renamed: { joinedAs: device.renamed?.joinedAs ?? device.name, position, atMs } };
}
