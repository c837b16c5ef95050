// The relay's own key: it signs freshness statements and nothing else. Fleets pin it in their genesis, so it must outlive everything
// but the store; it protects freshness, not content. Software, in a file that only the relay's user reads.

import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { encode, decode, bytes, literal, record } from '@holdfast/protocol/codec/schema';
import { codeOf, HoldfastError } from '@holdfast/protocol/errors';
import { signingInput, type Domain } from '@holdfast/protocol/keys/domain';
import type { Primitives } from '@holdfast/protocol/primitives/primitives';

const keyFile = record({ v: literal(1), sign: bytes(32) });
const maxKeyFileBytes = 128;

export interface RelayKey {
  /** SEC1 uncompressed, 65 bytes. */
  readonly publicKey: Uint8Array;
  sign(domain: Domain, statement: Uint8Array): Promise<Uint8Array>;
}

/**
 * Reads `relay.key` of the folder, or makes it while the relay has no fleets. The caller holds the store's lock: two relays would
 * make two keys. Throws `store_failed`.
 */
export async function openRelayKey(
  primitives: Primitives,
  folder: string,
  { hasFleets }: { hasFleets: boolean },
): Promise<RelayKey> {
  const path = join(folder, 'relay.key');
  if (!existsSync(path)) {
    if (hasFleets) {
      throw new HoldfastError('store_failed', 'relay.key is missing: a new one would serve none of the fleets in relay.db', {
        next: 'restore relay.key from a backup',
      });
    }
    writeKeyFile(folder, 'relay.key', encode(keyFile, { v: 1, sign: await drawScalar(primitives) }));
  }
  return loadKey(primitives, path);
}

async function loadKey(primitives: Primitives, path: string): Promise<RelayKey> {
  try {
    const { sign: scalar } = decode(keyFile, readFileSync(path), maxKeyFileBytes);
    return {
      publicKey: await primitives.p256PublicKey(scalar),
      sign: async (domain, statement) => primitives.p256Sign(scalar, signingInput(domain, statement)),
    };
  } catch (cause) {
    throw new HoldfastError('store_failed', 'relay.key cannot be read', { cause, next: 'restore relay.key from a backup' });
  }
}

/** The file appears whole and synced or not at all; `content` is overwritten. Throws `store_failed`. */
export function writeKeyFile(folder: string, name: string, content: Uint8Array): void {
  const path = join(folder, name);
  const unfinished = `${path}.new`;
  try {
    const file = openSync(unfinished, 'w', 0o600);
    try {
      writeSync(file, content);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(unfinished, path);
    const directory = openSync(folder, 'r');
    fsyncSync(directory);
    closeSync(directory);
  } catch (cause) {
    throw new HoldfastError('store_failed', `${name} cannot be written`, {
      cause,
      next: 'check the permissions and free space of the folder',
    });
  } finally {
    content.fill(0);
  }
}

/** Uniform below the group order: what is not a scalar (one draw in 2^32) is drawn again. */
export async function drawScalar(primitives: Primitives): Promise<Uint8Array> {
  for (;;) {
    const scalar = primitives.random(32);
    try {
      await primitives.p256PublicKey(scalar);
      return scalar;
    } catch (error) {
      if (codeOf(error) !== 'key_invalid') throw error;
    }
  }
}
