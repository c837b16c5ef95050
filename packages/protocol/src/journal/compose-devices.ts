// What is written about the operator's own devices, spec/devices.md: one adds another, an older one removes or renames a younger one, and the recovery code
// does both and replaces itself. Each is one small entry that acts at once; `rekey` follows.

import type { AccessList } from '../blind/access-list.ts';
import { deviceIdOf } from '../identity/genesis-device.ts';
import { recoveryIdOf } from '../identity/recovery.ts';
import { certifyDevice } from '../identity/token.ts';
import { compareBytes } from '../codec/bytes.ts';
import { HoldfastError } from '../errors.ts';
import { jwkOf } from '../keys/jws.ts';
import type { PublicKeys } from '../keys/public-keys.ts';
import { agentOfAudience, type BodyOf } from './bodies.ts';
import { accessAfter } from './compose-agents.ts';
import { isAnothersName } from './device-names.ts';
import { drafted, type Composed, type Draft, type Operator } from './draft.ts';
import { currentEpoch, type Agent, type FleetState, type Member } from './state.ts';

export interface NewDevice {
  /** What it calls itself; for people. */
  readonly name: string;
  readonly keys: PublicKeys;
}

/** Lets a newcomer open every audience's current epoch, and through it all that was said before. */
async function admitEverywhere(draft: Draft, { audiences }: FleetState, newcomers: readonly Member[]): Promise<void> {
  for (const audience of audiences.keys()) {
    for (const newcomer of newcomers) await draft.admit(audience, newcomer);
  }
}

/** Throws `id_taken`, `limit_exceeded`. */
export async function addDevice(
  operator: Operator,
  { device: { name, keys }, accessVersion }: { readonly device: NewDevice; readonly accessVersion: number },
): Promise<Composed & { readonly access: AccessList; readonly device: Uint8Array }> {
  const { primitives, holder, nowMs, replica } = operator;
  const id = deviceIdOf(primitives, keys.sign); // [JOURNAL-31]
  const { fleet } = replica.state;
  // [DEVICES-3]
  const link = await certifyDevice(holder, { fleet, device: id, key: jwkOf(keys.sign), atMs: nowMs });
  const { state, ...composed } = await drafted(operator, async (draft) => {
    await draft.write('fleet', { kind: 'device-add', device: { id, name, keys }, link });
    await admitEverywhere(draft, replica.state, [{ id, seal: keys.seal }]); // [DEVICES-2]
  });
  return { ...composed, device: id, access: await accessAfter(operator, state, accessVersion + 1) };
}

/** Throws `device_unknown`, `device_older`. */
export async function removeDevice(
  operator: Operator,
  { device, reason, accessVersion }: { readonly device: Uint8Array; readonly reason: string; readonly accessVersion: number },
): Promise<Composed & { readonly access: AccessList }> {
  const { state, ...composed } = await drafted(operator, (draft) =>
    draft.write('fleet', { kind: 'device-remove', device, reason }),
  );
  return { ...composed, access: await accessAfter(operator, state, accessVersion + 1) };
}

/** `name` without white space around it. Throws `device_unknown`, `device_older`, `name_taken`, `codec_*`. */
export async function renameDevice(
  operator: Operator,
  { device, name }: { readonly device: Uint8Array; readonly name: string },
): Promise<Composed> {
  const wanted = name.trim();
  if (isAnothersName(operator.replica.state, device, wanted))
    throw new HoldfastError('name_taken', 'another operator device has a name that reads like this, or had it', {
      next: 'choose another name', // [JOURNAL-43]
    });
  const { lockboxes, entries } = await drafted(operator, (draft) =>
    draft.write('fleet', { kind: 'device-rename', device, name: wanted }),
  );
  return { lockboxes, entries };
}

export interface Recovery {
  /** Absent: nobody new. */
  readonly device?: NewDevice;
  /** Public keys of the code that replaces the one that signs. */
  readonly recovery: PublicKeys;
  readonly removed: readonly Uint8Array[];
  readonly accessVersion: number;
}

/**
 * `author`: the recovery code as the one who writes, its id as `device`. Throws `id_taken`, `device_unknown`, `limit_exceeded`.
 */
export async function recoverFleet(
  author: Operator,
  { device, recovery, removed, accessVersion }: Recovery,
): Promise<Composed & { readonly access: AccessList }> {
  const { primitives, replica } = author;
  const next = { id: recoveryIdOf(primitives, recovery.sign), keys: recovery };
  const added = device && { id: deviceIdOf(primitives, device.keys.sign), ...device };
  const body: BodyOf<'recover'> = {
    kind: 'recover',
    recovery: next,
    removed: removed.toSorted(compareBytes),
    ...(added !== undefined && { device: added }),
  };
  const newcomers = [next, ...(added === undefined ? [] : [added])].map(({ id, keys }) => ({ id, seal: keys.seal }));
  const { state, ...composed } = await drafted(author, async (draft) => {
    await draft.write('fleet', body);
    await admitEverywhere(draft, replica.state, newcomers); // [RECOVERY-5]
  });
  return { ...composed, access: await accessAfter(author, state, accessVersion + 1) };
}

/** Audiences whose current key somebody has who is no member any more. [DEVICES-4] */
export function audiencesBehind(state: FleetState): readonly string[] {
  const changedAt = ({ revoked, earlierKeys }: Agent) => Math.max(revoked?.position ?? -1, earlierKeys.at(-1)?.position ?? -1);
  const agentsChangedAt = Math.max(-1, ...[...state.agents.values()].map(changedAt));
  return [...state.audiences.keys()].filter((audience) => {
    const sinceAt = currentEpoch(state, audience)?.position ?? 0;
    const rotatedAt = state.agents.get(agentOfAudience(audience) ?? '')?.earlierKeys.at(-1)?.position ?? -1; // [ROTATE-5]
    return sinceAt < state.operatorsEndedAt || sinceAt < (audience === 'fleet' ? agentsChangedAt : rotatedAt);
  });
}

/** New epochs for the members that there are now, wherever one is due. */
export async function rekey(operator: Operator): Promise<Composed> {
  const { lockboxes, entries } = await drafted(operator, async (draft) => {
    for (const audience of audiencesBehind(operator.replica.state)) await draft.startEpoch(audience);
  });
  return { lockboxes, entries };
}
