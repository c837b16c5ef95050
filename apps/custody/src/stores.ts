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

/** A kind and what became of it: its store, or why there is none to use. */
type Slot =
  | { readonly kind: StoreKind; readonly store: KeyStore; readonly label?: string }
  | { readonly kind: StoreKind; readonly store?: undefined; readonly thrown: unknown };

export class Stores {
  /** The best first. */
  readonly #slots: readonly Slot[];

  private constructor(slots: readonly Slot[]) {
    this.#slots = slots;
  }

  /** `kinds`, the best first; the last one is software, without which nothing works: what it throws is thrown. */
  static async open(kinds: readonly StoreKind[], passphrase: Uint8Array | undefined): Promise<Stores> {
    const slots: Slot[] = [];
    for (const kind of kinds) {
      try {
        slots.push({ kind, ...(await kind.open(passphrase)) });
      } catch (thrown) {
        if (kind === kinds.at(-1) || codeOf(thrown) === 'passphrase_wrong') throw thrown;
        slots.push({ kind, thrown });
      }
    }
    return new Stores(slots);
  }

  /** As they were opened. */
  states(): readonly StoreState[] {
    return this.#slots.map(stateOf);
  }

  /** As they are now: each is asked for a sign of life, and how long it takes is told. [CUSTODY-21] */
  async probe(monotonicMs: () => number): Promise<readonly StoreState[]> {
    const states: StoreState[] = [];
    for (const slot of this.#slots) {
      const beganMs = monotonicMs();
      try {
        await slot.store?.probe();
        states.push({ ...stateOf(slot), tookMs: Math.round(monotonicMs() - beganMs) });
      } catch (thrown) {
        states.push({ ...stateOf(slot), ...told(thrown) });
      }
    }
    return states;
  }

  list(): readonly StoredKey[] {
    return this.#slots.flatMap(({ store }) => store?.list() ?? []);
  }

  /** Throws `key_unknown`, or why the store that has it is shut. [CUSTODY-20] */
  find(reference: Uint8Array): { readonly store: KeyStore; readonly key: StoredKey } {
    for (const { store } of this.#slots) {
      const key = store?.list().find(({ description }) => fileName(description.key) === fileName(reference));
      if (store !== undefined && key !== undefined) return { store, key };
    }
    const holding = this.#slots.find(
      ({ store, kind }) => store === undefined && namesIn(kind.folder).includes(fileName(reference)),
    );
    if (holding !== undefined && holding.store === undefined) throw holding.thrown;
    throw new HoldfastError('key_unknown', 'no such key');
  }

  /** In the store of that level, or in the best that this machine has. Throws `key_store_*` and `pin_wrong` when that is shut, `store_failed`. [CUSTODY-19] */
  async create(label: string, level?: CustodyLevel): Promise<StoredKey> {
    if (this.list().length >= maxKeys) throw new HoldfastError('custody_refused', `the key stores are full: ${maxKeys} keys`);
    const slot = this.#slots.find(({ kind }) => level === undefined || isOfKind(kind.level, level));
    if (slot === undefined) throw new HoldfastError('key_store_absent', `this machine has no key store of the kind ${level}`);
    if (slot.store !== undefined) return slot.store.create(label);
    const {
      code,
      message,
      next = 'mend it, or take a lesser one knowingly: holdfast enroll --custody software',
    } = told(slot.thrown);
    throw new HoldfastError(code, message, { next, cause: slot.thrown });
  }

  async bind(reference: Uint8Array, binding: Binding): Promise<StoredKey> {
    return this.find(reference).store.bind(reference, binding);
  }

  async destroy(reference: Uint8Array): Promise<void> {
    await this.find(reference).store.destroy(reference);
  }
}

function stateOf(slot: Slot): StoreState {
  if (slot.store === undefined) return { level: slot.kind.level, ...told(slot.thrown) };
  return { level: slot.store.level, ...(slot.label !== undefined && { label: slot.label }) };
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
