// The one joint for private keys: no function of the core takes the bytes of a long-term private key, it takes a KeyHolder.
// Implemented by custody over hardware or software, by the daemon by asking custody, by the CLI over a passphrase-sealed key.

import type { Domain } from './domain.ts';
import type { PublicKeys } from './public-keys.ts';

/**
 * What an HPKE sealing is for; it becomes the `info` of the key schedule (spec/hpke.md), so that a sealing made for one
 * purpose opens for no other. All byte strings are ids or digests.
 */
export type SealPurpose =
  | {
      readonly kind: 'lockbox';
      readonly fleet: Uint8Array;
      readonly audience: string;
      readonly epoch: number;
      readonly member: Uint8Array;
    }
  | {
      readonly kind: 'grant';
      readonly fleet: Uint8Array;
      readonly grant: Uint8Array;
      readonly item: Uint8Array;
      readonly agent: Uint8Array;
    }
  | {
      readonly kind: 'use';
      readonly fleet: Uint8Array;
      readonly agent: Uint8Array;
      readonly session: Uint8Array;
      readonly ask: Uint8Array;
      readonly grant: Uint8Array;
      readonly item: Uint8Array;
      /** Digest of the request. */
      readonly call: Uint8Array;
      readonly expiresAtMs: number;
    };

/** An AEAD key and its only nonce, for one message. The receiver owns and overwrites both. */
export interface OneTimeKey {
  readonly key: Uint8Array;
  readonly nonce: Uint8Array;
}

export interface KeyHolder {
  readonly publicKeys: PublicKeys;
  /** ES256 over `signingInput(domain, statement)`, low-S. A holder may refuse statements that its policy does not allow (`custody_refused`). */
  sign(domain: Domain, statement: Uint8Array): Promise<Uint8Array>;
  /** Decapsulates `encapsulated` and runs the whole key schedule. A wrong `encapsulated` yields a key that opens nothing. */
  open(purpose: SealPurpose, encapsulated: Uint8Array): Promise<OneTimeKey>;
}
