// Keys that were just made and belong to no fleet yet: they sign what makes them an operator's, a genesis entry or an offer to join, and are sealed
// with the facts of the fleet that comes of it. Until then they are in memory alone.

import { HoldfastError } from '@holdfast/protocol/errors';
import type { OperatorFacts } from '@holdfast/protocol/operator/ports';
import type { Primitives } from '@holdfast/protocol/primitives/primitives';
import { firstScalar, kemPublicKey } from '@holdfast/protocol/seal/hybrid-kem';
import { freshAesKey, openWith, sealWith, type AesKey } from './aes-key.ts';
import { masterBytes, sealRecord, stateKeyOf, type PrivateKeys, type Unlock } from './key-record.ts';
import type { Leaves } from './leaves.ts';
import { addWay, type Way, type WayPorts } from './ways.ts';
import { WebKeyHolder } from './web-key-holder.ts';

const noData = new Uint8Array(0);

/** Master key and private keys, under a key that lives as long as this object. */
interface Pending {
  readonly key: AesKey;
  readonly nonce: Uint8Array;
  readonly sealed: Uint8Array;
}

export class NewKeys {
  readonly holder: WebKeyHolder;
  readonly leaves: Leaves;
  readonly #primitives: Primitives;
  readonly #prfSalt: Uint8Array;
  readonly #unlock: Unlock;
  #pending: Pending | undefined;
  #left = false;

  private constructor(
    primitives: Primitives,
    leaves: Leaves,
    holder: WebKeyHolder,
    { prfSalt, unlock, pending }: { prfSalt: Uint8Array; unlock: Unlock; pending: Pending },
  ) {
    this.#primitives = primitives;
    this.leaves = leaves;
    this.holder = holder;
    this.#prfSalt = prfSalt;
    this.#unlock = unlock;
    this.#pending = pending;
  }

  /** Throws `passkey_refused`, `passkey_unfit`, `usage`. */
  static async make(ports: WayPorts, leaves: Leaves, way: Way, userName: string): Promise<NewKeys> {
    const { primitives } = ports;
    const prfSalt = primitives.random(32);
    const master = primitives.random(masterBytes);
    try {
      const unlock = await addWay(ports, way, userName, { unlocks: [], prfSalt }, master);
      const keys = { sign: drawScalar(primitives), agree: drawScalar(primitives), kem: primitives.random(64) };
      const publicKeys = { sign: await primitives.p256PublicKey(keys.sign), seal: await kemPublicKey(primitives, keys) };
      const pending = await hold(primitives, master, keys);
      const holder = await WebKeyHolder.of(primitives, leaves, keys, publicKeys); // overwrites them
      return new NewKeys(primitives, leaves, holder, { prfSalt, unlock, pending });
    } finally {
      master.fill(0);
    }
  }

  /** Signs what the keys were made for, once: making them was the confirmation. Throws `step_up_needed` the second time. [BKEY-8] */
  within<T>(work: () => Promise<T>): Promise<T> {
    const confirm = async (): Promise<void> => {
      if (this.#left) throw new HoldfastError('step_up_needed', 'these keys signed what they were made for');
      this.#left = true;
    };
    return this.leaves.during(confirm, work);
  }

  /** The record to store, and the key for what is remembered. Once; throws `key_invalid` after. */
  async seal(facts: OperatorFacts): Promise<{ readonly record: Uint8Array; readonly state: AesKey }> {
    const pending = this.#pending;
    if (pending === undefined) throw new HoldfastError('key_invalid', 'keys were wiped');
    const opened = await openWith(pending.key, pending.nonce, noData, pending.sealed);
    const master = opened.subarray(0, 32);
    const held = { sign: opened.subarray(32, 64), agree: opened.subarray(64, 96), kem: opened.subarray(96) };
    const owned = { facts, keys: this.holder.publicKeys, prfSalt: this.#prfSalt, unlocks: [this.#unlock] };
    try {
      const record = await sealRecord(this.#primitives, owned, master, held);
      const state = await stateKeyOf(master);
      this.#pending = undefined;
      return { record, state };
    } finally {
      opened.fill(0);
    }
  }

  /** Of keys that come to nothing. */
  wipe(): void {
    this.#pending = undefined;
    this.leaves.end();
    this.holder.wipe();
  }
}

function drawScalar(primitives: Primitives): Uint8Array {
  const uniform = primitives.random(128);
  const scalar = firstScalar(uniform);
  uniform.fill(0);
  return scalar;
}

async function hold(primitives: Primitives, master: Uint8Array, { sign, agree, kem }: PrivateKeys): Promise<Pending> {
  const all = new Uint8Array(160);
  for (const [at, part] of [
    [0, master],
    [32, sign],
    [64, agree],
    [96, kem],
  ] as const)
    all.set(part, at);
  try {
    const key = await freshAesKey(primitives);
    const nonce = primitives.random(12);
    return { key, nonce, sealed: await sealWith(key, nonce, noData, all) };
  } finally {
    all.fill(0);
  }
}
