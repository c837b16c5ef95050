// Removing an operator device from this one: the entry that acts, then new keys for every audience.

import { removeDevice, rekey } from '@holdfast/protocol/journal/compose-devices';
import type { Device } from '@holdfast/protocol/journal/state';
import type { Fleet } from '../../fleet/fleet.ts';

export function removeDeviceNow(fleet: Fleet, { id, name }: Device): Promise<void> {
  return fleet.act(`Remove the device "${name}": it writes nothing more and reads nothing new`, async (session) => {
    await session.write(async (operator) =>
      removeDevice(operator, { device: id, reason: 'removed in the console', accessVersion: await session.accessVersion() }),
    );
    await session.write((operator) => rekey(operator)); // [DEVICES-4]
  });
}
