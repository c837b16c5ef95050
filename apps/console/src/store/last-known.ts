// What this browser knew last of its fleet, spec/console-key.md: for a start without the relay. Sealed under the operator's own key, believed as it
// stands and shown as old; nothing can be signed on it, since what is signed goes through the relay.

import { concat, utf8 } from '@holdfast/protocol/codec/bytes';
import { bytes, bytesUpTo, decode, encode, integer, literal, record } from '@holdfast/protocol/codec/schema';
import { readSnapshot } from '@holdfast/protocol/journal/snapshot';
import type { FleetState } from '@holdfast/protocol/journal/state';
import { wallClockMs } from '@holdfast/protocol/keys/public-keys';
import type { Primitives } from '@holdfast/protocol/primitives/primitives';
import { openWith, sealWith, type AesKey } from '../keys/aes-key.ts';
import type { Records } from './records.ts';

export const stateName = 'state';
const maxBytes = 64 * 1024 * 1024;

const kept = record({ v: literal(1), nonce: bytes(12), sealed: bytesUpTo(maxBytes) });
const content = record({ v: literal(1), atMs: integer(wallClockMs), snapshot: bytesUpTo(maxBytes - 1024) });

export interface Known {
  readonly state: FleetState;
  /** When it was what the relay showed. */
  readonly atMs: number;
}

export class LastKnown {
  readonly #primitives: Primitives;
  readonly #records: Records;
  readonly #key: AesKey;
  readonly #associated: Uint8Array;

  /** `key`: of the unlocked operator key, gone with it. */
  constructor(primitives: Primitives, records: Records, key: AesKey, fleet: Uint8Array) {
    this.#primitives = primitives;
    this.#records = records;
    this.#key = key;
    this.#associated = concat(utf8('holdfast/v1 console state\0'), fleet);
  }

  /** Undefined where there is none; what does not open is thrown away. Throws `store_failed`. [BKEY-14] */
  async read(): Promise<Known | undefined> {
    const wire = await this.#records.get(stateName);
    if (wire === undefined) return undefined;
    try {
      const { nonce, sealed } = decode(kept, wire, maxBytes + 1024);
      const { atMs, snapshot } = decode(content, await openWith(this.#key, nonce, this.#associated, sealed), maxBytes);
      return { state: readSnapshot(snapshot).state, atMs };
    } catch {
      await this.#records.remove([stateName]);
      return undefined;
    }
  }

  /** `snapshot`: of a replica, verified. Throws `store_failed`, `codec_limit` for a fleet that is too large for it. */
  async keep(snapshot: Uint8Array, atMs: number): Promise<void> {
    const nonce = this.#primitives.random(12);
    const sealed = await sealWith(this.#key, nonce, this.#associated, encode(content, { v: 1, atMs, snapshot })); // [BKEY-1]
    await this.#records.change(stateName, () => encode(kept, { v: 1, nonce, sealed }));
  }
}
