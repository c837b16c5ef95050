// What an operator is told about a use that is not like those that this device has approved before.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import type { UseAct } from '@holdfast/protocol/operator/asks';
import type { OperatorSession } from '@holdfast/protocol/operator/session';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';
import { fileStore } from '../src/operator/store.ts';
import { Usual } from '@holdfast/protocol/operator/usual';

const agent = new Uint8Array(16).fill(3);
const use: UseAct = {
  ...{ kind: 'use', grant: new Uint8Array(16).fill(1), item: new Uint8Array(16).fill(2), name: 'bank', method: 'POST' },
  ...{
    host: 'bank.example',
    port: 443,
    path: '/v1/payments',
    query: '',
    headers: [],
    body: 'x'.repeat(100),
    key: new Uint8Array(1249),
  },
};

function device(t: TestContext) {
  const folder = mkdtempSync(path.join(tmpdir(), 'holdfast-usual-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const usual = (fill = 9): Promise<Usual> => {
    const epochKey = async () => ({ epoch: 0, key: new Uint8Array(32).fill(fill) });
    const ports = { primitives: nodePrimitives, store: fileStore(folder, 'device') };
    return Usual.of({ ports, operator: { replica: { epochKey } } } as unknown as OperatorSession);
  };
  return { usual, file: path.join(folder, 'approved-before') };
}

test('[APPROVAL-23]: what differs from what was approved before is named, the most telling of it', async (t) => {
  const { usual } = device(t);
  assert.deepEqual((await usual()).differences(agent, use), ['first-use']);
  await (await usual()).remember(agent, use);
  const again = await usual();
  const cases: readonly (readonly [Partial<UseAct>, readonly string[]])[] = [
    [{}, []],
    [{ body: 'short', query: 'a=b', grant: new Uint8Array(16) }, []],
    [{ host: 'mallory.example' }, ['first-host']],
    [{ port: 8443 }, ['first-host']],
    [{ method: 'DELETE' }, ['first-method']],
    [{ path: '/v1/payouts' }, ['first-path']],
    [{ body: 'x'.repeat(400) }, ['larger']],
    [{ method: 'DELETE', body: 'x'.repeat(6144) }, ['first-method', 'larger']],
    [{ item: new Uint8Array(16).fill(7) }, ['first-use']],
  ];
  for (const [change, differs] of cases) assert.deepEqual(again.differences(agent, { ...use, ...change }), differs);
  assert.deepEqual(again.differences(new Uint8Array(16), use), ['first-use']);
});

test('[APPROVAL-23]: whoever has the file reads nothing of it, and can make a use look new but not usual', async (t) => {
  const { usual, file } = device(t);
  await (await usual()).remember(agent, use);
  const kept = readFileSync(file);
  for (const word of ['bank', 'example', 'POST', '/v1/payments']) assert.equal(kept.includes(word), false, word);
  await (await usual(8)).remember(agent, { ...use, host: 'mallory.example' }); // with a key that is not the operators'
  assert.deepEqual((await usual()).differences(agent, { ...use, host: 'mallory.example' }), ['first-host']);
  writeFileSync(file, Buffer.alloc(1000, 7));
  assert.deepEqual((await usual()).differences(agent, use), ['first-use']);
});

test('no more is kept than a file of 64 KiB', async (t) => {
  const { usual, file } = device(t);
  const one = await usual();
  for (let count = 0; count < 5; count += 1) await one.remember(agent, { ...use, path: `/v1/${count}` });
  writeFileSync(file, Buffer.alloc(16 * 5000));
  await (await usual()).remember(agent, use);
  assert.ok(readFileSync(file).length <= 64 * 1024);
});
