// scrypt in the page, in pieces of a few milliseconds: about a second of work during which the page goes on, and memory that is overwritten after.

import { scryptAsync } from '@noble/hashes/scrypt.js';

/** What a passphrase makes, 32 bytes that the caller overwrites. */
export type Stretch = (passphrase: Uint8Array, salt: Uint8Array, logN: number) => Promise<Uint8Array>;

/** Of browsers that have it (the types of the DOM do not, everywhere). */
interface Scheduler {
  postTask<T>(work: () => Promise<T>, options: { readonly priority: 'background' }): Promise<T>;
}

/** RFC 7914; the terms beside N are fixed by spec/console-key.md. */
export const stretchInPieces: Stretch = (passphrase, salt, logN) => {
  const stretch = (): Promise<Uint8Array> =>
    scryptAsync(passphrase, salt, { N: 2 ** logN, r: 8, p: 1, dkLen: 32, maxmem: 320 * 1024 * 1024, asyncTick: 8 });
  const { scheduler } = globalThis as { readonly scheduler?: Partial<Scheduler> };
  // Between pieces scrypt yields with the priority that it was begun with: at the usual one, timers and the relay would wait until it has ended.
  return scheduler?.postTask?.(stretch, { priority: 'background' }) ?? stretch();
};
