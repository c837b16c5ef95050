// What an agent may use all of its credentials for together, spec/vault.md: limits beside those of each grant, in the same form and counted alike.

import { equalBytes } from '../codec/bytes.ts';
import { bytes, optional, record, refine, type Infer } from '../codec/schema.ts';
import { HoldfastError } from '../errors.ts';
import { principalId } from '../keys/public-keys.ts';
import { byteLimits, concurrentUses, useLimits } from './circumstances.ts';

export const budgetId = bytes(16);

/** Body of `budget-set` (audience `agent:<id>`). */
export const agentBudget = refine(
  record({
    /** What is counted is counted under it: as long as it stays, limits may change and the count goes on. */
    id: budgetId,
    agent: principalId,
    uses: optional(useLimits),
    bytes: optional(byteLimits),
    concurrent: optional(concurrentUses),
  }),
  (value, path) => {
    if (value.uses === undefined && value.bytes === undefined && value.concurrent === undefined)
      throw new HoldfastError('codec_shape', `${path}: a limit of uses, of bytes, or of how many at once expected`); // [VAULT-16]
    return value;
  },
);
export type AgentBudget = Infer<typeof agentBudget>;
export type BudgetLimits = Omit<AgentBudget, 'id' | 'agent'>;

/** Whether what is under way would not count in it: it began, or it limits bytes, or how many are open, and did not before. [VAULT-18] */
export function countsAnew(now: AgentBudget | undefined, before: AgentBudget | undefined): boolean {
  if (now === undefined) return false;
  if (before === undefined || !equalBytes(now.id, before.id)) return true;
  return (
    (now.bytes !== undefined && before.bytes === undefined) || (now.concurrent !== undefined && before.concurrent === undefined)
  );
}
