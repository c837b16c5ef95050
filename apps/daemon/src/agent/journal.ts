// One agent's view of its fleet, kept current: entries come from the relay, are verified by the replica, take effect at once and are stored as
// received. What takes power away acts also when the disk is full; nothing is minted then, for the link stays down until all is kept.

import { controlTopic, parseEntry, type Head, type UnverifiedEntry, type Verified } from '@holdfast/protocol/blind/entry';
import { parsePulse, verifyPulse, type Pulse } from '@holdfast/protocol/blind/pulse';
import { equalBytes, toHex } from '@holdfast/protocol/codec/bytes';
import { codeOf, HoldfastError, type ErrorCode } from '@holdfast/protocol/errors';
import { composeAgentEntry } from '@holdfast/protocol/journal/compose';
import type { Lockboxes } from '@holdfast/protocol/journal/keyring';
import { Replica, type Ingested, type Taken } from '@holdfast/protocol/journal/replica';
import { defaultPulseMaxAgeMs, type BodyOf } from '@holdfast/protocol/journal/bodies';
import { latestCheckpoint, topicTip, type FleetState } from '@holdfast/protocol/journal/state';
import type { KeyHolder } from '@holdfast/protocol/keys/key-holder';
import type { LockboxPlace } from '@holdfast/protocol/seal/lockbox';
import type { Freshness } from '../freshness.ts';
import type { LinkReader } from '../link/relay-link.ts';
import type { Ports } from '../ports.ts';
import type { Enrolment, KeptPulse, StateStore } from '../state/store.ts';

/** Called after entries took effect, in order; `before` is undefined for the first state of all. */
export type StateListener = (after: FleetState, before: FleetState | undefined) => Promise<void>;

interface JournalOptions {
  readonly ports: Ports;
  readonly store: StateStore;
  readonly enrolment: Enrolment;
  readonly holder: KeyHolder;
  readonly freshness: Freshness;
  /** From the relay. */
  readonly fetchLockbox: Lockboxes;
}

/** How much older a pulse grows before that is written down again. */
const countEveryMs = 60_000;

export class AgentJournal implements LinkReader {
  private readonly options: JournalOptions;
  private readonly replica: Replica;
  private readonly listeners: StateListener[] = [];
  private readonly watchers = new Set<() => void>();
  private readonly alarms: ((code: ErrorCode) => void)[] = [];
  /** Told already, and nothing good came since. */
  private refused: ErrorCode | undefined;
  /** In effect, and not on disk yet. */
  private unkept: Taken[] = [];
  private newestPulse: Verified<Pulse> | undefined;
  /** A pulse that names a control head which we have not read: it counts once we have. */
  private earlyPulse: Verified<Pulse> | undefined;
  private countedMs = 0;
  private readOwn = false;
  /** An operator has seen another history than the one shown here. */
  private fork: Error | undefined;

  private constructor(options: JournalOptions) {
    const { ports, store, enrolment, holder, fetchLockbox } = options;
    this.options = options;
    this.replica = new Replica({
      primitives: ports.primitives,
      holder,
      self: enrolment.agent,
      fleet: enrolment.fleet,
      pinned: enrolment.pinned,
      lockboxes: async (place) => store.lockbox(place) ?? fetchLockbox(place),
      opened: (place, box) => this.keepLockbox(place, box),
    });
  }

  /** Reads what this machine kept. Throws the entry's own code when the store was altered: nothing of it is used then. */
  static async open(options: JournalOptions): Promise<AgentJournal> {
    const journal = new AgentJournal(options);
    const { store, enrolment } = options;
    const kept = store.entries(enrolment.agent, controlTopic);
    if (kept.length > 0) refuseFaults(await journal.replica.ingest(controlTopic, kept));
    const own = store.entries(enrolment.agent, enrolment.agent);
    if (journal.replica.hasBegun) refuseFaults(countedOnly(await journal.replica.ingest(enrolment.agent, own)));
    const pulse = store.pulse(enrolment.agent);
    if (pulse !== undefined && journal.replica.hasBegun) await journal.takeKeptPulse(pulse);
    return journal;
  }

  get state(): FleetState | undefined {
    return this.replica.hasBegun ? this.replica.state : undefined;
  }

  get pulseMaxAgeMs(): number {
    return this.state?.pulseMaxAgeMs ?? defaultPulseMaxAgeMs;
  }

  /** When the newest pulse was given that counts here: by the clock of an operator's device. Undefined: none, or there are two histories. */
  get pulseAtMs(): number | undefined {
    return this.fork === undefined ? this.newestPulse?.statement.atMs : undefined;
  }

  get undecryptable(): number {
    return this.replica.undecryptable;
  }

  controlHead(): Head | undefined {
    const control = this.state?.control;
    return control && { position: control.position, hash: control.hash };
  }

  seenHead(): Head {
    const { pinned } = this.options.enrolment;
    const read = this.controlHead();
    return read !== undefined && read.position >= pinned.position ? read : pinned;
  }

  nextControl(): number {
    return (this.controlHead()?.position ?? -1) + 1;
  }

  /** A copy of the key that an audience began with, which the caller overwrites: it stays the same whatever is re-keyed later. */
  async firstEpochKey(audience: string): Promise<Uint8Array> {
    return (await this.replica.epochKey(audience, 0)).key;
  }

  /** A copy of an audience's key, of the newest epoch or the one named; the caller overwrites it. Throws `epoch_key_missing`. */
  epochKey(audience: string, epoch?: number): Promise<{ readonly epoch: number; readonly key: Uint8Array }> {
    return this.replica.epochKey(audience, epoch);
  }

  /** Whether the relay has shown us our own topic since this process began: an older disk meets its own newer entries there. */
  get hasReadOwn(): boolean {
    return this.readOwn;
  }

  nextOwn(): number {
    const { state } = this;
    return ((state && topicTip(state, this.options.enrolment.agent)?.position) ?? -1) + 1;
  }

  ownFrom(position: number): readonly UnverifiedEntry[] {
    const { store, ports, enrolment } = this.options;
    return store
      .entries(enrolment.agent, enrolment.agent)
      .slice(position)
      .map((wire) => parseEntry(ports.primitives, wire));
  }

  /** The newest checkpoint of our audit log that stands in our topic, as far as it was read. */
  publishedCheckpoint(): Uint8Array | undefined {
    return this.state && latestCheckpoint(this.state, this.options.enrolment.agent);
  }

  /** The next entry of our own topic; it counts once the relay has it. */
  composeOwn(body: BodyOf<'checkpoint'> | BodyOf<'new-keys'>): Promise<UnverifiedEntry> {
    const { ports, enrolment, holder } = this.options;
    return composeAgentEntry(
      { primitives: ports.primitives, replica: this.replica, id: enrolment.agent, holder, nowMs: ports.clock.nowMs() },
      body,
    );
  }

  /** Throws `entry_fork`, and for good once an operator's pulse has shown that there are two histories. */
  compareControl(head: Head): 'known' | 'ahead' {
    if (this.fork !== undefined) throw this.fork; // [PULSE-8]
    return this.replica.compareControl(head);
  }

  onChange(listener: StateListener): void {
    this.listeners.push(listener);
  }

  /** Called when something was shown as the fleet's history that is none: once, until history goes on. */
  onRefused(alarm: (code: ErrorCode) => void): void {
    this.alarms.push(alarm);
  }

  /** Calls `watcher` after every change has taken effect, until the returned function is called. */
  watch(watcher: () => void): () => void {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  }

  /** Resolves once `reached` holds after a change took effect. Throws `relay_unreachable` with `late` after `timeoutMs`. */
  until(reached: () => boolean, timeoutMs: number, late: string): Promise<void> {
    if (reached()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const stop = this.watch(() => {
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

  /** With nothing to apply: keeps what could not be kept before. Throws `store_failed` as long as that does not succeed. */
  async applyControl(wires: readonly Uint8Array[]): Promise<void> {
    const before = this.state;
    const results = await this.replica.ingest(controlTopic, wires);
    const taken = takenOf(results);
    this.unkept.push(...taken);
    try {
      if (taken.length > 0) for (const listener of this.listeners) await listener(this.replica.state, before);
    } finally {
      this.keep();
    }
    if (taken.length > 0) for (const watcher of this.watchers) watcher();
    this.countEarlyPulse();
    this.tellRefused(results);
    refuseFaults(results);
  }

  /** Entries of our own topic, as the relay has them. */
  async applyOwn(wires: readonly Uint8Array[]): Promise<void> {
    const results = await this.replica.ingest(this.options.enrolment.agent, wires);
    this.unkept.push(...takenOf(results));
    this.keep();
    refuseFaults(results);
    this.readOwn = true;
  }

  async applyPulse(wire: Uint8Array): Promise<void> {
    const verified = await this.verifiedPulse(parsePulse(wire), this.newestPulse);
    this.earlyPulse = verified;
    this.countEarlyPulse();
  }

  /** Writes down how old the pulse has become, so that a restart with a clock set back does not make it younger. [PULSE-7] */
  keepPulseAge(): void {
    const { freshness, store, enrolment } = this.options;
    const { pulseAgeMs } = freshness;
    if (this.newestPulse === undefined || pulseAgeMs === undefined || pulseAgeMs < this.countedMs + countEveryMs) return;
    this.countedMs = pulseAgeMs;
    store.savePulse(enrolment.agent, { wire: this.newestPulse.wire, countedMs: pulseAgeMs });
  }

  private tellRefused(results: readonly Ingested[]): void {
    const last = results.at(-1);
    if (last?.kind !== 'refused') {
      if (results.length > 0) this.refused = undefined;
    } else if (last.code !== this.refused) {
      this.refused = last.code;
      for (const alarm of this.alarms) alarm(last.code);
    }
  }

  /** Only one that opened: a relay that once sent another must not have spoilt it for good. [LOCKBOX-5] One that the disk does not take is fetched again. */
  private keepLockbox(place: LockboxPlace, box: Uint8Array): void {
    const { store, enrolment, ports } = this.options;
    try {
      if (store.lockbox(place) === undefined) store.saveLockbox(place, box);
    } catch (thrown) {
      ports.log.warn({ agent: toHex(enrolment.agent), code: codeOf(thrown) }, 'a lockbox could not be kept');
    }
  }

  private keep(): void {
    const { store, enrolment } = this.options;
    for (const topic of [controlTopic, enrolment.agent]) {
      const entries = this.unkept.filter((each) => equalBytes(each.topic, topic));
      if (entries.length === 0) continue;
      store.saveEntries(enrolment.agent, topic, entries);
      this.unkept = this.unkept.filter((each) => !equalBytes(each.topic, topic));
    }
  }

  /** One that was taken before stays the newest, also when the clock was set back since: an older one must not take its place. */
  private async takeKeptPulse({ wire, countedMs }: KeptPulse): Promise<void> {
    const pulse = parsePulse(wire);
    if (this.state?.devices.has(toHex(pulse.statement.device)) !== true) return; // of one that was removed since: without another, nothing is minted
    const nowMs = Math.max(this.options.ports.clock.nowMs(), pulse.statement.atMs);
    this.newestPulse = await this.verifiedPulse(pulse, undefined, nowMs);
    this.countedMs = countedMs;
    this.options.freshness.pulseSeen(pulse.statement.atMs, countedMs); // [PULSE-7]
  }

  private verifiedPulse(
    pulse: Pulse,
    newest: Verified<Pulse> | undefined,
    nowMs = this.options.ports.clock.nowMs(),
  ): Promise<Verified<Pulse>> {
    const { ports, enrolment } = this.options;
    const device = this.state?.devices.get(toHex(pulse.statement.device));
    if (device === undefined) throw new HoldfastError('pulse_forged', 'the pulse is not of an operator device of this fleet'); // [PULSE-2]
    return verifyPulse(ports.primitives, pulse, { fleet: enrolment.fleet, deviceKey: device.keys.sign, newest, nowMs });
  }

  private countEarlyPulse(): void {
    const { freshness, store, enrolment } = this.options;
    const early = this.earlyPulse;
    if (early === undefined || this.comparedWithOperator(early) === 'ahead') return; // [PULSE-8]
    this.earlyPulse = undefined;
    if (this.newestPulse !== undefined && early.statement.atMs <= this.newestPulse.statement.atMs) return;
    this.newestPulse = early;
    freshness.pulseSeen(early.statement.atMs);
    this.countedMs = freshness.pulseAgeMs ?? 0;
    store.savePulse(enrolment.agent, { wire: early.wire, countedMs: this.countedMs });
  }

  private comparedWithOperator({ statement }: Verified<Pulse>): 'known' | 'ahead' {
    try {
      return this.replica.compareControl(statement.control);
    } catch (thrown) {
      if (thrown instanceof Error) this.fork ??= thrown; // [PULSE-8]
      this.options.freshness.relayDoubted();
      throw thrown;
    }
  }
}

/** What moved a head and is kept. */
function takenOf(results: readonly Ingested[]): Taken[] {
  return results.filter((each): each is Taken => each.kind === 'applied' || each.kind === 'unread' || each.kind === 'rejected');
}

/** A revocation leaves out the end of our own topic; that is no fault of the store. [JOURNAL-4] */
function countedOnly(results: readonly Ingested[]): readonly Ingested[] {
  return results.filter((each) => each.kind !== 'refused' || each.code !== 'agent_revoked');
}

function refuseFaults(results: readonly Ingested[]): void {
  for (const result of results) {
    if (result.kind === 'refused')
      throw new HoldfastError(result.code, 'the journal does not hold together', { cause: result.cause });
  }
}
