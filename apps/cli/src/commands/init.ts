// `holdfast init`: a new fleet. Makes the operator's keys and the recovery code, tells the relay, and keeps only what is sealed. The key file
// comes last: a command that was killed before has made nothing here, and the next one starts anew.

import { closeSync, fsyncSync, openSync, rmSync, writeSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import { signPulse } from '@holdfast/protocol/blind/pulse';
import { toHex } from '@holdfast/protocol/codec/bytes';
import { HoldfastError } from '@holdfast/protocol/errors';
import { createFleet, putLockbox, putPulse } from '@holdfast/protocol/exchange/relay-calls';
import { makeRecoveryCode } from '@holdfast/protocol/identity/recovery';
import { defaultPulseMaxAgeMs } from '@holdfast/protocol/journal/bodies';
import { composeGenesis, type NewFleet } from '@holdfast/protocol/journal/compose';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';
import { SoftwareKeyHolder } from '@holdfast/protocol/seal/software-key-holder';
import { findHome } from '../door-client.ts';
import { hasOperator, makeOperatorFolder, operatorExists, rememberSeen, saveOperator } from '../operator/key-file.ts';
import { openRelay } from '../operator/relay.ts';
import { newPassphrase } from '../secrets-input.ts';
import { plainText, usage, type Output } from '../output.ts';
import { localRelay } from './enroll.ts';

interface InitOptions {
  readonly name: string;
  readonly relay?: string;
  readonly recoveryFile?: string;
  readonly passphraseFile?: string;
}

/** What this machine calls itself in the device list. */
export const deviceName = (): string => hostname().replace(/\p{C}/gu, '').slice(0, 64) || 'unnamed';

export async function init(output: Output, options: InitOptions): Promise<void> {
  const paths = findHome();
  if (hasOperator(paths.operator)) throw operatorExists(paths.operator);
  const name = plainText('the name', options.name, 64);
  if (name === '') throw usage('a fleet has a name');
  const relayUrl = options.relay ?? localRelay();
  (await openRelay(relayUrl)).close(); // before anybody thinks of a passphrase
  const phrase = await newPassphrase(options.passphraseFile);
  const holder = await SoftwareKeyHolder.generate(nodePrimitives);
  const recovery = await makeRecoveryCode(nodePrimitives);
  let recoveryFile: string | undefined;
  try {
    const { fleet, relayKey } = await makeFleet(relayUrl, name, { holder, recovery: recovery.keys.publicKeys });
    makeOperatorFolder(paths.operator);
    const unattended = output.json || !process.stdout.isTTY;
    const wanted =
      options.recoveryFile ?? (unattended ? path.join(paths.operator, `recovery-${toHex(fleet.fleet).slice(0, 8)}`) : undefined);
    if (wanted !== undefined) recoveryFile = keepRecoveryCode(recovery.code, path.resolve(wanted));
    rememberSeen(paths.operator, { control: { position: 0, hash: fleet.genesis.hash } });
    const facts = { fleet: fleet.fleet, fleetName: name, device: fleet.device, relayUrl, relayKey };
    await saveOperator(paths.operator, facts, holder, phrase); // [CLI-12]
    output.result({ fleet: fleet.fleet, name, device: fleet.device, relay: relayUrl, recoveryFile: recoveryFile ?? null }, [
      `The fleet "${name}" is made. Its relay is ${relayUrl}.`,
      ...(recoveryFile === undefined
        ? [
            'Recovery code, shown this once. Write it on paper, with the id of the fleet:',
            '',
            `    ${recovery.code}`,
            `    ${toHex(fleet.fleet)}`,
            '',
          ]
        : [`The recovery code is in ${recoveryFile}. Move it off this machine.`]),
      '  next: holdfast enroll, on the machine of the agent',
    ]);
  } catch (thrown) {
    if (recoveryFile !== undefined && !hasOperator(paths.operator)) rmSync(recoveryFile, { force: true }); // of a fleet that nobody has
    throw thrown;
  } finally {
    phrase.fill(0);
    holder.wipe();
    recovery.keys.wipe();
  }
}

type FleetKeys = { readonly holder: SoftwareKeyHolder; readonly recovery: SoftwareKeyHolder['publicKeys'] };

/** Everything that the relay keeps of a new fleet, its first pulse included. */
async function makeFleet(
  relayUrl: string,
  name: string,
  { holder, recovery }: FleetKeys,
): Promise<{ fleet: NewFleet; relayKey: Uint8Array }> {
  const nowMs = Date.now();
  const stranger = await openRelay(relayUrl);
  const { relayKey } = await stranger.ready;
  const terms = { name, deviceName: deviceName(), holder, recovery, relayKey, pulseMaxAgeMs: defaultPulseMaxAgeMs, nowMs };
  let fleet: NewFleet;
  try {
    fleet = await composeGenesis(nodePrimitives, terms);
    await createFleet(stranger, fleet.access, fleet.genesis);
  } finally {
    stranger.close();
  }
  const device = await openRelay(relayUrl, { identity: { fleet: fleet.fleet, principal: fleet.device, holder }, relayKey });
  try {
    for (const { wire, ...place } of fleet.lockboxes) await putLockbox(device, place, wire);
    const control = { position: 0, hash: fleet.genesis.hash };
    const statement = {
      v: 1,
      fleet: fleet.fleet,
      id: nodePrimitives.random(16),
      device: fleet.device,
      atMs: nowMs,
      control,
    } as const;
    await putPulse(device, await signPulse(holder, statement));
  } finally {
    device.close();
  }
  return { fleet, relayKey };
}

/** To a new file that only this user reads. */
export function keepRecoveryCode(code: string, file: string): string {
  try {
    const descriptor = openSync(file, 'wx', 0o600); // [CLI-11]
    try {
      writeSync(descriptor, `${code}\n`);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    return file;
  } catch (cause) {
    throw new HoldfastError('usage', `cannot write the recovery code to ${file}`, {
      cause,
      next: 'name a file that is not there yet: --recovery-file FILE',
    });
  }
}
