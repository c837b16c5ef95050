// A new fleet, spec/journal.md: everything that the relay keeps of it, its first pulse included. Whoever calls keeps key and recovery code.

import { signPulse } from '../blind/pulse.ts';
import { createFleet, putLockbox, putPulse } from '../exchange/relay-calls.ts';
import { defaultPulseMaxAgeMs } from '../journal/bodies.ts';
import { composeGenesis, type NewFleet } from '../journal/compose.ts';
import type { KeyHolder } from '../keys/key-holder.ts';
import type { PublicKeys } from '../keys/public-keys.ts';
import type { OperatorFacts, OperatorPorts } from './ports.ts';

export interface FleetTerms {
  readonly relayUrl: string;
  readonly name: string;
  /** What the first device is called. */
  readonly deviceName: string;
  readonly holder: KeyHolder;
  readonly recovery: PublicKeys;
}

/** `facts`: of the device that made it. Throws `relay_*`: then there is no fleet that anybody has, whatever the relay keeps. */
export async function foundFleet(
  { primitives, nowMs: clock, connect }: Pick<OperatorPorts, 'primitives' | 'nowMs' | 'connect'>,
  { relayUrl, name, deviceName, holder, recovery }: FleetTerms,
): Promise<{ readonly fleet: NewFleet; readonly facts: OperatorFacts }> {
  const nowMs = clock();
  const stranger = await connect(relayUrl, {});
  const { relayKey } = await stranger.ready;
  const terms = { name, deviceName, holder, recovery, relayKey, pulseMaxAgeMs: defaultPulseMaxAgeMs, nowMs };
  let made: NewFleet;
  try {
    made = await composeGenesis(primitives, terms);
    await createFleet(stranger, made.access, made.genesis);
  } finally {
    stranger.close();
  }
  const { fleet, device, genesis, lockboxes } = made;
  const relay = await connect(relayUrl, { identity: { fleet, principal: device, holder }, relayKey });
  try {
    for (const { wire, ...place } of lockboxes) await putLockbox(relay, place, wire);
    const control = { position: 0, hash: genesis.hash };
    const pulse = { v: 1, fleet, id: primitives.random(16), device, atMs: nowMs, control } as const;
    await putPulse(relay, await signPulse(holder, pulse));
  } finally {
    relay.close();
  }
  return { fleet: made, facts: { fleet, fleetName: name, device, relayUrl, relayKey } };
}
