// The operator's side of a pairing, spec/pairing.md, whoever the newcomer is: its offer, taken once, and the words that a person types.

import { HoldfastError } from '../errors.ts';
import { assertHere, encodeCall } from '../identity/device-call.ts';
import { putRendezvous, takeRendezvous } from '../exchange/relay-calls.ts';
import type { RelayExchange } from '../exchange/relay-exchange.ts';
import {
  makeAnswer,
  openOffer,
  openPart,
  pairingLifeMs,
  partRendezvous,
  rendezvousOf,
  sealPart,
  type OpenedOffer,
  type PairingPart,
} from '../identity/pairing.ts';
import { devicePairing, type AnyOffer, type DeviceOffer, type Newcomer, type PairingKind } from '../identity/pairing-kind.ts';
import { addDevice } from '../journal/compose-devices.ts';
import type { OperatorSession } from './session.ts';

const offerWaitMs = 5_000;
/** One look of many, for somebody who may come at any time. */
const lookMs = 10_000;
/** It stretches a passphrase before it answers. */
const hereWaitMs = 60_000;
/** A code as it was typed or scanned. */
export interface GivenCode {
  /** The caller overwrites it. */
  readonly code: Uint8Array;
  /** The address that a URL said. */
  readonly relayUrl: string | undefined;
}

/** The offer of whoever waits behind the code. Throws `pairing_offer_invalid`, `rendezvous_used`. */
export async function takeOffer<O extends AnyOffer>(
  { ports: { primitives }, relay, facts }: OperatorSession,
  kind: PairingKind<O>,
  { code, relayUrl }: GivenCode,
): Promise<OpenedOffer<O>> {
  const place = { rendezvous: rendezvousOf(primitives, kind, code), slot: 'offer' } as const;
  const sealed = await takeRendezvous(relay, place, offerWaitMs);
  if (sealed !== undefined) return openOffer(primitives, kind, code, sealed);
  const elsewhere = relayUrl !== undefined && relayUrl !== facts.relayUrl.replace(/\/+$/, '');
  throw new HoldfastError('pairing_offer_invalid', `no ${kind.noun} waits behind this code`, {
    next: elsewhere
      ? `it waits at ${relayUrl}, this fleet's relay is ${facts.relayUrl}: run ${kind.command} there with --relay`
      : `run ${kind.command} on it, and use the code that it shows`,
  });
}

/** The offer of whoever comes to a code that this device shows; undefined when nobody had come when `over` aborted. Throws as `takeOffer`. */
export async function awaitOffer<O extends AnyOffer>(
  relay: RelayExchange,
  kind: PairingKind<O>,
  code: Uint8Array,
  over: AbortSignal,
): Promise<OpenedOffer<O> | undefined> {
  const place = { rendezvous: rendezvousOf(relay.primitives, kind, code), slot: 'offer' } as const;
  while (!over.aborted) {
    const sealed = await takeRendezvous(relay, place, lookMs);
    if (sealed !== undefined) return openOffer(relay.primitives, kind, code, sealed);
  }
  return undefined;
}

/** Tells the newcomer that it is admitted, and where the history stands. */
export async function sendAnswer<O extends AnyOffer>(
  { ports: { primitives }, relay, operator, facts, genesis, head }: OperatorSession,
  opened: OpenedOffer<O>,
  code: Uint8Array,
): Promise<void> {
  const terms = { code, fleet: facts.fleet, genesis, control: head, relay: facts.relayKey };
  const answer = await makeAnswer(primitives, { id: facts.device, holder: operator.holder }, opened, terms);
  const place = { rendezvous: rendezvousOf(primitives, opened.kind, code), slot: 'answer' } as const;
  await putRendezvous(relay, place, answer, pairingLifeMs);
}

/** A further message of one side, where the other one looks for it. */
interface PartPlace {
  readonly kind: Newcomer;
  readonly code: Uint8Array;
  readonly part: PairingPart;
}

const placeOf = (relay: RelayExchange, { kind, code, part }: PartPlace) =>
  ({ rendezvous: partRendezvous(relay.primitives, kind, code, part), slot: 'offer' }) as const;

/** Undefined when nothing came in time. Throws `open_failed`, `codec_limit`, `rendezvous_used`. */
export async function takePart(relay: RelayExchange, part: PartPlace, waitMs: number): Promise<Uint8Array | undefined> {
  const sealed = await takeRendezvous(relay, placeOf(relay, part), waitMs);
  return sealed === undefined ? undefined : openPart(relay.primitives, part.kind, part.code, part.part, sealed);
}

export async function putPart(relay: RelayExchange, part: PartPlace, message: Uint8Array): Promise<void> {
  const sealed = await sealPart(relay.primitives, part.kind, part.code, part.part, message);
  await putRendezvous(relay, placeOf(relay, part), sealed, pairingLifeMs);
}

/** That a device which is to be added is still there, with its keys kept. Throws `pairing_offer_invalid`: nothing was written. [DEVICES-7] */
async function callNewcomer(
  { ports: { primitives }, relay, facts, state }: OperatorSession,
  offer: Uint8Array,
  code: Uint8Array,
): Promise<void> {
  const place = { kind: devicePairing, code } as const;
  const { fleet, relayKey } = facts;
  const call = encodeCall(primitives, { offer, fleet, fleetName: state.name, relay: relayKey });
  await putPart(relay, { ...place, part: 'call' }, call);
  const here = await takePart(relay, { ...place, part: 'here' }, hereWaitMs);
  if (here !== undefined) return assertHere(primitives, here, call);
  throw new HoldfastError('pairing_offer_invalid', 'the device does not answer any more; nothing was added', {
    next: 'run holdfast devices join on it again, and use the code that it shows',
  });
}

/**
 * What follows when an operator has typed its words, and confirmed it: a code calls once. The device is called, then added, then told; `answered` is called
 * when it has shown that it is there. Resolves with its id. Throws as `callNewcomer`, `rendezvous_used`, and what `write` throws.
 */
export async function admitDevice(
  session: OperatorSession,
  opened: OpenedOffer<DeviceOffer>,
  code: Uint8Array,
  answered: () => void = () => {},
): Promise<Uint8Array> {
  const { name, keys } = opened.offer;
  await callNewcomer(session, opened.hash, code);
  answered();
  const { device } = await session.write(async (operator) =>
    addDevice(operator, { device: { name, keys }, accessVersion: await session.accessVersion() }),
  );
  await sendAnswer(session, opened, code);
  return device;
}
