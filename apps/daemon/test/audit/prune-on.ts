// The program of the second trial of durability.test.ts: a writer of durable records, numbered, each number once, that leaves the hashes of the first half.
// Arguments: key, fleet, agent (hex), folder, file for promises (the number that is safe; `pruned`), how many.

import { openSync, writeSync } from 'node:fs';
import { fromHex } from '@holdfast/protocol/codec/bytes';
import { codeOf } from '@holdfast/protocol/errors';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';
import { numbered, quiet } from '@holdfast/testkit/numbered';
import { openAuditFolder } from '../../src/audit/files.ts';
import { AuditWriter } from '../../src/audit/writer.ts';
import { pruned, random } from './log-world.ts';

/** More than a log that can be written again could need. */
const maxFailures = 20;

const [, , key = '', fleet = '', agent = '', folder = '', promises = '', count = ''] = process.argv;
const secretOf = (hex: string): Uint8Array => fromHex(hex) ?? new Uint8Array();
const said = openSync(promises, 'a');
let failures = 0;

async function open(): Promise<AuditWriter> {
  return AuditWriter.open({
    files: await openAuditFolder(folder),
    secrets: { primitives: nodePrimitives, key: secretOf(key), fleet: secretOf(fleet), agent: secretOf(agent) },
    clock: { nowMs: () => Date.now(), monotonicMs: () => performance.now() },
    log: quiet,
    run: { id: random(16), startedMs: performance.now() },
    sign: () => Promise.reject(new Error('no key here')),
  });
}

/** Until it was done, or nothing can be. */
async function insisting(act: () => Promise<unknown>, promise: string): Promise<void> {
  for (; failures < maxFailures; failures += 1) {
    try {
      await act();
      writeSync(said, `${promise}\n`);
      return;
    } catch (thrown) {
      if (codeOf(thrown) !== 'audit_unavailable' && !String(thrown).includes('EIO') && !String(thrown).includes('ENOSPC'))
        throw thrown;
    }
  }
}

async function main(): Promise<number> {
  for (const half of [0, 1]) {
    let writer: AuditWriter;
    try {
      writer = await open();
    } catch {
      process.stderr.write('(store_failed)\n'); // what the system said is told on by whoever opens it
      return 3;
    }
    const first = (half * Number(count)) / 2;
    for (let number = first; number < first + Number(count) / 2; number += 1)
      await insisting(() => writer.appendDurable(numbered(number)), String(number));
    const below = writer.closedSegments.at(-1)?.next ?? 0;
    if (half === 1 && below > 0) await insisting(() => writer.prune(pruned(below)), 'pruned');
    await writer.close();
  }
  return failures < maxFailures ? 0 : 4;
}

process.exitCode = await main();
