// `holdfast suspend` and `holdfast resume`: the twin of `revoke` that can be taken back. What ran does not come back with it.

import type { AccessList } from '@holdfast/protocol/blind/access-list';
import type { Composed, Operator } from '@holdfast/protocol/journal/compose';
import { resumeAgent, suspendAgent } from '@holdfast/protocol/journal/compose-agents';
import { asOperator } from '../operator/session.ts';
import { plainText, type Output } from '../output.ts';
import { heard, reachedHere } from './agents.ts';

interface Options {
  readonly passphraseFile?: string;
}

type Change = (
  operator: Operator,
  about: { readonly agent: Uint8Array; readonly accessVersion: number },
) => Promise<Composed & { readonly access: AccessList }>;

export async function suspend(output: Output, name: string, options: Options & { readonly reason: string }): Promise<void> {
  const reason = plainText('the reason', options.reason, 256);
  await change(output, name, options, 'suspended', (operator, about) => suspendAgent(operator, { ...about, reason }));
}

export async function resume(output: Output, name: string, options: Options): Promise<void> {
  await change(output, name, options, 'resumed', resumeAgent);
}

async function change(
  output: Output,
  name: string,
  options: Options,
  done: 'suspended' | 'resumed',
  write: Change,
): Promise<void> {
  await asOperator(output, options, async (session) => {
    const agent = session.agent(name);
    await session.write(async (operator) => write(operator, { agent: agent.id, accessVersion: await session.accessVersion() }));
    await session.publishStatus();
    const applied = await reachedHere(session, agent.id);
    output.result({ agent: agent.id, [done]: true, applied: applied === 'applied' }, [
      `${agent.scope} is ${done}${heard[applied]}`,
    ]);
  });
}
