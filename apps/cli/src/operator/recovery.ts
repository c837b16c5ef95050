// What a recovery code does from this machine, spec/recovery.md: it reads the fleet, and its one entry adds or removes devices and replaces the code.

import { existsSync } from 'node:fs';
import path from 'node:path';
import { equalBytes, toHex } from '@holdfast/protocol/codec/bytes';
import type { HomePaths } from '@holdfast/protocol/door/paths';
import { codeOf, HoldfastError } from '@holdfast/protocol/errors';
import { makeRecoveryCode, recoveryIdOf, recoveryKeys } from '@holdfast/protocol/identity/recovery';
import { recoverFleet, type NewDevice } from '@holdfast/protocol/journal/compose-devices';
import type { FleetState } from '@holdfast/protocol/journal/state';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';
import type { SoftwareKeyHolder } from '@holdfast/protocol/seal/software-key-holder';
import { keepRecoveryCode } from '../commands/init.ts';
import type { Output } from '../output.ts';
import { passphrase, secretFromStdin } from '../secrets-input.ts';
import { openRelay } from './relay.ts';
import { OperatorSession } from './session.ts';

/** The keys of a code from a file, or from standard input; the caller wipes them. Throws `recovery_code_invalid`, `usage`. */
export async function typedKeys(file: string | undefined, option: string): Promise<SoftwareKeyHolder> {
  const typed = file === undefined ? await secretFromStdin('Recovery code') : await passphrase(file, 'Recovery code', option);
  try {
    return await recoveryKeys(nodePrimitives, typed.toString('utf8'));
  } finally {
    typed.fill(0);
  }
}

export function codeIsDead(): HoldfastError {
  return new HoldfastError('recovery_code_dead', 'the relay knows no such fleet, or this code was used or is of another fleet', {
    next: 'compare the code and the id of the fleet; after each use the newest code alone counts',
  }); // [RECOVERY-4]
}

/** The fleet as the recovery code reads it, from the genesis entry that hashes to the fleet's id. Throws `relay_impostor`, and what `refused` makes. */
export async function readAs(
  paths: HomePaths,
  { fleet, relayUrl, used }: { fleet: Uint8Array; relayUrl: string; used: SoftwareKeyHolder },
  refused: () => HoldfastError,
): Promise<OperatorSession> {
  const stranger = await openRelay(relayUrl);
  const { relayKey } = await stranger.ready;
  stranger.close();
  const device = recoveryIdOf(nodePrimitives, used.publicKeys.sign); // [RECOVERY-3]
  let session: OperatorSession;
  try {
    session = await OperatorSession.read(paths, { fleet, fleetName: '', device, relayUrl, relayKey }, used);
  } catch (thrown) {
    throw codeOf(thrown) === 'relay_refused' ? refused() : thrown;
  }
  if (equalBytes(session.state.relayKey, relayKey)) return session;
  session.disconnect();
  throw new HoldfastError('relay_impostor', "this is not the fleet's relay: it has another key than the genesis entry names", {
    next: 'do not go on with it',
  });
}

export interface Replacement {
  /** Absent: nobody new. */
  readonly device?: NewDevice;
  readonly removed: readonly Uint8Array[];
  /** Whether a killed command got it through already. */
  isDone(state: FleetState): boolean;
  readonly recoveryFile: string | undefined;
}

export interface Replaced {
  /** Where the new code is; undefined: a person was shown it, or an earlier command wrote it. */
  readonly file: string | undefined;
  /** Why the connection ended, if it did. */
  readonly cut: unknown;
}

/** The entry, unless a killed command got it through already. The new code is in the person's hands before the old one dies. [RECOVERY-6] */
export async function replaceCode(
  output: Output,
  reader: OperatorSession,
  { device, removed, isDone, recoveryFile }: Replacement,
): Promise<Replaced> {
  const folder = reader.paths.operator;
  await reader.write(async () => ({ lockboxes: [], entries: [] })); // sends what a killed command signed [OPKEY-9]
  if (isDone(reader.state)) return { file: undefined, cut: await untilCut(() => reader.mendAccess(reader.operator)) };
  const recovery = await makeRecoveryCode(nodePrimitives);
  try {
    const id = recoveryIdOf(nodePrimitives, recovery.keys.publicKeys.sign);
    const unattended = output.json || !process.stdout.isTTY;
    const wanted = recoveryFile ?? (unattended ? fileOf(folder, id) : undefined);
    const file = wanted === undefined ? undefined : keepRecoveryCode(recovery.code, path.resolve(wanted));
    if (file === undefined)
      output.say(
        `New recovery code, shown this once. Write it on paper; keep the old one until this command is done:\n\n    ${recovery.code}\n`,
      );
    const cut = await untilCut(async () => {
      await reader.write(async (author) =>
        recoverFleet(author, {
          ...(device !== undefined && { device }),
          recovery: recovery.keys.publicKeys,
          removed: removed.filter((each) => reader.state.devices.has(toHex(each))),
          accessVersion: await reader.accessVersion(),
        }),
      );
    });
    return { file, cut };
  } finally {
    recovery.keys.wipe();
  }
}

/** The relay ends the old code's connection as soon as the list without it is in force, often before it says so. */
async function untilCut(work: () => Promise<void>): Promise<unknown> {
  try {
    await work();
    return undefined;
  } catch (thrown) {
    if (codeOf(thrown) !== 'relay_unreachable') throw thrown;
    return thrown;
  }
}

const fileOf = (folder: string, recovery: Uint8Array): string => path.join(folder, `recovery-${toHex(recovery).slice(0, 8)}`);

/** Where a command that had no terminal put the fleet's newest code, if it did. */
export function keptFile({ operator }: HomePaths, recovery: Uint8Array): string | undefined {
  const file = fileOf(operator, recovery);
  return existsSync(file) ? file : undefined;
}
