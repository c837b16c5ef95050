// A device that asks to be an operator device, spec/devices.md, newcomer's side: its keys are kept where they are needed before anybody can admit
// them; what was cut off at any point is begun again, and either ends what it began or starts anew.

import { equalBytes, toHex } from '../codec/bytes.ts';
import { codeOf, HoldfastError } from '../errors.ts';
import { putRendezvous, takeRendezvous } from '../exchange/relay-calls.ts';
import type { RelayExchange } from '../exchange/relay-exchange.ts';
import { encodeHere, readCall, type DeviceCall } from '../identity/device-call.ts';
import { deviceIdOf } from '../identity/genesis-device.ts';
import { Pairing, pairingLifeMs } from '../identity/pairing.ts';
import { devicePairing, type PairingAnswer } from '../identity/pairing-kind.ts';
import { assertPairedWith } from '../journal/state.ts';
import type { KeyHolder } from '../keys/key-holder.ts';
import { putPart, takePart } from './admit.ts';
import type { OperatorFacts, OperatorPorts } from './ports.ts';
import { OperatorSession, readFleet, type ReadFleet } from './session.ts';

/** How long one look for an answer waits; in between the device looks whether it was admitted without one. */
const lookMs = 10_000;

export interface Newcomer {
  /** Open to anybody: the newcomer is nobody there yet. */
  readonly relay: RelayExchange;
  readonly relayUrl: string;
  readonly holder: KeyHolder;
  readonly name: string;
  readonly machine: string;
  /** Of a clock that is never set back. */
  readonly monotonicMs: () => number;
  /** Tells a person what to carry over. */
  show(words: readonly string[]): void;
  /** Keeps the sealed key, with nothing seen and nothing unsent: without heads seen it is one that nobody may have admitted yet. [DEVICES-6] */
  keep(facts: OperatorFacts): Promise<void>;
  /** Forgets the key that nobody admitted. */
  forget(): Promise<void>;
}

/**
 * Puts the offer behind `code`, which this takes over, and waits to be admitted: by the answer, or, where that got lost, by what the fleet says itself.
 * Throws `pairing_expired`, `relay_impostor`, `pairing_answer_invalid`, `relay_refused`.
 */
export async function joinFleet(ports: OperatorPorts, newcomer: Newcomer, code: Uint8Array): Promise<ReadFleet> {
  const { relay, holder, name, machine, monotonicMs } = newcomer;
  const beganMs = monotonicMs();
  const pairing = await Pairing.begin(ports.primitives, devicePairing, holder, { name, machine }, { code, monotonicMs: beganMs });
  try {
    await putRendezvous(relay, { rendezvous: pairing.rendezvous, slot: 'offer' }, pairing.sealedOffer, pairingLifeMs);
    newcomer.show(pairing.words);
    const untilMs = beganMs + pairingLifeMs;
    const { said, message } = await called(newcomer, pairing, { code, untilMs });
    const device = deviceIdOf(ports.primitives, holder.publicKeys.sign);
    const { fleet, fleetName, relay: relayKey } = said;
    const facts = { fleet, fleetName, device, relayUrl: newcomer.relayUrl, relayKey };
    await newcomer.keep(facts);
    await putPart(relay, { kind: devicePairing, code, part: 'here' }, encodeHere(ports.primitives, message)); // [DEVICES-7]
    return await admitted(ports, newcomer, { facts, pairing, call: said, untilMs });
  } finally {
    code.fill(0);
  }
}

interface Heard {
  readonly said: DeviceCall;
  /** As it was sent: what this device answers to. */
  readonly message: Uint8Array;
}

/** The call of the device that has the code: which fleet it is of. */
async function called(
  { relay, monotonicMs }: Newcomer,
  pairing: Pairing,
  { code, untilMs }: { readonly code: Uint8Array; readonly untilMs: number },
): Promise<Heard> {
  const { relayKey } = await relay.ready;
  while (monotonicMs() < untilMs) {
    const message = await takePart(relay, { kind: devicePairing, code, part: 'call' }, lookMs);
    if (message === undefined) continue;
    const said = readCall(message, pairing.offerHash);
    if (equalBytes(said.relay, relayKey)) return { said, message };
    throw new HoldfastError('relay_impostor', "this is not the fleet's relay: it has another key than the other device knows", {
      next: 'do not go on with it',
    });
  }
  throw expired();
}

const expired = (): HoldfastError =>
  new HoldfastError('pairing_expired', 'no device of the operator answered in time', {
    next: 'run holdfast devices join again; if the other device lists this one, it may remove it: holdfast devices remove',
  });

async function admitted(
  ports: OperatorPorts,
  { relay, holder, monotonicMs, forget }: Newcomer,
  {
    facts,
    pairing,
    call,
    untilMs,
  }: { readonly facts: OperatorFacts; readonly pairing: Pairing; readonly call: DeviceCall; readonly untilMs: number },
): Promise<ReadFleet> {
  let answer: PairingAnswer | undefined;
  while (monotonicMs() < untilMs) {
    if (answer === undefined) {
      const sealed = await takeRendezvous(relay, { rendezvous: pairing.rendezvous, slot: 'answer' }, lookMs);
      answer = sealed && (await pairing.openAnswer(sealed, monotonicMs()));
      if (answer !== undefined && !(equalBytes(answer.fleet, call.fleet) && equalBytes(answer.relay, call.relay)))
        throw new HoldfastError('pairing_answer_invalid', 'the answer names another fleet than the call');
    }
    const read = await admittedTo(ports, facts, holder, answer);
    if (read !== undefined) return read;
    if (answer !== undefined) break;
  }
  if (answer === undefined) await forget();
  throw answer === undefined ? expired() : removedAtOnce();
}

const removedAtOnce = (): HoldfastError =>
  new HoldfastError('relay_refused', 'this device was admitted, and the relay does not let it in', {
    next: 'look at the other device whether it is listed: holdfast devices list; then run holdfast devices join again',
  });

/** Undefined while the relay knows no such device. What the journal says counts, and the head of an answer if there was one. [PAIRING-12] */
export async function admittedTo(
  ports: OperatorPorts,
  facts: OperatorFacts,
  holder: KeyHolder,
  answer: PairingAnswer | undefined,
): Promise<ReadFleet | undefined> {
  if (answer !== undefined) await ports.store.remember({ control: answer.control });
  let session: OperatorSession | undefined;
  try {
    const read = await readFleet(ports, facts, holder);
    session = new OperatorSession(read);
    const own = session.state.devices.get(toHex(facts.device));
    const isOurs = own !== undefined && equalBytes(own.keys.seal, holder.publicKeys.seal);
    if (!isOurs || !equalBytes(session.state.relayKey, facts.relayKey))
      throw new HoldfastError('pairing_answer_invalid', 'the fleet that was read does not have this device'); // [DEVICES-6]
    if (answer !== undefined) assertPairedWith(session.state, answer);
    return read;
  } catch (thrown) {
    session?.disconnect();
    await ports.store.forgetSeen(); // it is still one that nobody may have admitted
    if (codeOf(thrown) === 'relay_refused') return undefined;
    throw thrown;
  }
}
