// `holdfast devices join`: this machine asks to be an operator device, spec/devices.md. Its keys are on its disk before anybody can admit them; killed at
// any point, the command is run again, and either ends what it began or starts anew.

import { equalBytes, toHex } from '@holdfast/protocol/codec/bytes';
import type { HomePaths } from '@holdfast/protocol/door/paths';
import { codeOf, HoldfastError } from '@holdfast/protocol/errors';
import { putRendezvous, takeRendezvous } from '@holdfast/protocol/exchange/relay-calls';
import type { RelayExchange } from '@holdfast/protocol/exchange/relay-exchange';
import { encodeHere, readCall, type DeviceCall } from '@holdfast/protocol/identity/device-call';
import { deviceIdOf } from '@holdfast/protocol/identity/genesis-device';
import { formatPairingCode, newPairingCode, Pairing, pairingLifeMs, pairingUrl } from '@holdfast/protocol/identity/pairing';
import { devicePairing, type PairingAnswer } from '@holdfast/protocol/identity/pairing-kind';
import { assertPairedWith } from '@holdfast/protocol/journal/state';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';
import { SoftwareKeyHolder } from '@holdfast/protocol/seal/software-key-holder';
import { findHome } from '../door-client.ts';
import { putPart, takePart } from '../operator/admit.ts';
import {
  forgetKey,
  forgetSeen,
  hasOperator,
  operatorExists,
  operatorFacts,
  rememberSeen,
  saveOperator,
  seenBefore,
  unlockOperator,
} from '../operator/key-file.ts';
import { openRelay } from '../operator/relay.ts';
import { OperatorSession } from '../operator/session.ts';
import { forgetAllUnsent } from '../operator/unsent.ts';
import { duration, plainText, usage, visible, type Output } from '../output.ts';
import { newPassphrase, passphrase } from '../secrets-input.ts';
import { localRelay } from './enroll.ts';
import { deviceName } from './init.ts';

interface JoinOptions {
  readonly name?: string;
  readonly relay?: string;
  readonly passphraseFile?: string;
}

/** How long one look for an answer waits; in between the device looks whether it was admitted without one. */
const lookMs = 10_000;

export async function join(output: Output, options: JoinOptions): Promise<void> {
  const paths = findHome();
  const begun = hasOperator(paths.operator);
  if (begun && seenBefore(paths.operator) !== undefined) throw operatorExists(paths.operator); // [CLI-12]
  const name = plainText('the name', options.name ?? deviceName(), 64);
  if (name === '') throw usage('a device has a name');
  const relayUrl = options.relay ?? (begun ? operatorFacts(paths.operator).relayUrl : localRelay());
  const relay = await openRelay(relayUrl); // before anybody thinks of a passphrase
  let holder: SoftwareKeyHolder | undefined;
  try {
    const phrase = begun
      ? await passphrase(options.passphraseFile, 'Passphrase of the key that this machine made when it asked before')
      : await newPassphrase(options.passphraseFile);
    try {
      if (begun && (await endedBefore(output, paths, phrase))) return;
      holder = await SoftwareKeyHolder.generate(nodePrimitives);
      await pair(output, paths, { relay, relayUrl, holder, phrase, name });
    } finally {
      phrase.fill(0);
    }
  } finally {
    holder?.wipe();
    relay.close();
  }
}

/** What an earlier command began: true when the fleet has this device. One that was never admitted is forgotten. [DEVICES-6] */
async function endedBefore(output: Output, paths: HomePaths, phrase: Uint8Array): Promise<boolean> {
  const holder = await unlockOperator(paths.operator, phrase);
  try {
    const session = await admittedTo(paths, holder, undefined);
    if (session === undefined) {
      forgetKey(paths.operator);
      return false;
    }
    tell(output, session);
    return true;
  } finally {
    holder.wipe();
  }
}

interface Newcomer {
  readonly relay: RelayExchange;
  readonly relayUrl: string;
  readonly holder: SoftwareKeyHolder;
  readonly phrase: Uint8Array;
  readonly name: string;
}

async function pair(output: Output, paths: HomePaths, newcomer: Newcomer): Promise<void> {
  const { relay, relayUrl, holder, name } = newcomer;
  const code = newPairingCode(nodePrimitives, devicePairing);
  const text = formatPairingCode(nodePrimitives, devicePairing, code);
  const url = pairingUrl(nodePrimitives, devicePairing, relayUrl, code);
  const untilMs = performance.now() + pairingLifeMs;
  const timing = { code, monotonicMs: performance.now() };
  const pairing = await Pairing.begin(nodePrimitives, devicePairing, holder, { name, machine: deviceName() }, timing);
  try {
    await putRendezvous(relay, { rendezvous: pairing.rendezvous, slot: 'offer' }, pairing.sealedOffer, pairingLifeMs);
    // [CLI-7]
    output.result({ code: text, url, words: pairing.words, expiresAtMs: Date.now() + pairingLifeMs }, [
      `  on a device of yours:    holdfast devices add ${text}`,
      `  and type these words:    ${pairing.words.join(' ')}`,
      '',
      `waiting for that device, for ${duration(pairingLifeMs)} at most …`,
    ]);
    const call = await called(relay, pairing, { code, untilMs });
    await keep(paths, newcomer, call);
    await putPart(relay, { kind: devicePairing, code, part: 'here' }, encodeHere(nodePrimitives, call.message)); // [DEVICES-7]
    tell(output, await admitted(paths, newcomer, { pairing, call: call.said, untilMs }));
  } finally {
    code.fill(0);
  }
}

interface Heard {
  readonly said: DeviceCall;
  /** As it was sent: what this device answers to. */
  readonly message: Uint8Array;
}

/** The call of the device that was told the code: which fleet it is of. Throws `pairing_expired`, `relay_impostor`, `pairing_answer_invalid`. */
async function called(
  relay: RelayExchange,
  pairing: Pairing,
  { code, untilMs }: { readonly code: Uint8Array; readonly untilMs: number },
): Promise<Heard> {
  const { relayKey } = await relay.ready;
  while (performance.now() < untilMs) {
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

/** The sealed key, where every operator command looks for it. Without heads seen it is one that nobody may have admitted yet. [DEVICES-6] */
async function keep({ operator }: HomePaths, { relayUrl, holder, phrase }: Newcomer, { said }: Heard): Promise<void> {
  if (hasOperator(operator)) throw operatorExists(operator); // another command was faster
  forgetSeen(operator);
  forgetAllUnsent(operator);
  const device = deviceIdOf(nodePrimitives, holder.publicKeys.sign);
  const { fleet, fleetName, relay: relayKey } = said;
  await saveOperator(operator, { fleet, fleetName, device, relayUrl, relayKey }, holder, phrase);
}

/** The fleet read as its device, once it is one: by the answer, or, where that got lost, by what the fleet says itself. */
async function admitted(
  paths: HomePaths,
  { relay, holder }: Newcomer,
  { pairing, call, untilMs }: { readonly pairing: Pairing; readonly call: DeviceCall; readonly untilMs: number },
): Promise<OperatorSession> {
  let answer: PairingAnswer | undefined;
  while (performance.now() < untilMs) {
    if (answer === undefined) {
      const sealed = await takeRendezvous(relay, { rendezvous: pairing.rendezvous, slot: 'answer' }, lookMs);
      answer = sealed && (await pairing.openAnswer(sealed, performance.now()));
      if (answer !== undefined && !(equalBytes(answer.fleet, call.fleet) && equalBytes(answer.relay, call.relay)))
        throw new HoldfastError('pairing_answer_invalid', 'the answer names another fleet than the call');
    }
    const session = await admittedTo(paths, holder, answer);
    if (session !== undefined) return session;
    if (answer !== undefined) break;
  }
  if (answer === undefined) forgetKey(paths.operator);
  throw answer === undefined ? expired() : removedAtOnce();
}

const removedAtOnce = (): HoldfastError =>
  new HoldfastError('relay_refused', 'this device was admitted, and the relay does not let it in', {
    next: 'look at the other device whether it is listed: holdfast devices list; then run holdfast devices join again',
  });

/** Undefined while the relay knows no such device. What the journal says counts, and the head of an answer if there was one. [PAIRING-12] */
async function admittedTo(
  paths: HomePaths,
  holder: SoftwareKeyHolder,
  answer: PairingAnswer | undefined,
): Promise<OperatorSession | undefined> {
  const facts = operatorFacts(paths.operator);
  if (answer !== undefined) rememberSeen(paths.operator, { control: answer.control });
  let session: OperatorSession | undefined;
  try {
    session = await OperatorSession.read(paths, facts, holder);
    const own = session.state.devices.get(toHex(facts.device));
    const isOurs = own !== undefined && equalBytes(own.keys.seal, holder.publicKeys.seal);
    if (!isOurs || !equalBytes(session.state.relayKey, facts.relayKey))
      throw new HoldfastError('pairing_answer_invalid', 'the fleet that was read does not have this device'); // [DEVICES-6]
    if (answer !== undefined) assertPairedWith(session.state, answer);
    return session;
  } catch (thrown) {
    session?.disconnect();
    forgetSeen(paths.operator); // it is still one that nobody may have admitted
    if (codeOf(thrown) === 'relay_refused') return undefined;
    throw thrown;
  }
}

function tell(output: Output, session: OperatorSession): void {
  const { state, facts } = session;
  const { name } = state.devices.get(toHex(facts.device)) ?? { name: '' };
  session.disconnect();
  output.result({ fleet: facts.fleet, fleetName: state.name, device: facts.device, name }, [
    `This machine is an operator device of "${visible(state.name)}" now, as ${visible(name)}.`,
  ]);
}
