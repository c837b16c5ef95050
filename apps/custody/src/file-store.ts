// A store of key files, spec/custody.md: one file a key, replaced as a whole, its private part sealed as the store's header says. What a
// private part is, and how it signs, is its maker's matter: software-store.ts, tpm/tpm-store.ts.

import { join } from 'node:path';

import type { CustodyLevel } from '@holdfast/protocol/blind/pairing-offer';
import { toHex } from '@holdfast/protocol/codec/bytes';
import { maxKeys, type Binding, type KeyDescription } from '@holdfast/protocol/custody/wire';
import { HoldfastError } from '@holdfast/protocol/errors';
import type { KeyHolder } from '@holdfast/protocol/keys/key-holder';
import type { Primitives } from '@holdfast/protocol/primitives/primitives';

import type { Attester } from './attester.ts';
import { maxKeyFileBytes, type StoreSeal } from './key-file.ts';
import { readBounded, remove, replace, storeNames } from './store-files.ts';
import type { KeyStore, StoredKey } from './store.ts';

const headerName = 'store';
const keyName = /^[0-9a-f]{32}\.key$/;

/** A key pair of each use, whose private part can be written down: in the clear, or as what only its hardware can use. */
export interface FileKey extends KeyHolder {
  /** The caller overwrites it. */
  exportBytes(): Uint8Array;
  /** Also removes what hardware keeps of it. Every later call throws `key_invalid`. */
  wipe(): void | Promise<void>;
  /** Absent: nothing proves where it lives. */
  readonly attester?: Attester | undefined;
}

/** What makes the keys of one store. */
export interface KeyMaker {
  readonly level: CustodyLevel;
  readonly seal: StoreSeal;
  generate(): Promise<FileKey>;
  /** Reads what `exportBytes` wrote, which stays the caller's. Throws `codec_*`, `key_invalid`. */
  fromBytes(secret: Uint8Array): Promise<FileKey>;
  /** A sign of life of the hardware. Throws `key_store_*`, `pin_wrong`. */
  probe?(): Promise<void>;
  /** Lets go of the hardware. */
  close?(): Promise<void>;
}

/** A store that is being opened: how it is with the header that it has, and with a new one. */
export interface KeyMakers {
  of(header: Uint8Array): Promise<KeyMaker>;
  make(): Promise<{ readonly maker: KeyMaker; readonly header: Uint8Array }>;
}

interface Kept extends StoredKey {
  readonly holder: FileKey;
}

export class FileStore implements KeyStore {
  readonly level: CustodyLevel;
  readonly #primitives: Primitives;
  readonly #folder: string;
  readonly #maker: KeyMaker;
  readonly #keys: Map<string, Kept>;

  private constructor(primitives: Primitives, folder: string, maker: KeyMaker, keys: Map<string, Kept>) {
    this.#primitives = primitives;
    this.#folder = folder;
    this.#maker = maker;
    this.#keys = keys;
    this.level = maker.level;
  }

  /** Opens the store in `folder`, which exists; an empty folder becomes a new store. Throws `key_invalid`, `codec_*`, `store_failed`. */
  static async open(primitives: Primitives, folder: string, makers: KeyMakers): Promise<FileStore> {
    const names = await storeNames(folder);
    const keyNames = names.filter((each) => keyName.test(each));
    let maker: KeyMaker;
    if (names.includes(headerName)) {
      maker = await makers.of(await readBounded(join(folder, headerName), maxKeyFileBytes));
    } else if (keyNames.length > 0) {
      throw new HoldfastError('store_failed', 'the key store has keys and no header: restore its folder from a backup'); // [CUSTODY-15]
    } else {
      const made = await makers.make();
      await replace(folder, headerName, made.header);
      maker = made.maker;
    }
    const keys = new Map<string, Kept>();
    for (const name of keyNames) {
      const key = await readKey(maker, await readBounded(join(folder, name), maxKeyFileBytes));
      if (fileName(key.description.key) !== name) throw new HoldfastError('key_invalid', 'a key file has the name of another');
      keys.set(name, key);
    }
    return new FileStore(primitives, folder, maker, keys);
  }

  list(): readonly StoredKey[] {
    return [...this.#keys.values()];
  }

  find(reference: Uint8Array): Kept {
    const key = this.#keys.get(fileName(reference));
    if (key === undefined) throw new HoldfastError('key_unknown', 'no such key');
    return key;
  }

  async create(label: string): Promise<StoredKey> {
    if (this.#keys.size >= maxKeys) throw new HoldfastError('custody_refused', `the key store is full: ${maxKeys} keys`);
    const holder = await this.#maker.generate();
    const key = this.#primitives.random(16);
    return this.#keep({ description: { key, label, custody: this.level, publicKeys: holder.publicKeys }, holder });
  }

  async bind(reference: Uint8Array, binding: Binding): Promise<StoredKey> {
    const { description, holder } = this.find(reference);
    return this.#keep({ description: { ...description, binding }, holder });
  }

  async destroy(reference: Uint8Array): Promise<void> {
    const { holder } = this.find(reference);
    await remove(this.#folder, fileName(reference));
    this.#keys.delete(fileName(reference));
    await holder.wipe();
  }

  async probe(): Promise<void> {
    await this.#maker.probe?.();
  }

  async close(): Promise<void> {
    await this.#maker.close?.();
  }

  /** On disk first, in memory after: what was answered is durable. */
  async #keep(key: Kept): Promise<StoredKey> {
    const { description, holder } = key;
    const { publicKeys: _, custody: __, ...about } = description;
    const secret = holder.exportBytes();
    const written = await this.#maker.seal.write(about, secret);
    secret.fill(0);
    try {
      await replace(this.#folder, fileName(description.key), written);
    } finally {
      written.fill(0);
    }
    this.#keys.set(fileName(description.key), key);
    return key;
  }
}

/** Of a key in its store's folder. */
export function fileName(reference: Uint8Array): string {
  return `${toHex(reference)}.key`;
}

async function readKey(maker: KeyMaker, written: Uint8Array): Promise<Kept> {
  try {
    const { key, label, binding, private: secret } = await maker.seal.read(written);
    const holder = await maker.fromBytes(secret);
    secret.fill(0);
    const always: KeyDescription = { key, label, custody: maker.level, publicKeys: holder.publicKeys };
    return { description: binding === undefined ? always : { ...always, binding }, holder };
  } finally {
    written.fill(0);
  }
}
