// An agent's audit log as this machine keeps it, spec/audit.md: opened with the key its audience began with, held against the newest checkpoint
// that the agent's own topic shows, and anchored there anew. One that does not hold is opened as evidence: it is read, and nothing is written.

import path from 'node:path';
import { readCheckpoint, signCheckpoint } from '@holdfast/protocol/audit/checkpoint';
import { toHex } from '@holdfast/protocol/codec/bytes';
import { HoldfastError, type ErrorCode } from '@holdfast/protocol/errors';
import { agentAudience } from '@holdfast/protocol/journal/bodies';
import type { AuditReport } from '@holdfast/protocol/audit/event';
import { openAuditFolder } from '../audit/files.ts';
import { Redactor } from '../audit/redactor.ts';
import { SaltStore } from '../audit/salts.ts';
import { tileFiles } from '../audit/tile-files.ts';
import { LogTiles } from '../audit/tiles.ts';
import { AuditWriter, type AuditOptions } from '../audit/writer.ts';
import type { RelayLink } from '../link/relay-link.ts';
import type { Ports } from '../ports.ts';
import type { Enrolment, StateStore } from '../state/store.ts';
import { countedSoFar } from './counted-uses.ts';
import type { AgentJournal } from './journal.ts';
import { LogShipper } from './log-shipper.ts';
import type { AgentKey } from './key-rotation.ts';
import { Pruner } from './pruner.ts';
import { PublishedCheckpoints } from './published-checkpoints.ts';
import { SessionSigners } from './session-signer.ts';
import { WitnessedLog } from './witnessed-log.ts';

/** The log is not what it was: a fault of the evidence, not of the disk. */
const evidenceFaults: ReadonlySet<ErrorCode> = new Set(['audit_altered', 'audit_corrupt', 'audit_truncated']);

export interface AuditLogOptions {
  readonly ports: Ports;
  readonly store: StateStore;
  readonly enrolment: Enrolment;
  readonly holder: AgentKey;
  readonly journal: AgentJournal;
  readonly link: RelayLink;
  /** Of all agents of this machine. */
  readonly folder: string;
  /** Of all agents, too. */
  readonly saltsFolder: string;
  /** This run of the daemon. */
  readonly run: AuditOptions['run'];
  readonly childOf: AuditOptions['childOf'];
  /** Called once it is known that the log does not hold, before anything else is done with it. */
  readonly spoilt: (fault: HoldfastError) => void;
  /** All keys that the agent has had. */
  readonly keys: () => readonly Uint8Array[];
  readonly note: (report: AuditReport) => void;
  /** There are new records. */
  readonly written?: (() => void) | undefined;
}

export class AgentAuditLog {
  readonly writer: AuditWriter;
  readonly redactor: Redactor;
  /** Puts its newest checkpoint into the agent's topic. */
  readonly published: PublishedCheckpoints;
  readonly shipper: LogShipper;
  readonly witnessed: WitnessedLog;
  readonly pruner: Pruner;
  private readonly tiles: LogTiles;
  private readonly options: AuditLogOptions;
  /** Of checkpoints, and of whatever else the daemon says in the agent's name. */
  readonly signers: SessionSigners;

  private readonly salts: SaltStore;

  private constructor(
    options: AuditLogOptions,
    signers: SessionSigners,
    salts: SaltStore,
    { writer, redactor, grown }: Recording,
  ) {
    const { journal, link, ports, store } = options;
    const { agent } = options.enrolment;
    this.options = options;
    this.signers = signers;
    this.salts = salts;
    this.writer = writer;
    this.redactor = redactor;
    this.shipper = new LogShipper({ audit: writer, link, agent, ports });
    grown.tell = () => this.shipper.grew();
    const condemn = (fault: HoldfastError): void => this.condemn(fault);
    this.tiles = new LogTiles({
      primitives: ports.primitives,
      log: writer,
      files: tileFiles(path.join(options.folder, toHex(agent), 'tiles')),
      remade: () => writer.note({ kind: 'fault', code: 'audit_tiles' }), // [TILES-6]
    });
    this.pruner = new Pruner({
      ...{ audit: writer, agent, store, shipper: this.shipper, log: ports.log },
      counted: () => countedSoFar({ primitives: ports.primitives, agent, audit: writer, store }),
      policy: () => journal.state?.auditPolicy,
      pulseAtMs: () => journal.pulseAtMs,
    });
    const cosigned = (size: number, atMs: number): void => this.pruner.cosigned(size, atMs);
    this.witnessed = new WitnessedLog({ ...options, audit: writer, tiles: this.tiles, condemn, cosigned });
    this.published = new PublishedCheckpoints({ audit: writer, journal, link, log: ports.log, witnessed: this.witnessed });
  }

  /** Throws what the disk and the key store throw; a log that does not hold is told to `spoilt` instead, and opened as evidence. [AUDIT-21] */
  static async open(options: AuditLogOptions): Promise<AgentAuditLog> {
    const signers = new SessionSigners(options.ports, options.holder, options.enrolment);
    const salts = await openSalts(options);
    const recording = await openWhatIsThere(options, signers, salts).catch(async (thrown: unknown) => {
      await salts.close();
      throw thrown;
    });
    const log = new AgentAuditLog(options, signers, salts, recording);
    try {
      await log.hold();
      return log;
    } catch (thrown) {
      await log.close();
      throw thrown;
    }
  }

  /** Compares the log with the newest checkpoint of our topic; one that does not hold is frozen and told to `spoilt`. [AUDIT-23] */
  async hold(): Promise<void> {
    const published = this.options.journal.publishedCheckpoint();
    if (published === undefined || this.writer.frozen) return;
    try {
      await this.writer.assertMade(published);
    } catch (thrown) {
      if (!isEvidenceFault(thrown)) throw thrown;
      this.condemn(thrown);
    }
  }

  private condemn(fault: HoldfastError): void {
    this.options.spoilt(fault);
    this.writer.freeze(fault);
  }

  /** The relay gets what was recorded until now, soon: more may follow. */
  shareSoon(): void {
    this.published.publishing.soon();
    this.shipper.shipping.soon();
  }

  /** Resolves when the relay has all that was recorded until now, or when that is not possible now; never rejects. [AUDIT-22] [SHIP-6] */
  async share(): Promise<void> {
    await this.published.publishing.anew();
    await this.shipper.shipping.anew();
  }

  /** Nothing is recorded afterwards. */
  async close(): Promise<void> {
    const { published, shipper, witnessed, pruner } = this;
    for (const each of [published.publishing, shipper.shipping, witnessed.asking, pruner.pruning]) each.stop();
    await pruner.pruning.now(); // what is under way
    await this.tiles.close();
    await this.writer.close();
    await this.salts.close();
    await this.signers.wipe();
  }
}

interface Recording {
  readonly writer: AuditWriter;
  readonly redactor: Redactor;
  /** Who hears that more of the log is synced. */
  readonly grown: { tell(): void };
}

/** Throws what the disk says. */
async function openSalts({ ports: { primitives }, enrolment, journal, saltsFolder }: AuditLogOptions): Promise<SaltStore> {
  const { fleet, agent } = enrolment;
  const key = await journal.firstEpochKey(agentAudience(agent));
  const files = await openAuditFolder(path.join(saltsFolder, toHex(agent)));
  const none: ReadonlyMap<string, number> = new Map();
  try {
    return await SaltStore.open({
      files,
      secrets: { primitives, key, fleet, agent },
      erasures: () => journal.state?.erasures ?? none,
    });
  } catch (thrown) {
    await files.close();
    throw thrown;
  }
}

async function openWhatIsThere(options: AuditLogOptions, signers: SessionSigners, salts: SaltStore): Promise<Recording> {
  const { ports, journal, spoilt, enrolment } = options;
  const { agent } = enrolment;
  const policy = () => journal.state?.auditPolicy;
  const redactor = new Redactor({ primitives: ports.primitives, agent, salts, policy });
  const grown = { tell: () => {} };
  const grew = { written: options.written ?? (() => {}), synced: () => grown.tell() };
  const opened = async (change: Pick<AuditOptions, 'anchor' | 'evidenceOf'>): Promise<Recording> => ({
    writer: await openWriter(options, signers, { policy, redactor, grew, ...change }),
    redactor,
    grown,
  });
  const published = journal.publishedCheckpoint();
  try {
    const anchor = published === undefined ? {} : { anchor: readCheckpoint(ports.primitives, published).statement };
    return await opened(anchor);
  } catch (thrown) {
    if (!isEvidenceFault(thrown)) throw thrown;
    spoilt(thrown);
    return opened({ evidenceOf: thrown }); // [AUDIT-24]
  }
}

async function openWriter(
  { ports, enrolment, journal, folder, run, childOf }: AuditLogOptions,
  signers: SessionSigners,
  change: Pick<AuditOptions, 'anchor' | 'evidenceOf' | 'policy' | 'redactor' | 'grew'>,
): Promise<AuditWriter> {
  const { fleet, agent } = enrolment;
  const key = await journal.firstEpochKey(agentAudience(agent)); // [AUDIT-18]
  return AuditWriter.open({
    files: await openAuditFolder(path.join(folder, toHex(agent))),
    secrets: { primitives: ports.primitives, key, fleet, agent },
    clock: ports.clock,
    log: ports.log,
    run,
    ...(childOf !== undefined && { childOf }),
    sign: async (statement) => signCheckpoint(await signers.signer(), statement),
    ...change,
  });
}

function isEvidenceFault(thrown: unknown): thrown is HoldfastError {
  return thrown instanceof HoldfastError && evidenceFaults.has(thrown.code);
}
