// What a signature and an opening cost in each key store, asked as the daemon asks: over stdio, of custody in its namespaces. The TPM is swtpm and the
// token SoftHSM2, both software: a physical chip takes tens of milliseconds. `node bench/custody.ts [calls]`; prints a table and one JSON line.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { utf8 } from '@holdfast/protocol/codec/bytes';
import { certifySessionKey } from '@holdfast/protocol/blind/session-key';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { sealTo } from '@holdfast/protocol/seal/hpke';
import { noSoftToken, pkcs11Addon, SoftToken } from '@holdfast/testkit/soft-token';
import { noSoftTpm, SoftTpm } from '@holdfast/testkit/soft-tpm';
import { Custody, type CustodyStart } from '../apps/daemon/src/custody/custody.ts';

const calls = Number(process.argv[2] ?? 200);
const fleet = new Uint8Array(32).fill(1);
const agent = new Uint8Array(16).fill(2);
const grant = { kind: 'grant', fleet, grant: agent, item: agent, agent } as const;

interface Figures {
  readonly createMs: number;
  readonly signMs: number;
  readonly signP99Ms: number;
  readonly openMs: number;
  readonly openP99Ms: number;
}

async function timed(act: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await act();
  return performance.now() - began;
}

function quantile(all: readonly number[], part: number): number {
  const sorted = all.toSorted((a, b) => a - b);
  return Math.round((sorted[Math.floor((sorted.length - 1) * part)] ?? 0) * 100) / 100;
}

async function measure(given: Omit<CustodyStart, 'storeFolder'>): Promise<Figures> {
  const storeFolder = mkdtempSync(path.join(tmpdir(), 'holdfast-bench-'));
  const custody = await Custody.start({ storeFolder, ...given });
  try {
    const created: number[] = [];
    for (let count = 0; count < 10; count += 1) created.push(await timed(() => custody.create(`key-${count}`)));
    const key = await custody.bind((await custody.create('main')).key, { fleet, agent });
    const holder = custody.holder(key);
    const signed: number[] = [];
    const opened: number[] = [];
    for (let count = 0; count < calls; count += 1) {
      const nowMs = Date.now();
      const session = { v: 1, fleet, agent, key: key.publicKeys.sign, notBeforeMs: nowMs, notAfterMs: nowMs + 300_000 } as const;
      signed.push(await timed(() => certifySessionKey(holder, session)));
      const { encapsulated } = await sealTo(primitives, holder.publicKeys.seal, grant, utf8('credential'));
      opened.push(await timed(() => holder.open(grant, encapsulated)));
    }
    return {
      createMs: quantile(created, 0.5),
      signMs: quantile(signed, 0.5),
      signP99Ms: quantile(signed, 0.99),
      openMs: quantile(opened, 0.5),
      openP99Ms: quantile(opened, 0.99),
    };
  } finally {
    await custody.close();
    rmSync(storeFolder, { recursive: true });
  }
}

const found: Record<string, Figures> = { software: await measure({ passphrase: utf8('correct horse battery staple') }) };
if (noSoftTpm() === false) {
  const tpm = await SoftTpm.start();
  found['tpm (swtpm)'] = await measure({ tpm: tpm.device });
  await tpm.remove();
}
if (noSoftToken() === false) {
  pkcs11Addon();
  const token = SoftToken.make();
  const { module, label, folder, environment } = token;
  found['pkcs11 (SoftHSM2)'] = await measure({ pkcs11: { module, label, needs: [folder], environment }, pin: utf8(token.pin) });
  token.remove();
}
console.table(found);
process.stdout.write(`${JSON.stringify({ bench: 'custody', calls, stores: found })}\n`);
