// What killed-log.test.ts and the program that it kills have in common: the keys, the log and its numbered records.

import { signCheckpoint } from '@holdfast/protocol/audit/checkpoint';
import { certifySessionKey, maxSessionKeyMs } from '@holdfast/protocol/blind/session-key';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { SoftwareKeyHolder } from '@holdfast/protocol/seal/software-key-holder';
import { openAuditFolder } from '../apps/daemon/src/audit/files.ts';
import { AuditWriter } from '../apps/daemon/src/audit/writer.ts';
import { quiet } from '../packages/testkit/src/numbered.ts';
import { seededPrimitives } from '../packages/testkit/src/seeded.ts';

/** Of the audience that the log is sealed for. */
export const audienceKey = new Uint8Array(32).fill(7);

/** The same in each process that knows the seed. */
export const keysOf = (seed: string): Promise<SoftwareKeyHolder> => SoftwareKeyHolder.generate(seededPrimitives(seed));

export interface LogPlace {
  readonly folder: string;
  readonly fleet: Uint8Array;
  readonly agent: Uint8Array;
  readonly holder: SoftwareKeyHolder;
}

/** As the daemon opens it, its checkpoints signed by a key that the agent's certifies. */
export async function openLog({ folder, fleet, agent, holder }: LogPlace): Promise<AuditWriter> {
  const session = await SoftwareKeyHolder.generate(primitives);
  const notBeforeMs = Date.now() - 1000;
  const life = { notBeforeMs, notAfterMs: notBeforeMs + maxSessionKeyMs };
  const certificate = await certifySessionKey(holder, { v: 1, fleet, agent, key: session.publicKeys.sign, ...life });
  return AuditWriter.open({
    files: await openAuditFolder(folder),
    secrets: { primitives, key: audienceKey, fleet, agent },
    clock: { nowMs: () => Date.now(), monotonicMs: () => performance.now() },
    log: quiet,
    run: { id: primitives.random(16), startedMs: performance.now() },
    sign: (statement) => signCheckpoint({ certificate, sign: (domain, bytes) => session.sign(domain, bytes) }, statement),
  });
}
