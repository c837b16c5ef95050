// `holdfast init`: a new fleet. Makes the operator's keys and the recovery code, tells the relay, and keeps only what is sealed. The key file
// comes last: a command that was killed before has made nothing here, and the next one starts anew.

import { closeSync, fsyncSync, openSync, rmSync, writeSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import { toHex } from '@holdfast/protocol/codec/bytes';
import { HoldfastError } from '@holdfast/protocol/errors';
import { makeRecoveryCode } from '@holdfast/protocol/identity/recovery';
import { composeFleet, foundFleet } from '@holdfast/protocol/operator/found';
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
    const terms = { relayUrl, name, deviceName: deviceName(), holder, recovery: recovery.keys.publicKeys };
    const ports = { primitives: nodePrimitives, nowMs: Date.now, connect: openRelay };
    const composed = await composeFleet(ports, terms);
    await foundFleet(ports, composed);
    const { made: fleet, facts } = composed;
    makeOperatorFolder(paths.operator);
    const unattended = output.json || !process.stdout.isTTY;
    const wanted =
      options.recoveryFile ?? (unattended ? path.join(paths.operator, `recovery-${toHex(fleet.fleet).slice(0, 8)}`) : undefined);
    if (wanted !== undefined) recoveryFile = keepRecoveryCode(recovery.code, path.resolve(wanted));
    rememberSeen(paths.operator, { control: { position: 0, hash: fleet.genesis.hash } });
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
