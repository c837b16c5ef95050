// All key stores of this machine, the best first, spec/custody.md. One that cannot be used is not replaced by another: its keys fail with the
// reason, and whoever enrols is told.

import { readdirSync } from 'node:fs';

import type { CustodyLevel } from '@holdfast/protocol/blind/pairing-offer';
import { maxKeys, type Binding, type StoreState } from '@holdfast/protocol/custody/wire';
import { codeOf, HoldfastError, type ErrorCode } from '@holdfast/protocol/errors';

import { fileName } from './file-store.ts';
import type { KeyStore, StoredKey } from './store.ts';

/** A kind of store that this machine has, or had. */
export interface StoreKind {
  /** What its keys are called; while it is shut, the best that they can be. */
  readonly level: CustodyLevel;
  readonly folder: string;
  /** `label`: what the hardware calls itself. */
  open(passphrase: Uint8Array | undefined): Promise<{ readonly store: KeyStore; readonly label?: string }>;
}

interface Open {
  readonly store: KeyStore;
  readonly label?: string;
}

interface Shut {
  readonly kind: StoreKind;
  readonly thrown: unknown;
}

export class Stores {
  readonly #open: readonly Open[];
  readonly #shut: readonly Shut[];

  private constructor(open: readonly Open[], shut: readonly Shut[]) {
    this.#open = open;
    this.#shut = shut;
  }

  /** `kinds`, the best first; the last one is software, without which nothing works: what it throws is thrown. */
  static async open(kinds: readonly StoreKind[], passphrase: Uint8Array | undefined): Promise<Stores> {
    const open: Open[] = [];
    const shut: Shut[] = [];
    for (const kind of kinds) {
      try {
        open.push(await kind.open(passphrase));
      } catch (thrown) {
        if (kind === kinds.at(-1) || codeOf(thrown) === 'passphrase_wrong') throw thrown;
        shut.push({ kind, thrown });
      }
    }
    return new Stores(open, shut);
  }

  states(): readonly StoreState[] {
    return [
      ...this.#shut.map(({ kind, thrown }) => ({ level: kind.level, ...told(thrown) })),
      ...this.#open.map(({ store, label }) => ({ level: store.level, ...(label !== undefined && { label }) })),
    ];
  }

  list(): readonly StoredKey[] {
    return this.#open.flatMap(({ store }) => store.list());
  }

  /** Throws `key_unknown`, or why the store that has it is shut. [CUSTODY-20] */
  find(reference: Uint8Array): { readonly store: KeyStore; readonly key: StoredKey } {
    for (const { store } of this.#open) {
      const key = store.list().find(({ description }) => fileName(description.key) === fileName(reference));
      if (key !== undefined) return { store, key };
    }
    const holding = this.#shut.find(({ kind }) => namesIn(kind.folder).includes(fileName(reference)));
    if (holding !== undefined) throw holding.thrown;
    throw new HoldfastError('key_unknown', 'no such key');
  }

  /** In the store of that level, or in the best that is open. Throws `key_store_absent` and its kind, `store_failed`. [CUSTODY-19] */
  async create(label: string, level?: CustodyLevel): Promise<StoredKey> {
    if (this.list().length >= maxKeys) throw new HoldfastError('custody_refused', `the key stores are full: ${maxKeys} keys`);
    const found = this.#open.find(({ store }) => level === undefined || isOfKind(store.level, level));
    if (found !== undefined) return found.store.create(label);
    const shut = this.#shut.find(({ kind }) => level !== undefined && isOfKind(kind.level, level));
    if (shut !== undefined) throw shut.thrown;
    throw new HoldfastError('key_store_absent', `this machine has no key store of the kind ${level}`);
  }

  async bind(reference: Uint8Array, binding: Binding): Promise<StoredKey> {
    return this.find(reference).store.bind(reference, binding);
  }

  async destroy(reference: Uint8Array): Promise<void> {
    await this.find(reference).store.destroy(reference);
  }
}

/** Who asks for software takes it sealed or not, as it is. */
function isOfKind(level: CustodyLevel, wanted: CustodyLevel): boolean {
  const kindOf = (each: CustodyLevel): string => (each.startsWith('software') ? 'software' : each);
  return kindOf(level) === kindOf(wanted);
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Our own messages name no secret; what is not ours says nothing. */
export function told(thrown: unknown): { readonly code: ErrorCode; readonly message: string; readonly next?: string } {
  const code = codeOf(thrown);
  if (code === 'internal' || !(thrown instanceof Error)) return { code, message: 'unexpected fault' };
  const next = thrown instanceof HoldfastError ? thrown.next : undefined;
  return { code, message: thrown.message.slice(0, 1024), ...(next !== undefined && { next }) };
}
