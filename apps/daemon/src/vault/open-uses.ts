// How many uses of each grant of one agent are under way, spec/fence.md: of all its sessions and children together. Nothing is kept of it: what is open
// ends with the process.

import { toHex } from '@holdfast/protocol/codec/bytes';
import { HoldfastError } from '@holdfast/protocol/errors';

export class OpenUses {
  readonly #open = new Map<string, number>();

  /** Of a grant that is limited in it. */
  of(grant: Uint8Array): number {
    return this.#open.get(toHex(grant)) ?? 0;
  }

  /** Throws `fence_concurrent`. */
  assertRoom(grant: Uint8Array, max: number): void {
    if (this.of(grant) >= max)
      throw new HoldfastError('fence_concurrent', 'as many requests with this credential are open as may be at once', {
        next: 'wait until one of them has ended, then send it again',
      }); // [FENCE-37]
  }

  /** Throws `fence_concurrent`. Returns what ends it; calling that again does nothing. */
  begin(grant: Uint8Array, max: number): () => void {
    this.assertRoom(grant, max);
    const key = toHex(grant);
    this.#open.set(key, this.of(grant) + 1);
    let over = false;
    return () => {
      if (over) return;
      over = true;
      const left = this.of(grant) - 1;
      if (left > 0) this.#open.set(key, left);
      else this.#open.delete(key);
    };
  }
}
