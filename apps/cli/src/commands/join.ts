// `holdfast devices join`: this machine asks to be an operator device, spec/devices.md. Its keys are on its disk before anybody can admit them; killed at
// any point, the command is run again, and either ends what it began or starts anew.

import { toHex } from '@holdfast/protocol/codec/bytes';
import type { HomePaths } from '@holdfast/protocol/door/paths';
import type { RelayExchange } from '@holdfast/protocol/exchange/relay-exchange';
import { deviceIdOf } from '@holdfast/protocol/identity/genesis-device';
import { formatPairingCode, newPairingCode, pairingLifeMs, pairingUrl } from '@holdfast/protocol/identity/pairing';
import { devicePairing } from '@holdfast/protocol/identity/pairing-kind';
import { admittedTo, joinFleet } from '@holdfast/protocol/operator/join';
import type { OperatorFacts } from '@holdfast/protocol/operator/ports';
import { OperatorSession } from '@holdfast/protocol/operator/session';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';
import { SoftwareKeyHolder } from '@holdfast/protocol/seal/software-key-holder';
import { findHome } from '../door-client.ts';
import {
  forgetKey,
  forgetSeen,
  hasOperator,
  operatorExists,
  operatorFacts,
  saveOperator,
  seenBefore,
  unlockOperator,
} from '../operator/key-file.ts';
import { openRelay } from '../operator/relay.ts';
import { portsAt } from '../operator/session.ts';
import { forgetAllUnsent } from '../operator/store.ts';
import { typedCode } from '../operator/typed-words.ts';
import { duration, plainText, usage, visible, type Output } from '../output.ts';
import { openAt, shownTo, type ConsoleOptions } from '../pairing-shown.ts';
import { newPassphrase, passphrase } from '../secrets-input.ts';
import { localRelay } from './enroll.ts';
import { deviceName } from './init.ts';

interface JoinOptions extends ConsoleOptions {
  readonly name?: string;
  readonly relay?: string;
  readonly passphraseFile?: string;
}

/** `typed`: a code that a device of the operator shows, or its URL; without one this machine makes one and shows it. [PAIRING-16] */
export async function join(output: Output, typed: string | undefined, options: JoinOptions): Promise<void> {
  const paths = findHome();
  const given = typed === undefined ? undefined : typedCode(devicePairing, typed);
  const begun = hasOperator(paths.operator);
  if (begun && seenBefore(paths.operator) !== undefined) throw operatorExists(paths.operator); // [CLI-12]
  const name = plainText('the name', options.name ?? deviceName(), 64);
  if (name === '') throw usage('a device has a name');
  const relayUrl = options.relay ?? given?.relayUrl ?? (begun ? operatorFacts(paths.operator).relayUrl : localRelay());
  const relay = await openRelay(relayUrl); // before anybody thinks of a passphrase
  let holder: SoftwareKeyHolder | undefined;
  try {
    const phrase = begun
      ? await passphrase(options.passphraseFile, 'Passphrase of the key that this machine made when it asked before')
      : await newPassphrase(options.passphraseFile);
    try {
      if (begun && (await endedBefore(output, paths, phrase))) return;
      holder = await SoftwareKeyHolder.generate(nodePrimitives);
      const code = given?.code ?? newPairingCode(nodePrimitives, devicePairing);
      await pair(output, paths, { relay, relayUrl, holder, phrase, name, code, isGiven: given !== undefined, options });
    } finally {
      phrase.fill(0);
    }
  } finally {
    holder?.wipe();
    given?.code.fill(0);
    relay.close();
  }
}

/** What an earlier command began: true when the fleet has this device. One that was never admitted is forgotten. [DEVICES-6] */
async function endedBefore(output: Output, paths: HomePaths, phrase: Uint8Array): Promise<boolean> {
  const holder = await unlockOperator(paths.operator, phrase);
  try {
    const facts = operatorFacts(paths.operator);
    const read = await admittedTo(portsAt(paths, facts.device), facts, holder, undefined);
    if (read === undefined) {
      forgetKey(paths.operator);
      return false;
    }
    tell(output, new OperatorSession(read));
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
  readonly code: Uint8Array;
  /** The other device shows it: nobody has to be told. */
  readonly isGiven: boolean;
  readonly options: ConsoleOptions;
}

async function pair(output: Output, paths: HomePaths, newcomer: Newcomer): Promise<void> {
  const { relayUrl, code, isGiven, options } = newcomer;
  const text = formatPairingCode(nodePrimitives, devicePairing, code);
  const url = pairingUrl(nodePrimitives, devicePairing, relayUrl, code);
  const picture = isGiven ? [] : await shownTo(output, openAt(url, 'pair', options));
  const read = await joinFleet(
    portsAt(paths, deviceIdOf(nodePrimitives, newcomer.holder.publicKeys.sign)),
    {
      ...newcomer,
      machine: deviceName(),
      monotonicMs: () => performance.now(),
      // [CLI-7]
      show: (words) =>
        output.result({ code: text, url, words, expiresAtMs: Date.now() + pairingLifeMs }, [
          ...picture,
          ...(isGiven ? [] : [`  on a device of yours:    holdfast devices add ${text}`]),
          `  ${isGiven ? 'there type these words:' : 'and type these words: '}   ${words.join(' ')}`,
          '',
          `waiting for that device, for ${duration(pairingLifeMs)} at most …`,
        ]),
      keep: (facts) => keep(paths, newcomer, facts),
      forget: async () => forgetKey(paths.operator),
    },
    code,
  );
  tell(output, new OperatorSession(read));
}

/** The sealed key, where every operator command looks for it. Without heads seen it is one that nobody may have admitted yet. [DEVICES-6] */
async function keep({ operator }: HomePaths, { holder, phrase }: Newcomer, facts: OperatorFacts): Promise<void> {
  if (hasOperator(operator)) throw operatorExists(operator); // another command was faster
  forgetSeen(operator);
  forgetAllUnsent(operator);
  await saveOperator(operator, facts, holder, phrase);
}

function tell(output: Output, session: OperatorSession): void {
  const { state, facts } = session;
  const { name } = state.devices.get(toHex(facts.device)) ?? { name: '' };
  session.disconnect();
  output.result({ fleet: facts.fleet, fleetName: state.name, device: facts.device, name }, [
    `This machine is an operator device of "${visible(state.name)}" now, as ${visible(name)}.`,
  ]);
}
