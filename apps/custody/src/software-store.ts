// Keys in software, spec/custody.md: labelled so in the agent's credential and wherever it shows. One file a key, replaced as a whole:
// written beside it, synced, renamed, the folder synced; a machine that dies at any point has the old file or the new one.

import { constants } from 'node:fs';
import { open, readdir, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';

import type { CustodyLevel } from '@holdfast/protocol/blind/pairing-offer';
import { toHex } from '@holdfast/protocol/codec/bytes';
import { maxKeys, type Binding, type KeyDescription } from '@holdfast/protocol/custody/wire';
import { HoldfastError } from '@holdfast/protocol/errors';
import type { Primitives } from '@holdfast/protocol/primitives/primitives';
import { SoftwareKeyHolder } from '@holdfast/protocol/seal/software-key-holder';

import { maxKeyFileBytes, StoreSeal } from './key-file.ts';
import type { KeyStore, StoredKey } from './store.ts';

const headerName = 'store';
const keyName = /^[0-9a-f]{32}\.key$/;
const newSuffix = '.new';

interface SoftwareKey extends StoredKey {
  readonly holder: SoftwareKeyHolder;
}

export class SoftwareStore implements KeyStore {
  readonly level: CustodyLevel;
  readonly #primitives: Primitives;
  readonly #folder: string;
  readonly #seal: StoreSeal;
  readonly #keys: Map<string, SoftwareKey>;

  private constructor(primitives: Primitives, folder: string, seal: StoreSeal, keys: Map<string, SoftwareKey>) {
    this.#primitives = primitives;
    this.#folder = folder;
    this.#seal = seal;
    this.#keys = keys;
    this.level = seal.sealed ? 'software' : 'software, unsealed';
  }

  /**
   * Opens the store in `folder`, which exists; an empty folder becomes a new store. `passphrase` stays the caller's.
   * Throws `passphrase_wrong`, `key_invalid`, `codec_*` for damaged files, `store_failed`.
   */
  static async open(primitives: Primitives, folder: string, passphrase: Uint8Array | undefined): Promise<SoftwareStore> {
    const names = await attempt('read the key store', () => readdir(folder));
    for (const name of names.filter((each) => each.endsWith(newSuffix))) {
      await attempt('clean the key store', () => unlink(join(folder, name))); // a write that never came to its rename
    }
    const keyNames = names.filter((each) => keyName.test(each));
    let seal: StoreSeal;
    if (names.includes(headerName)) {
      seal = await StoreSeal.of(primitives, await readBounded(join(folder, headerName)), passphrase);
    } else if (keyNames.length > 0) {
      throw new HoldfastError('store_failed', 'the key store has keys and no header: restore its folder from a backup'); // [CUSTODY-15]
    } else {
      const made = await StoreSeal.make(primitives, passphrase);
      await replace(folder, headerName, made.header);
      seal = made.seal;
    }
    const keys = new Map<string, SoftwareKey>();
    for (const name of keyNames) {
      const key = await readKey(primitives, seal, await readBounded(join(folder, name)));
      if (fileName(key.description.key) !== name) throw new HoldfastError('key_invalid', 'a key file has the name of another');
      keys.set(name, key);
    }
    return new SoftwareStore(primitives, folder, seal, keys);
  }

  list(): readonly StoredKey[] {
    return [...this.#keys.values()];
  }

  find(reference: Uint8Array): SoftwareKey {
    const key = this.#keys.get(fileName(reference));
    if (key === undefined) throw new HoldfastError('key_unknown', 'no such key');
    return key;
  }

  async create(label: string): Promise<StoredKey> {
    if (this.#keys.size >= maxKeys) throw new HoldfastError('custody_refused', `the key store is full: ${maxKeys} keys`);
    const holder = await SoftwareKeyHolder.generate(this.#primitives);
    return this.#keep({ description: { key: this.#primitives.random(16), label, publicKeys: holder.publicKeys }, holder });
  }

  async bind(reference: Uint8Array, binding: Binding): Promise<StoredKey> {
    const { description, holder } = this.find(reference);
    return this.#keep({ description: { ...description, binding }, holder });
  }

  async destroy(reference: Uint8Array): Promise<void> {
    const { holder } = this.find(reference);
    await attempt('remove the key', async () => {
      await unlink(join(this.#folder, fileName(reference)));
      await syncFolder(this.#folder);
    });
    holder.wipe();
    this.#keys.delete(fileName(reference));
  }

  /** On disk first, in memory after: what was answered is durable. */
  async #keep(key: SoftwareKey): Promise<StoredKey> {
    const { description, holder } = key;
    const { publicKeys: _, ...about } = description;
    const secret = holder.exportBytes();
    const written = await this.#seal.write(about, secret);
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

function fileName(reference: Uint8Array): string {
  return `${toHex(reference)}.key`;
}

async function readKey(primitives: Primitives, seal: StoreSeal, written: Uint8Array): Promise<SoftwareKey> {
  try {
    const { key, label, binding, private: secret } = await seal.read(written);
    const holder = await SoftwareKeyHolder.fromBytes(primitives, secret);
    secret.fill(0);
    const always: KeyDescription = { key, label, publicKeys: holder.publicKeys };
    return { description: binding === undefined ? always : { ...always, binding }, holder };
  } finally {
    written.fill(0);
  }
}

/** [CUSTODY-14] All or nothing, and there when it resolves. Custody takes one request at a time, so no two writes meet. */
async function replace(folder: string, name: string, content: Uint8Array): Promise<void> {
  const path = join(folder, name);
  await attempt('write the key store', async () => {
    const file = await open(
      path + newSuffix,
      constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
      0o600,
    );
    try {
      await file.writeFile(content);
      await file.sync();
      await file.close();
      await rename(path + newSuffix, path);
    } catch (cause) {
      await file.close().catch(() => {});
      await unlink(path + newSuffix).catch(() => {});
      throw cause;
    }
    await syncFolder(folder);
  });
}

/** Through a handle: Node's permission model allows no other fsync. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** No more than a file of ours can have; the caller overwrites it. */
async function readBounded(path: string): Promise<Uint8Array> {
  return attempt('read the key store', async () => {
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
    try {
      const buffer = new Uint8Array(maxKeyFileBytes + 1);
      let filled = 0;
      for (;;) {
        const { bytesRead } = await file.read(buffer, filled, buffer.length - filled);
        if (bytesRead === 0) return buffer.subarray(0, filled);
        filled += bytesRead;
      }
    } finally {
      await file.close();
    }
  });
}

async function attempt<T>(what: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (cause) {
    const reason = cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : 'unexpected';
    throw new HoldfastError('store_failed', `cannot ${what}: ${reason}`, { cause });
  }
}
