// Audit: durable appends a second with many callers at once, and events verified a second. Targets: 20,000 and 100,000 (DESIGN §13).
// `node bench/audit.ts [events]`; prints one JSON line.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { signCheckpoint } from '@holdfast/protocol/audit/checkpoint';
import { verifyAudit } from '@holdfast/protocol/audit/verify';
import { certifySessionKey, maxSessionKeyMs } from '@holdfast/protocol/blind/session-key';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';
import { SoftwareKeyHolder } from '@holdfast/protocol/seal/software-key-holder';
import { openAuditFolder } from '../apps/daemon/src/audit/files.ts';
import { AuditWriter } from '../apps/daemon/src/audit/writer.ts';

const events = Number(process.argv[2] ?? 60_000);
const callers = 512;
const random = (length: number) => nodePrimitives.random(length);
const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

const folder = mkdtempSync(path.join(tmpdir(), 'holdfast-bench-audit-'));
try {
  const agent = random(16);
  const fleet = random(32);
  const custody = await SoftwareKeyHolder.generate(nodePrimitives);
  const session = await SoftwareKeyHolder.generate(nodePrimitives);
  const notBeforeMs = Date.now() - 1000;
  const statement = {
    v: 1,
    fleet,
    agent,
    key: session.publicKeys.sign,
    notBeforeMs,
    notAfterMs: notBeforeMs + maxSessionKeyMs,
  } as const;
  const certificate = await certifySessionKey(custody, statement);
  const writer = await AuditWriter.open({
    files: await openAuditFolder(path.join(folder, 'log')),
    secrets: { primitives: nodePrimitives, key: random(32), fleet, agent },
    clock: { nowMs: () => Date.now(), monotonicMs: () => performance.now() },
    log: { info: () => {}, warn: (_, message) => console.error(message) },
    run: { id: random(16), startedMs: performance.now() },
    sign: (toSign) => signCheckpoint({ certificate, sign: (domain, bytes) => session.sign(domain, bytes) }, toSign),
  });
  const use = { session: random(16), handle: random(16), grant: random(16), item: random(16), request: random(32) };
  let left = events;
  const startedMs = performance.now();
  await Promise.all(
    Array.from({ length: callers }, async () => {
      while (left > 0) {
        left -= 1;
        await writer.appendDurable({ kind: 'consumed', ...use });
      }
    }),
  );
  const appendsPerSecond = Math.round((events / (performance.now() - startedMs)) * 1000);

  const alone: number[] = [];
  for (let round = 0; round < 200; round += 1) {
    const beganMs = performance.now();
    await writer.appendDurable({ kind: 'consumed', ...use });
    alone.push(performance.now() - beganMs);
  }
  await writer.checkpoint();
  const recorded: Uint8Array[] = [];
  while (recorded.length < writer.size) recorded.push(...(await writer.read({ from: recorded.length, limit: 1000 })));
  const checkpoints = await writer.checkpoints();
  await writer.close();

  const rates: number[] = [];
  for (let round = 0; round < 5; round += 1) {
    const beganMs = performance.now();
    await verifyAudit(nodePrimitives, { fleet, agent, agentKey: custody.publicKeys.sign }, { events: recorded, checkpoints });
    rates.push((recorded.length / (performance.now() - beganMs)) * 1000);
  }
  console.log(
    JSON.stringify({
      events,
      callers,
      durableAppendsPerSecond: appendsPerSecond,
      durableAppendAloneMs: Number(median(alone).toFixed(3)),
      verifiedPerSecond: Math.round(median(rates)),
      checkpoints: checkpoints.length,
    }),
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
