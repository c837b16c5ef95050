// A dump of custody's memory, after its keys were used: every number in it that could be a private scalar, held against the public keys. Of keys in
// hardware there is none. The same search finds the keys of the software store: it can see.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';

import { toHex, utf8 } from '@holdfast/protocol/codec/bytes';
import { certifySessionKey } from '@holdfast/protocol/blind/session-key';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { openSealed, sealTo } from '@holdfast/protocol/seal/hpke';
import { whyNoMemory } from '@holdfast/testkit/memory';
import { publicPointsIn } from '@holdfast/testkit/private-scalars';
import { noSoftToken, pkcs11Addon, SoftToken } from '@holdfast/testkit/soft-token';
import { noSoftTpm, SoftTpm } from '@holdfast/testkit/soft-tpm';

import { Custody, type CustodyStart } from '../../src/custody/custody.ts';

const fleet = new Uint8Array(32).fill(1);
const agent = new Uint8Array(16).fill(2);
const grant = { kind: 'grant', fleet, grant: agent, item: agent, agent } as const;

const blind = await whyNoMemory();

/** Which of the two private keys lay in custody's memory after both were used. */
async function foundIn(t: TestContext, given: Omit<CustodyStart, 'storeFolder'>) {
  const storeFolder = mkdtempSync(join(tmpdir(), 'holdfast-custody-'));
  t.after(() => rmSync(storeFolder, { recursive: true }));
  const custody = await Custody.start({ storeFolder, ...given });
  try {
    const key = await custody.bind((await custody.create('main')).key, { fleet, agent });
    const holder = custody.holder(key);
    const nowMs = Date.now();
    const session = { v: 1, fleet, agent, key: key.publicKeys.sign, notBeforeMs: nowMs, notAfterMs: nowMs + 300_000 } as const;
    await certifySessionKey(holder, session);
    const sealed = await sealTo(primitives, holder.publicKeys.seal, grant, utf8('credential'));
    assert.deepEqual(await openSealed(holder, primitives, grant, sealed), utf8('credential'));
    const points = await publicPointsIn(innermost(custody.pid));
    assert.ok(points.size > 1000, `only ${points.size} numbers were looked at`);
    const { sign, seal } = key.publicKeys;
    return { level: key.custody, sign: points.has(toHex(sign)), agree: points.has(toHex(seal.subarray(-65))) };
  } finally {
    await custody.close();
  }
}

function innermost(pid: number): number {
  const child = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').at(-1) ?? '';
  return child === '' ? pid : innermost(Number(child));
}

describe('the memory of custody', { skip: blind ?? false }, () => {
  it('has the private keys of the software store, sealed or not', async (t) => {
    const passphrase = utf8('correct horse battery staple');
    assert.deepEqual(await foundIn(t, { passphrase }), { level: 'software', sign: true, agree: true });
  });

  it('has none of those in a TPM', { skip: noSoftTpm() }, async (t) => {
    const tpm = await SoftTpm.start();
    t.after(() => tpm.remove());
    assert.deepEqual(await foundIn(t, { tpm: tpm.device }), { level: 'tpm', sign: false, agree: false });
  });

  it('has none of those in a PKCS#11 token', { skip: noSoftToken() }, async (t) => {
    pkcs11Addon();
    const token = SoftToken.make();
    t.after(() => token.remove());
    const { module, label, folder, environment } = token;
    const found = await foundIn(t, { pkcs11: { module, label, needs: [folder], environment }, pin: utf8(token.pin) });
    assert.deepEqual(found, { level: 'pkcs11', sign: false, agree: false });
  });
});
