// The joint for key stores, spec/custody.md: software, TPM 2.0 and PKCS#11; the Secure Enclave fits behind it. A store keeps two keys
// a reference (one signs, one agrees) and what they are bound to; nothing that it returns lets private bytes out.

import type { CustodyLevel } from '@holdfast/protocol/blind/pairing-offer';
import type { Binding, KeyDescription } from '@holdfast/protocol/custody/wire';
import type { KeyHolder } from '@holdfast/protocol/keys/key-holder';

import type { Attester } from './attester.ts';

export interface StoredKey {
  readonly description: KeyDescription;
  /** Signs and opens whatever it is asked: custody's policy stands before it. */
  readonly holder: Pick<KeyHolder, 'sign' | 'open'> & { readonly attester?: Attester | undefined };
}

export interface KeyStore {
  readonly level: CustodyLevel;
  list(): readonly StoredKey[];
  /** A sign of life of what has the keys. Throws `key_store_*`, `pin_wrong`. */
  probe(): Promise<void>;
  /** Durable when it resolves. Throws `store_failed`; then there is no such key. */
  create(label: string): Promise<StoredKey>;
  /** Durable when it resolves, all or nothing. Throws `key_unknown`, `store_failed`. */
  bind(reference: Uint8Array, binding: Binding): Promise<StoredKey>;
  /** The private keys are gone when it resolves. Throws `key_unknown`, `store_failed`. */
  destroy(reference: Uint8Array): Promise<void>;
}
