// Records in the browser's database, spec/console-key.md. Knows the DOM: no file that tests run in Node imports it.

import { HoldfastError } from '@holdfast/protocol/errors';
import type { Records } from './records.ts';

const storeName = 'records';

/** Opens the database of this origin, or makes it. Throws `store_failed`. */
export async function openRecords(database = 'holdfast'): Promise<Records> {
  const opened = await failing(() => {
    const request = indexedDB.open(database, 1);
    request.addEventListener('upgradeneeded', () => request.result.createObjectStore(storeName));
    return settled(request);
  });
  // a newer console in another tab wants to change the form: it waits for nobody
  opened.addEventListener('versionchange', () => opened.close());
  return new DatabaseRecords(opened);
}

class DatabaseRecords implements Records {
  readonly #database: IDBDatabase;

  constructor(database: IDBDatabase) {
    this.#database = database;
  }

  get(name: string): Promise<Uint8Array | undefined> {
    return failing(async () => bytesOf(await settled(this.#database.transaction(storeName).objectStore(storeName).get(name))));
  }

  async change(name: string, change: (before: Uint8Array | undefined) => Uint8Array | undefined): Promise<void> {
    let thrown: { readonly cause: unknown } | undefined;
    await failing(() => {
      const [transaction, records] = this.#writing();
      const request = records.get(name);
      request.addEventListener('success', () => {
        try {
          const after = change(bytesOf(request.result));
          if (after === undefined) records.delete(name);
          else records.put(after, name);
        } catch (cause) {
          thrown = { cause };
          transaction.abort();
        }
      });
      return completed(transaction);
    }).catch((failure: unknown) => {
      throw thrown === undefined ? failure : thrown.cause;
    });
  }

  async names(prefix: string): Promise<readonly string[]> {
    const range = IDBKeyRange.bound(prefix, `${prefix}\uffff`);
    return failing(async () => {
      const keys = await settled(this.#database.transaction(storeName).objectStore(storeName).getAllKeys(range));
      return keys.map(String);
    });
  }

  remove(names: readonly string[]): Promise<void> {
    return failing(() => {
      const [transaction, records] = this.#writing();
      for (const name of names) records.delete(name);
      return completed(transaction);
    });
  }

  #writing(): readonly [IDBTransaction, IDBObjectStore] {
    const transaction = this.#database.transaction(storeName, 'readwrite', { durability: 'strict' }); // [BKEY-13]
    return [transaction, transaction.objectStore(storeName)];
  }
}

/** Whatever else lies there is no record of ours. */
function bytesOf(value: unknown): Uint8Array | undefined {
  if (value === undefined || value instanceof Uint8Array) return value;
  throw new HoldfastError('key_invalid', 'what this browser keeps for Holdfast is damaged', {
    next: 'recover with the recovery kit',
  });
}

async function failing<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof HoldfastError) throw cause;
    throw new HoldfastError('store_failed', 'this browser could not read or write its database', {
      cause,
      next: 'free space, and allow this page to keep data; nothing was changed',
    });
  }
}

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.addEventListener('success', () => resolve(request.result));
    request.addEventListener('error', () => reject(request.error ?? new Error('the request failed')));
  });
}

function completed(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.addEventListener('complete', () => resolve());
    for (const end of ['abort', 'error']) {
      transaction.addEventListener(end, () => reject(transaction.error ?? new Error('the transaction was ended')));
    }
  });
}
