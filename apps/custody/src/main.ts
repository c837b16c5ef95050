// Custody: the process that holds this machine's private keys, spec/custody.md. The daemon's child; frames on stdin and stdout are all
// that it hears and says. It opens no socket, starts no process, and reads and writes nothing but its key stores' folder, the TPM, and what
// a PKCS#11 module needs.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { exit, stdin, stdout, stderr } from 'node:process';
import { parseArgs } from 'node:util';

import { FrameReader, framed } from '@holdfast/protocol/codec/framing';
import { encodeAnswer, maxCustodyFrameBytes, type CustodyAnswer } from '@holdfast/protocol/custody/wire';
import { HoldfastError } from '@holdfast/protocol/errors';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';

import { openPkcs11Store } from './pkcs11/pkcs11-store.ts';
import { CustodyServer, type Unlocking } from './serve.ts';
import { openSoftwareStore } from './software-store.ts';
import { Stores, type StoreKind } from './stores.ts';
import { openTpmStore } from './tpm/tpm-store.ts';

/** sysexits.h: a fault inside. Its text stays inside too: it could quote what is secret. */
const softwareFault = 70;
process.on('uncaughtException', () => exit(softwareFault));

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    tpm: { type: 'string' },
    'pkcs11-addon': { type: 'string' },
    'pkcs11-module': { type: 'string' },
    'pkcs11-token': { type: 'string' },
  },
});
const [folder, ...rest] = positionals;
if (folder === undefined || rest.length > 0) {
  stderr.write(
    'usage: main.ts KEY-STORE-FOLDER [--tpm DEVICE] [--pkcs11-addon DIR --pkcs11-module PATH [--pkcs11-token LABEL]] (the daemon starts this)\n',
  );
  exit(2);
}

/** A machine has a kind of store when there is hardware to use, or keys of hardware that was there; the best first. [CUSTODY-20] */
function kindsIn(root: string, pin: Uint8Array | undefined): readonly StoreKind[] {
  const software: StoreKind = {
    level: 'software',
    folder: root,
    open: async (passphrase) => ({ store: await openSoftwareStore(nodePrimitives, root, passphrase) }),
  };
  const all = [tpmIn(join(root, 'tpm'), values.tpm), pkcs11In(join(root, 'pkcs11'), pin)];
  return [...all.filter((each) => each !== undefined), software];
}

function tpmIn(tpmFolder: string, device: string | undefined): StoreKind | undefined {
  if (device === undefined && !existsSync(tpmFolder)) return undefined;
  return {
    level: 'tpm',
    folder: tpmFolder,
    open: async (passphrase) => {
      if (device === undefined) throw new HoldfastError('key_store_absent', 'the TPM of these keys is not on this machine');
      return { store: await openTpmStore(nodePrimitives, tpmFolder, { device, passphrase }) };
    },
  };
}

function pkcs11In(pkcs11Folder: string, pin: Uint8Array | undefined): StoreKind | undefined {
  const { 'pkcs11-addon': addon, 'pkcs11-module': module, 'pkcs11-token': label } = values;
  if (module === undefined && !existsSync(pkcs11Folder)) return undefined;
  return {
    level: 'pkcs11',
    folder: pkcs11Folder,
    open: async () => {
      if (module === undefined || addon === undefined)
        throw new HoldfastError('key_store_absent', 'the PKCS#11 token of these keys was not named', {
          next: 'npm start -- --pkcs11-module PATH --pkcs11-token LABEL --pkcs11-pin-file FILE',
        });
      return openPkcs11Store(nodePrimitives, pkcs11Folder, { addon, module, label, pin });
    },
  };
}

const server = new CustodyServer({
  openStores: ({ passphrase, pin }: Unlocking) => Stores.open(kindsIn(folder, pin), passphrase),
  nowMs: () => Date.now(),
  primitives: nodePrimitives,
  monotonicMs: () => performance.now(),
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
