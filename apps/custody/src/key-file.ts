// The files of the software key store, spec/custody.md: a header that says how the store is sealed, and one file a key. A passphrase
// goes through Argon2id once, to a store key in memory; each file is sealed under that with AES-256-GCM, its label and binding included.

import { argon2 } from 'node:crypto';
import { promisify } from 'node:util';

import { concat, utf8 } from '@holdfast/protocol/codec/bytes';
import {
  bytes,
  bytesUpTo,
  decode,
  encode,
  integer,
  literal,
  optional,
  record,
  union,
  type Infer,
} from '@holdfast/protocol/codec/schema';
import { binding, keyLabel, keyReference } from '@holdfast/protocol/custody/wire';
import { codeOf, HoldfastError } from '@holdfast/protocol/errors';
import type { Primitives } from '@holdfast/protocol/primitives/primitives';

const argon2Async = promisify(argon2);
const maxHeaderBytes = 512;
export const maxKeyFileBytes = 2048;

/** How a passphrase becomes a key, RFC 9106. */
export const stretchCost = {
  salt: bytes(16),
  memoryKiB: integer({ min: 8, max: 1024 * 1024 }),
  passes: integer({ min: 1, max: 16 }),
};
export interface StretchCost {
  readonly salt: Uint8Array;
  readonly memoryKiB: number;
  readonly passes: number;
}

const header = record({
  v: literal(1),
  seal: union({
    none: {},
    /** `check` is the seal of nothing: it tells a wrong passphrase from a damaged key. */
    passphrase: { ...stretchCost, check: bytes(12 + 16) },
  }),
});
type Header = Infer<typeof header>;

const keyFile = record({
  v: literal(1),
  key: keyReference,
  label: keyLabel,
  binding: optional(binding),
  private: bytesUpTo(1024),
});
/** `private` is what the key's maker writes, sealed where the store has a seal. */
export type KeyFile = Infer<typeof keyFile>;

/** RFC 9106 §4, second choice: 64 MiB, three passes. */
export function newStretchCost(primitives: Primitives): StretchCost {
  return { salt: primitives.random(16), memoryKiB: 64 * 1024, passes: 3 };
}

/** Argon2id, RFC 9106. `passphrase` stays the caller's. */
export async function stretch(passphrase: Uint8Array, { salt, memoryKiB, passes }: StretchCost): Promise<Uint8Array> {
  const key = await argon2Async('argon2id', {
    message: passphrase,
    nonce: salt,
    parallelism: 4,
    tagLength: 32,
    memory: memoryKiB,
    passes,
  });
  return new Uint8Array(key.buffer, key.byteOffset, key.byteLength);
}

/** Seals and opens the files of one store. */
export class StoreSeal {
  readonly #primitives: Primitives;
  /** None: the files hold the keys as they are. Lives as long as the process. */
  readonly #storeKey: Uint8Array | undefined;

  private constructor(primitives: Primitives, storeKey: Uint8Array | undefined) {
    this.#primitives = primitives;
    this.#storeKey = storeKey;
  }

  get sealed(): boolean {
    return this.#storeKey !== undefined;
  }

  /** Under a key that something else keeps (a TPM); it is the seal's from now on. */
  static under(primitives: Primitives, storeKey: Uint8Array): StoreSeal {
    return new StoreSeal(primitives, storeKey);
  }

  /** A new store's seal, and the header to write. `passphrase` stays the caller's. */
  static async make(
    primitives: Primitives,
    passphrase: Uint8Array | undefined,
  ): Promise<{ seal: StoreSeal; header: Uint8Array }> {
    if (passphrase === undefined)
      return { seal: new StoreSeal(primitives, undefined), header: encode(header, { v: 1, seal: { kind: 'none' } }) };
    const cost = newStretchCost(primitives);
    const seal = new StoreSeal(primitives, await stretch(passphrase, cost));
    const check = await seal.#seal(utf8('check'), new Uint8Array(0));
    return { seal, header: encode(header, { v: 1, seal: { kind: 'passphrase', ...cost, check } }) };
  }

  /** The seal of a store that has a header. Throws `passphrase_wrong`, also for one too many or one too few; `codec_*`. */
  static async of(primitives: Primitives, written: Uint8Array, passphrase: Uint8Array | undefined): Promise<StoreSeal> {
    const { seal: how }: Header = decode(header, written, maxHeaderBytes);
    if (how.kind === 'none') {
      if (passphrase !== undefined)
        throw new HoldfastError('passphrase_wrong', 'the key store has no passphrase: it was made without one');
      return new StoreSeal(primitives, undefined);
    }
    if (passphrase === undefined)
      throw new HoldfastError('passphrase_wrong', 'the key store is sealed by a passphrase, and none was given');
    const seal = new StoreSeal(primitives, await stretch(passphrase, how));
    try {
      await seal.#open(utf8('check'), how.check);
    } catch (cause) {
      throw new HoldfastError('passphrase_wrong', 'the passphrase does not open the key store', { cause });
    }
    return seal;
  }

  /** `secret` stays the caller's; the result may hold it as it is. */
  async write(about: Omit<KeyFile, 'v' | 'private'>, secret: Uint8Array): Promise<Uint8Array> {
    const clear = { v: 1, ...about, private: new Uint8Array(0) } as const;
    return encode(keyFile, { ...clear, private: this.sealed ? await this.#seal(encode(keyFile, clear), secret) : secret });
  }

  /** The file's fields with `private` opened, which the caller overwrites. Throws `codec_*`, `key_invalid`. */
  async read(written: Uint8Array): Promise<KeyFile> {
    const file = decode(keyFile, written, maxKeyFileBytes);
    if (!this.sealed) return file;
    try {
      return { ...file, private: await this.#open(encode(keyFile, { ...file, private: new Uint8Array(0) }), file.private) };
    } catch (cause) {
      if (codeOf(cause) !== 'open_failed') throw cause;
      throw new HoldfastError('key_invalid', 'a key file was altered, or is of another store', { cause });
    }
  }

  async #seal(associated: Uint8Array, secret: Uint8Array): Promise<Uint8Array> {
    const nonce = this.#primitives.random(12);
    return concat(nonce, await this.#primitives.aeadSeal(this.#held(), nonce, associated, secret));
  }

  async #open(associated: Uint8Array, sealed: Uint8Array): Promise<Uint8Array> {
    return this.#primitives.aeadOpen(this.#held(), sealed.subarray(0, 12), associated, sealed.subarray(12));
  }

  #held(): Uint8Array {
    if (this.#storeKey === undefined) throw new HoldfastError('internal', 'store has no seal');
    return this.#storeKey;
  }
}
