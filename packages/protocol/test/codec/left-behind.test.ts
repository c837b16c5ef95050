// What is opened or decoded, and overwritten, is gone from memory: wherever collecting garbage would have moved it, and what lies under it would have copied it.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { copiesIn, whyNoMemory } from '@holdfast/testkit/memory';

/** Run by another process, which is told the secret in two halves that hold nothing of it by themselves. */
const script = `
import { decodeValue, encodeValue } from '@holdfast/protocol/codec/cbor';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';
const [one, other] = process.argv.slice(1).map((half) => Buffer.from(half, 'hex'));
const secret = new Uint8Array(new ArrayBuffer(one.length));
for (let at = 0; at < secret.length; at += 1) secret[at] = one[at] ^ other[at];
const wire = encodeValue({ secret });
for (let round = 0; round < 2000; round += 1) {
  const decoded = decodeValue(wire, 1000);
  const garbage = Array.from({ length: 2000 }, (_, at) => ({ at }));
  if (garbage.length > 0) decoded.secret.fill(0);
}
for (const length of [200, 511, 512, 513, 900, 3000]) {
  const clear = new Uint8Array(new ArrayBuffer(length));
  clear.set(secret, 120);
  const terms = [new Uint8Array(32), new Uint8Array(12), new Uint8Array()];
  const sealed = await nodePrimitives.aeadSeal(...terms, clear);
  clear.fill(0);
  (await nodePrimitives.aeadOpen(...terms, sealed)).fill(0);
}
if (process.argv[3] === undefined) secret.fill(0);
wire.fill(0);
console.log('done');
process.stdin.resume();
`;

async function copiesAfter(...more: readonly string[]): Promise<number> {
  const [secret, mask] = [randomBytes(24), randomBytes(24)];
  const halves = [mask, secret.map((byte, at) => byte ^ (mask[at] ?? 0))].map((half) => Buffer.from(half).toString('hex'));
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, ...halves, ...more], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  try {
    await once(child.stdout, 'data');
    const [copies = assert.fail()] = await copiesIn(child.pid ?? -1, [secret]);
    return copies;
  } finally {
    child.kill();
  }
}

test(
  'a secret that was opened or decoded and overwritten, two thousand times, is nowhere',
  { skip: (await whyNoMemory()) ?? false },
  async () => {
    assert.equal(await copiesAfter('kept'), 1, 'one that is kept is found');
    assert.equal(await copiesAfter(), 0);
  },
);
