// What custody asks of a TPM 2.0: keys that are born in it and never leave it, wrapped under its storage key; signatures, shared points, and a
// few sealed bytes. Templates and commands of TPM 2.0 Part 2 and 3; every command runs in a salted session (session.ts).

import { createHash } from 'node:crypto';

import { concat, equalBytes } from '@holdfast/protocol/codec/bytes';
import { afterHead, alg, attribute, coordinates, heads, nameOf as objectName, padded } from '@holdfast/protocol/custody/tpm-keys';
import { Reader, sized, u16, u32, u8 } from '@holdfast/protocol/custody/tpm-marshal';
import { codeOf, HoldfastError } from '@holdfast/protocol/errors';

import { TpmContextFault, TpmDevice, withoutSessions, withSessions } from './device.ts';
import { TpmSession, type Command, type Entity, type StorageKey } from './session.ts';

const commands = {
  createPrimary: 0x131,
  create: 0x153,
  load: 0x157,
  unseal: 0x15e,
  sign: 0x15d,
  ecdhZGen: 0x154,
  readPublic: 0x173,
  flushContext: 0x165,
  getCapability: 0x17a,
} as const;

const rhOwner = 0x40000001;
const passwordSession = 0x40000009;
/** TCG provisioning guidance: where an owner keeps the storage key, whose password then need not be known here. */
const sharedStorageKey = 0x81000001;

const tagHashCheck = 0x8024;
const rhNull = 0x40000007;

/** TPM_CAP_TPM_PROPERTIES, TPM_PT_PERMANENT, and TPMA_PERMANENT's bit. */
const capProperties = 6;
const permanent = 0x200;
const inLockout = 1 << 9;

const noAuth = new Uint8Array(0);

/** What a key is made of: its head, and a point that the TPM fills in. */
const leaf = (head: Uint8Array): Uint8Array => concat(head, sized(), sized());

export const templates = {
  sign: leaf(heads.sign),
  agree: leaf(heads.agree),
  attest: leaf(heads.attest),
  storage: concat(heads.storage, sized(new Uint8Array(32)), sized(new Uint8Array(32))),
} as const;

export type TpmKeyUse = 'sign' | 'agree';

/** An object as it lies on disk: opened by the TPM that made it, and by no other. */
export interface Wrapped {
  readonly public: Uint8Array;
  readonly private: Uint8Array;
}

/** SEC1, uncompressed, of an ECC public area. Throws `key_invalid` for one that is not of the template `use`. */
export function pointOf(area: Uint8Array, use: TpmKeyUse): Uint8Array {
  const unique = afterHead(area, heads[use]);
  if (unique === undefined) throw new HoldfastError('key_invalid', 'the TPM has a key of another kind than was asked for');
  const { x, y } = coordinates(unique);
  return concat(u8(4), x, y);
}

export function nameOf(area: Uint8Array): Uint8Array {
  return objectName((bytes) => createHash('sha256').update(bytes).digest(), area);
}

/** What work of several commands is given. */
export interface TpmAtWork {
  readonly device: TpmDevice;
  load(wrapped: Wrapped): Promise<Entity>;
  /** A key of a template, that anybody who has the TPM may use. */
  create(template: Uint8Array): Promise<Wrapped>;
  /** In the salted session; the answer's parameters. */
  run(command: Command): Promise<Uint8Array>;
  flush(handle: number): Promise<void>;
}

interface Begun {
  readonly device: TpmDevice;
  readonly storage: StorageKey;
  readonly session: TpmSession;
}

export class Tpm {
  readonly #path: string;
  #device: TpmDevice | undefined;
  #storage: StorageKey | undefined;
  #session: TpmSession | undefined;

  private constructor(path: string) {
    this.#path = path;
  }

  /** Throws `key_store_absent`, `key_store_locked`, `key_store_failed`. */
  static async open(path: string): Promise<Tpm> {
    const tpm = new Tpm(path);
    try {
      await tpm.#anew(async () => {});
      return tpm;
    } catch (thrown) {
      await tpm.close();
      throw thrown;
    }
  }

  /** A key of the TPM's own making, usable with `auth` (at most 32 bytes, the last one not zero). */
  async create(use: TpmKeyUse, auth: Uint8Array): Promise<Wrapped> {
    return this.#create(concat(sized(auth), sized()), templates[use]);
  }

  /** ECDSA with SHA-256 over a digest: r ‖ s. */
  async sign(key: Wrapped, auth: Uint8Array, digest: Uint8Array): Promise<Uint8Array> {
    const ticket = concat(u16(tagHashCheck), u32(rhNull), sized());
    const parameters = concat(sized(digest), concat(u16(alg.ecdsa), u16(alg.sha256)), ticket);
    const answer = await this.#use(key, auth, { code: commands.sign, parameters, answersSized: false });
    const reader = new Reader(answer);
    if (reader.u16() !== alg.ecdsa || reader.u16() !== alg.sha256)
      throw new HoldfastError('key_store_failed', 'the TPM signed in another way than was asked');
    const signature = concat(padded(reader.sized()), padded(reader.sized()));
    reader.end();
    return signature;
  }

  /** x-coordinate of the point shared with `point` (SEC1, uncompressed); the caller overwrites it. Throws `key_invalid` for a point off the curve. */
  async agree(key: Wrapped, auth: Uint8Array, point: Uint8Array): Promise<Uint8Array> {
    const parameters = sized(sized(point.subarray(1, 33)), sized(point.subarray(33)));
    const answer = await this.#use(key, auth, { code: commands.ecdhZGen, parameters, answersSized: true });
    const shared = new Reader(new Reader(answer).sized());
    const x = padded(shared.sized());
    answer.fill(0);
    return x;
  }

  /** Seals up to 128 bytes. `guarded`: wrong values of `auth` count towards the TPM's lockout. */
  async seal(secret: Uint8Array, auth: Uint8Array, guarded: boolean): Promise<Wrapped> {
    const attributes = attribute.fixedTpm | attribute.fixedParent | attribute.userWithAuth;
    const template = concat(
      ...[u16(alg.keyedHash), u16(alg.sha256), u32(guarded ? attributes : attributes | attribute.noDictionaryAttack)],
      ...[sized(), u16(alg.none), sized()],
    );
    return this.#create(concat(sized(auth), sized(secret)), template);
  }

  /** What was sealed; the caller overwrites it. Throws `passphrase_wrong`, `key_store_locked`, `key_store_foreign`. */
  async unseal(sealed: Wrapped, auth: Uint8Array): Promise<Uint8Array> {
    const answer = await this.#use(sealed, auth, { code: commands.unseal, parameters: noAuth, answersSized: true });
    const secret = new Reader(answer).sized().slice();
    answer.fill(0);
    return secret;
  }

  /** Whether it answers. Throws `key_store_absent`; `key_store_locked` in lockout: it still signs, and takes no passphrase. */
  async probe(): Promise<void> {
    await this.#anew(async ({ device }) => {
      try {
        const answer = await device.send(
          withoutSessions,
          commands.getCapability,
          concat(...[capProperties, permanent, 1].map(u32)),
        );
        const reader = new Reader(answer);
        reader.take(1 + 4 + 4 + 4); // whether there is more, the capability, how many, and of what
        if ((reader.u32() & inLockout) !== 0)
          throw new HoldfastError(
            'key_store_locked',
            'the TPM is in lockout after wrong guesses: it takes no passphrase until it recovers',
            {
              next: 'wait, or ask its owner to reset the lockout: tpm2_dictionarylockout --clear-lockout',
            },
          );
      } catch (thrown) {
        await this.#lost(thrown);
        throw thrown;
      }
    });
  }

  /** Work of several commands; `load` leaves an object in the TPM that the work takes out again. */
  async together<T>(work: (tpm: TpmAtWork) => Promise<T>): Promise<T> {
    return this.#anew(async ({ device, storage }) =>
      work({
        device,
        load: async (wrapped) => this.#load(storage, wrapped),
        create: async (template) => this.#create(concat(sized(), sized()), template),
        run: async (command) => (await this.#run(command)).parameters,
        flush: async (handle) => flush(device, handle).catch(() => {}),
      }),
    );
  }

  /** Takes out of the TPM what we put in. A later call would open it again. */
  async close(): Promise<void> {
    const [device, storage, session] = [this.#device, this.#storage, this.#session];
    this.#forget();
    if (device === undefined) return;
    await session?.end().catch(() => {});
    if (storage !== undefined && storage.handle !== sharedStorageKey) await flush(device, storage.handle).catch(() => {});
    await device.close().catch(() => {});
  }

  /** A TPM that was gone may be back: everything is begun anew. */
  async #begin(): Promise<Begun> {
    const device = (this.#device ??= await TpmDevice.open(this.#path));
    try {
      const storage = (this.#storage ??= (await sharedStorage(device)) ?? (await createStorage(device)));
      const session = (this.#session ??= await TpmSession.start(device, storage));
      return { device, storage, session };
    } catch (thrown) {
      await this.#lost(thrown);
      throw thrown;
    }
  }

  #forget(): void {
    this.#device = undefined;
    this.#storage = undefined;
    this.#session = undefined;
  }

  async #lost(thrown: unknown): Promise<void> {
    if (codeOf(thrown) !== 'key_store_absent') return;
    const device = this.#device;
    this.#forget();
    await device?.close().catch(() => {});
  }

  async #create(sensitive: Uint8Array, template: Uint8Array): Promise<Wrapped> {
    const parameters = concat(sized(sensitive), sized(template), sized(), u32(0)); // no outside info, no PCRs
    return this.#anew(async ({ storage }) => {
      const command = { code: commands.create, handles: [storage], auth: noAuth, parameters, answersSized: true };
      const reader = new Reader((await this.#run(command)).parameters);
      return { private: reader.sized().slice(), public: reader.sized().slice() };
    });
  }

  /** Loads, runs one command, and unloads: a TPM without a resource manager has room for three objects. */
  async #use(
    wrapped: Wrapped,
    auth: Uint8Array,
    command: Pick<Command, 'code' | 'parameters' | 'answersSized'>,
  ): Promise<Uint8Array> {
    return this.#anew(async ({ device, storage }) => {
      const object = await this.#load(storage, wrapped);
      try {
        return (await this.#run({ ...command, handles: [object], auth })).parameters;
      } finally {
        await flush(device, object.handle).catch(() => {});
      }
    });
  }

  async #load(storage: StorageKey, wrapped: Wrapped): Promise<Entity> {
    const { handle, parameters } = await this.#run({
      code: commands.load,
      handles: [storage],
      auth: noAuth,
      parameters: concat(sized(wrapped.private), sized(wrapped.public)),
      answersHandle: true,
      answersSized: true,
    });
    const object: Entity = { handle, name: nameOf(wrapped.public) };
    if (equalBytes(new Reader(parameters).sized(), object.name)) return object;
    throw new HoldfastError('key_store_failed', 'the TPM loaded another object than was asked for');
  }

  /** Does the work, and once more from the beginning when the TPM has lost our contexts or has no room for them: nothing was done then. */
  async #anew<T>(work: (begun: Begun) => Promise<T>): Promise<T> {
    try {
      return await work(await this.#begin());
    } catch (thrown) {
      if (!(thrown instanceof TpmContextFault)) throw thrown;
      const device = this.#device;
      if (device !== undefined) await clear(device);
      this.#forget();
      await device?.close().catch(() => {});
      return work(await this.#begin());
    }
  }

  /** A session whose command failed is not trusted to be where we think it is: the next command starts another. */
  async #run(command: Command): Promise<{ readonly handle: number; readonly parameters: Uint8Array }> {
    const { session } = await this.#begin();
    try {
      return await session.run(command);
    } catch (thrown) {
      this.#session = undefined;
      await session.end().catch(() => {});
      await this.#lost(thrown);
      throw thrown;
    }
  }
}

async function flush(device: TpmDevice, handle: number): Promise<void> {
  await device.send(withoutSessions, commands.flushContext, u32(handle));
}

/**
 * Takes out all loaded objects and sessions that can be seen. Through a resource manager these are this connection's own; a device without
 * one is open to one program at a time, and what fills it is what a killed one left.
 */
async function clear(device: TpmDevice): Promise<void> {
  for (const first of [0x80000000, 0x02000000, 0x03000000]) {
    const reader = new Reader(await device.send(withoutSessions, commands.getCapability, concat(u32(1), u32(first), u32(64))));
    reader.take(5); // whether there is more, and what was asked for
    for (let count = reader.u32(); count > 0; count -= 1) await flush(device, reader.u32()).catch(() => {});
  }
}

async function sharedStorage(device: TpmDevice): Promise<StorageKey | undefined> {
  let answer: Uint8Array;
  try {
    answer = await device.send(withoutSessions, commands.readPublic, u32(sharedStorageKey));
  } catch (thrown) {
    if (codeOf(thrown) === 'key_store_absent') throw thrown;
    return undefined; // nobody put one there
  }
  const area = new Reader(answer).sized().slice();
  return storageKey(sharedStorageKey, area);
}

async function createStorage(device: TpmDevice): Promise<StorageKey> {
  const authorization = concat(u32(passwordSession), sized(), u8(0), sized());
  const body = concat(
    ...[u32(rhOwner), u32(authorization.length), authorization],
    ...[sized(sized(), sized()), sized(templates.storage), sized(), u32(0)],
  );
  const reader = new Reader(await device.send(withSessions, commands.createPrimary, body));
  const handle = reader.u32();
  reader.u32(); // length of the parameters
  const area = reader.sized().slice();
  const made = storageKey(handle, area);
  if (made === undefined) throw new HoldfastError('key_store_failed', 'the TPM made another storage key than was asked for');
  return made;
}

function storageKey(handle: number, area: Uint8Array): StorageKey | undefined {
  const unique = afterHead(area, heads.storage);
  return unique && { handle, name: nameOf(area), point: coordinates(unique) };
}
