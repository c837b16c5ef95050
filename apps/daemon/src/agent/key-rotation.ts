// The keys that an agent signs and opens with, and those that it asks for in their place, spec/rotation.md: the old ones until an operator's entry has
// given it the new ones, from then on the new ones, in one step.

import { equalBytes } from '@holdfast/protocol/codec/bytes';
import type { DelegationTerms } from '@holdfast/protocol/custody/delegation';
import type { KeyBindingTerms } from '@holdfast/protocol/custody/key-binding';
import type { Domain } from '@holdfast/protocol/keys/domain';
import type { KeyHolder, OneTimeKey, SealPurpose } from '@holdfast/protocol/keys/key-holder';
import type { PublicKeys } from '@holdfast/protocol/keys/public-keys';

/** Keys in custody, which also bind a credential to a presentation, and publish the log. */
export interface AgentKey extends KeyHolder {
  present(terms: KeyBindingTerms): Promise<string>;
  delegate(credential: string, terms: DelegationTerms): Promise<string>;
  /** r‖s over the checkpoint that this key publishes. */
  publish(size: number, root: Uint8Array): Promise<Uint8Array>;
}

/** One key in the eyes of whoever holds it, also after it became another. */
class Changing implements AgentKey {
  now: AgentKey;

  constructor(now: AgentKey) {
    this.now = now;
  }

  get publicKeys(): PublicKeys {
    return this.now.publicKeys;
  }

  sign(domain: Domain, statement: Uint8Array): Promise<Uint8Array> {
    return this.now.sign(domain, statement);
  }

  open(purpose: SealPurpose, encapsulated: Uint8Array): Promise<OneTimeKey> {
    return this.now.open(purpose, encapsulated);
  }

  present(terms: KeyBindingTerms): Promise<string> {
    return this.now.present(terms);
  }

  delegate(credential: string, terms: DelegationTerms): Promise<string> {
    return this.now.delegate(credential, terms);
  }

  publish(size: number, root: Uint8Array): Promise<Uint8Array> {
    return this.now.publish(size, root);
  }
}

/** A key that was asked for, with custody's name for it. */
export interface Asked {
  readonly key: Uint8Array;
  readonly holder: AgentKey;
}

export class KeyRotation {
  readonly #current: Changing;
  readonly #knocking: Changing;
  /** Writes down that a key is the agent's, and returns custody's names of those that are it no more. Throws `store_failed`: then nothing has changed. */
  readonly #taken: (key: Uint8Array) => readonly Uint8Array[];
  #asked: readonly Asked[];

  constructor(held: AgentKey, asked: readonly Asked[], taken: (key: Uint8Array) => readonly Uint8Array[]) {
    this.#current = new Changing(held);
    this.#knocking = new Changing(held);
    this.#asked = asked;
    this.#taken = taken;
  }

  /** What the agent signs and opens with. */
  get current(): AgentKey {
    return this.#current;
  }

  /** What it shows the relay that it has: the relay may know of new keys before this machine has read of them. */
  get knocking(): AgentKey {
    return this.#knocking;
  }

  ask(asked: Asked): void {
    this.#asked = [...this.#asked.filter(({ key }) => !equalBytes(key, asked.key)), asked];
  }

  /** The relay does not know the keys that were shown: next time it is shown the next ones that there are. */
  refused(): void {
    const all = [this.#current.now, ...this.#asked.map(({ holder }) => holder)];
    this.#knocking.now = all[(all.indexOf(this.#knocking.now) + 1) % all.length] ?? this.#current.now;
  }

  /** When these are keys that were asked for, they are the agent's from here on; which ones are to be destroyed now. [ROTATE-8] */
  given({ sign }: PublicKeys): readonly Uint8Array[] | undefined {
    const given = this.#asked.find(({ holder }) => equalBytes(holder.publicKeys.sign, sign));
    if (given === undefined) return undefined;
    const ended = this.#taken(given.key);
    this.#current.now = given.holder;
    this.#knocking.now = given.holder;
    this.#asked = [];
    return ended;
  }
}
