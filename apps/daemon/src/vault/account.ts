// What uses and bytes are counted in, and held against: a grant, and the budget of its agent. spec/fence.md, spec/vault.md.

import { HoldfastError } from '@holdfast/protocol/errors';
import type { AmountLimits } from '@holdfast/protocol/vault/circumstances';

export interface Account {
  readonly kind: 'grant' | 'budget';
  readonly id: Uint8Array;
  /** Absent, all three: counted, and not limited. */
  readonly uses?: AmountLimits | undefined;
  readonly bytes?: AmountLimits | undefined;
  readonly concurrent?: number | undefined;
}

const reasons = {
  uses: ['fence_uses', 'this credential is used up', 'all that this agent may use its credentials for is used up'],
  bytes: ['fence_bytes', 'no more bytes may pass with this credential', "no more bytes may pass with this agent's credentials"],
  concurrent: [
    'fence_concurrent',
    'as many requests with this credential are open as may be at once',
    "as many requests with this agent's credentials are open as may be at once",
  ],
} as const;

/** `fence_uses`, `fence_bytes` or `fence_concurrent` of a grant, `budget_spent` of a budget. [VAULT-17] */
export function spent({ kind }: Pick<Account, 'kind'>, what: keyof typeof reasons): HoldfastError {
  const [code, ofGrant, ofBudget] = reasons[what];
  const next =
    what === 'concurrent'
      ? 'wait until one of them has ended, then send it again'
      : `wait, if it may be used again later; else ask the operator for ${kind === 'grant' ? 'another grant' : 'a larger budget'}`;
  return kind === 'grant' ? new HoldfastError(code, ofGrant, { next }) : new HoldfastError('budget_spent', ofBudget, { next });
}

/** As the record names it, where one of them is a budget. */
export function budgetAmong(accounts: readonly Account[]): { readonly budget?: Uint8Array } {
  const budget = accounts.find(({ kind }) => kind === 'budget');
  return budget === undefined ? {} : { budget: budget.id };
}
