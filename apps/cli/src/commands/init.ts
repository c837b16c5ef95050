// `holdfast init`: a new fleet. Makes the operator's keys and the recovery code, tells the relay, and keeps only what is sealed.

import { closeSync, openSync, writeSync } from 'node:fs';
import path from 'node:path';
import { HoldfastError } from '@holdfast/protocol/errors';
import { createFleet, putLockbox } from '@holdfast/protocol/exchange/relay-calls';
import { makeRecoveryCode } from '@holdfast/protocol/identity/recovery';
import { defaultPulseMaxAgeMs } from '@holdfast/protocol/journal/bodies';
import { composeGenesis } from '@holdfast/protocol/journal/compose';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';
import { SoftwareKeyHolder } from '@holdfast/protocol/seal/software-key-holder';
import { mkdirSync } from 'node:fs';
import { findHome } from '../door-client.ts';
import { hasOperator, rememberControlHead, saveOperator } from '../operator/key-file.ts';
import { asOperator, deviceName, openRelay } from '../operator/session.ts';
import { newPassphrase } from '../secrets-input.ts';
import type { Output } from '../output.ts';
import { localRelay } from './enroll.ts';

interface InitOptions {
  readonly name: string;
  readonly relay?: string;
  readonly recoveryFile?: string;
  readonly passphraseFile?: string;
}

export async function init(output: Output, options: InitOptions): Promise<void> {
  const paths = findHome();
  if (hasOperator(paths.operator)) {
    throw new HoldfastError('operator_exists', `an operator key lies in ${paths.operator} already`, { next: 'use it, or choose another HOLDFAST_HOME' });
  }
  const relayUrl = options.relay ?? localRelay();
  const relay = await openRelay(relayUrl);
  const phrase = await newPassphrase(options.passphraseFile);
  const holder = await SoftwareKeyHolder.generate(nodePrimitives);
  const recovery = await makeRecoveryCode(nodePrimitives);
  try {
    const { relayKey } = await relay.ready;
    const fleet = await composeGenesis(nodePrimitives, {
      name: options.name,
      deviceName: deviceName(),
      holder,
      recovery: recovery.keys.publicKeys,
      relayKey,
      pulseMaxAgeMs: defaultPulseMaxAgeMs,
      nowMs: Date.now(),
    });
    mkdirSync(paths.operator, { recursive: true, mode: 0o700 });
    const recoveryFile = keepRecoveryCode(recovery.code, paths.operator, options.recoveryFile, output.json || !process.stdout.isTTY);
    const facts = { fleet: fleet.fleet, fleetName: options.name, device: fleet.device, relayUrl, relayKey };
    await saveOperator(paths.operator, facts, holder, phrase);
    await createFleet(relay, fleet.access, fleet.genesis);
    const asDevice = await openRelay(relayUrl, { identity: { fleet: fleet.fleet, principal: fleet.device, holder }, relayKey });
    for (const { wire, ...place } of fleet.lockboxes) await putLockbox(asDevice, place, wire);
    asDevice.close();
    rememberControlHead(paths.operator, { position: 0, hash: fleet.genesis.hash });
    output.result({ fleet: fleet.fleet, name: options.name, device: fleet.device, relay: relayUrl, recoveryFile: recoveryFile ?? null }, [
      `The fleet "${options.name}" is made. Its relay is ${relayUrl}.`,
      ...(recoveryFile === undefined
        ? ['Recovery code, shown this once. Write it on paper:', '', `    ${recovery.code}`, '']
        : [`The recovery code is in ${recoveryFile}. Move it off this machine.`]),
      '  next: holdfast enroll, on the machine of the agent',
    ]);
  } finally {
    phrase.fill(0);
    holder.wipe();
    recovery.keys.wipe();
    relay.close();
  }
  if (options.passphraseFile !== undefined) await asOperator({ passphraseFile: options.passphraseFile }, async () => {});
}

/** To a new file that only this user reads, when a script asks or nobody looks; else undefined: it is shown at the terminal. */
function keepRecoveryCode(code: string, folder: string, wanted: string | undefined, unattended: boolean): string | undefined {
  if (wanted === undefined && !unattended) return undefined;
  const file = path.resolve(wanted ?? path.join(folder, 'recovery-code'));
  try {
    const descriptor = openSync(file, 'wx', 0o600);
    writeSync(descriptor, `${code}\n`);
    closeSync(descriptor);
    return file;
  } catch (cause) {
    throw new HoldfastError('usage', `cannot write the recovery code to ${file}`, { cause, next: 'name a file that is not there yet: --recovery-file FILE' });
  }
}
