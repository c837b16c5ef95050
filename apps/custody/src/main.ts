// Custody: the process that holds this machine's private keys, spec/custody.md. The daemon's child; frames on stdin and stdout are all
// that it hears and says. It opens no socket, starts no process, and reads and writes nothing but its key stores' folder and the TPM.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { argv, exit, stdin, stdout, stderr } from 'node:process';

import { FrameReader, framed } from '@holdfast/protocol/codec/framing';
import { encodeAnswer, maxCustodyFrameBytes, type CustodyAnswer } from '@holdfast/protocol/custody/wire';
import { HoldfastError } from '@holdfast/protocol/errors';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';

import { CustodyServer } from './serve.ts';
import { openSoftwareStore } from './software-store.ts';
import { Stores, type StoreKind } from './stores.ts';
import { openTpmStore } from './tpm/tpm-store.ts';

/** sysexits.h: a fault inside. Its text stays inside too: it could quote what is secret. */
const softwareFault = 70;
process.on('uncaughtException', () => exit(softwareFault));

const [, , folder, device, ...rest] = argv;
if (folder === undefined || rest.length > 0) {
  stderr.write('usage: main.ts KEY-STORE-FOLDER [TPM-DEVICE] (the daemon starts this)\n');
  exit(2);
}

/** A machine has a TPM store when there is a TPM to use, or keys of one that was there. [CUSTODY-20] */
function kindsIn(root: string): readonly StoreKind[] {
  const software: StoreKind = {
    level: 'software',
    folder: root,
    open: (passphrase) => openSoftwareStore(nodePrimitives, root, passphrase),
  };
  const tpmFolder = join(root, 'tpm');
  if (device === undefined && !existsSync(tpmFolder)) return [software];
  const tpm: StoreKind = {
    level: 'tpm',
    folder: tpmFolder,
    open: async (passphrase) => {
      if (device === undefined) throw new HoldfastError('key_store_absent', 'the TPM of these keys is not on this machine');
      return openTpmStore(nodePrimitives, tpmFolder, { device, passphrase });
    },
  };
  return [tpm, software];
}

const server = new CustodyServer({
  openStores: (passphrase) => Stores.open(kindsIn(folder), passphrase),
  nowMs: () => Date.now(),
});

/** Resolves when the answer has left; its bytes may hold a one-time key and are overwritten then. */
async function send(answer: CustodyAnswer): Promise<void> {
  const payload = encodeAnswer(answer);
  const frame = framed(payload, maxCustodyFrameBytes);
  payload.fill(0);
  if (answer.kind === 'one-time-key') {
    answer.key.fill(0);
    answer.nonce.fill(0);
  }
  await new Promise<void>((resolve) => {
    stdout.write(frame, () => resolve());
  });
  frame.fill(0);
}

stdout.on('error', () => exit(0)); // the daemon is gone

const frames = new FrameReader(maxCustodyFrameBytes);
for await (const chunk of stdin as AsyncIterable<Buffer>) {
  let payloads: Uint8Array[];
  try {
    payloads = frames.push(chunk);
  } catch {
    await send({ kind: 'error', id: 0, code: 'codec_limit', message: 'frame is too large' }); // [CUSTODY-1]
    exit(1);
  } finally {
    chunk.fill(0);
  }
  for (const payload of payloads) await send(await server.answer(payload));
}
exit(0); // [CUSTODY-16]
