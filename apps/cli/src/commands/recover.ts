// `holdfast recover`: the way back with the recovery code, on a machine that has no operator key, spec/recovery.md. The code adds this machine's
// new device, removes the others, and is replaced by a new one; from then on it is worth nothing. Killed at any point, it is done again.

import { existsSync } from 'node:fs';
import path from 'node:path';
import { equalBytes, fromHex, toHex } from '@holdfast/protocol/codec/bytes';
import type { HomePaths } from '@holdfast/protocol/door/paths';
import { codeOf, HoldfastError } from '@holdfast/protocol/errors';
import { deviceIdOf } from '@holdfast/protocol/identity/genesis-device';
import { makeRecoveryCode, recoveryIdOf, recoveryKeys } from '@holdfast/protocol/identity/recovery';
import { recoverFleet } from '@holdfast/protocol/journal/compose-devices';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';
import { SoftwareKeyHolder } from '@holdfast/protocol/seal/software-key-holder';
import { findHome } from '../door-client.ts';
import { findDevice } from '../operator/find-device.ts';
import {
  forgetSeen,
  hasOperator,
  makeOperatorFolder,
  operatorExists,
  operatorFacts,
  saveOperator,
  unlockOperator,
} from '../operator/key-file.ts';
import { openRelay } from '../operator/relay.ts';
import { forgetUnsent } from '../operator/unsent.ts';
import { OperatorSession } from '../operator/session.ts';
import { visible, usage, type Output } from '../output.ts';
import { newPassphrase, passphrase, secretFromStdin } from '../secrets-input.ts';
import { localRelay } from './enroll.ts';
import { deviceName, keepRecoveryCode } from './init.ts';

interface RecoverOptions {
  readonly fleet: string;
  readonly relay?: string;
  readonly keep?: readonly string[];
  readonly codeFile?: string;
  readonly recoveryFile?: string;
  readonly passphraseFile?: string;
}

export async function recover(output: Output, options: RecoverOptions): Promise<void> {
  const paths = findHome();
  const fleet = fromHex(options.fleet.toLowerCase());
  if (fleet?.length !== 32) throw usage('a fleet is named by its id, 64 digits', 'it stands beside the recovery code');
  const begun = hasOperator(paths.operator) ? operatorFacts(paths.operator) : undefined;
  if (begun !== undefined && !equalBytes(begun.fleet, fleet)) throw operatorExists(paths.operator);
  const relayUrl = options.relay ?? begun?.relayUrl ?? localRelay();
  const used = await typedKeys(options.codeFile);
  let reader: OperatorSession | undefined;
  let holder: SoftwareKeyHolder | undefined;
  try {
    makeOperatorFolder(paths.operator);
    if (begun === undefined) {
      forgetSeen(paths.operator);
      forgetUnsent(paths.operator);
    }
    reader = await readAs(paths, { fleet, relayUrl, used }, begun !== undefined);
    const removed = othersThan(reader, options.keep ?? []);
    const phrase =
      begun === undefined
        ? await newPassphrase(options.passphraseFile)
        : await passphrase(options.passphraseFile, 'Passphrase of the operator key');
    try {
      if (begun !== undefined) holder = await unlockOperator(paths.operator, phrase);
      else {
        holder = await SoftwareKeyHolder.generate(nodePrimitives);
        const device = deviceIdOf(nodePrimitives, holder.publicKeys.sign);
        const { name: fleetName, relayKey } = reader.state;
        await saveOperator(paths.operator, { fleet, fleetName, device, relayUrl, relayKey }, holder, phrase); // before anything counts [RECOVERY-6]
      }
    } finally {
      phrase.fill(0);
    }
    const told = await replaceCode(output, reader, { holder, removed, options });
    reader.disconnect();
    const session = await connected(paths, holder, told.cut); // re-keys what the others could read
    try {
      await session.pulse();
      const { devices, name, recovery } = session.state;
      const recoveryFile = told.file ?? keptFile(paths, recovery.id);
      output.result(
        { fleet, name, device: session.facts.device, removed, devices: devices.size, recoveryFile: recoveryFile ?? null },
        [
          `This machine is an operator device of "${visible(name)}" now; the old recovery code is worth nothing any more.`,
          recoveryFile === undefined
            ? 'The new recovery code is the one shown above.'
            : `The new recovery code is in ${recoveryFile}. Move it off this machine.`,
          ...(removed.length === 0
            ? []
            : [`${removed.length} device(s) were removed: whatever they could read, they may have kept`]),
        ],
      );
    } finally {
      session.disconnect();
    }
  } finally {
    reader?.disconnect();
    holder?.wipe();
    used.wipe();
  }
}

async function typedKeys(codeFile: string | undefined): Promise<SoftwareKeyHolder> {
  const typed =
    codeFile === undefined ? await secretFromStdin('Recovery code') : await passphrase(codeFile, 'Recovery code', '--code-file');
  try {
    return await recoveryKeys(nodePrimitives, typed.toString('utf8'));
  } finally {
    typed.fill(0);
  }
}

/** The fleet as the recovery code reads it, from the genesis entry that hashes to the fleet's id. */
async function readAs(
  paths: HomePaths,
  { fleet, relayUrl, used }: { fleet: Uint8Array; relayUrl: string; used: SoftwareKeyHolder },
  isAgain: boolean,
): Promise<OperatorSession> {
  const stranger = await openRelay(relayUrl);
  const { relayKey } = await stranger.ready;
  stranger.close();
  const device = recoveryIdOf(nodePrimitives, used.publicKeys.sign); // [RECOVERY-3]
  let session: OperatorSession;
  try {
    session = await OperatorSession.read(paths, { fleet, fleetName: '', device, relayUrl, relayKey }, used);
  } catch (thrown) {
    if (codeOf(thrown) !== 'relay_refused') throw thrown;
    if (isAgain) throw operatorExists(paths.operator);
    throw new HoldfastError('recovery_code_dead', 'the relay knows no such fleet, or this code was used or is of another fleet', {
      cause: thrown,
      next: 'compare the code and the id of the fleet; after each use the newest code alone counts',
    }); // [RECOVERY-4]
  }
  if (equalBytes(session.state.relayKey, relayKey)) return session;
  session.disconnect();
  throw new HoldfastError('relay_impostor', "this is not the fleet's relay: it has another key than the genesis entry names", {
    next: 'do not go on with it',
  });
}

/** Devices that are lost: all but those that are named. Throws `device_unknown`, `usage`. */
function othersThan({ state }: OperatorSession, keep: readonly string[]): Uint8Array[] {
  const kept = new Set(keep.map((name) => toHex(findDevice(state.devices.values(), name).id)));
  return [...state.devices.values()].map(({ id }) => id).filter((id) => !kept.has(toHex(id)));
}

interface Replacement {
  readonly holder: SoftwareKeyHolder;
  readonly removed: readonly Uint8Array[];
  readonly options: RecoverOptions;
}

/** The entry, unless a killed command got it through already. The new code is in the person's hands before the old one dies. [RECOVERY-6] */
async function replaceCode(
  output: Output,
  reader: OperatorSession,
  { holder, removed, options }: Replacement,
): Promise<{ readonly file: string | undefined; readonly cut: unknown }> {
  const folder = reader.paths.operator;
  const device = deviceIdOf(nodePrimitives, holder.publicKeys.sign);
  const isAdded = () => reader.state.devices.has(toHex(device));
  await reader.write(async () => ({ lockboxes: [], entries: [] })); // sends what a killed command signed [OPKEY-9]
  if (isAdded()) {
    return { file: undefined, cut: await untilCut(() => reader.mendAccess(reader.operator)) };
  }
  const recovery = await makeRecoveryCode(nodePrimitives);
  try {
    const id = recoveryIdOf(nodePrimitives, recovery.keys.publicKeys.sign);
    const unattended = output.json || !process.stdout.isTTY;
    const wanted = options.recoveryFile ?? (unattended ? fileOf(folder, id) : undefined);
    const file = wanted === undefined ? undefined : keepRecoveryCode(recovery.code, path.resolve(wanted));
    if (file === undefined)
      output.say(
        `New recovery code, shown this once. Write it on paper; keep the old one until this command is done:\n\n    ${recovery.code}\n`,
      );
    const terms = { device: { name: deviceName(), keys: holder.publicKeys }, recovery: recovery.keys.publicKeys };
    const cut = await untilCut(async () => {
      await reader.write(async (author) =>
        recoverFleet(author, {
          ...terms,
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

/** As the new device. A relay that does not know it was cut off for another reason: `cut` tells. */
async function connected(paths: HomePaths, holder: SoftwareKeyHolder, cut: unknown): Promise<OperatorSession> {
  try {
    return await OperatorSession.connect(paths, holder);
  } catch (thrown) {
    throw codeOf(thrown) === 'relay_refused' && cut !== undefined ? cut : thrown;
  }
}

const fileOf = (folder: string, recovery: Uint8Array): string => path.join(folder, `recovery-${toHex(recovery).slice(0, 8)}`);

function keptFile({ operator }: HomePaths, recovery: Uint8Array): string | undefined {
  const file = fileOf(operator, recovery);
  return existsSync(file) ? file : undefined;
}
