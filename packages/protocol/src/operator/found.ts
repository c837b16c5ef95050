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

/** A fleet that nobody knows of yet: its id stands, and so what a person writes down beside the recovery code. */
export interface ComposedFleet {
  readonly made: NewFleet;
  readonly facts: OperatorFacts;
  readonly holder: KeyHolder;
  readonly nowMs: number;
}

/** Signs all of it and tells nobody. Throws `relay_unreachable`. */
export async function composeFleet(
  { primitives, nowMs: clock, connect }: Pick<OperatorPorts, 'primitives' | 'nowMs' | 'connect'>,
  { relayUrl, name, deviceName, holder, recovery }: FleetTerms,
): Promise<ComposedFleet> {
  const nowMs = clock();
  const stranger = await connect(relayUrl, {});
  const { relayKey } = await stranger.ready;
  stranger.close();
  const terms = { name, deviceName, holder, recovery, relayKey, pulseMaxAgeMs: defaultPulseMaxAgeMs, nowMs };
  const made = await composeGenesis(primitives, terms);
  const facts = { fleet: made.fleet, fleetName: name, device: made.device, relayUrl, relayKey };
  return { made, facts, holder, nowMs };
}

/** Throws `relay_*`: then there is no fleet that anybody has, whatever the relay keeps. The same again is no fault. */
export async function foundFleet(
  { primitives, connect }: Pick<OperatorPorts, 'primitives' | 'connect'>,
  { made, facts, holder, nowMs }: ComposedFleet,
): Promise<void> {
  const { fleet, device, genesis, lockboxes } = made;
  const { relayUrl, relayKey } = facts;
  const stranger = await connect(relayUrl, { relayKey });
  try {
    await createFleet(stranger, made.access, genesis);
  } finally {
    stranger.close();
  }
  const relay = await connect(relayUrl, { identity: { fleet, principal: device, holder }, relayKey });
  try {
    for (const { wire, ...place } of lockboxes) await putLockbox(relay, place, wire);
    const control = { position: 0, hash: genesis.hash };
    const pulse = { v: 1, fleet, id: primitives.random(16), device, atMs: nowMs, control } as const;
    await putPulse(relay, await signPulse(holder, pulse));
  } finally {
    relay.close();
  }
}
