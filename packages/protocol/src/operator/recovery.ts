// What a recovery code does, spec/recovery.md: it reads the fleet, and its one entry adds or removes devices and replaces the code.

import { equalBytes, toHex } from '../codec/bytes.ts';
import { codeOf, HoldfastError } from '../errors.ts';
import { makeRecoveryCode, recoveryIdOf } from '../identity/recovery.ts';
import { recoverFleet, type NewDevice } from '../journal/compose-devices.ts';
import type { FleetState } from '../journal/state.ts';
import type { KeyHolder } from '../keys/key-holder.ts';
import type { OperatorFacts, OperatorPorts } from './ports.ts';
import type { OperatorSession } from './session.ts';

export function codeIsDead(): HoldfastError {
  return new HoldfastError('recovery_code_dead', 'the relay knows no such fleet, or this code was used or is of another fleet', {
    next: 'compare the code and the id of the fleet; after each use the newest code alone counts',
  }); // [RECOVERY-4]
}

/** As whom the code reads: the relay's key is what it says itself, until `assertOwnRelay`. */
export async function factsOfCode(
  { primitives, connect }: Pick<OperatorPorts, 'primitives' | 'connect'>,
  { fleet, relayUrl, used }: { readonly fleet: Uint8Array; readonly relayUrl: string; readonly used: KeyHolder },
): Promise<OperatorFacts> {
  const stranger = await connect(relayUrl, {});
  const { relayKey } = await stranger.ready;
  stranger.close();
  const device = recoveryIdOf(primitives, used.publicKeys.sign); // [RECOVERY-3]
  return { fleet, fleetName: '', device, relayUrl, relayKey };
}

/** That the fleet was read from the relay that its genesis entry names. Throws `relay_impostor`. */
export function assertOwnRelay({ state, facts }: Pick<OperatorSession, 'state' | 'facts'>): void {
  if (equalBytes(state.relayKey, facts.relayKey)) return;
  throw new HoldfastError('relay_impostor', "this is not the fleet's relay: it has another key than the genesis entry names", {
    next: 'do not go on with it',
  });
}

export interface Replacement {
  /** Absent: nobody new. */
  readonly device?: NewDevice;
  readonly removed: readonly Uint8Array[];
  /** Whether an interrupted act got it through already. */
  isDone(state: FleetState): boolean;
  /** Puts the new code, whose principal `id` is, into the person's hands: before the old one dies. */
  hand(code: string, id: Uint8Array): Promise<void>;
}

/** The entry, unless an interrupted act got it through already. Why the connection ended, if it did. [RECOVERY-6] */
export async function replaceCode(
  reader: OperatorSession,
  { device, removed, isDone, hand }: Replacement,
): Promise<{ readonly cut: unknown }> {
  const { primitives } = reader.ports;
  await reader.write(async () => ({ lockboxes: [], entries: [] })); // sends what an interrupted act signed [OPKEY-9]
  if (isDone(reader.state)) return { cut: await untilCut(() => reader.mendAccess(reader.operator)) };
  const recovery = await makeRecoveryCode(primitives);
  try {
    await hand(recovery.code, recoveryIdOf(primitives, recovery.keys.publicKeys.sign));
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
    return { cut };
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
