// `holdfast rotate`: other keys for an agent, spec/rotation.md. Its machine asks; an operator's `rotate approve` gives them.

import { toHex } from '@holdfast/protocol/codec/bytes';
import { HoldfastError } from '@holdfast/protocol/errors';
import { rotateAgent } from '@holdfast/protocol/journal/compose-rotation';
import { askedKeys } from '@holdfast/protocol/journal/state';
import { DoorCall, findHome } from '../door-client.ts';
import { asOperator } from '../operator/session.ts';
import { usage, visible, type Output } from '../output.ts';
import { keyStoreName } from '../status/key-stores.ts';
import { parseStore } from './enroll.ts';

export async function rotate(output: Output, options: { readonly scope: string; readonly custody?: string }): Promise<void> {
  const custody = parseStore(options.custody);
  const call = await DoorCall.open(findHome());
  try {
    call.send({ kind: 'rotate', scope: options.scope, ...(custody !== undefined && { custody }) });
    for await (const reply of call.replies()) {
      if (reply.kind === 'rotate-asked') {
        const { agent, scope } = reply;
        // [CLI-7]
        output.result({ agent, scope, custody: reply.custody, asked: true }, [
          `  new keys are made in:    ${keyStoreName(reply.custody)}`,
          `  on the operator's side:  holdfast rotate approve ${scope}`,
          '',
          'waiting for the operator; this command may be ended, the request stands …',
        ]);
      } else if (reply.kind === 'rotate-done') {
        const { agent, scope } = reply;
        output.result({ agent, scope, custody: reply.custody, rotated: true }, [
          `${scope} has its new keys; the old ones are destroyed`,
        ]);
        return;
      }
    }
    throw new HoldfastError('daemon_unreachable', 'the daemon went away before the keys were given', {
      next: 'start it again: npm start; the request stands',
    });
  } finally {
    call.close();
  }
}

interface ApproveOptions {
  readonly passphraseFile?: string;
  readonly weaker?: boolean;
}

export async function approve(output: Output, name: string, options: ApproveOptions): Promise<void> {
  await asOperator(output, options, async (session) => {
    const { id, scope, machine, custody: before } = session.agent(name);
    await session.readAgentTopic(id); // [ROTATE-1]
    const wanted = askedKeys(session.state, session.agent(name));
    output.say(`  agent    ${scope} on ${visible(machine)}`);
    output.say(`  keys     ${keyStoreName(before)} → ${wanted === undefined ? 'none asked for' : keyStoreName(wanted.custody)}`);
    if (wanted?.custody.startsWith('software') === true && !before.startsWith('software') && options.weaker !== true)
      throw usage(
        `the keys of ${scope} would leave its hardware: nothing keeps a copy of the new ones from being used elsewhere`,
        'if that is what you want: --weaker',
      );
    await session.write(async (operator) =>
      rotateAgent(operator, {
        agent: id,
        secretOf: (item) => session.openSecret(item),
        statusUri: session.statusUri,
        accessVersion: await session.accessVersion(),
      }),
    );
    const { custody } = session.agent(name);
    const held = [...(session.state.grants.get(toHex(id))?.values() ?? [])];
    const grants = held.filter(({ sealed }) => sealed !== undefined).length; // [ROTATE-5]
    output.result({ agent: id, scope, custody, grants }, [
      `${scope} has new keys in ${keyStoreName(custody)}; what the old ones signed from here on counts for nothing`,
    ]);
  });
}
