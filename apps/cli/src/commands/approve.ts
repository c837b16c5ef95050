// `holdfast approve`: the operator admits the machine behind a code, after typing the words that it shows.

import { agentPairing } from '@holdfast/protocol/identity/pairing-kind';
import { enrollAgent } from '@holdfast/protocol/journal/compose-agents';
import { sendAnswer, takeOffer } from '@holdfast/protocol/operator/admit';
import { confirmWords, typedCode } from '../operator/typed-words.ts';
import { attestKeys } from '../operator/attest-keys.ts';
import { asOperator } from '../operator/session.ts';
import { visible, type Output } from '../output.ts';
import { keyStoreName } from '../status/key-stores.ts';

interface ApproveOptions {
  readonly words?: string;
  readonly passphraseFile?: string;
}

export async function approve(output: Output, typed: string, options: ApproveOptions): Promise<void> {
  const behind = typedCode(agentPairing, typed);
  try {
    await asOperator(output, options, async (session) => {
      const opened = await takeOffer(session, agentPairing, behind);
      const { machine, scope, custody, capabilities, agent } = opened.offer;
      output.say(`  machine  ${visible(machine)}`);
      output.say(`  scope    ${scope}`);
      const { evidence, because } = await attestKeys(session, opened, behind.code);
      output.say(`  keys     ${keyStoreName(custody)}, ${evidence}: ${visible(because)}`);
      if (capabilities.length > 0) output.say(`  may      ${capabilities.join(', ')}`);
      await confirmWords(output, opened, options.words);
      await session.write(async (operator) =>
        enrollAgent(operator, {
          offer: opened.offer,
          evidence,
          statusUri: session.statusUri,
          accessVersion: await session.accessVersion(),
        }),
      );
      await sendAnswer(session, opened, behind.code);
      output.result({ agent, scope, machine, custody, evidence }, [`${scope} on ${visible(machine)} is admitted`]);
    });
  } finally {
    behind.code.fill(0);
  }
}
