// Keys in a PKCS#11 token, spec/custody.md: born there, used only there. The store's own key comes of an agreement with a key of the token, so
// that a copy of the folder opens beside no other token, not even for its software half; the PIN is the token's to judge, and is kept nowhere.

import { createECDH } from 'node:crypto';
import { join } from 'node:path';

import { equalBytes, toHex, utf8 } from '@holdfast/protocol/codec/bytes';
import { bytes, decode, encode, list, literal, record, type Infer } from '@holdfast/protocol/codec/schema';
import { HoldfastError } from '@holdfast/protocol/errors';
import type { Primitives } from '@holdfast/protocol/primitives/primitives';
import { hkdf } from '@holdfast/protocol/seal/hkdf';

import { FileStore, type KeyMaker } from '../file-store.ts';
import { HardwareKey, type HardwareHalves } from '../hardware-key.ts';
import { StoreSeal } from '../key-file.ts';
import { makeFolder, readBounded, replace, storeNames } from '../store-files.ts';
import { loadCryptoki } from './cryptoki.ts';
import { Token, type TokenKey } from './token.ts';

const makingName = 'making';
/** Those of 64 keys: what is older was made long ago, or is an object in the token that nobody can use. */
const maxMaking = 128;
const maxMakingBytes = 4096;

const tokenKey = record({ id: bytes(16), point: bytes(65) });
/** `owner` names this store in the labels of its keys: a token may serve several. */
const header = record({ v: literal(1), owner: bytes(8), storeKey: tokenKey, ephemeral: bytes(65) });
type Header = Infer<typeof header>;
const reference = record({ v: literal(1), sign: tokenKey, agree: tokenKey });
/** Ids of keys that were about to be made, the newest last. */
const making = record({ v: literal(1), ids: list(bytes(16), { max: maxMaking }) });

export interface Pkcs11Options {
  /** Folder of the built add-on. */
  readonly addon: string;
  /** The shared library of the token's maker. */
  readonly module: string;
  /** The token's label; absent: there must be one token. */
  readonly label: string | undefined;
  /** Overwritten when the store is closed. */
  readonly pin: Uint8Array | undefined;
}

/**
 * Opens the store in `folder` with a token; an absent or empty folder becomes a new store. Throws `key_store_absent`, `key_store_locked`,
 * `key_store_foreign`, `key_store_failed`, `pin_wrong`, `key_invalid`, `store_failed`.
 */
export async function openPkcs11Store(
  primitives: Primitives,
  folder: string,
  { addon, module, label, pin }: Pkcs11Options,
): Promise<{ readonly store: FileStore; readonly label: string }> {
  if (pin === undefined)
    throw new HoldfastError('pin_wrong', 'the PKCS#11 token needs a PIN, and none was given', {
      next: 'npm start -- --pkcs11-module PATH --pkcs11-pin-file FILE',
    });
  const token = Token.open(await loadCryptoki(addon, module), label, pin);
  const known: TokenKey[] = [];
  let ids: readonly Uint8Array[] = [];
  const makerUnder = (made: Header): KeyMaker => {
    const owner = ownerOf(made);
    return {
      level: 'pkcs11',
      close: async () => token.close(),
      probe: async () => void token.agree(made.storeKey, made.storeKey.point).fill(0),
      seal: StoreSeal.under(primitives, storeKeyOf(primitives, token, made)),
      generate: async () => {
        const [sign, agree] = [primitives.random(16), primitives.random(16)];
        ids = [...ids, sign, agree].slice(-maxMaking);
        await replace(folder, makingName, encode(making, { v: 1, ids })); // [CUSTODY-27]
        return HardwareKey.generate(primitives, createHalves(token, owner, { sign, agree }));
      },
      fromBytes: (secret) =>
        HardwareKey.fromBytes(primitives, secret, async (found) => {
          const { sign, agree } = decode(reference, found, 768);
          known.push(sign, agree);
          return halves(token, sign, agree);
        }),
    };
  };
  try {
    await makeFolder(folder); // only now: a folder without a token would stand for keys that were lost
    const store = await FileStore.open(primitives, folder, {
      of: async (written) => makerUnder(decode(header, written, 512)),
      make: async () => {
        const made = newHeader(primitives, token);
        return { maker: makerUnder(made), header: encode(header, made) };
      },
    });
    ids = await idsIn(folder);
    for (const id of ids) if (!known.some((each) => equalBytes(each.id, id))) token.destroy({ id }); // [CUSTODY-27]
    return { store, label: token.label };
  } catch (thrown) {
    token.close();
    throw thrown;
  }
}

/** What was written down there of keys about to be made. */
async function idsIn(folder: string): Promise<readonly Uint8Array[]> {
  if (!(await storeNames(folder)).includes(makingName)) return [];
  return decode(making, await readBounded(join(folder, makingName), maxMakingBytes), maxMakingBytes).ids;
}

function ownerOf({ owner }: Pick<Header, 'owner'>): string {
  return `holdfast ${toHex(owner)}`;
}

function newHeader(primitives: Primitives, token: Token): Header {
  const owner = primitives.random(8);
  const ephemeral = createECDH('prime256v1');
  const point = new Uint8Array(ephemeral.generateKeys()); // its private part is needed no more: the token agrees with the point
  return { v: 1, owner, storeKey: token.create('agree', ownerOf({ owner }), primitives.random(16)), ephemeral: point };
}

/** [CUSTODY-23] */
function storeKeyOf(primitives: Primitives, token: Token, { owner, storeKey, ephemeral }: Header): Uint8Array {
  const secret = token.agree(storeKey, ephemeral);
  try {
    return hkdf(primitives, { secret, salt: owner, info: utf8('holdfast/v1 pkcs11 store\0'), length: 32 });
  } finally {
    secret.fill(0);
  }
}

function createHalves(
  token: Token,
  owner: string,
  ids: { readonly sign: Uint8Array; readonly agree: Uint8Array },
): HardwareHalves {
  const sign = token.create('sign', owner, ids.sign);
  try {
    return halves(token, sign, token.create('agree', owner, ids.agree));
  } catch (thrown) {
    token.destroy(sign);
    throw thrown;
  }
}

/** Throws `key_store_foreign`: the token does not have them. */
function halves(token: Token, sign: TokenKey, agree: TokenKey): HardwareHalves {
  for (const each of [sign, agree]) token.assertHas(each);
  return {
    signPoint: sign.point,
    agreePoint: agree.point,
    sign: async (digest) => token.sign(sign, digest),
    agree: async (point) => token.agree(agree, point),
    reference: () => encode(reference, { v: 1, sign, agree }),
    destroy: async () => {
      for (const each of [sign, agree]) token.destroy(each);
    },
  };
}
