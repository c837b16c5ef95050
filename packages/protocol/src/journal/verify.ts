// What must hold of an entry before a replica takes it, spec/journal.md: its fleet, its author, its signature, its place in its topic and
// in the history of its fleet. What fails here is no part of the history: it is refused, and the head stays where it was.

import { equalBytes, toHex } from '../codec/bytes.ts';
import { HoldfastError, type ErrorCode } from '../errors.ts';
import {
  assertFollows,
  controlTopic,
  noHash,
  verifyEntry,
  type Head,
  type Tip,
  type UnverifiedEntry,
  type Verified,
} from '../blind/entry.ts';
import { deviceIdOf } from '../identity/genesis-device.ts';
import type { Primitives } from '../primitives/primitives.ts';
import type { Body, BodyOf } from './bodies.ts';
import { signKeyAt, topicTip, type Agent, type Content, type FleetState, type OpenedEntry } from './state.ts';

type VerifiedEntry = Verified<UnverifiedEntry>;

function refuse(code: ErrorCode, message: string): never {
  throw new HoldfastError(code, message);
}

/** A verified entry with what a reader got out of it. */
export function opened({ statement, hash }: VerifiedEntry, content: Content): OpenedEntry {
  return { statement, hash, content } as OpenedEntry;
}

/** [JOURNAL-1] Asked of a genesis entry before it is opened. Throws `genesis_invalid`, or `entry_foreign` for another fleet's. */
export function assertGenesisOf(fleet: Uint8Array, { statement, hash }: UnverifiedEntry): void {
  if (!equalBytes(hash, fleet)) refuse('entry_foreign', "the genesis entry is not this fleet's");
  const first =
    equalBytes(statement.topic, controlTopic) && equalBytes(statement.fleet, noHash) && equalBytes(statement.previous, noHash);
  if (!first || statement.audience !== 'fleet' || statement.epoch !== 0)
    refuse('genesis_invalid', 'the genesis entry is not in its place');
}

/** [JOURNAL-1] [CREDENTIAL-3] The author is the device inside, whose id follows from its key. Throws `genesis_invalid`, `signature_invalid`. */
export async function verifyGenesis(
  primitives: Primitives,
  entry: UnverifiedEntry,
  body: Body,
): Promise<{ readonly entry: VerifiedEntry; readonly body: BodyOf<'genesis'> }> {
  if (body.kind !== 'genesis') return refuse('genesis_invalid', 'the first entry makes no fleet');
  const { id, keys } = body.device;
  if (!equalBytes(id, entry.statement.author) || !equalBytes(id, deviceIdOf(primitives, keys.sign))) {
    refuse('genesis_invalid', 'the genesis entry is not by the device that it names');
  }
  if (equalBytes(body.recovery.id, id)) refuse('genesis_invalid', 'the recovery code has an id of its own');
  return { entry: await verifyEntry(primitives, entry, keys.sign), body };
}

/**
 * An entry, not known yet, that directly follows the control head. Throws `entry_foreign`, `author_unknown`, `signature_invalid`,
 * `entry_gap`, `entry_fork`, `entry_time`.
 */
export async function verifyControlEntry(
  primitives: Primitives,
  state: FleetState,
  entry: UnverifiedEntry,
): Promise<VerifiedEntry> {
  const { statement } = entry;
  assertOwn(state, controlTopic, entry);
  const author = state.devices.get(toHex(statement.author)) ?? recoveryAuthor(state, entry);
  if (author === undefined) return refuse('author_unknown', 'the author is not a device of the fleet'); // [JOURNAL-2]
  const verified = await verifyEntry(primitives, entry, author.keys.sign);
  assertNext(state.control, entry);
  return verified;
}

/** [JOURNAL-32] The recovery code speaks to the fleet alone: so everybody can see what it says. */
function recoveryAuthor({ recovery }: FleetState, { statement }: UnverifiedEntry): FleetState['recovery'] | undefined {
  return equalBytes(statement.author, recovery.id) && statement.audience === 'fleet' ? recovery : undefined;
}

/** What verifying an agent's entry takes besides the state: is the control head that it names known, ahead of us, or another history's? */
export type CompareControl = (head: Head) => 'known' | 'ahead';

/**
 * An entry that directly follows the agent's topic. `ahead`: it was made under a control entry that is still to come. Throws like
 * `verifyControlEntry`, and `entry_control`, `agent_revoked`.
 */
export async function verifyAgentEntry(
  primitives: Primitives,
  state: FleetState,
  topic: Uint8Array,
  entry: UnverifiedEntry,
  compareControl: CompareControl,
): Promise<VerifiedEntry | 'ahead'> {
  const { statement } = entry;
  assertOwn(state, topic, entry);
  if (!equalBytes(statement.author, topic)) refuse('author_unknown', "an agent's topic has one author"); // [JOURNAL-2]
  if (statement.control === undefined) return refuse('entry_control', 'the entry names no control head'); // [JOURNAL-3]
  if (compareControl(statement.control) === 'ahead') return 'ahead'; // [JOURNAL-3]
  const agent = state.agents.get(toHex(topic));
  if (agent === undefined || agent.position > statement.control.position) {
    return refuse('author_unknown', 'the agent was not enrolled at the control head that it names'); // [JOURNAL-2]
  }
  assertCounts(agent, entry);
  const verified = await verifyEntry(primitives, entry, signKeyAt(agent, statement.control.position)); // [ROTATE-3]
  assertNext(topicTip(state, topic), entry);
  return verified;
}

/** [JOURNAL-3] An author who signs two entries for one place makes two histories; the caller has dropped what it has already. */
function assertNext(tip: Tip | undefined, entry: UnverifiedEntry): void {
  if (tip !== undefined && entry.statement.position <= tip.position)
    refuse('entry_fork', 'another entry stands at this position: two histories');
  assertFollows(tip, entry);
}

function assertOwn(state: FleetState, topic: Uint8Array, { statement }: UnverifiedEntry): void {
  if (!equalBytes(statement.fleet, state.fleet)) refuse('entry_foreign', 'the entry is of another fleet'); // [JOURNAL-2]
  if (!equalBytes(statement.topic, topic)) refuse('entry_foreign', 'the entry is of another topic'); // [JOURNAL-2]
}

/** [JOURNAL-4] */
function assertCounts({ revoked }: Agent, { statement, hash }: UnverifiedEntry): void {
  if (revoked === undefined) return;
  const last = revoked.last?.position ?? -1;
  if (statement.position > last) refuse('agent_revoked', 'the entry stands after the last one that the revocation accepts');
  if (statement.position === last && !equalBytes(hash, revoked.last?.hash ?? noHash)) {
    refuse('entry_fork', 'the revocation names another entry at this position: two histories');
  }
}
