// What a use of a grant counts in and is held against: the grant's own limits, and the budget of its agent. spec/fence.md, spec/vault.md [VAULT-17].

import type { Acting } from '@holdfast/protocol/audit/event';
import { equalBytes } from '@holdfast/protocol/codec/bytes';
import type { Grant } from '@holdfast/protocol/journal/state';
import type { Agent } from '../agent/agent.ts';
import type { Child } from '../children/child.ts';
import { budgetAmong, type Account } from '../vault/account.ts';
import { ByteFlow } from '../vault/byte-counts.ts';

export class Allowance {
  readonly #agent: Agent;

  constructor(agent: Agent) {
    this.#agent = agent;
  }

  /** With the limits of this moment. */
  accountsOf({ grant, fence: { uses, bytes, concurrent } }: Grant): readonly Account[] {
    const { budget } = this.#agent;
    const own: Account = { kind: 'grant', id: grant, uses, bytes, concurrent };
    return budget === undefined ? [own] : [own, { ...budget, kind: 'budget' }];
  }

  /** Throws `fence_uses`, `fence_bytes`, `budget_spent`. */
  assertLeft(grant: Grant): void {
    for (const account of this.accountsOf(grant)) {
      if (account.uses !== undefined) this.#agent.uses.assertLeft(account);
      if (account.bytes !== undefined) this.#agent.bytes.assertLeft(account);
    }
  }

  /** Whether one more may be open. Throws `fence_concurrent`, `budget_spent`. [FENCE-37] */
  assertRoom(grant: Grant): void {
    for (const account of this.accountsOf(grant)) this.#agent.openUses.assertRoom(account);
  }

  /** One more is open. Returns what ends it. Throws as `assertRoom`. */
  begin(grant: Grant): () => void {
    return this.#agent.openUses.begin(this.accountsOf(grant));
  }

  /** What of one use's bytes is counted, and where; undefined: nothing limits them. `child`: whose use it is. */
  flowOf(granted: Grant, handle: Uint8Array, who: Acting, child: Child | undefined): ByteFlow | undefined {
    const { grant, item } = granted;
    const accounts = this.accountsOf(granted);
    const share = child?.purse();
    if (share === undefined && accounts.every(({ bytes }) => bytes === undefined)) return undefined;
    const use = { ...who, handle, grant, item, ...budgetAmong(accounts) };
    const purses = accounts.map((account) => this.#agent.bytes.purse(account, handle, () => this.#bytesNow(account)));
    return new ByteFlow(share === undefined ? purses : [...purses, share], {
      reserved: (bytes) => this.#agent.audit.appendDurable({ kind: 'bytes-reserved', ...use, bytes }),
      returned: (bytes) => this.#agent.note({ kind: 'bytes-returned', ...use, bytes }),
    });
  }

  /** A budget may change while a use goes on; what counts in another one is cut. [VAULT-18] */
  #bytesNow({ kind, id, bytes }: Account): Account['bytes'] {
    if (kind === 'grant') return bytes;
    const { budget } = this.#agent;
    return budget !== undefined && equalBytes(budget.id, id) ? budget.bytes : undefined;
  }
}
