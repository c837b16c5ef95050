// `holdfast recover`: the way back with the recovery code, on a machine that has no operator key, spec/recovery.md. The code adds this machine's
// new device, removes the others, and is replaced by a new one; from then on it is worth nothing. Killed at any point, it is done again.

import { equalBytes, fromHex, toHex } from '@holdfast/protocol/codec/bytes';
import type { HomePaths } from '@holdfast/protocol/door/paths';
import { codeOf } from '@holdfast/protocol/errors';
import { deviceIdOf } from '@holdfast/protocol/identity/genesis-device';
import type { FleetState } from '@holdfast/protocol/journal/state';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';
import { SoftwareKeyHolder } from '@holdfast/protocol/seal/software-key-holder';
import { findHome } from '../door-client.ts';
import { findDevice } from '@holdfast/protocol/operator/find-device';
import {
  forgetSeen,
  hasOperator,
  makeOperatorFolder,
  operatorExists,
  operatorFacts,
  saveOperator,
  unlockOperator,
} from '../operator/key-file.ts';
import { codeIsDead } from '@holdfast/protocol/operator/recovery';
import { keptFile, readAs, replaceHere, typedKeys } from '../operator/recovery.ts';
import { forgetAllUnsent } from '../operator/store.ts';
import { LocalOperator } from '../operator/session.ts';
import { visible, usage, type Output } from '../output.ts';
import { newPassphrase, passphrase } from '../secrets-input.ts';
import { localRelay } from './enroll.ts';
import { deviceName } from './init.ts';

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
  const used = await typedKeys(options.codeFile, '--code-file');
  let reader: LocalOperator | undefined;
  let holder: SoftwareKeyHolder | undefined;
  try {
    makeOperatorFolder(paths.operator);
    if (begun === undefined) {
      forgetSeen(paths.operator);
      forgetAllUnsent(paths.operator);
    }
    reader = await readAs(
      paths,
      { fleet, relayUrl, used },
      begun === undefined ? codeIsDead : () => operatorExists(paths.operator),
    );
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
    const device = { name: deviceName(), keys: holder.publicKeys };
    const id = deviceIdOf(nodePrimitives, device.keys.sign);
    const isDone = ({ devices }: FleetState) => devices.has(toHex(id));
    const told = await replaceHere(output, reader, { device, removed, isDone, recoveryFile: options.recoveryFile });
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

/** Devices that are lost: all but those that are named. Throws `device_unknown`, `usage`. */
function othersThan({ state }: LocalOperator, keep: readonly string[]): Uint8Array[] {
  const kept = new Set(keep.map((name) => toHex(findDevice(state.devices.values(), name).id)));
  return [...state.devices.values()].map(({ id }) => id).filter((id) => !kept.has(toHex(id)));
}

/** As the new device. A relay that does not know it was cut off for another reason: `cut` tells. */
async function connected(paths: HomePaths, holder: SoftwareKeyHolder, cut: unknown): Promise<LocalOperator> {
  try {
    return await LocalOperator.connect(paths, holder);
  } catch (thrown) {
    throw codeOf(thrown) === 'relay_refused' && cut !== undefined ? cut : thrown;
  }
}
