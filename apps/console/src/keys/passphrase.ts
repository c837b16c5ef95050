// scrypt in the page, in pieces of a few milliseconds: about a second of work that never holds the page up, and memory that is overwritten after.

import { scryptAsync } from '@noble/hashes/scrypt.js';

/** What a passphrase makes, 32 bytes that the caller overwrites. */
export type Stretch = (passphrase: Uint8Array, salt: Uint8Array, logN: number) => Promise<Uint8Array>;

/** RFC 7914; the terms beside N are fixed by spec/console-key.md. */
export const stretchInPieces: Stretch = (passphrase, salt, logN) =>
  scryptAsync(passphrase, salt, { N: 2 ** logN, r: 8, p: 1, dkLen: 32, maxmem: 320 * 1024 * 1024, asyncTick: 8 });
