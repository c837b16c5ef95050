// Which operator device is meant by a name.

import { toHex } from '../codec/bytes.ts';
import { HoldfastError } from '../errors.ts';
import type { Device } from '../journal/state.ts';

/** Fewer digits of an id could be another's by chance. */
const leastDigits = 8;

/** By its id or at least eight first digits of it, or by a name that no other device has. Throws `device_unknown`, `usage`. */
export function findDevice(devices: Iterable<Device>, typed: string): Device {
  const all = [...devices];
  const isDigits = /^[0-9a-f]{8,32}$/i.test(typed) && typed.length >= leastDigits;
  const byId = isDigits ? all.filter(({ id }) => toHex(id).startsWith(typed.toLowerCase())) : [];
  const found = byId.length > 0 ? byId : all.filter(({ name }) => name === typed);
  const [only, another] = found;
  if (another !== undefined)
    throw new HoldfastError('usage', `more than one device is called ${typed}`, {
      next: 'name it by its id; see: holdfast devices list',
    });
  if (only !== undefined) return only;
  throw new HoldfastError('device_unknown', `there is no operator device ${typed}`, { next: 'see: holdfast devices list' });
}
