// `holdfast approve`: the operator admits the machine behind a code, after typing the words that it shows.

import { codeOf, HoldfastError } from '@holdfast/protocol/errors';
import { putRendezvous, takeRendezvous } from '@holdfast/protocol/exchange/relay-calls';
import {
  assertWords,
  makeAnswer,
  openOffer,
  parsePairingCode,
  pairingLifeMs,
  rendezvousOf,
  type OpenedOffer,
} from '@holdfast/protocol/identity/pairing';
import { enrollAgent } from '@holdfast/protocol/journal/compose-agents';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';
import { attestKeys } from '../operator/attest-keys.ts';
import { asOperator, type OperatorSession } from '../operator/session.ts';
import { visible, type Output } from '../output.ts';
import { askLine, lineFromStdin } from '../secrets-input.ts';
import { keyStoreName } from '../status/key-stores.ts';

interface ApproveOptions {
  readonly words?: string;
  readonly passphraseFile?: string;
}

const offerWaitMs = 5_000;
/** A person may mistype; more than this is guessing. */
const maxTries = 3;

export async function approve(output: Output, typed: string, options: ApproveOptions): Promise<void> {
  const { code, relayUrl } = parsePairingCode(nodePrimitives, typed === '-' ? lineFromStdin() : typed);
  try {
    await asOperator(output, options, async (session) => {
      const { relay } = session;
      const rendezvous = rendezvousOf(nodePrimitives, code);
      const sealed = await takeRendezvous(relay, { rendezvous, slot: 'offer' }, offerWaitMs);
      if (sealed === undefined) throw nobodyWaits(session, relayUrl);
      const opened = await openOffer(nodePrimitives, code, sealed);
      const { machine, scope, custody, capabilities, agent } = opened.offer;
      output.say(`  machine  ${visible(machine)}`);
      output.say(`  scope    ${scope}`);
      const { evidence, because } = await attestKeys(session, opened, code);
      output.say(`  keys     ${keyStoreName(custody)}, ${evidence}: ${visible(because)}`);
      if (capabilities.length > 0) output.say(`  may      ${capabilities.join(', ')}`);
      await confirmWords(output, opened, options.words);

      const { genesis } = session;
      await session.write(async (operator) =>
        enrollAgent(operator, {
          offer: opened.offer,
          evidence,
          statusUri: session.statusUri,
          accessVersion: await session.accessVersion(),
        }),
      );
      const { operator, facts } = session;
      const terms = { code, fleet: facts.fleet, genesis, control: session.head, relay: facts.relayKey };
      const answer = await makeAnswer(nodePrimitives, { id: facts.device, holder: operator.holder }, opened, terms);
      await putRendezvous(relay, { rendezvous, slot: 'answer' }, answer, pairingLifeMs);
      output.result({ agent, scope, machine, custody, evidence }, [`${scope} on ${visible(machine)} is admitted`]);
    });
  } finally {
    code.fill(0);
  }
}

function nobodyWaits({ facts }: OperatorSession, relayUrl: string | undefined): HoldfastError {
  const elsewhere = relayUrl !== undefined && relayUrl !== facts.relayUrl.replace(/\/+$/, '');
  return new HoldfastError('pairing_offer_invalid', 'no machine waits behind this code', {
    next: elsewhere
      ? `it waits at ${relayUrl}, this fleet's relay is ${facts.relayUrl}: enrol it with --relay`
      : 'run holdfast enroll on it, and use the code that it shows',
  });
}

/** The offer is taken, and no code works twice: a person may try again here and now, a script must start anew. [CLI-13] */
async function confirmWords(output: Output, opened: OpenedOffer, given: string | undefined): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      assertWords(opened, given ?? (await askLine('The three words that the machine shows')));
      return;
    } catch (cause) {
      if (codeOf(cause) !== 'pairing_words_wrong') throw cause;
      if (given !== undefined || tries === maxTries) {
        throw new HoldfastError('pairing_words_wrong', 'these are not the words of that machine; nothing was enrolled', {
          cause,
          next: 'look at the machine that you mean to enrol: if the words differ there, somebody lures you; if you mistyped, run holdfast enroll there again for a new code',
        });
      }
      output.say('  these are not its words; look again');
    }
  }
}
