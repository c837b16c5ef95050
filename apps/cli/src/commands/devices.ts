// `holdfast devices`: the operator's own devices, spec/devices.md.

import { equalBytes, toHex } from '@holdfast/protocol/codec/bytes';
import { HoldfastError } from '@holdfast/protocol/errors';
import { assertHere, encodeCall } from '@holdfast/protocol/identity/device-call';
import { devicePairing } from '@holdfast/protocol/identity/pairing-kind';
import { addDevice, removeDevice, rekey } from '@holdfast/protocol/journal/compose-devices';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';
import { confirmWords, putPart, sendAnswer, takeOffer, takePart, typedCode } from '../operator/admit.ts';
import { findDevice } from '../operator/find-device.ts';
import { asOperator, type OperatorSession } from '../operator/session.ts';
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

interface AddOptions {
  readonly words?: string;
  readonly passphraseFile?: string;
}

/** It stretches a passphrase before it answers. */
const hereWaitMs = 60_000;

/** The device behind a code, after the operator has typed the words that it shows. */
export async function add(output: Output, typed: string, options: AddOptions): Promise<void> {
  const behind = typedCode(devicePairing, typed);
  try {
    await asOperator(output, options, async (session) => {
      const opened = await takeOffer(session, devicePairing, behind);
      const { name, machine, keys } = opened.offer;
      output.say(`  device   ${visible(name)}`);
      output.say(`  machine  ${visible(machine)}`);
      output.say('  may      all that you may: approve, grant, revoke, and read everything');
      await confirmWords(output, opened, options.words);
      await callThere(session, opened.hash, behind.code);
      const { device } = await session.write(async (operator) =>
        addDevice(operator, { device: { name, keys }, accessVersion: await session.accessVersion() }),
      );
      await sendAnswer(session, opened, behind.code);
      output.result({ device, name, machine }, [`${visible(name)} is an operator device now`]);
    });
  } finally {
    behind.code.fill(0);
  }
}

/** That the newcomer is still there, with its keys on its disk. Throws `pairing_offer_invalid`: nothing was written. [DEVICES-7] */
async function callThere({ relay, facts, state }: OperatorSession, offer: Uint8Array, code: Uint8Array): Promise<void> {
  const place = { kind: devicePairing, code } as const;
  const { fleet, relayKey } = facts;
  const call = encodeCall(nodePrimitives, { offer, fleet, fleetName: state.name, relay: relayKey });
  await putPart(relay, { ...place, part: 'call' }, call);
  const here = await takePart(relay, { ...place, part: 'here' }, hereWaitMs);
  if (here !== undefined) return assertHere(nodePrimitives, here, call);
  throw new HoldfastError('pairing_offer_invalid', 'the device does not answer any more; nothing was added', {
    next: 'run holdfast devices join on it again, and use the code that it shows',
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
