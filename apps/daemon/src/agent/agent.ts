// One enrolled agent of this machine: its keys in custody, its journal, its link to the relay, its freshness, its audit log and the handles
// minted for it. What changes in the fleet's state takes effect here, at once.

import path from 'node:path';
import { readCheckpoint, signCheckpoint } from '@holdfast/protocol/audit/checkpoint';
import type { AuditReport } from '@holdfast/protocol/audit/event';
import { toHex } from '@holdfast/protocol/codec/bytes';
import type { AgentView } from '@holdfast/protocol/door/wire';
import { HoldfastError, type ErrorCode } from '@holdfast/protocol/errors';
import { agentAudience } from '@holdfast/protocol/journal/bodies';
import { egressOf, grantsOf, isLive, type Egress, type FleetState, type Grant } from '@holdfast/protocol/journal/state';
import type { KeyHolder } from '@holdfast/protocol/keys/key-holder';
import { openAuditFolder } from '../audit/files.ts';
import type { RecordPolicy } from '../audit/redact.ts';
import { AuditWriter, type AuditOptions } from '../audit/writer.ts';
import { Freshness } from '../freshness.ts';
import { faultOf } from '../fault.ts';
import { RelayLink } from '../link/relay-link.ts';
import type { Ports } from '../ports.ts';
import type { Enrolment, StateStore } from '../state/store.ts';
import { HandleTable } from '../vault/mint.ts';
import { AgentJournal } from './journal.ts';
import { PublishedCheckpoints } from './published-checkpoints.ts';
import { SessionSigners } from './session-signer.ts';

/** Which parts of a request the record keeps. */
export const recordPolicy: RecordPolicy = { paths: 'keep' };
const sweepEveryMs = 1000;
/** How long the end of the daemon waits for a relay. */
const lastCheckpointWithinMs = 2000;
/** The log is not what it was: a fault of the evidence, not of the disk. */
const evidenceFaults: ReadonlySet<ErrorCode> = new Set(['audit_altered', 'audit_corrupt', 'audit_truncated']);

export interface AgentOptions {
  readonly ports: Ports;
  readonly store: StateStore;
  readonly enrolment: Enrolment;
  readonly holder: KeyHolder;
  readonly custodyLevel: string;
  readonly auditFolder: string;
  /** This run of the daemon. */
  readonly run: { readonly id: Uint8Array; readonly startedMs: number };
  readonly version: string;
  /** Its scope was enrolled again: it does nothing any more, its evidence is read. */
  readonly past?: boolean;
}

/** What sessions hear of. */
export interface AgentEvents {
  /** The agent may do nothing any more. */
  revoked(): void;
  /** This grant has ended: what still uses it is cut. */
  grantEnded(grant: Uint8Array): void;
}

interface Opened {
  readonly audit: AuditWriter;
  readonly handles: HandleTable;
  readonly signers: SessionSigners;
  readonly published: PublishedCheckpoints;
}

export class Agent {
  readonly enrolment: Enrolment;
  readonly holder: KeyHolder;
  readonly freshness: Freshness;
  readonly custodyLevel: string;
  private readonly ports: Ports;
  private readonly journal: AgentJournal;
  private readonly link: RelayLink;
  private readonly options: AgentOptions;
  private readonly listeners = new Set<AgentEvents>();
  private sweeper: NodeJS.Timeout | undefined;
  private opened: Opened | undefined;
  private beginning: Promise<void> | undefined;
  private fault: HoldfastError | undefined;

  private constructor(options: AgentOptions, journal: AgentJournal, link: RelayLink, freshness: Freshness) {
    this.options = options;
    this.ports = options.ports;
    this.enrolment = options.enrolment;
    this.holder = options.holder;
    this.custodyLevel = options.custodyLevel;
    this.journal = journal;
    this.link = link;
    this.freshness = freshness;
  }

  /** Reads what this machine kept of the agent and begins to follow the fleet. Throws the code of whatever was altered meanwhile. */
  static async open(options: AgentOptions): Promise<Agent> {
    const { ports, enrolment, holder, store } = options;
    const freshness = new Freshness(ports.clock);
    const following: { link?: RelayLink } = {};
    const journal = await AgentJournal.open({
      ports,
      store,
      enrolment,
      holder,
      freshness,
      fetchLockbox: async (place) => following.link?.lockbox(place),
    });
    const { agent: principal, fleet, relayUrl, relayKey } = enrolment;
    const caughtUp: { by?: Agent } = {};
    const onCaughtUp = async () => caughtUp.by?.caughtUp();
    const link = new RelayLink({
      ports,
      relayUrl,
      relayKey,
      identity: { fleet, principal, holder },
      freshness,
      reader: journal,
      onCaughtUp,
    });
    following.link = link;
    const agent = new Agent(options, journal, link, freshness);
    caughtUp.by = agent;
    journal.onChange((after, before) => agent.changed(after, before));
    if (journal.state !== undefined) await agent.begin(journal.state);
    if (agent.live || (journal.state === undefined && options.past !== true)) link.start();
    return agent;
  }

  get id(): Uint8Array {
    return this.enrolment.agent;
  }

  get live(): boolean {
    const { state } = this.journal;
    return state !== undefined && isLive(state, this.id) && this.options.past !== true;
  }

  /** Why there is no connection to the relay; `relay_refused` after a revocation that was not heard of here. */
  get relayError(): ErrorCode | undefined {
    return this.link.error;
  }

  get state(): FleetState | undefined {
    return this.journal.state;
  }

  grants(): readonly Grant[] {
    const { state } = this.journal;
    return state === undefined ? [] : grantsOf(state, this.id);
  }

  /** All grants that have not been ended, also of an agent that was revoked: what it could have opened. */
  granted(): readonly Grant[] {
    return [...(this.journal.state?.grants.get(toHex(this.id))?.values() ?? [])];
  }

  egress(): readonly Egress[] {
    const { state } = this.journal;
    return state === undefined ? [] : egressOf(state, this.id);
  }

  /** Throws `agent_revoked`, or `relay_unreachable` before the fleet was read for the first time. */
  assertLive(): void {
    if (this.live) return;
    if (this.journal.state === undefined) {
      throw new HoldfastError('relay_unreachable', 'this agent has not read its fleet yet', {
        next: 'wait for the relay; see: holdfast status',
      });
    }
    throw new HoldfastError('agent_revoked', 'this agent was revoked', { next: 'enrol again: holdfast enroll' });
  }

  /** Throws like `assertLive`, and why its audit log does not hold. */
  assertAble(): void {
    this.assertLive();
    if (this.fault !== undefined) throw this.fault; // [AUDIT-24]
  }

  /** Why its audit log does not hold; then it is evidence, and this agent does nothing any more. */
  get auditFault(): HoldfastError | undefined {
    return this.fault;
  }

  /** The newest checkpoint that its topic shows. */
  get anchor(): Uint8Array | undefined {
    return this.journal.publishedCheckpoint();
  }

  get audit(): AuditWriter {
    return this.begun().audit;
  }

  get handles(): HandleTable {
    return this.begun().handles;
  }

  /** Writes a report that no effect waits for; the writer counts and tells what cannot be written. */
  note(report: AuditReport): void {
    this.opened?.audit.note(report);
  }

  /** Burns what a session has not used and records its end; total, also after the log was closed. */
  async endSession(session: Uint8Array, exitCode: number | undefined): Promise<void> {
    await this.opened?.handles.burn({ kind: 'session', session }).catch(() => this.log('burned handles could not be recorded'));
    this.note({ kind: 'session-end', session, ...(exitCode !== undefined && { exitCode }) });
    this.opened?.published.soon();
  }

  /** Resolves once the agent has read its fleet and can work; rejects after `timeoutMs`. */
  async ready(timeoutMs: number): Promise<void> {
    await this.until(() => this.opened !== undefined, timeoutMs, 'the fleet could not be read in time');
  }

  hasRead(position: number): boolean {
    return (this.journal.controlHead()?.position ?? -1) >= position;
  }

  /** Resolves once the control entry at `position` has taken effect here. Throws `entry_fork` when another one stands there. */
  async applied(position: number, hash: Uint8Array, timeoutMs: number): Promise<void> {
    await this.until(() => this.hasRead(position), timeoutMs, 'the entry has not arrived yet');
    this.journal.compareControl({ position, hash });
  }

  subscribe(listener: AgentEvents): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  view(): AgentView {
    const { fleet, scope, relayUrl } = this.enrolment;
    const { state } = this.journal;
    const fresh = this.freshness.view(this.journal.pulseMaxAgeMs);
    const whole = (ms: number | undefined) => (ms === undefined ? undefined : Math.round(ms));
    const relayAgeMs = whole(fresh.relayAgeMs);
    const pulseAgeMs = whole(fresh.pulseAgeMs);
    const control = this.journal.controlHead();
    const refusal = this.refusal();
    return {
      agent: this.id,
      fleet,
      fleetName: state?.name ?? '',
      scope,
      custody: this.custodyLevel,
      state: state === undefined ? 'new' : this.live ? 'live' : 'revoked',
      relay: relayUrl,
      relayState: this.link.state,
      ...(this.link.error !== undefined && { relayError: this.link.error }),
      ...(control !== undefined && { control }),
      freshness: {
        ...(relayAgeMs !== undefined && { relayAgeMs }),
        ...(pulseAgeMs !== undefined && { pulseAgeMs }),
        pulseMaxAgeMs: fresh.pulseMaxAgeMs,
        ...(refusal !== undefined && { refusal }),
      },
      grants: this.grants().length,
      undecryptable: this.journal.undecryptable,
      rejected: state?.rejected.length ?? 0,
      events: this.opened?.audit.size ?? 0,
    };
  }

  /** Idempotent. Nothing is minted or recorded afterwards. */
  async close(): Promise<void> {
    const { opened } = this;
    this.opened = undefined;
    if (opened === undefined) return this.link.stop();
    const { audit, handles, signers, published } = opened;
    clearInterval(this.sweeper);
    await handles.burn({ kind: 'all' }).catch(() => this.log('burned handles could not be recorded'));
    if (this.options.past !== true)
      await audit.append({ kind: 'daemon-stop' }).catch(() => this.log('the last audit event could not be written'));
    await within(lastCheckpointWithinMs, published.publish()); // [AUDIT-22]
    published.stop();
    this.link.stop();
    await audit.close();
    await signers.wipe();
  }

  private log(message: string): void {
    this.ports.log.warn({ agent: toHex(this.id) }, message);
  }

  private begun(): { readonly audit: AuditWriter; readonly handles: HandleTable } {
    if (this.opened !== undefined) return this.opened;
    if (this.state === undefined)
      throw new HoldfastError('relay_unreachable', 'this agent has not read its fleet yet', { next: 'see: holdfast status' });
    throw new HoldfastError('audit_unavailable', 'the audit log of this agent is not open', { next: 'see: holdfast status' });
  }

  /** The first state gives the key that seals the log; nothing can be recorded, and so nothing done, before. */
  private async begin(state: FleetState): Promise<void> {
    if (this.opened !== undefined || !state.agents.has(toHex(this.id))) return;
    this.beginning ??= this.beginWork().finally(() => (this.beginning = undefined)); // one log has one writer
    await this.beginning;
  }

  private async beginWork(): Promise<void> {
    const { ports, enrolment, version } = this.options;
    const { fleet, agent } = enrolment;
    const signers = new SessionSigners(ports, this.holder, { fleet, agent });
    const audit = await this.openAudit(signers);
    const handles = new HandleTable({
      primitives: ports.primitives,
      clock: ports.clock,
      staleness: () => this.refusal(),
      recorder: () => audit,
      policy: recordPolicy,
    });
    this.opened = {
      audit,
      handles,
      signers,
      published: new PublishedCheckpoints({ audit, journal: this.journal, link: this.link, log: ports.log }),
    };
    if (this.options.past === true) return;
    this.sweeper = setInterval(() => this.sweep(handles), sweepEveryMs);
    this.note({ kind: 'daemon-start', version });
  }

  /** The log, held against what the journal knows of it. One that does not hold is opened as evidence, and nothing is done any more. [AUDIT-21] */
  private async openAudit(signers: SessionSigners): Promise<AuditWriter> {
    const { ports, enrolment, auditFolder, run } = this.options;
    const { fleet, agent } = enrolment;
    const key = await this.journal.firstEpochKey(agentAudience(agent)); // [AUDIT-18]
    const open = async (change: Pick<AuditOptions, 'anchor' | 'evidenceOf'>) =>
      AuditWriter.open({
        files: await openAuditFolder(path.join(auditFolder, toHex(agent))),
        secrets: { primitives: ports.primitives, key, fleet, agent },
        clock: ports.clock,
        log: ports.log,
        run,
        sign: async (statement) => signCheckpoint(await signers.signer(), statement),
        ...change,
      });
    const published = this.journal.publishedCheckpoint();
    try {
      const audit = await open(published === undefined ? {} : { anchor: readCheckpoint(ports.primitives, published).statement });
      await this.hold(audit);
      return audit;
    } catch (thrown) {
      if (!isEvidenceFault(thrown)) throw thrown;
      this.spoilt(thrown);
      return open({ evidenceOf: thrown }); // [AUDIT-24]
    }
  }

  /** Compares the log with the newest checkpoint of our topic; from the moment that it does not hold nothing is minted. [AUDIT-23] */
  private async hold(audit: AuditWriter): Promise<void> {
    const published = this.journal.publishedCheckpoint();
    if (published === undefined || audit.frozen) return;
    try {
      await audit.assertMade(published);
    } catch (thrown) {
      if (!isEvidenceFault(thrown)) throw thrown;
      this.spoilt(thrown);
      audit.freeze(thrown);
    }
  }

  private spoilt(fault: HoldfastError): void {
    this.fault ??= fault;
    this.ports.log.warn(
      { agent: toHex(this.id), code: fault.code },
      'the audit log does not hold: this agent does nothing any more',
    );
    void this.opened?.handles.burn({ kind: 'all' }).catch(() => {}); // dead at once; there is no log to record it in
    this.tell((listener) => listener.revoked());
  }

  /** All was read from the relay, our own topic as well. */
  private async caughtUp(): Promise<void> {
    const { opened } = this;
    if (opened === undefined) return;
    await this.hold(opened.audit);
    void opened.published.publish(); // of a run that was killed, too
  }

  /** Why nothing is minted now. */
  private refusal(): ErrorCode | undefined {
    const { refusal } = this.freshness.view(this.journal.pulseMaxAgeMs);
    return this.fault?.code ?? refusal ?? (this.journal.hasReadOwn ? undefined : 'stale_relay'); // [AUDIT-23]
  }

  private sweep(handles: HandleTable): void {
    void handles.sweep().catch(() => this.log('handles could not be recorded as expired'));
    try {
      this.journal.keepPulseAge();
    } catch (thrown) {
      this.ports.log.warn({ agent: toHex(this.id), ...faultOf(thrown) }, 'the age of the pulse could not be written down');
    }
  }

  private async changed(after: FleetState, before: FleetState | undefined): Promise<void> {
    await this.begin(after);
    const { opened } = this;
    if (opened === undefined) return;
    const me = toHex(this.id);
    const was = before === undefined ? undefined : before.agents.get(me);
    const now = after.agents.get(me);
    if (was === undefined && now !== undefined) this.note({ kind: 'enrolled', custody: this.custodyLevel });
    if (now?.revoked !== undefined && was?.revoked === undefined) {
      this.end();
      await opened.handles.burn({ kind: 'agent', agent: this.id }).catch(() => this.log('burned handles could not be recorded'));
      this.note({ kind: 'revoked', reason: now.revoked.reason.replace(/[^\x20-\x7e]/g, '?') });
      return;
    }
    await this.grantsChanged(after.grants.get(me) ?? new Map(), before?.grants.get(me) ?? new Map());
    this.egressChanged(after.egress.get(me) ?? new Map(), before?.egress.get(me) ?? new Map());
  }

  private end(): void {
    this.link.stop();
    this.tell((listener) => listener.revoked());
  }

  /** Each is told, whatever the others make of it. */
  private tell(what: (listener: AgentEvents) => void): void {
    for (const listener of this.listeners) {
      try {
        what(listener);
      } catch (thrown) {
        this.ports.log.warn({ agent: toHex(this.id), ...faultOf(thrown) }, 'a session failed to act on a change');
      }
    }
  }

  private async grantsChanged(after: ReadonlyMap<string, Grant>, before: ReadonlyMap<string, Grant>): Promise<void> {
    const { handles } = this.begun();
    for (const [id, ended] of before) {
      if (after.has(id)) continue;
      this.tell((listener) => listener.grantEnded(ended.grant));
      await handles.burn({ kind: 'grant', grant: ended.grant }).catch(() => this.log('burned handles could not be recorded'));
      this.note({ kind: 'grant-ended', grant: ended.grant });
    }
    for (const [id, { grant, item, name }] of after) {
      if (!before.has(id)) this.note({ kind: 'granted', grant, item, name });
    }
  }

  private egressChanged(after: ReadonlyMap<string, Egress>, before: ReadonlyMap<string, Egress>): void {
    for (const [id, { id: rule }] of before) if (!after.has(id)) this.note({ kind: 'egress-ended', rule });
    for (const [id, { id: rule, host, port }] of after) {
      if (!before.has(id)) this.note({ kind: 'egress-allowed', rule, host, port });
    }
  }

  private until(reached: () => boolean, timeoutMs: number, late: string): Promise<void> {
    if (reached()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const stop = this.journal.watch(() => {
        if (!reached()) return;
        clearTimeout(deadline);
        stop();
        resolve();
      });
      const deadline = setTimeout(() => {
        stop();
        reject(new HoldfastError('relay_unreachable', late, { next: 'see: holdfast status' }));
      }, timeoutMs);
    });
  }
}

function isEvidenceFault(thrown: unknown): thrown is HoldfastError {
  return thrown instanceof HoldfastError && evidenceFaults.has(thrown.code);
}

/** Resolves with the work, or when the time is up. */
async function within(limitMs: number, work: Promise<void>): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, limitMs);
  await Promise.race([work, late]);
  clearTimeout(timer);
}
