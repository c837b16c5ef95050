// Keys in a TPM 2.0, spec/custody.md: born there, wrapped by it, used only there. The store's own key is sealed by the TPM as well, so that a
// copy of the folder opens on no other machine, not even for its software half; with a passphrase, wrong ones run into the TPM's lockout.

import { bytesUpTo, decode, encode, literal, optional, record, type Infer } from '@holdfast/protocol/codec/schema';
import { HoldfastError } from '@holdfast/protocol/errors';
import type { Primitives } from '@holdfast/protocol/primitives/primitives';

import { FileStore, type KeyMaker } from '../file-store.ts';
import { HardwareKey, type HardwareHalves } from '../hardware-key.ts';
import { newStretchCost, StoreSeal, stretch, stretchCost, type StretchCost } from '../key-file.ts';
import { makeFolder } from '../store-files.ts';
import { tpmAttester } from './attestation.ts';
import { pointOf, Tpm, type TpmKeyUse, type Wrapped } from './chip.ts';

const authBytes = 32;
const wrapped = record({ public: bytesUpTo(160), private: bytesUpTo(256) });
const header = record({ v: literal(1), storeKey: wrapped, passphrase: optional(record(stretchCost)) });
type Header = Infer<typeof header>;
/** The authorization value of both halves is one: custody alone has it, and it travels encrypted. */
const reference = record({ v: literal(1), auth: bytesUpTo(authBytes), sign: wrapped, agree: wrapped });

/**
 * Opens the store in `folder` with the TPM at `device`; an absent or empty folder becomes a new store. `passphrase` stays the caller's.
 * Throws `key_store_absent`, `key_store_locked`, `key_store_foreign`, `key_store_failed`, `passphrase_wrong`, `key_invalid`, `store_failed`.
 */
export async function openTpmStore(
  primitives: Primitives,
  folder: string,
  { device, passphrase }: { readonly device: string; readonly passphrase: Uint8Array | undefined },
): Promise<FileStore> {
  const tpm = await Tpm.open(device);
  await makeFolder(folder); // only now: a folder without a TPM would stand for keys that were lost
  const makerUnder = (storeKey: Uint8Array): KeyMaker => ({
    level: 'tpm',
    close: () => tpm.close(),
    probe: () => tpm.probe(),
    seal: StoreSeal.under(primitives, storeKey),
    generate: async () => HardwareKey.generate(primitives, await createHalves(primitives, tpm)),
    fromBytes: (secret) => HardwareKey.fromBytes(primitives, secret, async (found) => halvesOf(primitives, tpm, found)),
  });
  try {
    return await FileStore.open(primitives, folder, {
      of: async (bytes) => makerUnder(await openStoreKey(tpm, decode(header, bytes, 1024), passphrase)),
      make: async () => {
        const cost = passphrase === undefined ? undefined : newStretchCost(primitives);
        const storeKey = primitives.random(32);
        const auth = await authOf(passphrase, cost);
        const sealed = await tpm.seal(storeKey, auth, passphrase !== undefined);
        const made: Header = { v: 1, storeKey: sealed, ...(cost !== undefined && { passphrase: cost }) };
        return { maker: makerUnder(storeKey), header: encode(header, made) };
      },
    });
  } catch (thrown) {
    await tpm.close();
    throw thrown;
  }
}

async function openStoreKey(tpm: Tpm, made: Header, passphrase: Uint8Array | undefined): Promise<Uint8Array> {
  if (made.passphrase === undefined && passphrase !== undefined)
    throw new HoldfastError('passphrase_wrong', 'the key store has no passphrase: it was made without one');
  if (made.passphrase !== undefined && passphrase === undefined)
    throw new HoldfastError('passphrase_wrong', 'the key store is sealed by a passphrase, and none was given');
  return tpm.unseal(made.storeKey, await authOf(passphrase, made.passphrase));
}

/** TPMs take trailing zeros off an authorization value: the last byte is never one. */
function fitting(auth: Uint8Array): Uint8Array {
  auth[auth.length - 1] = (auth.at(-1) ?? 0) | 1;
  return auth;
}

async function authOf(passphrase: Uint8Array | undefined, cost: StretchCost | undefined): Promise<Uint8Array> {
  if (passphrase === undefined || cost === undefined) return new Uint8Array(0);
  return fitting(await stretch(passphrase, cost));
}

async function createHalves(primitives: Primitives, tpm: Tpm): Promise<HardwareHalves> {
  const auth = fitting(primitives.random(authBytes));
  return halves(primitives, tpm, { auth, sign: await tpm.create('sign', auth), agree: await tpm.create('agree', auth) });
}

function halvesOf(primitives: Primitives, tpm: Tpm, encoded: Uint8Array): HardwareHalves {
  return halves(primitives, tpm, decode(reference, encoded, 768));
}

function halves(
  primitives: Primitives,
  tpm: Tpm,
  { auth, sign, agree }: { readonly auth: Uint8Array; readonly sign: Wrapped; readonly agree: Wrapped },
): HardwareHalves {
  const point = ({ public: area }: Wrapped, use: TpmKeyUse) => pointOf(area, use);
  return {
    signPoint: point(sign, 'sign'),
    agreePoint: point(agree, 'agree'),
    sign: (digest) => tpm.sign(sign, auth, digest),
    agree: (other) => tpm.agree(agree, auth, other),
    reference: () => encode(reference, { v: 1, auth, sign, agree }),
    attester: tpmAttester(primitives, tpm, { auth, sign, agree }),
    destroy: async () => {}, // the TPM keeps nothing of them: with their file they are gone
  };
}
