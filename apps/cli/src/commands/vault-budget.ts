// `holdfast vault budget`, `vault unbudget`: what an agent may use all of its credentials for together.

import { toHex } from '@holdfast/protocol/codec/bytes';
import { HoldfastError } from '@holdfast/protocol/errors';
import { endBudget, setBudget } from '@holdfast/protocol/journal/compose-agents';
import { budgetSentence } from '@holdfast/protocol/vault/sentence';
import { amountsOf, shownLimits, type AmountOptions } from '@holdfast/protocol/vault/limits';
import { asOperator } from '../operator/session.ts';
import { usage, type Output } from '../output.ts';

interface OperatorOptions {
  readonly passphraseFile?: string;
}

export async function budget(output: Output, typed: string, options: OperatorOptions & AmountOptions): Promise<void> {
  const limits = amountsOf(options);
  if (Object.keys(limits).length === 0)
    throw usage(
      'a budget needs a limit',
      'say --max, --total, --bytes, --bytes-total or --concurrent; to end one: holdfast vault unbudget',
    );
  await asOperator(output, options, async (session) => {
    const agent = session.agent(typed);
    const { budget: id } = await session.write((operator) => setBudget(operator, { agent: agent.id, limits }));
    const here = await session.appliedHere();
    output.result({ budget: id, agent: agent.id, ...shownLimits(limits), applied: here === 'applied' }, [
      budgetSentence(agent.scope, limits).text,
    ]);
  });
}

export async function unbudget(output: Output, typed: string, options: OperatorOptions): Promise<void> {
  await asOperator(output, options, async (session) => {
    const agent = session.agent(typed);
    const held = session.state.budgets.get(toHex(agent.id));
    if (held === undefined)
      throw new HoldfastError('budget_unknown', `${agent.scope} has no budget`, { next: 'see: holdfast vault list' });
    await session.write((operator) => endBudget(operator, { agent: agent.id, budget: held.id }));
    const here = await session.appliedHere();
    output.result({ budget: held.id, agent: agent.id, applied: here === 'applied' }, [
      `${agent.scope} has no budget any more; what each grant allows still holds`,
    ]);
  });
}
