// Keys in a PKCS#11 token, spec/custody.md: born there, used only there. The store's own key comes of an agreement with a key of the token, so
// that a copy of the folder opens beside no other token, not even for its software half; the PIN is the token's to judge, and is kept nowhere.

import { createECDH } from 'node:crypto';

import { toHex, utf8 } from '@holdfast/protocol/codec/bytes';
import { bytes, decode, encode, literal, record, type Infer } from '@holdfast/protocol/codec/schema';
import { HoldfastError } from '@holdfast/protocol/errors';
import type { Primitives } from '@holdfast/protocol/primitives/primitives';
import { hkdf } from '@holdfast/protocol/seal/hkdf';

import { FileStore, type KeyMaker } from '../file-store.ts';
import { HardwareKey, type HardwareHalves } from '../hardware-key.ts';
import { StoreSeal } from '../key-file.ts';
import { makeFolder } from '../store-files.ts';
import { loadCryptoki } from './cryptoki.ts';
import { Token, type TokenKey } from './token.ts';

const tokenKey = record({ id: bytes(16), point: bytes(65) });
/** `owner` names this store in the labels of its keys: a token may serve several. */
const header = record({ v: literal(1), owner: bytes(8), storeKey: tokenKey, ephemeral: bytes(65) });
type Header = Infer<typeof header>;
const reference = record({ v: literal(1), sign: tokenKey, agree: tokenKey });

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
  const token = Token.open(primitives, await loadCryptoki(addon, module), label, pin);
  const known: TokenKey[] = [];
  let owner = '';
  const makerUnder = (made: Header): KeyMaker => {
    owner = ownerOf(made);
    known.push(made.storeKey);
    return {
      level: 'pkcs11',
      close: async () => token.close(),
      probe: async () => void token.agree(made.storeKey, made.storeKey.point).fill(0),
      seal: StoreSeal.under(primitives, storeKeyOf(primitives, token, made)),
      generate: async () => HardwareKey.generate(primitives, createHalves(token, owner)),
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
    token.removeOthers(owner, known);
    return { store, label: token.label };
  } catch (thrown) {
    token.close();
    throw thrown;
  }
}

function ownerOf({ owner }: Pick<Header, 'owner'>): string {
  return `holdfast ${toHex(owner)}`;
}

function newHeader(primitives: Primitives, token: Token): Header {
  const owner = primitives.random(8);
  const ephemeral = createECDH('prime256v1');
  const point = new Uint8Array(ephemeral.generateKeys()); // its private part is needed no more: the token agrees with the point
  return { v: 1, owner, storeKey: token.create('agree', ownerOf({ owner })), ephemeral: point };
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

function createHalves(token: Token, owner: string): HardwareHalves {
  const sign = token.create('sign', owner);
  try {
    return halves(token, sign, token.create('agree', owner));
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
