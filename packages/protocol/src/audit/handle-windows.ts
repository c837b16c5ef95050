// The spans of time in which handles could be used, out of audit events, spec/permissioned-time.md: from minting to the end, on the monotonic clock of the
// run that recorded both.

import { toHex } from '../codec/bytes.ts';
import { handleLifeMs } from '../vault/handle.ts';
import type { AuditEvent } from './event.ts';

export type Minted = Extract<AuditEvent, { kind: 'minted' }>;

export interface Window {
  readonly minted: Minted;
  readonly us: number;
}

const lifeUs = handleLifeMs * 1000;
const clampUs = (us: number) => Math.min(lifeUs, Math.max(0, us));

/** Events in the order of their logs. */
export class HandleWindows {
  readonly #open = new Map<string, Minted>();

  open(event: Minted): void {
    this.#open.set(toHex(event.handle), event);
  }

  /** The window that this event ends, after a handle's life at the latest; undefined: it ends none that was opened. */
  close(event: { readonly handle: Uint8Array; readonly run: Uint8Array; readonly monotonicUs: number }): Window | undefined {
    const key = toHex(event.handle);
    const minted = this.#open.get(key);
    if (minted === undefined) return undefined;
    this.#open.delete(key);
    const sameRun = toHex(minted.run) === toHex(event.run);
    return { minted, us: sameRun ? clampUs(event.monotonicUs - minted.monotonicUs) : lifeUs }; // [TIME-1]
  }

  /** Of handles that no event ended: still open, or lost with their daemon. Counted up to now, and for no more than a handle's life. */
  closeAll(nowMs: number): readonly Window[] {
    const rest = [...this.#open.values()].map((minted) => ({ minted, us: clampUs((nowMs - minted.atMs) * 1000) })); // [TIME-4]
    this.#open.clear();
    return rest;
  }
}
