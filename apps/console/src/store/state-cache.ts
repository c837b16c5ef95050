// The control entries that this browser has read, spec/console-key.md: so that a start needs not read a long history again, and that a browser without
// its relay shows what it knew last. Sealed; and whoever reads them verifies them as if they came from the relay.

import { concat, utf8 } from '@holdfast/protocol/codec/bytes';
import { maxEntryBytes } from '@holdfast/protocol/blind/entry';
import { bytes, bytesUpTo, decode, encode, integer, list, literal, record } from '@holdfast/protocol/codec/schema';
import { fleetId } from '@holdfast/protocol/keys/public-keys';
import type { Primitives } from '@holdfast/protocol/primitives/primitives';
import { openWith, sealWith, type AesKey } from '../keys/aes-key.ts';
import type { Records } from './records.ts';

/** Of one piece; a longer history has more of them. */
const maxEntries = 4096;
const maxPieceBytes = 64 * 1024 * 1024;
/** Then they become one again. */
const maxPieces = 64;

const position = integer({ max: 2 ** 48 });
const piece = record({ v: literal(1), nonce: bytes(12), sealed: bytesUpTo(maxPieceBytes) });
const content = record({ v: literal(1), entries: list(bytesUpTo(maxEntryBytes), { min: 1, max: maxEntries }) });
const place = record({ fleet: fleetId, from: position });

/** The first position in it, so that their order is the names'. */
const nameOf = (from: number): string => `state/${from.toString().padStart(15, '0')}`;

export class StateCache {
  readonly #primitives: Primitives;
  readonly #records: Records;
  readonly #key: AesKey;
  readonly #fleet: Uint8Array;

  /** `key`: of the unlocked operator key, gone with it. */
  constructor(primitives: Primitives, records: Records, key: AesKey, fleet: Uint8Array) {
    this.#primitives = primitives;
    this.#records = records;
    this.#key = key;
    this.#fleet = fleet;
  }

  /** From position 0, without a gap, as far as it goes; what does not open is dropped with all after it. [BKEY-14] */
  async read(): Promise<readonly Uint8Array[]> {
    const entries: Uint8Array[] = [];
    const names = await this.#records.names('state/');
    for (const [index, name] of names.entries()) {
      const found = name === nameOf(entries.length) ? await this.#open(name, entries.length) : undefined;
      if (found === undefined) {
        await this.#records.remove(names.slice(index));
        break;
      }
      entries.push(...found);
    }
    return entries;
  }

  /** Entries that were verified, the first of them at position `from`. What another tab kept of the same stays. */
  async keep(from: number, entries: readonly Uint8Array[]): Promise<void> {
    if (entries.length === 0) return;
    if ((await this.#records.names('state/')).length >= maxPieces) {
      const before = (await this.read()).slice(0, from);
      await this.#records.remove(await this.#records.names('state/'));
      if (before.length === from) await this.#write(0, [...before, ...entries]);
      return;
    }
    await this.#write(from, entries);
  }

  async #write(from: number, entries: readonly Uint8Array[]): Promise<void> {
    for (let at = 0; at < entries.length; at += maxEntries) {
      const first = from + at;
      const part = encode(content, { v: 1, entries: entries.slice(at, at + maxEntries) });
      const nonce = this.#primitives.random(12);
      const sealed = await sealWith(this.#key, nonce, this.#associated(first), part); // [BKEY-1]
      await this.#records.change(nameOf(first), () => encode(piece, { v: 1, nonce, sealed }));
    }
  }

  async #open(name: string, from: number): Promise<readonly Uint8Array[] | undefined> {
    const wire = await this.#records.get(name);
    if (wire === undefined) return undefined;
    try {
      const { nonce, sealed } = decode(piece, wire, maxPieceBytes + 1024);
      const opened = await openWith(this.#key, nonce, this.#associated(from), sealed);
      return decode(content, opened, maxPieceBytes).entries;
    } catch {
      return undefined;
    }
  }

  /** A piece opens in its own place of its own fleet. */
  #associated(from: number): Uint8Array {
    return concat(utf8('holdfast/v1 console state\0'), encode(place, { fleet: this.#fleet, from }));
  }
}
