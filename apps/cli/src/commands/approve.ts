// `holdfast approve`: the operator admits the machine behind a code, after typing the words that it shows.

import { HoldfastError } from '@holdfast/protocol/errors';
import { putRendezvous, takeRendezvous } from '@holdfast/protocol/exchange/relay-calls';
import { assertWords, makeAnswer, openOffer, parsePairingCode, pairingLifeMs, rendezvousOf } from '@holdfast/protocol/identity/pairing';
import { enrollAgent } from '@holdfast/protocol/journal/compose';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';
import { asOperator } from '../operator/session.ts';
import { visible, type Output } from '../output.ts';
import { askLine } from '../secrets-input.ts';

interface ApproveOptions {
  readonly words?: string;
  readonly passphraseFile?: string;
}

const offerWaitMs = 5_000;

export async function approve(output: Output, typed: string, options: ApproveOptions): Promise<void> {
  const { code } = parsePairingCode(nodePrimitives, typed);
  try {
    await asOperator(options, async (session) => {
      const { relay } = session;
      const rendezvous = rendezvousOf(nodePrimitives, code);
      const sealed = await takeRendezvous(relay, { rendezvous, slot: 'offer' }, offerWaitMs);
      if (sealed === undefined) throw new HoldfastError('pairing_offer_invalid', 'no machine waits behind this code', { next: 'run holdfast enroll on it, and use the code that it shows' });
      const opened = await openOffer(nodePrimitives, code, sealed);
      const { machine, scope, custody, capabilities, agent } = opened.offer;
      output.say(`  machine  ${visible(machine)}`);
      output.say(`  scope    ${scope}`);
      output.say(`  keys     ${custody}`);
      if (capabilities.length > 0) output.say(`  may      ${capabilities.join(', ')}`);
      assertWords(opened, options.words ?? (await askLine('The three words that the machine shows')));

      const accessVersion = await session.accessVersion();
      await session.write((operator) => enrollAgent(operator, { offer: opened.offer, genesis: session.genesis, accessVersion }));
      await session.pulse();
      const { operator, facts } = session;
      const terms = { code, fleet: facts.fleet, genesis: session.genesis, control: session.head, relay: facts.relayKey };
      const answer = await makeAnswer(nodePrimitives, { id: facts.device, holder: operator.holder }, opened, terms);
      await putRendezvous(relay, { rendezvous, slot: 'answer' }, answer, pairingLifeMs);
      output.result({ agent, scope, machine, custody }, [`${scope} on ${visible(machine)} is admitted`]);
    });
  } finally {
    code.fill(0);
  }
}
