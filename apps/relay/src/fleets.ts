// The live side of fleets: who may do what by the access list in force, who is connected, and what is passed on without being kept.
// A fleet is in memory while somebody uses it and a while longer; what lasts is in the store.

import { equalBytes, toHex } from '@holdfast/protocol/codec/bytes';
import { parseAccessList, type AccessList } from '@holdfast/protocol/blind/access-list';
import { controlTopic, type Verified } from '@holdfast/protocol/blind/entry';
import { encodeRelayFrame } from '@holdfast/protocol/blind/frames';
import { parsePulse, type Pulse } from '@holdfast/protocol/blind/pulse';
import type { Signal } from '@holdfast/protocol/blind/signal';
import { HoldfastError } from '@holdfast/protocol/errors';
import type { ShipmentFollowing, WatchedLog } from './follow-shipments.ts';
import { Bucket, type Clock, type RelayLimits } from './limits.ts';
import type { Store, StoredFleet } from './store.ts';

export interface Member {
  readonly id: Uint8Array;
  readonly role: 'device' | 'agent' | 'recovery';
  readonly sign: Uint8Array;
}

/** A member's connection as its fleet sees it. */
export interface Session {
  readonly member: Member;
  readonly followedTopics: { appended(topicKey: string, position: number, frame: Uint8Array): void };
  readonly followedLogs: Pick<ShipmentFollowing, 'has' | 'grew' | 'start'>;
  push(frame: Uint8Array): void;
  /** Ends the connection because of `error`. */
  cut(error: HoldfastError): void;
}

export class Fleet {
  readonly id: Uint8Array;
  readonly #limits: RelayLimits;
  readonly #sessions = new Set<Session>();
  readonly #buckets = new Map<string, Bucket>();
  readonly #signalBuckets = new Map<string, Bucket>();
  readonly #agentsBucket: Bucket;
  #access: Verified<AccessList>;
  #members: ReadonlyMap<string, Member>;
  #pulse: Verified<Pulse> | undefined;
  #signals: readonly Signal[] = [];

  constructor(
    id: Uint8Array,
    access: Verified<AccessList>,
    pulse: Verified<Pulse> | undefined,
    limits: RelayLimits,
    nowMs: number,
  ) {
    this.id = id;
    this.#limits = limits;
    this.#agentsBucket = new Bucket(limits.agents, nowMs);
    this.#access = access;
    this.#members = membersOf(access);
    this.#pulse = pulse;
  }

  get access(): Verified<AccessList> {
    return this.#access;
  }

  get pulse(): Verified<Pulse> | undefined {
    return this.#pulse;
  }

  /** Whether an unexpired signal waits for somebody to connect. */
  holdsSignals(wallMs: number): boolean {
    return this.#signals.some(({ statement }) => statement.expiresAtMs > wallMs);
  }

  member(principal: Uint8Array): Member | undefined {
    return this.#members.get(toHex(principal));
  }

  /** Charges a member for a request; false: not now. `nowMs` is monotonic. */
  take(member: Member, units: number, nowMs: number): boolean {
    const key = toHex(member.id);
    const bucket = this.#buckets.get(key) ?? new Bucket(this.#limits.principal, nowMs);
    this.#buckets.set(key, bucket);
    return bucket.take(units, nowMs) && (member.role !== 'agent' || this.#agentsBucket.take(units, nowMs)); // [RELAY-25]
  }

  /** Charges an agent for a signal; false: not now. `nowMs` is monotonic. */
  takeSignal({ id, role }: Member, nowMs: number): boolean {
    if (role !== 'agent') return true;
    const key = toHex(id);
    const bucket = this.#signalBuckets.get(key) ?? new Bucket(this.#limits.agentSignals, nowMs);
    this.#signalBuckets.set(key, bucket);
    return bucket.take(1, nowMs); // [RELAY-29]
  }

  join(session: Session, wallMs: number): void {
    const own = [...this.#sessions].filter(({ member }) => equalBytes(member.id, session.member.id));
    if (own.length >= this.#limits.maxConnectionsPerPrincipal)
      own[0]?.cut(new HoldfastError('limit_exceeded', 'this principal has newer connections'));
    this.#sessions.add(session);
    this.#signals = this.#signals.filter(({ statement }) => statement.expiresAtMs > wallMs);
    for (const signal of this.#signals) if (concerns(signal, session.member)) session.push(signalPush(signal)); // [RELAY-20]
    if (this.#isWatched(session, this.#sessions)) session.push(watchedPush); // [RELAY-32]
  }

  leave(session: Session): void {
    this.#sessions.delete(session);
  }

  /** A newer list is in force and durable: whoever it does not name any more, or names with another key, is cut at once. [RELAY-12] */
  moveAccess(access: Verified<AccessList>): void {
    if (access.statement.version <= this.#access.statement.version) return;
    this.#access = access;
    this.#members = membersOf(access);
    for (const buckets of [this.#buckets, this.#signalBuckets])
      for (const key of buckets.keys()) if (!this.#members.has(key)) buckets.delete(key);
    this.#signals = this.#signals.filter(({ statement }) => this.member(statement.from) !== undefined);
    for (const session of [...this.#sessions]) {
      const { id, role, sign } = session.member;
      const still = this.member(id);
      if (still?.role !== role || !equalBytes(still.sign, sign))
        session.cut(new HoldfastError('relay_refused', 'removed from the access list'));
    }
  }

  movePulse(pulse: Verified<Pulse>): void {
    this.#pulse = pulse;
    const frame = encodeRelayFrame({ kind: 'push-pulse', pulse: pulse.wire });
    for (const session of this.#sessions) session.push(frame);
  }

  /** An entry is durable: everyone who follows its topic gets it. */
  appended(topic: Uint8Array, position: number, entry: Uint8Array): void {
    const key = toHex(topic);
    const frame = encodeRelayFrame({ kind: 'push-entry', topic, entry });
    for (const { followedTopics } of this.#sessions) followedTopics.appended(key, position, frame);
  }

  /** A piece of that agent's audit log is durable: whoever reads along gets it. */
  shipped(agent: Uint8Array): void {
    const key = toHex(agent);
    for (const { followedLogs } of this.#sessions) followedLogs.grew(key);
  }

  /** That connection gets these logs from their places on, and no others; whose they are is told that it is worth while to ship at once. [RELAY-32] */
  readAlong(reader: Session, logs: readonly WatchedLog[]): void {
    reader.followedLogs.start(logs);
    this.tellWatched();
  }

  /** To be called now and then as well: what an agent is told of is over after a while. [RELAY-32] */
  tellWatched(): void {
    const all = [...this.#sessions];
    for (const session of all) if (this.#isWatched(session, all)) session.push(watchedPush);
  }

  #isWatched({ member }: Session, by: Iterable<Session>): boolean {
    if (member.role !== 'agent') return false;
    const key = toHex(member.id);
    for (const { followedLogs } of by) if (followedLogs.has(key)) return true;
    return false;
  }

  /** Devices that a signal is for, and that have no connection. [WEBPUSH-3] */
  unreached(signal: Signal): readonly Member[] {
    return [...this.#members.values()].filter(
      (member) => member.role === 'device' && concerns(signal, member) && this.isAway(member.id),
    );
  }

  /** Of the fleet, and not connected. */
  isAway(principal: Uint8Array): boolean {
    return this.member(principal) !== undefined && ![...this.#sessions].some(({ member }) => equalBytes(member.id, principal));
  }

  /** Passes a signal on and keeps it for those who connect before it expires. Throws `limit_exceeded`. */
  signal(signal: Signal, sender: Session, wallMs: number): void {
    const { id, from, latest = false } = signal.statement;
    const kept = this.#signals.filter(({ statement }) => statement.expiresAtMs > wallMs);
    if (kept.some(({ statement }) => equalBytes(statement.id, id))) return;
    const bySender = kept.filter(({ statement }) => equalBytes(statement.from, from));
    const replaced = latest ? bySender.find(({ statement }) => statement.latest) : undefined; // [RELAY-30]
    if (!latest) {
      const counted = (of: readonly Signal[]): number => of.filter(({ statement }) => !statement.latest).length;
      const { maxSignalsPerSender, maxSignals } = this.#limits;
      if (counted(bySender) >= maxSignalsPerSender || counted(kept) >= maxSignals)
        throw new HoldfastError('limit_exceeded', 'too many signals wait to expire'); // [RELAY-25]
    }
    this.#signals = [...kept.filter((each) => each !== replaced), signal];
    const frame = signalPush(signal);
    for (const session of this.#sessions) if (session !== sender && concerns(signal, session.member)) session.push(frame);
  }
}

const watchedPush = encodeRelayFrame({ kind: 'push-watched' });

function membersOf({ statement }: AccessList): ReadonlyMap<string, Member> {
  const members = new Map<string, Member>();
  for (const { id, sign } of statement.devices) members.set(toHex(id), { id, role: 'device', sign });
  for (const { id, sign } of statement.agents) members.set(toHex(id), { id, role: 'agent', sign });
  const { recovery } = statement;
  if (recovery !== undefined) members.set(toHex(recovery.id), { ...recovery, role: 'recovery' }); // [RELAY-28]
  return members;
}

/** Whether a member is in an audience, as far as a relay can tell. */
export function inAudience(audience: string, { id, role }: Member): boolean {
  return role === 'device' || (role === 'agent' && (audience === 'fleet' || audience === `agent:${toHex(id)}`));
}

function concerns({ statement }: Signal, member: Member): boolean {
  return inAudience(statement.audience, member) && (statement.to === undefined || equalBytes(statement.to, member.id));
}

function signalPush(signal: Signal): Uint8Array {
  return encodeRelayFrame({ kind: 'push-signal', signal: signal.wire });
}

/** Devices and the recovery code write control, each agent its own topic; nobody writes anything else. [RELAY-10] [RELAY-28] */
export function mayWrite({ id, role }: Member, topic: Uint8Array): boolean {
  return equalBytes(topic, controlTopic) ? role !== 'agent' : role === 'agent' && equalBytes(topic, id);
}

/** Devices and the recovery code read everything, agents control and their own topic. [RELAY-11] */
export function mayRead({ id, role }: Member, topic: Uint8Array): boolean {
  return role !== 'agent' || equalBytes(topic, controlTopic) || equalBytes(topic, id);
}

/** Throws `relay_refused`. */
export function assertAllowed(allowed: boolean): void {
  if (!allowed) throw new HoldfastError('relay_refused', 'this principal may not do this');
}

interface Live {
  readonly fleet: Fleet;
  users: number;
  unusedSinceMs: number;
}

/** So long after its last user a fleet keeps its rates and signals. */
const lingerMs = 60_000;

/** The fleets in memory, one object each however many load it at once. */
export class Fleets {
  readonly #store: Store;
  readonly #limits: RelayLimits;
  readonly #clock: Clock;
  readonly #live = new Map<string, Live>();

  constructor(store: Store, limits: RelayLimits, clock: Clock) {
    this.#store = store;
    this.#limits = limits;
    this.#clock = clock;
  }

  /** The fleet, or undefined when the relay does not know it. Each one acquired is released once. */
  async acquire(id: Uint8Array): Promise<Fleet | undefined> {
    const key = toHex(id);
    const stored = this.#live.has(key) ? undefined : await this.#store.fleet(id);
    // Asked again after the wait: another may have loaded it meanwhile.
    const live = this.#live.get(key) ?? (stored && this.#add(key, id, stored));
    if (live === undefined) return undefined;
    live.users += 1;
    return live.fleet;
  }

  release(fleet: Fleet): void {
    const live = this.#live.get(toHex(fleet.id));
    if (live === undefined) return;
    live.users -= 1;
    live.unusedSinceMs = this.#clock.elapsedMs();
  }

  /** Forgets fleets that nobody has used for a while; tells agents in whose logs somebody reads along. */
  sweep(): void {
    const before = this.#clock.elapsedMs() - lingerMs;
    for (const [key, { fleet, users, unusedSinceMs }] of this.#live) {
      fleet.tellWatched();
      if (users === 0 && unusedSinceMs < before && !fleet.holdsSignals(this.#clock.wallMs())) this.#live.delete(key);
    }
  }

  #add(key: string, id: Uint8Array, stored: StoredFleet): Live {
    // Verified before they were stored; whoever can alter the relay's disk is the relay.
    const access = parseAccessList(stored.access) as Verified<AccessList>;
    const pulse = stored.pulse === undefined ? undefined : (parsePulse(stored.pulse) as Verified<Pulse>);
    const fleet = new Fleet(id, access, pulse, this.#limits, this.#clock.elapsedMs());
    const live = { fleet, users: 0, unusedSinceMs: this.#clock.elapsedMs() };
    this.#live.set(key, live);
    return live;
  }
}
