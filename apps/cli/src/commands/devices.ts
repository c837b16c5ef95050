// `holdfast devices`: the operator's own devices, spec/devices.md.

import { equalBytes, toHex } from '@holdfast/protocol/codec/bytes';
import { HoldfastError } from '@holdfast/protocol/errors';
import { removeDevice, rekey } from '@holdfast/protocol/journal/compose-devices';
import { findDevice } from '../operator/find-device.ts';
import { asOperator } from '../operator/session.ts';
import { plainText, visible, type Output } from '../output.ts';

export async function list(output: Output, options: { readonly passphraseFile?: string }): Promise<void> {
  await asOperator(output, options, async ({ state, facts }) => {
    const devices = [...state.devices.values()]
      .toSorted((a, b) => a.position - b.position)
      .map(({ id, name, sinceMs }) => ({ device: id, name, sinceMs, here: equalBytes(id, facts.device) }));
    const removed = [...state.former.values()]
      .filter(({ name }) => name !== '')
      .map(({ id, name, endedAtMs }) => ({ device: id, name, endedAtMs }));
    const day = (ms: number) => new Date(ms).toISOString().slice(0, 10);
    output.result({ devices, removed }, [
      ...devices.map(
        (each) => `${toHex(each.device)}  since ${day(each.sinceMs)}  ${visible(each.name)}${each.here ? ', this one' : ''}`,
      ),
      ...removed.map((each) => `${toHex(each.device)}  removed ${day(each.endedAtMs)}  ${visible(each.name)}`),
    ]);
  });
}

export async function remove(
  output: Output,
  typed: string,
  options: { readonly passphraseFile?: string; readonly reason: string },
): Promise<void> {
  const reason = plainText('the reason', options.reason, 256);
  await asOperator(output, options, async (session) => {
    const { id, name, position } = findDevice(session.state.devices.values(), typed);
    const own = session.state.devices.get(toHex(session.facts.device));
    if (own === undefined || own.position >= position)
      throw new HoldfastError('device_older', `${visible(name)} is not younger than this device: it may not remove it`, {
        next: 'use an older device, or the recovery code: holdfast recover',
      }); // [JOURNAL-33]
    await session.write(async (operator) =>
      removeDevice(operator, { device: id, reason, accessVersion: await session.accessVersion() }),
    );
    await session.write((operator) => rekey(operator)); // [DEVICES-4]
    output.result({ device: id, name, removed: true }, [
      `${visible(name)} is removed: it writes nothing and reads nothing new`,
      '  what it could read before it may have kept: rotate upstream what the vault holds, if it was stolen',
    ]);
  });
}
