// What of an agent opens once its fleet was read, and closes with it: the log that everything is recorded in, and the handles, counts and asks
// that stand on it.

import type { AuditReport } from '@holdfast/protocol/audit/event';
import { HoldfastError, type ErrorCode } from '@holdfast/protocol/errors';
import { agentAudience } from '@holdfast/protocol/journal/bodies';
import { placeholderSecret } from '@holdfast/protocol/vault/placeholder';
import { Approvals } from '../approvals/approvals.ts';
import type { RecordPolicy } from '../audit/redact.ts';
import type { Freshness } from '../freshness.ts';
import type { RelayLink } from '../link/relay-link.ts';
import type { Ports } from '../ports.ts';
import { HandleTable } from '../vault/mint.ts';
import { ByteCounts } from '../vault/byte-counts.ts';
import { OpenUses } from '../vault/open-uses.ts';
import { UseCounts } from '../vault/use-counts.ts';
import { AgentAuditLog, type AuditLogOptions } from './audit-log.ts';
import { countUses } from './counted-uses.ts';
import type { AgentJournal } from './journal.ts';

export interface Opened {
  readonly log: AgentAuditLog;
  /** Which parts of a request the record keeps. */
  readonly recordPolicy: RecordPolicy;
  readonly handles: HandleTable;
  readonly uses: UseCounts;
  readonly openUses: OpenUses;
  readonly bytes: ByteCounts;
  readonly approvals: Approvals;
  readonly placeholderSecret: Uint8Array;
}

export interface OpenedOptions extends AuditLogOptions {
  readonly ports: Ports;
  readonly journal: AgentJournal;
  readonly link: RelayLink;
  readonly freshness: Freshness;
  /** Evidence is read of it, and nothing else. */
  readonly past: boolean;
  /** Why nothing is minted now. */
  refusal(): ErrorCode | undefined;
  readonly note: (report: AuditReport) => void;
}

/** Throws what the log, the journal's keys or the store throw; a log that does not hold goes to `spoilt`, once, and is open all the same. */
export async function openRecords(options: OpenedOptions): Promise<Opened> {
  const { ports, enrolment, journal, link, freshness } = options;
  const { fleet, agent } = enrolment;
  let holds = true;
  const spoilt = (fault: HoldfastError): void => {
    holds = false;
    options.spoilt(fault);
  };
  const log = await AgentAuditLog.open({ ...options, spoilt });
  const recordPolicy: RecordPolicy = { paths: 'keep', redacting: log.redactor };
  const uses = new UseCounts(ports.clock);
  const bytes = new ByteCounts(ports.clock);
  if (!options.past && holds) await countAll(options, { log, uses, bytes, spoilt });
  const handles = new HandleTable({
    primitives: ports.primitives,
    clock: ports.clock,
    staleness: () => options.refusal(),
    recorder: () => log.writer,
    policy: recordPolicy,
    counts: uses,
  });
  const audience = agentAudience(agent);
  const approvals = new Approvals({
    ports,
    fleet,
    agent,
    state: () => journal.state,
    epochKey: (epoch) => journal.epochKey(audience, epoch),
    signer: (lastsMs) => log.signers.signer(lastsMs),
    publish: (signal) => link.publish(signal),
    isFresh: () => freshness.view(journal.pulseMaxAgeMs).refusal !== 'stale_relay',
    redacting: log.redactor,
    record: (report) => log.writer.append(report),
    note: (report) => options.note(report),
  });
  return {
    ...{ log, recordPolicy, handles, uses, openUses: new OpenUses(), bytes, approvals },
    placeholderSecret: await makePlaceholderSecret(options),
  };
}

/** A log that does not hold counts for nothing, and nothing is used any more. */
async function countAll(
  { ports, enrolment, store }: OpenedOptions,
  { log, uses, bytes, spoilt }: Pick<Opened, 'log' | 'uses' | 'bytes'> & Pick<AuditLogOptions, 'spoilt'>,
): Promise<void> {
  try {
    await countUses({ primitives: ports.primitives, agent: enrolment.agent, audit: log.writer, store }, { uses, bytes });
  } catch (thrown) {
    const fault =
      thrown instanceof HoldfastError ? thrown : new HoldfastError('audit_corrupt', 'uses cannot be counted', { cause: thrown });
    log.writer.freeze(fault);
    spoilt(fault);
  }
}

async function makePlaceholderSecret({ ports, enrolment, journal }: OpenedOptions): Promise<Uint8Array> {
  const key = await journal.firstEpochKey(agentAudience(enrolment.agent));
  try {
    return placeholderSecret(ports.primitives, key);
  } finally {
    key.fill(0);
  }
}
