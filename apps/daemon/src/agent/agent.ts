// One enrolled agent of this machine, as sessions and doors see it: its keys in custody, its journal, its link to the relay, its freshness, its
// audit log and the handles minted for it, opened together and closed in order. Nothing is minted while any of them is in doubt.

import type { AuditReport } from '@holdfast/protocol/audit/event';
import type { CustodyLevel } from '@holdfast/protocol/blind/pairing-offer';
import { equalBytes, toHex } from '@holdfast/protocol/codec/bytes';
import type { AgentView } from '@holdfast/protocol/door/wire';
import { HoldfastError, type ErrorCode } from '@holdfast/protocol/errors';
import { agentAudience } from '@holdfast/protocol/journal/bodies';
import {
  askedKeys,
  egressOf,
  grantsOf,
  type Agent as FleetAgent,
  type Bedrock,
  type Budget,
  type Egress,
  type FleetState,
  type Grant,
} from '@holdfast/protocol/journal/state';
import type { PublicKeys } from '@holdfast/protocol/keys/public-keys';
import type { Approvals } from '../approvals/approvals.ts';
import type { Child } from '../children/child.ts';
import { Children } from '../children/children.ts';
import { placeholderFor } from '@holdfast/protocol/vault/placeholder';
import type { Fence } from '@holdfast/protocol/vault/fence';
import type { RecordPolicy } from '../audit/redact.ts';
import type { Redactor } from '../audit/redactor.ts';
import type { AuditWriter } from '../audit/writer.ts';
import { Freshness } from '../freshness.ts';
import { faultOf } from '../fault.ts';
import { RelayLink } from '../link/relay-link.ts';
import type { Ports } from '../ports.ts';
import { LivingSessions } from '../presence/living.ts';
import { AgentPresence } from '../presence/presence.ts';
import type { Enrolment, StateStore } from '../state/store.ts';
import type { HandleTable } from '../vault/mint.ts';
import type { ByteCounts } from '../vault/byte-counts.ts';
import type { OpenUses } from '../vault/open-uses.ts';
import type { UseCounts, Used } from '../vault/use-counts.ts';
import { Effects, type AgentEvents } from './effects.ts';
import { AgentJournal } from './journal.ts';
import { KeyRotation, type AgentKey, type Asked } from './key-rotation.ts';
import { openRecords, type Opened } from './opened.ts';
import { RulesInForce, type InForce } from './rules-in-force.ts';
import { Standing } from './standing.ts';
import { presentFacts } from './present-facts.ts';
import { originOf, presentAs, presentAsChild, type MadePresentation, type Presenter, type PresentRequest } from './present.ts';
import { viewOf } from './view.ts';
import type { Contradiction, Published } from './witnessed-log.ts';

const sweepEveryMs = 1000;
/** An entry more or less in our topic than we knew of. */
const maxAskAttempts = 3;
/** How long the end of the daemon waits for a relay. */
const lastCheckpointWithinMs = 2000;

export interface AgentOptions {
  readonly ports: Ports;
  readonly store: StateStore;
  readonly enrolment: Enrolment;
  readonly holder: AgentKey;
  /** Keys that it asks for in their place. */
  readonly asked: readonly Asked[];
  /** Destroys keys that are the agent's no more. */
  readonly dropKey: (key: Uint8Array) => Promise<void>;
  readonly custodyLevel: string;
  readonly auditFolder: string;
  readonly saltsFolder: string;
  /** This run of the daemon. */
  readonly run: { readonly id: Uint8Array; readonly startedMs: number };
  readonly version: string;
  /** Its scope was enrolled again: it does nothing any more, its evidence is read. */
  readonly past?: boolean;
}

export class Agent {
  readonly enrolment: Enrolment;
  readonly holder: AgentKey;
  readonly freshness: Freshness;
  private readonly ports: Ports;
  private readonly journal: AgentJournal;
  private readonly link: RelayLink;
  private readonly options: AgentOptions;
  private readonly effects: Effects;
  private readonly rotation: KeyRotation;
  private readonly rulesInForce = new RulesInForce();
  /** Of its own, spec/delegation.md. */
  readonly children: Children;
  /** Its sessions, as operators elsewhere are shown them. */
  readonly living: LivingSessions;
  private presence: AgentPresence | undefined;
  private sweeper: NodeJS.Timeout | undefined;
  private opened: Opened | undefined;
  private beginning: Promise<void> | undefined;
  private readonly standing: Standing;

  private constructor(
    options: AgentOptions,
    {
      journal,
      link,
      freshness,
      rotation,
    }: { journal: AgentJournal; link: RelayLink; freshness: Freshness; rotation: KeyRotation },
  ) {
    this.options = options;
    this.ports = options.ports;
    this.enrolment = options.enrolment;
    this.rotation = rotation;
    this.holder = rotation.current;
    this.journal = journal;
    this.link = link;
    this.freshness = freshness;
    this.standing = new Standing({ agent: this.id, past: options.past === true, journal, freshness });
    this.living = new LivingSessions(() => this.ports.clock.nowMs());
    this.children = new Children(
      this.ports,
      originOf({
        nowMs: () => this.ports.clock.nowMs(),
        able: () => this.assertAble(),
        fresh: () => this.standing.assertFresh(),
        presenter: () => this.presenter(),
        note: (report) => this.note(report),
        burn: (child) => void this.opened?.handles.burn({ kind: 'child', child }).catch(() => {}), // dead at once, all the same
      }),
    );
    this.effects = new Effects({
      agent: this.id,
      custodyLevel: this.custodyLevel,
      log: this.ports.log,
      note: (report) => this.note(report),
      leave: () => link.stop(),
      endChild: (child) => void this.children.revoke(child),
    });
    this.subscribe({
      revoked: () => this.children.endAll(),
      suspended: () => this.children.endAll(),
      grantEnded: () => {},
      budgetBegan: () => {},
      rulesChanged: () => {},
    });
  }

  /** Reads what this machine kept of the agent and begins to follow the fleet. Throws the code of whatever was altered meanwhile. */
  static async open(options: AgentOptions): Promise<Agent> {
    const { ports, enrolment, store } = options;
    const rotation = new KeyRotation(options.holder, options.asked, (key) => store.endRotation(enrolment.agent, key));
    const holder = rotation.current;
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
      identity: { fleet, principal, holder: rotation.knocking },
      freshness,
      reader: journal,
      onCaughtUp,
      onWatched: () => caughtUp.by?.opened?.log.shipper.watched(),
      onConnected: () => caughtUp.by?.presence?.connected(),
      onRefused: () => rotation.refused(),
      onSignal: async (wire) => caughtUp.by?.opened?.approvals.hear(wire),
    });
    following.link = link;
    const agent = new Agent(options, { journal, link, freshness, rotation });
    caughtUp.by = agent;
    journal.onChange((after, before) => agent.changed(after, before));
    journal.onRefused((code) => agent.note({ kind: 'entry-refused', code }));
    if (journal.state !== undefined) {
      const ended = await agent.takeKeys(journal.state);
      await agent.begin(journal.state);
      await agent.drop(ended);
    }
    if (agent.live || (journal.state === undefined && options.past !== true)) link.start();
    return agent;
  }

  get id(): Uint8Array {
    return this.enrolment.agent;
  }

  /** Where its keys live. */
  get custodyLevel(): string {
    return this.own?.custody ?? this.options.custodyLevel;
  }

  get live(): boolean {
    return this.standing.live;
  }

  /** Live, and not suspended. */
  get mayAct(): boolean {
    return this.standing.mayAct;
  }

  /** What the fleet knows of it. */
  get own(): FleetAgent | undefined {
    return this.standing.own;
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

  /** What holds for all of its grants together. */
  get budget(): Budget | undefined {
    return this.journal.state?.budgets.get(toHex(this.id));
  }

  egress(): readonly Egress[] {
    const { state } = this.journal;
    return state === undefined ? [] : egressOf(state, this.id);
  }

  /** What the next decision is made by: ask anew for each. */
  get rules(): InForce {
    return this.rulesInForce.in(this.journal.state);
  }

  /** Texts for every context of this agent; the version tells whether one that was given earlier is still the newest. */
  get bedrock(): Bedrock {
    return this.journal.state?.bedrock ?? { version: 0, texts: new Map() };
  }

  /** As `Standing.assertLive`. */
  assertLive(): void {
    this.standing.assertLive();
  }

  /** As `Standing.assertAble`. */
  assertAble(): void {
    this.standing.assertAble();
  }

  /** Why its audit log does not hold; then it is evidence, and this agent does nothing any more. */
  get auditFault(): HoldfastError | undefined {
    return this.standing.auditFault;
  }

  /** The newest checkpoint that its topic shows. */
  get anchor(): Uint8Array | undefined {
    return this.journal.publishedCheckpoint();
  }

  /** Its log's newest checkpoint as it is published. Undefined before there is one, and of a log that does not hold. */
  async publishedNote(): Promise<Published | undefined> {
    const { witnessed, writer } = this.begun().log;
    return writer.frozen || this.options.past === true ? undefined : witnessed.newest();
  }

  /** What proves to anybody that its log has two histories, if a witness showed it. [WITNESS-16] */
  get forked(): Contradiction | undefined {
    return this.begun().log.witnessed.forked;
  }

  /** Its signing keys, in the order in which it had them. */
  keys(): readonly Uint8Array[] {
    return [...(this.own?.earlierKeys ?? []).map(({ sign }) => sign), this.holder.publicKeys.sign];
  }

  get audit(): AuditWriter {
    return this.begun().log.writer;
  }

  /** No earlier than its fleet can prove. */
  get nowMs(): number {
    return this.freshness.nowMs;
  }

  /** Of a grant, or of its budget; nothing before its log was read. */
  usedOf(
    id: Uint8Array,
    { uses, bytes, concurrent }: Pick<Fence, 'uses' | 'bytes' | 'concurrent'>,
  ): { used?: Used; usedBytes?: Used; open?: number } {
    if (this.opened === undefined) return {};
    return {
      ...(uses !== undefined && { used: this.opened.uses.usedOf(id, uses) }),
      ...(bytes !== undefined && { usedBytes: this.opened.bytes.usedOf(id, bytes) }),
      ...(concurrent !== undefined && { open: this.opened.openUses.of(id) }),
    };
  }

  /** How often its grants were used. */
  get uses(): UseCounts {
    return this.begun().uses;
  }

  /** How many bytes passed with its grants. */
  get bytes(): ByteCounts {
    return this.begun().bytes;
  }

  /** Those of its grants that are under way. */
  get openUses(): OpenUses {
    return this.begun().openUses;
  }

  /** What may stand in its records. */
  get recordPolicy(): RecordPolicy {
    return this.begun().recordPolicy;
  }

  get redactor(): Redactor {
    return this.begun().log.redactor;
  }

  get handles(): HandleTable {
    return this.begun().handles;
  }

  /** Acts of its sessions that wait for an operator. */
  get approvals(): Approvals {
    return this.begun().approvals;
  }

  /** Proves who the agent, or its child, is to one audience; recorded before the proof leaves. Throws as `presentAs`. */
  async present(asked: PresentRequest, child?: Child): Promise<MadePresentation> {
    this.standing.assertFresh();
    const presenter = this.presenter();
    const made = await (child === undefined ? presentAs(presenter, asked) : presentAsChild(presenter, asked, child));
    this.assertAble(); // stopped while custody signed: the proof does not leave [PRESENT-12]
    child?.assertGoing();
    return made;
  }

  private presenter(): Presenter {
    const { ports, holder, own, state } = this;
    if (own === undefined || state === undefined) throw new HoldfastError('agent_unknown', 'this agent is not enrolled');
    const record = async (report: AuditReport): Promise<unknown> => {
      this.assertAble();
      return this.audit.append(report);
    };
    return { ports, holder, own, state, record };
  }

  /** What its sessions hold in place of a grant's secret. */
  placeholder(grant: Uint8Array): string {
    return placeholderFor(this.ports.primitives, this.begun().placeholderSecret, grant);
  }

  /** Writes a report that no effect waits for; the writer counts and tells what cannot be written. */
  note(report: AuditReport): void {
    this.opened?.log.writer.note(report);
  }

  /** Burns what a session has not used and records its end; total, also after the log was closed. */
  async endSession(session: Uint8Array, exitCode: number | undefined): Promise<void> {
    this.children.endOf(session);
    this.living.end(session);
    this.opened?.approvals.withdraw(session);
    await this.opened?.handles.burn({ kind: 'session', session }).catch(() => this.log('burned handles could not be recorded'));
    this.note({ kind: 'session-end', session, ...(exitCode !== undefined && { exitCode }) });
    this.opened?.log.shareSoon();
  }

  /** Resolves once the agent has read its fleet and can work; rejects after `timeoutMs`. */
  async ready(timeoutMs: number): Promise<void> {
    await this.journal.until(() => this.opened !== undefined, timeoutMs, 'the fleet could not be read in time');
  }

  hasRead(position: number): boolean {
    return this.journal.nextControl() > position;
  }

  /** Resolves once the control entry at `position` has taken effect here. Throws `entry_fork` when another one stands there. */
  async applied(position: number, hash: Uint8Array, timeoutMs: number): Promise<void> {
    await this.journal.until(() => this.hasRead(position), timeoutMs, 'the entry has not arrived yet');
    this.journal.compareControl({ position, hash });
  }

  subscribe(listener: AgentEvents): () => void {
    return this.effects.subscribe(listener);
  }

  view(): AgentView {
    const { enrolment, custodyLevel, journal, link, freshness, live } = this;
    return viewOf({
      enrolment,
      custodyLevel,
      journal,
      link,
      freshness,
      live,
      suspended: !this.mayAct,
      grants: this.grants().length,
      rules: this.rules,
      egress: this.egress().length,
      events: this.opened?.log.writer.size ?? 0,
      recording: this.opened?.log.writer.isFailing !== true,
      shippingFault: this.opened?.log.shipper.fault,
      witness: this.opened?.log.witnessed.view(),
      refusal: this.standing.refusal(),
    });
  }

  /** Idempotent. Nothing is minted or recorded afterwards. */
  async close(): Promise<void> {
    const { opened } = this;
    this.children.endAll();
    this.presence?.stop();
    this.opened = undefined;
    if (opened === undefined) return this.link.stop();
    const { log, handles, approvals } = opened;
    approvals.withdrawAll();
    clearInterval(this.sweeper);
    await handles.burn({ kind: 'all' }).catch(() => this.log('burned handles could not be recorded'));
    if (this.options.past !== true)
      await log.writer.append({ kind: 'daemon-stop' }).catch(() => this.log('the last audit event could not be written'));
    log.witnessed.asking.stop();
    await within(lastCheckpointWithinMs, log.share());
    this.link.stop();
    await log.close();
  }

  private log(message: string): void {
    this.ports.log.warn({ agent: toHex(this.id) }, message);
  }

  private begun(): Opened {
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
    const { auditFolder, saltsFolder, past = false, version } = this.options;
    const opened = await openRecords({
      ...this.options,
      holder: this.holder,
      journal: this.journal,
      link: this.link,
      freshness: this.freshness,
      folder: auditFolder,
      saltsFolder,
      past,
      childOf: (session) => this.children.childOf(session),
      spoilt: (fault) => this.spoilt(fault),
      refusal: () => this.standing.refusal(),
      note: (report) => this.note(report),
      keys: () => this.keys(),
      written: () => this.presence?.changed(),
    });
    this.opened = opened;
    if (past) return;
    this.presence = this.presenceOf(opened);
    this.sweeper = setInterval(() => this.sweep(opened), sweepEveryMs);
    this.note({ kind: 'daemon-start', version });
    await this.eraseSubjects(); // of a run that was killed over it
    this.effects.tellUnreadable(this.rules); // a daemon that was set back can't read what it could before
  }

  private presenceOf({ log }: Opened): AgentPresence {
    const { ports, journal, link, living, id, enrolment } = this;
    return new AgentPresence({
      ...{ ports, living, fleet: enrolment.fleet, agent: id, version: this.options.version },
      facts: () => this.opened && presentFacts(this, this.opened, journal, this.standing.refusal()),
      epochKey: () => journal.epochKey(agentAudience(id)),
      signer: (lastsMs) => log.signers.signer(lastsMs),
      publish: (signal) => link.publish(signal),
    });
  }

  /** Its log does not hold: it is evidence now. [AUDIT-24] */
  private spoilt(fault: HoldfastError): void {
    this.standing.spoilt(fault);
    this.presence?.changed();
    this.ports.log.warn(
      { agent: toHex(this.id), code: fault.code },
      'the audit log does not hold: this agent does nothing any more',
    );
    void this.opened?.handles.burn({ kind: 'all' }).catch(() => {}); // dead at once; there is no log to record it in
    this.effects.tellRevoked();
  }

  /** All was read from the relay, our own topic as well. */
  private async caughtUp(): Promise<void> {
    const { opened } = this;
    if (opened === undefined) return;
    await opened.log.hold();
    void opened.log.share(); // of a run that was killed, too [SHIP-6]
  }

  private sweep({ handles, log }: Opened): void {
    this.children.sweep();
    log.witnessed.tick();
    log.pruner.tick();
    void handles.sweep().catch(() => this.log('handles could not be recorded as expired'));
    try {
      this.journal.keepPulseAge();
    } catch (thrown) {
      this.ports.log.warn({ agent: toHex(this.id), ...faultOf(thrown) }, 'the age of the pulse could not be written down');
    }
  }

  /** Says in its own topic, under the keys that it has, which ones it wants; once, however often it is asked. Throws `relay_unreachable`. [ROTATE-1] */
  async askForKeys(asked: Asked, wanted: { readonly keys: PublicKeys; readonly custody: CustodyLevel }): Promise<void> {
    this.rotation.ask(asked);
    const isAsked = (): boolean => {
      const { own, state } = this;
      const asked = own && state && askedKeys(state, own);
      return (asked !== undefined && equalBytes(asked.keys.sign, wanted.keys.sign)) || this.has(wanted.keys);
    };
    for (let attempt = 0; attempt < maxAskAttempts && !isAsked(); attempt += 1)
      await this.link.append(await this.journal.composeOwn({ kind: 'new-keys', ...wanted }));
    if (!isAsked())
      throw new HoldfastError('relay_refused', 'the request did not get into the topic of the agent', { next: 'try again' });
  }

  /** Resolves once these are the agent's keys, or when the signal fires. */
  async hasKeys(keys: PublicKeys, gone: AbortSignal): Promise<void> {
    if (this.has(keys) || gone.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const stop = this.journal.watch(() => this.has(keys) && resolve());
    gone.addEventListener('abort', () => resolve(), { once: true });
    await promise;
    stop();
  }

  private has({ sign }: PublicKeys): boolean {
    return equalBytes(this.holder.publicKeys.sign, sign);
  }

  /** Whatever an old key vouched for ends with it; which keys are to be destroyed. [ROTATE-8] */
  private async takeKeys(state: FleetState): Promise<readonly Uint8Array[]> {
    const own = state.agents.get(toHex(this.id));
    const ended = own && this.rotation.given(own.keys);
    if (own === undefined || ended === undefined) return [];
    this.children.endAll();
    await this.opened?.log.signers.wipe();
    this.note({ kind: 'keys-changed', custody: own.custody });
    return ended;
  }

  private async drop(keys: readonly Uint8Array[]): Promise<void> {
    for (const key of keys) await this.options.dropKey(key);
  }

  /** What operators wanted erased is, as soon as that can be told; what can't be now is tried with the next change and the next start. [COMMIT-11] */
  private async eraseSubjects(): Promise<void> {
    const log = this.opened?.log;
    if (log === undefined || log.writer.frozen) return;
    await log.redactor
      .erase((report) => log.writer.appendDurable(report))
      .catch((thrown: unknown) =>
        this.ports.log.warn({ agent: toHex(this.id), ...faultOf(thrown) }, 'a subject could not be erased'),
      );
  }

  private async changed(after: FleetState, before: FleetState | undefined): Promise<void> {
    const ended = await this.takeKeys(after);
    await this.begin(after);
    if (this.opened !== undefined) await this.effects.apply(after, before, this.opened.handles, this.rules);
    this.presence?.changed();
    await this.eraseSubjects();
    await this.drop(ended); // custody may take its time; whatever takes power away has been done
  }
}

/** Resolves with the work, or when the time is up. */
async function within(limitMs: number, work: Promise<void>): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, limitMs);
  await Promise.race([work, late]);
  clearTimeout(timer);
}
