// The epoch keys that one principal has, spec/audience.md. They live in memory only: each comes out of a lockbox by the principal's
// KeyHolder, or is handed down from the epoch after it. Every key is found by the commitment in a signed entry, so a wrong one fits nothing.

import { toHex } from '../codec/bytes.ts';
import { codeOf, HoldfastError, type ErrorCode } from '../errors.ts';
import type { EntryStatement } from '../blind/entry.ts';
import type { KeyHolder } from '../keys/key-holder.ts';
import type { Primitives } from '../primitives/primitives.ts';
import { openBody } from '../seal/body.ts';
import { openLockbox, openPreviousKey, type EpochName, type LockboxPlace } from '../seal/lockbox.ts';
import { decodeBody } from './bodies.ts';

/** Where lockboxes are kept: a local copy, then the relay. Undefined: there is none; throws when that cannot be told. */
export type Lockboxes = (place: LockboxPlace) => Promise<Uint8Array | undefined>;

/** One epoch and the commitment to its key. */
export type WantedEpoch = Omit<LockboxPlace, 'member'>;

/** What a lockbox or a handed-down key may be wrong in; anything else (no connection, no custody) is not its fault. */
const wrongContent: ReadonlySet<ErrorCode> = new Set([
  'codec_limit',
  'codec_noncanonical',
  'codec_shape',
  'codec_trailing',
  'codec_truncated',
  'lockbox_invalid',
  'open_failed',
  'rules_altered',
  'device_invalid',
  'warrant_invalid',
]);

export function isWrongContent(thrown: unknown): ErrorCode | undefined {
  const code = codeOf(thrown);
  return wrongContent.has(code) ? code : undefined;
}

export interface KeyringOptions {
  readonly primitives: Primitives;
  readonly holder: KeyHolder;
  readonly self: Uint8Array;
  readonly fleet: Uint8Array;
  readonly lockboxes: Lockboxes;
  /** Told of each lockbox that held the right key: any other is not worth keeping, whoever handed it over. [LOCKBOX-5] */
  readonly opened?: ((place: LockboxPlace, box: Uint8Array) => void) | undefined;
}

export class Keyring {
  readonly #options: KeyringOptions;
  readonly #keys = new Map<string, Uint8Array>();
  readonly #spoilt = new Set<string>();

  constructor(options: KeyringOptions) {
    this.#options = options;
  }

  /** Lockboxes that were there and held no key that fits. */
  get spoiltLockboxes(): number {
    return this.#spoilt.size;
  }

  /** The key, which stays the keyring's; `ahead`: entries further on, in which a later epoch may hand it down. Throws `epoch_key_missing`. */
  async find(wanted: WantedEpoch, ahead: () => readonly EntryStatement[] = () => []): Promise<Uint8Array> {
    const key = (await this.#held(wanted)) ?? (await this.#handedDown(wanted, ahead()));
    if (key !== undefined) return key;
    throw new HoldfastError('epoch_key_missing', `no key for epoch ${wanted.epoch} of ${wanted.audience}`, {
      next: 'ask the relay again; if it stays away, the relay withholds the lockbox',
    }); // [AUDIENCE-9]
  }

  /** Overwrites every key. */
  wipe(): void {
    for (const key of this.#keys.values()) key.fill(0);
    this.#keys.clear();
  }

  #name({ audience, epoch }: WantedEpoch): EpochName {
    return { fleet: this.#options.fleet, audience, epoch };
  }

  async #held(wanted: WantedEpoch): Promise<Uint8Array | undefined> {
    const commitment = toHex(wanted.keyCommitment);
    const known = this.#keys.get(commitment);
    if (known !== undefined) return known;
    const { primitives, holder, self, lockboxes } = this.#options;
    const { audience, epoch, keyCommitment } = wanted;
    const place = { audience, epoch, keyCommitment, member: self };
    const box = await lockboxes(place); // [LOCKBOX-6]
    if (box === undefined) return undefined;
    try {
      const key = await openLockbox(primitives, holder, this.#name(wanted), self, box, keyCommitment); // [AUDIENCE-8]
      this.#keys.set(commitment, key);
      this.#spoilt.delete(`${audience}/${epoch}`);
      this.#options.opened?.(place, box);
      return key;
    } catch (thrown) {
      if (isWrongContent(thrown) === undefined) throw thrown;
      this.#spoilt.add(`${audience}/${epoch}`); // [AUDIENCE-9] surfaced, never skipped in silence
      return undefined;
    }
  }

  /** [AUDIENCE-7] From the latest epoch ahead whose key we have, down to the wanted one. The statements are unverified: commitments check the keys. */
  async #handedDown(wanted: WantedEpoch, ahead: readonly EntryStatement[]): Promise<Uint8Array | undefined> {
    const starts: EntryStatement[] = [];
    for (const statement of ahead) {
      if (statement.audience === wanted.audience && statement.epoch === wanted.epoch + starts.length + 1) starts.push(statement);
    }
    for (let from = starts.length - 1; from >= 0; from -= 1) {
      const start = starts[from];
      if (start === undefined || (await this.#held(start)) === undefined) continue;
      for (let at = from; at >= 0; at -= 1) {
        const upper = starts[at];
        if (upper === undefined || !(await this.#handDown(upper, starts[at - 1] ?? wanted))) return undefined;
      }
      return this.#keys.get(toHex(wanted.keyCommitment));
    }
    return undefined;
  }

  /** Takes the key of `lower` out of the entry that starts `upper`. */
  async #handDown(upper: EntryStatement, lower: WantedEpoch): Promise<boolean> {
    const { primitives } = this.#options;
    const key = this.#keys.get(toHex(upper.keyCommitment));
    if (key === undefined) return false;
    try {
      const plain = await openBody(primitives, key, upper);
      const body = decodeBody(plain);
      plain.fill(0);
      if (body.kind !== 'epoch' || body.previousKey === undefined) return false;
      const previous = await openPreviousKey(primitives, this.#name(upper), key, body.previousKey, lower.keyCommitment);
      this.#keys.set(toHex(lower.keyCommitment), previous);
      this.#spoilt.delete(`${lower.audience}/${lower.epoch}`); // sealed to keys that were ours before, for example [ROTATE-5]
      return true;
    } catch (thrown) {
      if (isWrongContent(thrown) === undefined) throw thrown;
      return false;
    }
  }
}
