// How many uses of each grant of one agent are under way, and of all of them under its budget, spec/fence.md: of all its sessions and children together.
// Nothing is kept of it: what is open ends with the process.

import { toHex } from '@holdfast/protocol/codec/bytes';
import { spent, type Account } from './account.ts';

export class OpenUses {
  readonly #open = new Map<string, number>();

  /** Of what is limited in it. */
  of(id: Uint8Array): number {
    return this.#open.get(toHex(id)) ?? 0;
  }

  /** Throws `fence_concurrent`, `budget_spent`. */
  assertRoom(account: Account): void {
    if (account.concurrent !== undefined && this.of(account.id) >= account.concurrent) throw spent(account, 'concurrent'); // [FENCE-37]
  }

  /** Throws `fence_concurrent`, `budget_spent`. Returns what ends it; calling that again does nothing. */
  begin(accounts: readonly Account[]): () => void {
    const limited = accounts.filter(({ concurrent }) => concurrent !== undefined);
    for (const account of limited) this.assertRoom(account);
    for (const { id } of limited) this.#open.set(toHex(id), this.of(id) + 1);
    let over = false;
    return () => {
      if (over) return;
      over = true;
      for (const { id } of limited) {
        const left = this.of(id) - 1;
        if (left > 0) this.#open.set(toHex(id), left);
        else this.#open.delete(toHex(id));
      }
    };
  }
}
