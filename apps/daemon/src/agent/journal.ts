// One agent's view of its fleet, kept current: entries come from the relay, are verified by the replica, stored as received, and only then
// count as seen. Whoever depends on the state is told of every change.

import { controlTopic, type Head } from '@holdfast/protocol/blind/entry';
import { parsePulse, verifyPulse, type Pulse } from '@holdfast/protocol/blind/pulse';
import type { Verified } from '@holdfast/protocol/blind/entry';
import { toHex } from '@holdfast/protocol/codec/bytes';
import { HoldfastError } from '@holdfast/protocol/errors';
import { Replica, type Ingested, type Taken } from '@holdfast/protocol/journal/replica';
import { defaultPulseMaxAgeMs } from '@holdfast/protocol/journal/bodies';
import type { FleetState } from '@holdfast/protocol/journal/state';
import type { KeyHolder } from '@holdfast/protocol/keys/key-holder';
import type { Freshness } from '../freshness.ts';
import type { LinkReader } from '../link/relay-link.ts';
import type { Ports } from '../ports.ts';
import type { Enrolment, StateStore } from '../state/store.ts';

export type FetchLockbox = (audience: string, epoch: number, member: Uint8Array) => Promise<Uint8Array | undefined>;
/** Called after entries took effect, in order; `before` is undefined for the first state of all. */
export type StateListener = (after: FleetState, before: FleetState | undefined) => Promise<void>;

interface JournalOptions {
  readonly ports: Ports;
  readonly store: StateStore;
  readonly enrolment: Enrolment;
  readonly holder: KeyHolder;
  readonly freshness: Freshness;
  readonly fetchLockbox: FetchLockbox;
}

export class AgentJournal implements LinkReader {
  private readonly options: JournalOptions;
  private readonly replica: Replica;
  private readonly listeners: StateListener[] = [];
  private readonly watchers = new Set<() => void>();
  private newestPulse: Verified<Pulse> | undefined;

  private constructor(options: JournalOptions) {
    const { ports, store, enrolment, holder, fetchLockbox } = options;
    this.options = options;
    this.replica = new Replica({
      primitives: ports.primitives,
      holder,
      self: enrolment.agent,
      fleet: enrolment.fleet,
      pinned: enrolment.pinned,
      lockboxes: async (audience, epoch, member) => {
        const kept = store.lockbox(enrolment.agent, audience, epoch);
        if (kept !== undefined) return kept;
        const fetched = await fetchLockbox(audience, epoch, member);
        if (fetched !== undefined) store.saveLockbox(enrolment.agent, audience, epoch, fetched);
        return fetched;
      },
    });
  }

  /** Reads what this machine kept. Throws the entry's own code when the store was altered: nothing of it is used then. */
  static async open(options: JournalOptions): Promise<AgentJournal> {
    const journal = new AgentJournal(options);
    const { store, enrolment } = options;
    const kept = store.entries(enrolment.agent, controlTopic);
    if (kept.length > 0) refuseFaults(await journal.replica.ingest(controlTopic, kept));
    const pulse = store.pulse(enrolment.agent);
    if (pulse !== undefined && journal.replica.hasBegun) await journal.takePulse(pulse);
    return journal;
  }

  get state(): FleetState | undefined {
    return this.replica.hasBegun ? this.replica.state : undefined;
  }

  get pulseMaxAgeMs(): number {
    return this.state?.pulseMaxAgeMs ?? defaultPulseMaxAgeMs;
  }

  get undecryptable(): number {
    return this.replica.undecryptable;
  }

  controlHead(): Head | undefined {
    const control = this.state?.control;
    return control && { position: control.position, hash: control.hash };
  }

  /** A copy of an audience's current key, which the caller overwrites. */
  epochKey(audience: string): Promise<{ readonly epoch: number; readonly key: Uint8Array }> {
    return this.replica.epochKey(audience);
  }

  /** Throws `entry_fork` when another entry than this stands at its position. */
  compareControl(head: Head): void {
    this.replica.compareControl(head);
  }

  onChange(listener: StateListener): void {
    this.listeners.push(listener);
  }

  /** Calls `watcher` after every change has taken effect, until the returned function is called. */
  watch(watcher: () => void): () => void {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  }

  async applyControl(wires: readonly Uint8Array[]): Promise<void> {
    const { store, enrolment } = this.options;
    const before = this.state;
    const results = await this.replica.ingest(controlTopic, wires);
    const taken = results.filter((each): each is Taken => each.kind === 'applied' || each.kind === 'unread' || each.kind === 'rejected');
    if (taken.length > 0) {
      store.saveEntries(enrolment.agent, controlTopic, taken);
      const { state } = this.replica;
      for (const listener of this.listeners) await listener(state, before);
      for (const watcher of this.watchers) watcher();
    }
    refuseFaults(results);
  }

  async applyPulse(wire: Uint8Array): Promise<void> {
    await this.takePulse(wire);
    this.options.store.savePulse(this.options.enrolment.agent, wire);
  }

  private async takePulse(wire: Uint8Array): Promise<void> {
    const { ports, enrolment, freshness } = this.options;
    const pulse = parsePulse(wire);
    const device = this.replica.state.devices.get(toHex(pulse.statement.device));
    if (device === undefined) throw new HoldfastError('pulse_forged', 'the pulse is not of an operator device of this fleet');
    const known = { fleet: enrolment.fleet, deviceKey: device.keys.sign, newest: this.newestPulse, nowMs: ports.clock.nowMs() };
    const verified = await verifyPulse(ports.primitives, pulse, known);
    this.replica.compareControl(verified.statement.control); // an operator who saw another history is heard here
    this.newestPulse = verified;
    freshness.pulseSeen(verified.statement.atMs);
  }
}

function refuseFaults(results: readonly Ingested[]): void {
  for (const result of results) {
    if (result.kind === 'refused') throw new HoldfastError(result.code, 'the journal does not hold together', { cause: result.cause });
  }
}
