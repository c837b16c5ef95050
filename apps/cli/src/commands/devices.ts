// `holdfast devices`: the operator's own devices, spec/devices.md.

import { equalBytes, toHex } from '@holdfast/protocol/codec/bytes';
import { HoldfastError } from '@holdfast/protocol/errors';
import {
  formatPairingCode,
  newPairingCode,
  pairingLifeMs,
  pairingUrl,
  type OpenedOffer,
} from '@holdfast/protocol/identity/pairing';
import { devicePairing, type DeviceOffer } from '@holdfast/protocol/identity/pairing-kind';
import { rekey, removeDevice, renameDevice } from '@holdfast/protocol/journal/compose-devices';
import type { Device, FleetState } from '@holdfast/protocol/journal/state';
import { admitDevice, awaitOffer, takeOffer, type GivenCode } from '@holdfast/protocol/operator/admit';
import { findDevice } from '@holdfast/protocol/operator/find-device';
import { codeIsDead } from '@holdfast/protocol/operator/recovery';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';
import { keptFile, readAs, replaceHere, typedKeys } from '../operator/recovery.ts';
import { asOperator, type LocalOperator } from '../operator/session.ts';
import { confirmWords, typedCode } from '../operator/typed-words.ts';
import { duration, plainText, usage, visible, type Output } from '../output.ts';
import { openAt, shownTo, type ConsoleOptions } from '../pairing-shown.ts';
import { lineFromStdin } from '../secrets-input.ts';

export async function list(output: Output, options: { readonly passphraseFile?: string }): Promise<void> {
  await asOperator(output, options, async ({ state, facts }) => {
    const devices = [...state.devices.values()]
      .toSorted((a, b) => a.position - b.position)
      .map(({ id, name, renamed, sinceMs }) => ({
        device: id,
        name,
        ...joined(name, renamed?.joinedAs),
        sinceMs,
        here: equalBytes(id, facts.device),
      }));
    const removed = [...state.former.values()]
      .filter(({ name }) => name !== '')
      .map(({ id, name, joinedAs, endedAtMs }) => ({ device: id, name, ...joined(name, joinedAs), endedAtMs }));
    const day = (ms: number) => new Date(ms).toISOString().slice(0, 10);
    output.result({ devices, removed }, [
      ...devices.map(
        (each) => `${toHex(each.device)}  since ${day(each.sinceMs)}  ${called(each)}${each.here ? ', this one' : ''}`,
      ),
      ...removed.map((each) => `${toHex(each.device)}  removed ${day(each.endedAtMs)}  ${called(each)}`),
    ]);
  });
}

/** The name by which it was added, where it is another one. [DEVICES-11] */
const joined = (name: string, joinedAs: string | undefined): { readonly joinedAs?: string } =>
  joinedAs === undefined || joinedAs === name ? {} : { joinedAs };

const called = ({ name, joinedAs }: { readonly name: string; readonly joinedAs?: string }): string =>
  joinedAs === undefined ? visible(name) : `${visible(name)}, added as ${visible(joinedAs)}`;

/** Throws `device_unknown`, `device_older`, `name_taken`, `usage`. */
export async function rename(
  output: Output,
  typed: string,
  to: string,
  options: { readonly passphraseFile?: string },
): Promise<void> {
  const name = plainText('the name', to.trim(), 64);
  if (name === '') throw usage('the name is empty', 'holdfast devices rename DEVICE NAME');
  await asOperator(output, options, async (session) => {
    const { id, name: was } = findDevice(session.state.devices.values(), typed);
    await session.write((operator) => renameDevice(operator, { device: id, name }));
    output.result({ device: id, name, was }, [`${visible(was)} is called ${visible(name)} now`]);
  });
}

interface AddOptions extends ConsoleOptions {
  readonly words?: string;
  readonly passphraseFile?: string;
  readonly show?: boolean;
}

/** The device behind a code, after the operator has typed the words that it shows. */
export async function add(output: Output, typed: string | undefined, options: AddOptions): Promise<void> {
  if ((typed === undefined) !== (options.show === true))
    throw usage('a device shows a code, or is shown one', 'give its code: holdfast devices add CODE; or show it one: --show');
  const behind = typed === undefined ? newCode() : typedCode(devicePairing, typed);
  const life = AbortSignal.timeout(pairingLifeMs);
  try {
    await asOperator(output, options, async (session) => {
      const opened =
        typed === undefined
          ? await comer(output, session, behind.code, { life, options })
          : await takeOffer(session, devicePairing, behind);
      const { name, machine } = opened.offer;
      output.say(`  device   ${visible(name)}`);
      output.say(`  machine  ${visible(machine)}`);
      output.say('  may      all that you may: approve, grant, revoke, and read everything');
      await confirmWords(output, opened, options.words === '-' ? lineFromStdin() : options.words);
      if (typed === undefined && life.aborted) throw nobodyCame(); // [PAIRING-16]
      const device = await admitDevice(session, opened, behind.code);
      output.result({ device, name, machine }, [`${visible(name)} is an operator device now`]);
    });
  } finally {
    behind.code.fill(0);
  }
}

const newCode = (): GivenCode => ({ code: newPairingCode(nodePrimitives, devicePairing), relayUrl: undefined });

const nobodyCame = (): HoldfastError =>
  new HoldfastError('pairing_expired', 'the code is over: no device was added by it in time', {
    next: 'show another one: holdfast devices add --show',
  });

/** Shows a code, and waits for whoever comes to it. Throws `pairing_expired`. [PAIRING-16] */
async function comer(
  output: Output,
  { relay, facts }: LocalOperator,
  code: Uint8Array,
  { life, options }: { readonly life: AbortSignal; readonly options: ConsoleOptions },
): Promise<OpenedOffer<DeviceOffer>> {
  const text = formatPairingCode(nodePrimitives, devicePairing, code);
  const url = pairingUrl(nodePrimitives, devicePairing, facts.relayUrl, code);
  output.result({ code: text, url, expiresAtMs: Date.now() + pairingLifeMs }, [
    ...(await shownTo(output, openAt(url, 'join', options))),
    `  on the new device:       holdfast devices join ${url}`,
    `  and type here the words that it shows; waiting for it, for ${duration(pairingLifeMs)} at most …`,
  ]);
  const opened = await awaitOffer(relay, devicePairing, code, life);
  if (opened === undefined) throw nobodyCame();
  return opened;
}

interface RemoveOptions {
  readonly passphraseFile?: string;
  readonly reason: string;
  readonly recoveryCodeFile?: string;
  readonly recoveryFile?: string;
}

export async function remove(output: Output, typed: string, options: RemoveOptions): Promise<void> {
  const reason = plainText('the reason', options.reason, 256);
  await asOperator(output, options, async (session) => {
    const device = findDevice(session.state.devices.values(), typed);
    const { id, name } = device;
    let told: string | undefined;
    if (options.recoveryCodeFile === undefined) {
      assertYounger(session, device);
      await session.write(async (operator) =>
        removeDevice(operator, { device: id, reason, accessVersion: await session.accessVersion() }),
      );
    } else told = await removeByCode(output, session, { device, ...options, recoveryCodeFile: options.recoveryCodeFile });
    await session.write((operator) => rekey(operator)); // [DEVICES-4]
    const applied = (await session.appliedHere()) === 'applied'; // [CLI-19]
    output.result({ device: id, name, removed: true, applied, ...(told !== undefined && { recoveryFile: told }) }, [
      `${visible(name)} is removed: it writes nothing and reads nothing new`,
      '  what it could read before it may have kept: rotate upstream what the vault holds, if it was stolen',
      ...(told === undefined
        ? []
        : [`  the old recovery code is worth nothing any more; the new one is in ${told}: move it off this machine`]),
    ]);
  });
}

function assertYounger({ state, facts }: LocalOperator, { name, position }: Device): void {
  const own = state.devices.get(toHex(facts.device));
  if (own !== undefined && own.position < position) return;
  throw new HoldfastError('device_older', `${visible(name)} is not younger than this device: it may not remove it`, {
    next: 'use an older device, or the recovery code: --recovery-code-file FILE',
  }); // [JOURNAL-33]
}

/** One that was here before, or as old: the recovery code does it, and is replaced. Where the new code went, unless a person was shown it. [DEVICES-9] */
async function removeByCode(
  output: Output,
  { paths, facts }: LocalOperator,
  {
    device,
    recoveryCodeFile,
    recoveryFile,
  }: Omit<RemoveOptions, 'reason'> & { readonly device: Device; readonly recoveryCodeFile: string },
): Promise<string | undefined> {
  if (equalBytes(device.id, facts.device)) throw usage('this is the device that you are at', 'remove it from another one');
  const used = await typedKeys(recoveryCodeFile, '--recovery-code-file');
  try {
    const reader = await readAs(paths, { fleet: facts.fleet, relayUrl: facts.relayUrl, used }, codeIsDead);
    try {
      const isDone = ({ devices }: FleetState) => !devices.has(toHex(device.id));
      const { file } = await replaceHere(output, reader, { removed: [device.id], isDone, recoveryFile });
      return file ?? keptFile(paths, reader.state.recovery.id);
    } finally {
      reader.disconnect();
    }
  } finally {
    used.wipe();
  }
}
