// What an operator device in a browser must not forget, spec/console-key.md: the heads it has seen, what it signed and could not see arrive, what it
// approved before. All of it is ciphertext, hashes or tags; the same forms as the CLI's files.

import { head } from '@holdfast/protocol/blind/entry';
import { decode, encode, integer, literal, optional, record } from '@holdfast/protocol/codec/schema';
import { HoldfastError } from '@holdfast/protocol/errors';
import type { OperatorStore, Seen } from '@holdfast/protocol/operator/ports';
import { stateName } from './last-known.ts';
import type { Records } from './records.ts';
import type { Turns } from './turns.ts';

const seenHeads = record({ v: literal(1), control: head, access: optional(integer({ min: 1, max: 2 ** 48 })) });
const heads = 'heads';
const approved = 'approved-before';

interface StorePorts {
  readonly records: Records;
  readonly turns: Turns;
  /** Called when something newer was remembered. */
  readonly remembered?: () => void;
}

/** Whose unsent entries: this browser's device, or a recovery code that is used here. */
export type Author = 'device' | 'code';

export class BrowserStore implements OperatorStore {
  readonly #records: Records;
  readonly #turns: Turns;
  readonly #remembered: () => void;
  readonly #unsent: string;

  constructor({ records, turns, remembered = () => {} }: StorePorts, author: Author = 'device') {
    this.#records = records;
    this.#turns = turns;
    this.#remembered = remembered;
    this.#unsent = author === 'device' ? 'unsent' : 'unsent-code';
  }

  async seen(): Promise<Seen | undefined> {
    const wire = await this.#records.get(heads);
    return wire === undefined ? undefined : seenOf(wire);
  }

  async remember({ control, access }: Seen): Promise<void> {
    let isNews = false;
    await this.#records.change(heads, (wire) => {
      const before = wire === undefined ? undefined : seenOf(wire);
      const newer = before === undefined || before.control.position < control.position ? control : before.control; // [BKEY-12]
      const version = Math.max(access ?? 0, before?.access ?? 0);
      isNews = newer !== before?.control || version !== (before.access ?? 0);
      return isNews ? encode(seenHeads, { v: 1, control: newer, ...(version > 0 && { access: version }) }) : wire;
    });
    if (isNews) this.#remembered();
  }

  forgetSeen(): Promise<void> {
    return this.#records.remove([heads]);
  }

  unsent(): Promise<Uint8Array | undefined> {
    return this.#records.get(this.#unsent);
  }

  keepUnsent(entries: Uint8Array): Promise<void> {
    return this.#records.change(this.#unsent, () => entries);
  }

  forgetUnsent(): Promise<void> {
    return this.#records.remove([this.#unsent]);
  }

  approvedBefore(): Promise<Uint8Array | undefined> {
    return this.#records.get(approved);
  }

  keepApproved(tags: Uint8Array): Promise<void> {
    return this.#records.change(approved, () => tags);
  }

  takeTurn(): Promise<() => void> {
    return this.#turns.take();
  }
}

/** All that is kept beside the key, of a browser that begins anew. */
export async function forgetAll(records: Records): Promise<void> {
  await records.remove([heads, approved, 'unsent', 'unsent-code', stateName]);
}

/** What is kept for one key alone, of a browser that gets another one in the same fleet. */
export async function forgetOfKey(records: Records): Promise<void> {
  await records.remove([approved, 'unsent', stateName]);
}

function seenOf(wire: Uint8Array): Seen {
  try {
    const { control, access } = decode(seenHeads, wire, 1024);
    return { control, access };
  } catch (cause) {
    throw new HoldfastError('key_invalid', 'what this browser has seen of the fleet is damaged', {
      cause,
      next: 'recover with the recovery kit, or add this browser from another device',
    }); // [BKEY-13]
  }
}
