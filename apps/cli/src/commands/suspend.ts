// `holdfast suspend` and `holdfast resume`: the twin of `revoke` that can be taken back. What ran does not come back with it.

import type { AccessList } from '@holdfast/protocol/blind/access-list';
import type { Composed, Operator } from '@holdfast/protocol/journal/compose';
import { resumeAgent, suspendAgent } from '@holdfast/protocol/journal/compose-agents';
import { resumeAll, suspendAll } from '@holdfast/protocol/journal/compose-stop';
import { asOperator } from '../operator/session.ts';
import { plainText, usage, type Output } from '../output.ts';
import { heard, reachedHere } from './agents.ts';

interface Options {
  readonly passphraseFile?: string;
  /** All at once, in place of one by its name. */
  readonly all?: boolean;
}

type Change = (
  operator: Operator,
  about: { readonly agent: Uint8Array; readonly accessVersion: number },
) => Promise<Composed & { readonly access: AccessList }>;

export async function suspend(
  output: Output,
  name: string | undefined,
  options: Options & { readonly reason: string },
): Promise<void> {
  const reason = plainText('the reason', options.reason, 256);
  if (options.all === true)
    return changeAll(output, name, options, 'suspended', (operator, about) => suspendAll(operator, { ...about, reason }));
  await change(output, name, options, 'suspended', (operator, about) => suspendAgent(operator, { ...about, reason }));
}

export async function resume(output: Output, name: string | undefined, options: Options): Promise<void> {
  if (options.all === true) return changeAll(output, name, options, 'resumed', resumeAll);
  await change(output, name, options, 'resumed', resumeAgent);
}

/** The whole fleet in one act, with one access list. [CLI-96] */
async function changeAll(
  output: Output,
  name: string | undefined,
  options: Options,
  done: 'suspended' | 'resumed',
  write: (operator: Operator, about: { readonly accessVersion: number }) => ReturnType<typeof resumeAll>,
): Promise<void> {
  if (name !== undefined) throw usage('one agent is named, and all are meant', 'leave out its name, or --all');
  await asOperator(output, options, async (session) => {
    const { agents } = await session.write(async (operator) => write(operator, { accessVersion: await session.accessVersion() }));
    await session.publishStatus();
    const applied = agents.length > 0 && (await session.appliedHere()) === 'applied';
    const names = agents.map(({ scope }) => scope);
    output.result({ agents: agents.map(({ id }) => id), [done]: true, applied }, [
      agents.length === 0 ? `there is no agent to be ${done}` : `${done}: ${names.join(', ')}`,
    ]);
  });
}

async function change(
  output: Output,
  name: string | undefined,
  options: Options,
  done: 'suspended' | 'resumed',
  write: Change,
): Promise<void> {
  if (name === undefined) throw usage('no agent is named', 'name one, or --all');
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
