// The program of durability.test.ts: a writer that appends durable records, numbered, each number once, until so many were acknowledged.
// Arguments: key, fleet, agent (hex), folder, file for promises (the number that is safe), how many.

import { openSync, writeSync } from 'node:fs';
import { fromHex } from '@holdfast/protocol/codec/bytes';
import { codeOf } from '@holdfast/protocol/errors';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';
import { numbered, quiet } from '@holdfast/testkit/numbered';
import { openAuditFolder } from '../../src/audit/files.ts';
import { AuditWriter } from '../../src/audit/writer.ts';
import { random } from './log-world.ts';

/** More than a log that can be written again could need. */
const maxFailures = 20;

const [, , key = '', fleet = '', agent = '', folder = '', promises = '', count = ''] = process.argv;
const secretOf = (hex: string): Uint8Array => fromHex(hex) ?? new Uint8Array();

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

async function main(): Promise<number> {
  const said = openSync(promises, 'a');
  let writer: AuditWriter;
  try {
    writer = await open();
  } catch {
    process.stderr.write('(store_failed)\n'); // what the system said is told on by whoever opens it
    return 3;
  }
  let failures = 0;
  for (let number = 0, done = 0; done < Number(count) && failures < maxFailures; number += 1) {
    try {
      await writer.appendDurable(numbered(number));
      writeSync(said, `${number}\n`);
      done += 1;
    } catch (thrown) {
      if (codeOf(thrown) !== 'audit_unavailable') throw thrown;
      failures += 1;
    }
  }
  await writer.close();
  return failures < maxFailures ? 0 : 4;
}

process.exitCode = await main();
