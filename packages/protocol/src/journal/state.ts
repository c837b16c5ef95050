// What a fleet is after a history, spec/journal.md: the value that `reduce` makes. Plain, immutable, no keys and no secrets in it.
// Maps are keyed by lower-case hex of the ids.

import type { AuditPolicy } from '../audit/policy.ts';
import { equalBytes, toHex } from '../codec/bytes.ts';
import { HoldfastError, type ErrorCode } from '../errors.ts';
import type { EntryStatement, Head, Tip, Verified } from '../blind/entry.ts';
import { maxDelegationMs } from '../custody/delegation.ts';
import { readToken } from '../keys/jws.ts';
import type { PublicKeys } from '../keys/public-keys.ts';
import { idOfUrn } from '../keys/urn.ts';
import type { AgentBudget } from '../vault/budget.ts';
import type { EgressRule } from '../vault/egress.ts';
import type { GrantedItem, VaultItem } from '../vault/item.ts';
import type { Warrant } from '../vault/warrant.ts';
import type { Body, BodyOf } from './bodies.ts';

/** What a reader got out of an entry: `unread` when its audience is not the reader's, `faulty` when all who could read it get nonsense. */
export type Content =
  /** `warrant`: verified; undefined: the body needs none. */
  | { readonly kind: 'body'; readonly body: Body; readonly warrant: Warrant | undefined }
  | { readonly kind: 'unread' }
  | { readonly kind: 'faulty'; readonly code: ErrorCode };

/** An entry whose author, place and signature were checked: only verify.ts makes one. */
export type OpenedEntry = Verified<{
  readonly statement: EntryStatement;
  readonly hash: Uint8Array;
  readonly content: Content;
}>;

export type Device = BodyOf<'genesis'>['device'] & {
  /** Absent: it has the name by which it was added. */
  readonly renamed?: Renaming;
  readonly sinceMs: number;
  /** Control position of the entry that added it: who came earlier may remove who came later. */
  readonly position: number;
  /** How services get from the fleet's root to its key; empty for the root itself, and for one that a recovery code added. */
  readonly chain: readonly string[];
  /** The device with which that chain begins. */
  readonly rootedIn: Uint8Array;
};

/** The last of them. */
export interface Renaming {
  /** The name by which the device was added. */
  readonly joinedAs: string;
  readonly position: number;
  readonly atMs: number;
}

/** One who may sign no more: a device that was removed, or a recovery code that was used. */
export interface Former {
  readonly id: Uint8Array;
  readonly sign: Uint8Array;
  /** Empty for a recovery code. */
  readonly name: string;
  /** The name by which it was added, if it was renamed. */
  readonly joinedAs?: string;
  /** As it was a device's; empty for a recovery code. */
  readonly chain: readonly string[];
  readonly endedAtMs: number;
}

export interface Revocation {
  readonly position: number;
  readonly atMs: number;
  readonly reason: string;
  /** The last entry of the agent's topic that counts; undefined: none. */
  readonly last: Head | undefined;
}

/** For as long as an operator wants; sessions and handles of before do not come back with its end. */
export interface Suspension {
  readonly position: number;
  readonly atMs: number;
  readonly reason: string;
}

/** A key that an agent had before it was given another one. */
export interface EarlierKey {
  readonly sign: Uint8Array;
  /** Control position and time of the entry that ended it. */
  readonly position: number;
  readonly atMs: number;
  /** That was for it, and its place in the status list. */
  readonly credential: Uint8Array;
  readonly statusIndex: number;
}

export type Agent = BodyOf<'agent-enroll'>['agent'] & {
  readonly credential: Uint8Array;
  readonly enrolledAtMs: number;
  /** Control position of its enrolment. */
  readonly position: number;
  readonly revoked: Revocation | undefined;
  readonly suspended: Suspension | undefined;
  /** How often it was suspended: also one that is over when it is heard of ends what ran before. */
  readonly suspensions: number;
  /** Oldest first. */
  readonly earlierKeys: readonly EarlierKey[];
  /** Its credential's place in the status list: the control position of its enrolment, or of its newest keys. */
  readonly statusIndex: number;
};

export interface Epoch {
  readonly epoch: number;
  readonly keyCommitment: Uint8Array;
  /** Control position of the entry that started it. */
  readonly position: number;
}

/** An item as operators see it. Its secret stays sealed in the entry at `position`. */
export type Item = VaultItem & { readonly addedAtMs: number; readonly position: number };
/** `warrant`: the digest by which events name it. */
export type Grant = GrantedItem & { readonly grantedAtMs: number; readonly warrant: Uint8Array };
export type Egress = EgressRule & { readonly allowedAtMs: number };
export type Budget = AgentBudget & { readonly setAtMs: number };

/** A child that an operator ended, spec/delegation.md. */
export interface RevokedChild {
  readonly agent: Uint8Array;
  readonly child: Uint8Array;
  readonly atMs: number;
}

/** After which no delegation of before is in force anywhere: the longest one, and what clocks may differ at each of three places. */
export const childIsOverMs = maxDelegationMs + 15 * 60_000;

/** A rule set as it was signed. Whether its text is a set that this reader understands is another question. */
export interface SignedRules {
  readonly version: number;
  readonly text: string;
  readonly hash: Uint8Array;
  readonly setAtMs: number;
  /** Control position of the entry. */
  readonly position: number;
  /** Digest of its warrant. */
  readonly warrant: Uint8Array;
}

/** A text that goes into every agent's context. */
export interface BedrockText {
  readonly id: Uint8Array;
  readonly text: string;
  readonly addedAtMs: number;
  readonly position: number;
}

export interface Bedrock {
  /** How often it has changed: tells whether a context that holds one version holds the newest. */
  readonly version: number;
  /** By id, in the order in which they were added. */
  readonly texts: ReadonlyMap<string, BedrockText>;
}

/** How many sets before the newest a state keeps, for readers that do not understand the newest. [JOURNAL-27] */
export const maxEarlierRules = 7;

/** A valid author's entry that broke a rule: it stands in the history and has no effect. */
export interface Rejection {
  readonly position: number;
  readonly hash: Uint8Array;
  readonly code: ErrorCode;
}

/** One entry of an agent's topic, in the order of positions. */
export interface AgentRecord {
  readonly hash: Uint8Array;
  readonly atMs: number;
  /** The control position under which it was made. */
  readonly control: number;
  readonly checkpoint: Uint8Array | undefined;
  readonly newKeys: Pick<BodyOf<'new-keys'>, 'keys' | 'custody'> | undefined;
  /** The rule that it broke, if any. */
  readonly code: ErrorCode | undefined;
}

export interface FleetState {
  readonly fleet: Uint8Array;
  readonly name: string;
  readonly recovery: { readonly id: Uint8Array; readonly keys: PublicKeys };
  /** The relay's signing key, pinned. */
  readonly relayKey: Uint8Array;
  readonly pulseMaxAgeMs: number;
  readonly control: Tip;
  readonly devices: ReadonlyMap<string, Device>;
  /** In order. Their ids stay taken. */
  readonly former: ReadonlyMap<string, Former>;
  /** The last control position at which a device or a recovery code lost its power; 0: none did. */
  readonly operatorsEndedAt: number;
  readonly agents: ReadonlyMap<string, Agent>;
  /** By name, each in order; only the audiences that the reader can open. */
  readonly audiences: ReadonlyMap<string, readonly Epoch[]>;
  readonly items: ReadonlyMap<string, Item>;
  /** By agent, then by grant. */
  readonly grants: ReadonlyMap<string, ReadonlyMap<string, Grant>>;
  /** By agent, those of rule sets under the fleet's own id; then by digest. Also what has ended: a record may name it. [AUTHORITY-6] */
  readonly warrants: ReadonlyMap<string, ReadonlyMap<string, Uint8Array>>;
  /** By agent: the names of all items that it was ever granted, by their ids; what it had once it may still have. */
  readonly everHeld: ReadonlyMap<string, ReadonlyMap<string, string>>;
  /** By agent, then by rule. */
  readonly egress: ReadonlyMap<string, ReadonlyMap<string, Egress>>;
  /** By agent: what holds for all of its grants together. */
  readonly budgets: ReadonlyMap<string, Budget>;
  /** The newest rule set; undefined: none was ever set. */
  readonly rules: SignedRules | undefined;
  /** Those before it, newest first, at most `maxEarlierRules`. */
  readonly earlierRules: readonly SignedRules[];
  /** The newest; undefined: everything is recorded, and kept. */
  readonly auditPolicy: (AuditPolicy & { readonly setAtMs: number }) | undefined;
  /** How often what stands in audit logs of a subject was erased. */
  readonly erasures: ReadonlyMap<string, number>;
  readonly bedrock: Bedrock;
  /** Oldest first, as many as a status list takes. */
  readonly revokedChildren: readonly RevokedChild[];
  /** By agent: its topic as far as it was read. */
  readonly topics: ReadonlyMap<string, readonly AgentRecord[]>;
  /** Of the control topic. Agents' rejected entries are records with a code. */
  readonly rejected: readonly Rejection[];
}

/** The root of what services verify: the device that made the fleet, or else the oldest that is left. Throws `genesis_invalid` for a state that has none. */
export function makerOf({ devices }: FleetState): Device {
  const [oldest] = [...devices.values()].toSorted((a, b) => a.position - b.position);
  if (oldest !== undefined) return oldest;
  throw new HoldfastError('genesis_invalid', 'the fleet has no device');
}

/** Enrolled and not revoked: nothing else may act. */
export function isLive(state: FleetState, agent: Uint8Array): boolean {
  const found = state.agents.get(toHex(agent));
  return found !== undefined && found.revoked === undefined;
}

/** How services get from the fleet's root to this device's key, also to one that was removed; of a device that is not linked, what there is. [DEVICES-10] */
export function chainOf(state: FleetState, device: Uint8Array): readonly string[] {
  const root = makerOf(state).id;
  const { chain = [] } = state.devices.get(toHex(device)) ?? state.former.get(toHex(device)) ?? {};
  if (equalBytes(root, device)) return [];
  return chain.slice(chain.findLastIndex((link) => equalBytes(subjectOf(link), root)) + 1); // whoever stood above the root may be gone
}

/** Whether services can verify what this device issues: its chain begins with, or comes by, the root that there is now. [DEVICES-10] */
export function isLinked(state: FleetState, device: Uint8Array): boolean {
  const root = makerOf(state).id;
  const found = state.devices.get(toHex(device));
  if (found === undefined) return false;
  return equalBytes(found.rootedIn, root) || found.chain.some((link) => equalBytes(subjectOf(link), root));
}

/** Of a link that the fleet's own devices made; nobody, where it is none. */
function subjectOf(link: string): Uint8Array {
  try {
    return idOfUrn('device', readToken(link, link.length).payload['sub']);
  } catch {
    return new Uint8Array();
  }
}

/**
 * Names of the credentials whose secrets an agent could have opened, also by grants that have ended: what was sealed to it may lie on its disk. Not those
 * whose secret an operator has replaced since. For a reader who can open all of it: an operator.
 */
export function couldHaveOpened({ everHeld, items }: FleetState, agent: Uint8Array): readonly string[] {
  const named = new Set([...items.values()].map(({ name }) => name));
  const held = [...(everHeld.get(toHex(agent)) ?? [])];
  return [...new Set(held.flatMap(([item, name]) => (items.has(item) || !named.has(name) ? [name] : [])))];
}

/** Live and not suspended: who may use what was granted, and who a relay lets in. [JOURNAL-30] */
function mayAct(state: FleetState, agent: Uint8Array): boolean {
  const found = state.agents.get(toHex(agent));
  return found !== undefined && found.revoked === undefined && found.suspended === undefined;
}

export function standingOf({ revoked, suspended }: Pick<Agent, 'revoked' | 'suspended'>): 'live' | 'suspended' | 'revoked' {
  if (revoked !== undefined) return 'revoked';
  return suspended === undefined ? 'live' : 'suspended';
}

/** The key by which an agent signs what it says under this control position. [ROTATE-3] */
export function signKeyAt({ keys, earlierKeys }: Pick<Agent, 'keys' | 'earlierKeys'>, position: number): Uint8Array {
  return earlierKeys.find((each) => position < each.position)?.sign ?? keys.sign;
}

/** The keys that an agent asks for, as far as its topic was read; undefined: none, or it has them. */
export function askedKeys(state: FleetState, agent: Agent): AgentRecord['newKeys'] {
  const asked = state.topics.get(toHex(agent.id))?.findLast(({ newKeys }) => newKeys !== undefined)?.newKeys;
  const had = asked === undefined || hasHad(agent, asked.keys);
  return had ? undefined : asked;
}

/** Whether one of the two is no new one: a signing key that it ever had, or the sealing key that it has. [ROTATE-2] */
export function hasHad({ keys, earlierKeys }: Pick<Agent, 'keys' | 'earlierKeys'>, { sign, seal }: PublicKeys): boolean {
  return equalBytes(keys.seal, seal) || [keys, ...earlierKeys].some((each) => equalBytes(each.sign, sign));
}

export function actingAgents(state: FleetState): readonly Agent[] {
  return liveAgents(state).filter(({ suspended }) => suspended === undefined);
}

export function liveAgents(state: FleetState): readonly Agent[] {
  return [...state.agents.values()].filter(({ revoked }) => revoked === undefined);
}

/** What an agent that may act may use; nothing for any other. */
export function grantsOf(state: FleetState, agent: Uint8Array): readonly Grant[] {
  return mayAct(state, agent) ? [...(state.grants.get(toHex(agent))?.values() ?? [])] : []; // [JOURNAL-18]
}

/** Where it may go without a credential; nowhere for any other. */
export function egressOf(state: FleetState, agent: Uint8Array): readonly Egress[] {
  return mayAct(state, agent) ? [...(state.egress.get(toHex(agent))?.values() ?? [])] : []; // [JOURNAL-18]
}

export function currentEpoch(state: FleetState, audience: string): Epoch | undefined {
  return state.audiences.get(audience)?.at(-1);
}

/** The last entry of an agent's topic that was read and counts. */
export function topicTip(state: FleetState, agent: Uint8Array): Tip | undefined {
  const records = state.topics.get(toHex(agent)) ?? [];
  const last = records.at(-1);
  return last && { position: records.length - 1, hash: last.hash, atMs: last.atMs };
}

/** The newest audit checkpoint that counts. */
export function latestCheckpoint(state: FleetState, agent: Uint8Array): Uint8Array | undefined {
  return state.topics.get(toHex(agent))?.findLast(({ checkpoint }) => checkpoint !== undefined)?.checkpoint;
}

/** A member of an audience with the key that its lockboxes are sealed to. */
export interface Member {
  readonly id: Uint8Array;
  readonly seal: Uint8Array;
}

/** [AUDIENCE-2] Who belongs to an audience now; in ascending order of ids. Undefined: there is no such audience. */
export function membersOf(state: FleetState, audience: string): readonly Member[] | undefined {
  const operators = [...state.devices.values(), state.recovery];
  const members = (others: readonly Agent[]): readonly Member[] =>
    [...operators, ...others]
      .map(({ id, keys }) => ({ id, seal: keys.seal }))
      .toSorted((a, b) => (toHex(a.id) < toHex(b.id) ? -1 : 1));
  if (audience === 'operators') return members([]);
  if (audience === 'fleet') return members(liveAgents(state));
  const agent = state.agents.get(audience.slice('agent:'.length));
  return agent && members(agent.revoked === undefined ? [agent] : []);
}

/** Throws `pairing_answer_invalid` unless the fleet that was read is the one that the operator's answer named. */
export function assertPairedWith(
  state: FleetState,
  answer: {
    readonly fleet: Uint8Array;
    readonly device: { readonly id: Uint8Array; readonly keys: PublicKeys };
    readonly relay: Uint8Array;
    readonly control: Head;
  },
): void {
  const device = state.devices.get(toHex(answer.device.id));
  const same =
    device !== undefined &&
    equalBytes(device.keys.sign, answer.device.keys.sign) &&
    equalBytes(device.keys.seal, answer.device.keys.seal) &&
    equalBytes(state.fleet, answer.fleet) &&
    equalBytes(state.relayKey, answer.relay);
  if (!same || state.control.position < answer.control.position) {
    throw new HoldfastError('pairing_answer_invalid', "the fleet is not the one that the operator's answer named"); // [PAIRING-12]
  }
}
