// One agent with its keys and its audit log, for the tests of the writer and of handles.

import { signCheckpoint, type CheckpointStatement } from '@holdfast/protocol/audit/checkpoint';
import { decodeEvent, type AuditEvent, type AuditReport } from '@holdfast/protocol/audit/event';
import { verifyAudit, type Anchor, type AuditVerdict } from '@holdfast/protocol/audit/verify';
import { certifySessionKey, maxSessionKeyMs } from '@holdfast/protocol/blind/session-key';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';
import { SoftwareKeyHolder } from '@holdfast/protocol/seal/software-key-holder';
import { numberOf, quiet } from '@holdfast/testkit/numbered';
import type { AuditFiles } from '../../src/audit/files.ts';
import type { Redacting } from '../../src/audit/redactor.ts';
import { AuditWriter, type AuditOptions } from '../../src/audit/writer.ts';

export const random = (length: number) => nodePrimitives.random(length);
/** Nothing that is recorded is anybody's. */
export const asItIs: Redacting = { text: (said) => said, digest: (digest) => ({ digest }) };
/** The same, as an agent has it. */
export const recordingAsItIs = {
  recordPolicy: { paths: 'keep', redacting: asItIs },
  redactor: { ...asItIs, know: () => {} },
} as const;

/** By a policy of a day, at a time when that was over. */
export const pruned = (below: number): Extract<AuditReport, { kind: 'pruned' }> => ({
  kind: 'pruned',
  below,
  version: 1,
  retentionDays: 1,
  seenAtMs: 1_790_000_000_000,
  pulseAtMs: 1_790_000_000_000 + 86_400_000,
});

export class LogWorld {
  readonly fleet = random(32);
  readonly agent = random(16);
  readonly key = random(32);
  readonly custody: SoftwareKeyHolder;
  readonly session: SoftwareKeyHolder;

  private constructor(custody: SoftwareKeyHolder, session: SoftwareKeyHolder) {
    this.custody = custody;
    this.session = session;
  }

  static async make(): Promise<LogWorld> {
    return new LogWorld(await SoftwareKeyHolder.generate(nodePrimitives), await SoftwareKeyHolder.generate(nodePrimitives));
  }

  async sign(statement: CheckpointStatement): Promise<Uint8Array> {
    const notBeforeMs = statement.atMs - 1000;
    const { fleet, agent } = this;
    const certificate = await certifySessionKey(this.custody, {
      v: 1,
      fleet,
      agent,
      key: this.session.publicKeys.sign,
      notBeforeMs,
      notAfterMs: notBeforeMs + maxSessionKeyMs,
    });
    return signCheckpoint({ certificate, sign: (domain, bytes) => this.session.sign(domain, bytes) }, statement);
  }

  open(files: AuditFiles, change: Partial<AuditOptions> = {}): Promise<AuditWriter> {
    const { fleet, agent, key } = this;
    return AuditWriter.open({
      files,
      secrets: { primitives: nodePrimitives, key, fleet, agent },
      clock: { nowMs: () => Date.now(), monotonicMs: () => performance.now() },
      log: quiet,
      run: { id: random(16), startedMs: performance.now() },
      sign: (statement) => this.sign(statement),
      ...change,
    });
  }

  /** All that were not pruned. */
  async readAll(writer: AuditWriter): Promise<Uint8Array[]> {
    const [wires, first]: [Uint8Array[], number] = [[], writer.firstKept];
    while (first + wires.length < writer.size) wires.push(...(await writer.read({ from: first + wires.length, limit: 100 })));
    return wires;
  }

  /** Of all below that number. */
  async leaves(writer: AuditWriter, below: number): Promise<Uint8Array[]> {
    const leaves: Uint8Array[] = [];
    while (leaves.length < below) leaves.push(...(await writer.leaves({ from: leaves.length, limit: below - leaves.length })));
    return leaves;
  }

  async events(writer: AuditWriter): Promise<AuditEvent[]> {
    return (await this.readAll(writer)).map(decodeEvent);
  }

  /** Of the numbered records, in their order; what the log says of itself stands beside them. */
  async numbers(writer: AuditWriter): Promise<number[]> {
    return (await this.events(writer)).filter(({ kind }) => kind === 'credentialed').map(numberOf);
  }

  async verify(writer: AuditWriter, anchor?: Anchor): Promise<AuditVerdict> {
    const log = { fleet: this.fleet, agent: this.agent, agentKey: this.custody.publicKeys.sign };
    const [events, checkpoints] = [await this.readAll(writer), await writer.checkpoints()];
    const leaves = await this.leaves(writer, writer.firstKept);
    return verifyAudit(nodePrimitives, log, { leaves, events, checkpoints, anchors: anchor === undefined ? [] : [anchor] });
  }
}
