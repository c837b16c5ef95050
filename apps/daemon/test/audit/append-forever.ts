// The child of the kill -9 test: appends durable records, numbered, and prints each number once it is acknowledged.
// Arguments: folder, key, fleet, agent (hex), first number.

import { fromHex } from '@holdfast/protocol/codec/bytes';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';
import { numbered, quiet } from '@holdfast/testkit/numbered';
import { openAuditFolder } from '../../src/audit/files.ts';
import { AuditWriter } from '../../src/audit/writer.ts';
import { random } from './log-world.ts';

const [, , folder = '', ...hex] = process.argv;
const [key, fleet, agent] = hex.map((text) => fromHex(text) ?? new Uint8Array());
if (key === undefined || fleet === undefined || agent === undefined) throw new Error('usage: folder key fleet agent first');

const writer = await AuditWriter.open({
  files: await openAuditFolder(folder),
  secrets: { primitives: nodePrimitives, key, fleet, agent },
  clock: { nowMs: () => Date.now(), monotonicMs: () => performance.now() },
  log: quiet,
  run: { id: random(16), startedMs: performance.now() },
  sign: () => Promise.reject(new Error('no key here')),
});
let next = Number(process.argv[6] ?? 0);
// Appends in the order of their numbers, eight at a time, so that acknowledging one means that all before it are written.
for (;;) {
  const group = Array.from({ length: 8 }, () => next++);
  await Promise.all(
    group.map((number) => writer.appendDurable(numbered(number)).then(() => process.stdout.write(`${number}\n`))),
  );
}
