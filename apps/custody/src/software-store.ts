// Keys in software, spec/custody.md: labelled so in the agent's credential and wherever it shows.

import type { Primitives } from '@holdfast/protocol/primitives/primitives';
import { SoftwareKeyHolder } from '@holdfast/protocol/seal/software-key-holder';

import { FileStore, type KeyMaker } from './file-store.ts';
import { StoreSeal } from './key-file.ts';

/**
 * Opens the store in `folder`, which exists; an empty folder becomes a new store. `passphrase` stays the caller's.
 * Throws `passphrase_wrong`, `key_invalid`, `codec_*` for damaged files, `store_failed`.
 */
export async function openSoftwareStore(
  primitives: Primitives,
  folder: string,
  passphrase: Uint8Array | undefined,
): Promise<FileStore> {
  const makerOf = (seal: StoreSeal): KeyMaker => ({
    level: seal.sealed ? 'software' : 'software, unsealed',
    seal,
    generate: () => SoftwareKeyHolder.generate(primitives),
    fromBytes: (secret) => SoftwareKeyHolder.fromBytes(primitives, secret),
  });
  return FileStore.open(primitives, folder, {
    of: async (header) => makerOf(await StoreSeal.of(primitives, header, passphrase)),
    make: async () => {
      const { seal, header } = await StoreSeal.make(primitives, passphrase);
      return { maker: makerOf(seal), header };
    },
  });
}
