// The child of the wall clock test, run under libfaketime: the file that is named in its argument sets this process's wall clock. The monotonic
// clock is the system's own, run 2,000 times as fast so that five minutes pass in 150 ms.

import { writeFileSync } from 'node:fs';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';
import { HandleTable } from '../../src/vault/mint.ts';
import { UseCounts } from '../../src/vault/use-counts.ts';
import { asItIs } from '../audit/log-world.ts';

const [, , offset = ''] = process.argv;
const facts = { scheme: 'https', host: 'api.example.com', port: 443, method: 'GET', path: '/v1/me' };
const basis = { warrant: new Uint8Array(32), rulesVersion: undefined, ask: undefined };
const id = (fill: number) => new Uint8Array(16).fill(fill);
const holder = { session: id(1), agent: id(2), grant: id(3), item: id(4), name: 'demo' };
const recorder = { append: async () => {}, appendDurable: async () => {} };
const clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() * 2000 };
const table = new HandleTable({
  primitives: nodePrimitives,
  clock,
  staleness: () => undefined,
  recorder: () => recorder,
  policy: { paths: 'keep', redacting: asItIs },
  counts: new UseCounts(clock),
});
const passes = async (handle: Uint8Array) => {
  try {
    await table.consume(handle, holder, facts, basis);
    return true;
  } catch {
    return false;
  }
};

const startedMs = Date.now();
const first = await table.mint(holder, facts);
writeFileSync(offset, '+1d');
const aliveWhenSetForward = Date.now() - startedMs > 3_600_000 && (await passes(first));
const second = await table.mint(holder, facts);
writeFileSync(offset, '-1d');
const setBack = Date.now() < startedMs - 3_600_000;
const until = performance.now() + 200;
while (performance.now() < until) await new Promise<void>((resolve) => void setImmediate(resolve));
const deadWhenSetBack = !(await passes(second));
process.stdout.write(JSON.stringify({ setBack, aliveWhenSetForward, deadWhenSetBack }));
