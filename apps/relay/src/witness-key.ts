// The key with which the relay cosigns checkpoints, spec/witness.md: Ed25519, for that is what cosignatures are, in a file beside relay.key. Nobody
// pinned it: relay.key vouches for it. A relay that lost it, or what it cosigned, makes another and is another witness.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cosignatureLine, cosignedBytes, type Witness } from '@holdfast/protocol/blind/log-note';
import { vouchFor } from '@holdfast/protocol/blind/witness';
import { toHex } from '@holdfast/protocol/codec/bytes';
import { bytes, decode, encode, literal, record } from '@holdfast/protocol/codec/schema';
import { HoldfastError } from '@holdfast/protocol/errors';
import type { Primitives } from '@holdfast/protocol/primitives/primitives';
import { writeKeyFile, type RelayKey } from './relay-key.ts';

const fileName = 'witness.key';
const keyFile = record({ v: literal(1), seed: bytes(32) });

export interface WitnessKey {
  readonly witness: Witness;
  /** The relay's word for it. */
  readonly vouch: Uint8Array;
  /** The signature line under a checkpoint's text. */
  cosign(text: string, atS: number): Promise<string>;
}

/** Reads the key of the folder, or makes one for a store that holds nothing cosigned. The caller holds its lock. Throws `store_failed`. [WITNESS-13] */
export async function openWitnessKey(
  primitives: Primitives,
  folder: string,
  { relay, hasWitnessed }: { readonly relay: RelayKey; readonly hasWitnessed: boolean },
): Promise<WitnessKey> {
  const path = join(folder, fileName);
  if (!hasWitnessed || !existsSync(path)) writeKeyFile(folder, fileName, encode(keyFile, { v: 1, seed: primitives.random(32) }));
  const seed = readSeed(path);
  const name = `holdfast/relay/${toHex(primitives.sha256(relay.publicKey).subarray(0, 8))}`;
  const witness = { name, key: await primitives.ed25519PublicKey(seed) };
  return {
    witness,
    vouch: await vouchFor(relay, witness), // [WITNESS-8]
    async cosign(text, atS) {
      const signature = await primitives.ed25519Sign(seed, cosignedBytes(text, atS)); // [WITNESS-6]
      return cosignatureLine(primitives, witness, atS, signature);
    },
  };
}

function readSeed(path: string): Uint8Array {
  try {
    return decode(keyFile, readFileSync(path), 128).seed;
  } catch (cause) {
    throw new HoldfastError('store_failed', 'witness.key cannot be read', {
      cause,
      next: 'restore it from a backup, or remove it',
    });
  }
}
