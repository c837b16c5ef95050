// The operator's keys in this browser: made, sealed, unlocked, locked, and who may use them for what. Spec: spec/console-key.md. Trusts the person who
// unlocked for as long as the page is unlocked, and asks again for each act that gives or ends power.

import { equalBytes } from '@holdfast/protocol/codec/bytes';
import { HoldfastError } from '@holdfast/protocol/errors';
import type { OperatorFacts } from '@holdfast/protocol/operator/ports';
import type { Records } from '../store/records.ts';
import type { AesKey } from './aes-key.ts';
import { stepUpChallenge, verifyAssertion } from './assertion.ts';
import type { Page } from './authenticator.ts';
import {
  keyName,
  openMaster,
  openRecord,
  overwrite,
  readKeyRecord,
  sealRecord,
  stateKeyOf,
  type KeyRecord,
  type PasskeyUnlock,
  type PassphraseUnlock,
  type PrivateKeys,
  type Unlock,
} from './key-record.ts';
import { Leaves } from './leaves.ts';
import { NewKeys } from './new-keys.ts';
import { addWay, askPasskey, type Way, type WayPorts } from './ways.ts';
import { WebKeyHolder } from './web-key-holder.ts';

export interface KeyPorts extends WayPorts {
  readonly records: Records;
  readonly page: Page;
  /** Does not go back. */
  readonly monotonicMs: () => number;
}

/** What the person confirms, word for word as it was shown. */
export type Act = string;

export interface Unlocked {
  readonly facts: OperatorFacts;
  readonly holder: WebKeyHolder;
  /** Seals what is remembered of the fleet. */
  readonly state: AesKey;
  /** `work` may sign for this act, once the person confirmed it by `way`; begun within the work of another it would wait for itself. Throws `step_up_needed`, `passkey_refused`, `passphrase_wrong`. [BKEY-8] */
  withLeave<T>(act: Act, way: Way, work: () => Promise<T>): Promise<T>;
  /** For a no, which needs no confirmation. [BKEY-10] */
  denying<T>(work: () => Promise<T>): Promise<T>;
}

interface Opened {
  readonly facts: OperatorFacts;
  readonly holder: WebKeyHolder;
  readonly leaves: Leaves;
  readonly state: AesKey;
  readonly wire: Uint8Array;
}

export class OperatorKeys {
  readonly #ports: KeyPorts;
  /** `wire`: the record as it was when its seal was opened. */
  #unlocked: { readonly holder: WebKeyHolder; readonly leaves: Leaves; wire: Uint8Array } | undefined;

  constructor(ports: KeyPorts) {
    this.#ports = ports;
  }

  /** Undefined where no operator key lies. Throws `key_invalid`. */
  async record(): Promise<KeyRecord | undefined> {
    const wire = await this.#ports.records.get(keyName);
    return wire === undefined ? undefined : readKeyRecord(wire);
  }

  /** Keys that nobody has yet, and that are nowhere until they are saved. Throws `passkey_refused`, `passkey_unfit`, `usage`. */
  make(way: Way, userName: string): Promise<NewKeys> {
    return NewKeys.make(this.#ports, new Leaves(this.#ports.monotonicMs), way, userName);
  }

  /** Stores keys with the fleet that came of them; they are unlocked then. Throws `operator_exists`, `store_failed`. */
  async save(made: NewKeys, facts: OperatorFacts): Promise<Unlocked> {
    const { record, state } = await made.seal(facts);
    await this.#ports.records.change(keyName, (before) => {
      if (before === undefined) return record;
      throw new HoldfastError('operator_exists', 'this browser has an operator key already', {
        next: 'unlock it, or use another browser',
      });
    });
    return this.#open({ facts, holder: made.holder, leaves: made.leaves, state, wire: record });
  }

  /** Of a device that no fleet has. */
  async forget(): Promise<void> {
    this.lock();
    await this.#ports.records.remove([keyName]);
  }

  /** Throws `operator_absent`, `key_invalid`, `passphrase_wrong`, `passkey_wrong`, `passkey_refused`. */
  async unlock(way: Way): Promise<Unlocked> {
    const { record, wire } = await this.#required();
    const master = await this.#masterOf(record, way);
    try {
      const leaves = new Leaves(this.#ports.monotonicMs);
      const held = await openRecord(record, master);
      const holder = await WebKeyHolder.of(this.#ports.primitives, leaves, held, record.keys);
      return this.#open({ facts: record, holder, leaves, state: await stateKeyOf(master), wire });
    } finally {
      master.fill(0);
    }
  }

  #open({ facts, holder, leaves, state, wire }: Opened): Unlocked {
    this.lock();
    this.#unlocked = { holder, leaves, wire };
    return {
      facts,
      holder,
      state,
      withLeave: (act, way, work) => leaves.during(() => this.#confirm(holder, act, way), work),
      denying: (work) => leaves.denying(work),
    };
  }

  /** Drops the handles and ends whatever leave there is. [BKEY-11] */
  lock(): void {
    this.#unlocked?.leaves.end();
    this.#unlocked?.holder.wipe();
    this.#unlocked = undefined;
  }

  /** Another way to unlock, by who shows one that is there: `proven` is called once it is. Throws as `unlock` and `make`. [BKEY-6] */
  async add(shown: Way, added: Way, proven?: () => void): Promise<void> {
    await this.#change(shown, async (record, master) => {
      proven?.();
      const unlock = await addWay(this.#ports, added, record.fleetName, record, master);
      return [...record.unlocks.filter(({ kind }) => kind !== 'passphrase' || unlock.kind !== 'passphrase'), unlock];
    });
  }

  /** `credential` of a passkey, or undefined for the passphrase. Throws `usage` for the last one, and as `unlock`. [BKEY-6] */
  async remove(shown: Way, credential: Uint8Array | undefined, proven?: () => void): Promise<void> {
    await this.#change(shown, async ({ unlocks }) => {
      proven?.();
      const left = unlocks.filter((each) =>
        each.kind === 'passphrase'
          ? credential !== undefined
          : credential === undefined || !equalBytes(each.credential, credential),
      );
      if (left.length > 0) return left;
      throw new HoldfastError('usage', 'this is the only way to unlock', { next: 'add another one first' });
    });
  }

  async #required(): Promise<{ readonly record: KeyRecord; readonly wire: Uint8Array }> {
    const wire = await this.#ports.records.get(keyName);
    if (wire === undefined)
      throw new HoldfastError('operator_absent', 'this browser has no operator key', {
        next: 'make a fleet, or add this browser from another device',
      });
    return { record: readKeyRecord(wire), wire };
  }

  async #masterOf(record: KeyRecord, way: Way): Promise<Uint8Array> {
    if (way.kind === 'passphrase') {
      const unlock = passphraseOf(record);
      const stretched = await this.#ports.stretch(way.passphrase, unlock.salt, unlock.logN);
      return openMaster(unlock, { kind: 'passphrase', stretched });
    }
    const passkeys = passkeysOf(record);
    const challenge = this.#ports.primitives.random(32);
    const { credential, prf } = await askPasskey(this.#ports.authenticator, passkeys, challenge, record.prfSalt);
    const unlock = passkeys.find((each) => equalBytes(each.credential, credential));
    if (unlock === undefined || prf === undefined)
      throw new HoldfastError('passkey_wrong', 'this passkey does not open the operator key', {
        next: 'use the passkey that was made here, or the passphrase',
      });
    return openMaster(unlock, { kind: 'passkey', credential, prf });
  }

  /** [BKEY-9] */
  async #confirm(holder: WebKeyHolder, act: Act, way: Way): Promise<void> {
    const { record, wire } = await this.#required();
    const unlocked = this.#unlocked;
    // whoever can write to the profile could put a passkey of their own into the record: only what was opened since then says who may confirm
    if (unlocked?.holder !== holder || !equalBytes(unlocked.wire, wire))
      throw new HoldfastError('key_invalid', 'the operator key of this browser was changed since it was unlocked', {
        next: 'lock this page, and unlock it again',
      });
    if (way.kind === 'passphrase') {
      (await this.#masterOf(record, way)).fill(0);
      return;
    }
    const { primitives, page, authenticator } = this.#ports;
    const passkeys = passkeysOf(record);
    const challenge = stepUpChallenge(primitives, primitives.random(32), act);
    const asserted = await askPasskey(authenticator, passkeys, challenge);
    await verifyAssertion(primitives, page, passkeys, challenge, asserted);
  }

  /** Seals the same keys with other ways to unlock. [BKEY-6] */
  async #change(shown: Way, waysOf: (record: KeyRecord, master: Uint8Array) => Promise<readonly Unlock[]>): Promise<void> {
    const { record, wire } = await this.#required();
    const master = await this.#masterOf(record, shown);
    let held: PrivateKeys | undefined;
    try {
      held = await openRecord(record, master);
      const unlocks = await waysOf(record, master);
      const after = await sealRecord(this.#ports.primitives, { ...record, facts: record, unlocks }, master, held);
      await this.#ports.records.change(keyName, (now) => {
        if (now !== undefined && equalBytes(now, wire)) return after;
        throw new HoldfastError('already_running', 'another tab changed this key meanwhile', { next: 'try again' });
      });
      if (this.#unlocked !== undefined && equalBytes(this.#unlocked.wire, wire)) this.#unlocked.wire = after;
    } finally {
      master.fill(0);
      if (held !== undefined) overwrite(held);
    }
  }
}

function passphraseOf({ unlocks }: KeyRecord): PassphraseUnlock {
  const found = unlocks.find((each) => each.kind === 'passphrase');
  if (found !== undefined) return found;
  throw new HoldfastError('passphrase_wrong', 'this key has no passphrase', { next: 'unlock it with its passkey' });
}

function passkeysOf({ unlocks }: KeyRecord): readonly PasskeyUnlock[] {
  return unlocks.filter((each) => each.kind === 'passkey');
}
