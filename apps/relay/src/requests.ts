// What the relay does for each request, spec/relay.md §4. A caller is either a stranger or a member of one fleet; which, was settled
// by `auth`. Whatever is not allowed here by name is refused.

import { compareBytes, equalBytes, toHex, utf8 } from '@holdfast/protocol/codec/bytes';
import { parseAccessList, verifyFirstAccessList, verifyNextAccessList } from '@holdfast/protocol/blind/access-list';
import { controlTopic, parseEntry, verifyEntry, type Head, type UnverifiedEntry } from '@holdfast/protocol/blind/entry';
import {
  maxPageBytes,
  maxWatchedTopics,
  type RelayAnswer,
  type RelayRequest,
  type RequestKind,
} from '@holdfast/protocol/blind/frames';
import { signFreshness } from '@holdfast/protocol/blind/freshness';
import { parsePulse, verifyPulse } from '@holdfast/protocol/blind/pulse';
import { assertSignalLife, parseSignal } from '@holdfast/protocol/blind/signal';
import { readStatusToken, verifyStatusToken } from '@holdfast/protocol/blind/status-token';
import { HoldfastError } from '@holdfast/protocol/errors';
import type { Primitives } from '@holdfast/protocol/primitives/primitives';
import { getWitnessed, putDeviceNote } from './device-notes.ts';
import { assertAllowed, inAudience, mayRead, mayWrite, type Fleet, type Fleets, type Session } from './fleets.ts';
import type { Following } from './follow.ts';
import type { ShipmentFollowing } from './follow-shipments.ts';
import type { GroupCommit } from './group-commit.ts';
import type { Bucket, Clock, RelayLimits } from './limits.ts';
import type { RelayKey } from './relay-key.ts';
import type { Rendezvous } from './rendezvous.ts';
import { getShipments, putShipment, shipmentHead } from './shipments.ts';
import type { Outcome, PlacedEntry, Store, Write } from './store.ts';
import { cosign } from './witness.ts';
import type { Waker } from './web-push/waker.ts';
import type { WitnessKey } from './witness-key.ts';

/** Everything a relay is made of, besides its sockets. */
export interface RelayCore {
  readonly primitives: Primitives;
  readonly clock: Clock;
  readonly key: RelayKey;
  readonly witness: WitnessKey;
  readonly store: Store;
  readonly commits: GroupCommit;
  readonly fleets: Fleets;
  readonly rendezvous: Rendezvous;
  readonly limits: RelayLimits;
  readonly creations: Bucket;
  /** Absent: nobody is woken. */
  readonly waker?: Waker | undefined;
}

/** A connection that has proved who it is. */
export interface MemberCaller extends Session {
  readonly fleet: Fleet;
  readonly following: Following;
  readonly followedLogs: ShipmentFollowing;
  /** Throws `relay_refused` once the connection is cut: asked after every wait, before anything is changed. */
  assertConnected(): void;
}

export type AnswerBody = { [K in RelayAnswer['kind']]: Omit<Extract<RelayAnswer, { kind: K }>, 'id'> }[RelayAnswer['kind']];

/** `later`: the request is in its place, the next one may be looked at. `after` runs once the answer is sent. */
export type Reply = { readonly now: AnswerBody; readonly after?: () => void } | { readonly later: Promise<AnswerBody> };

const ok: AnswerBody = { kind: 'ok' };

type StrangerKind = 'fleet-create' | 'rendezvous-put' | 'rendezvous-take';
export type StrangerRequest = Extract<RelayRequest, { kind: StrangerKind }>;
export type MemberRequest = Extract<RelayRequest, { kind: Exclude<RequestKind, StrangerKind | 'auth'> }>;

export function isStrangerRequest(request: RelayRequest): request is StrangerRequest {
  return request.kind === 'fleet-create' || request.kind === 'rendezvous-put' || request.kind === 'rendezvous-take';
}

/** Throws coded errors: the request changed nothing. */
export async function answerAnybody(core: RelayCore, request: StrangerRequest, abandoned: AbortSignal): Promise<Reply> {
  switch (request.kind) {
    case 'fleet-create':
      return createFleet(core, request);
    case 'rendezvous-put':
      core.rendezvous.put(request, request.body, request.ttlMs, core.clock.elapsedMs());
      return { now: ok };
    case 'rendezvous-take': {
      const body = core.rendezvous.take(request, request.waitMs, core.clock.elapsedMs(), abandoned);
      return { later: body.then((taken) => (taken === undefined ? { kind: 'taken' } : { kind: 'taken', body: taken })) };
    }
  }
}

/** Throws coded errors: the request changed nothing. */
export async function answerMember(core: RelayCore, caller: MemberCaller, request: MemberRequest): Promise<Reply> {
  const { fleet, member } = caller;
  switch (request.kind) {
    case 'access-put':
      return putAccess(core, caller, request.access);
    case 'access-get':
      return { now: { kind: 'access', access: fleet.access.wire } };
    case 'append':
      return append(core, caller, request.topic, request.entry);
    case 'read': {
      assertAllowed(mayRead(member, request.topic));
      const limit = { maxEntries: request.max, maxBytes: maxPageBytes };
      const entries = await core.store.read(fleet.id, request.topic, request.from, limit);
      return { now: { kind: 'entries', entries, ...headField(await core.store.head(fleet.id, request.topic)) } };
    }
    case 'watch':
      return watch(caller, request.topics);
    case 'lockbox-put': {
      assertAllowed(member.role !== 'agent'); // [RELAY-16] [RELAY-28]
      const { audience, epoch, keyCommitment, member: owner, sealed } = request;
      const { maxLockboxes } = core.limits;
      return later(core, {
        kind: 'lockbox',
        fleet: fleet.id,
        audience,
        epoch,
        keyCommitment,
        member: owner,
        sealed,
        maxLockboxes,
      });
    }
    case 'lockbox-get': {
      assertAllowed(member.role === 'device' || equalBytes(request.member, member.id)); // [RELAY-16]
      const sealed = await core.store.lockbox(fleet.id, request);
      return { now: sealed === undefined ? { kind: 'lockbox' } : { kind: 'lockbox', sealed } };
    }
    case 'pulse-put':
      return putPulse(core, caller, request.pulse);
    case 'status-put':
      return putStatus(core, caller, request.list);
    case 'pulse-get':
      return { now: fleet.pulse === undefined ? { kind: 'pulse' } : { kind: 'pulse', pulse: fleet.pulse.wire } };
    case 'fresh':
      return freshness(core, caller, request.nonce, request.topics);
    case 'signal-put':
      return putSignal(core, caller, request.signal);
    case 'witness-add':
      return { later: cosign(core, caller, request) };
    case 'witness-put':
      return { later: putDeviceNote(core, caller, request) };
    case 'witness-get':
      return { now: await getWitnessed(core, caller, request) };
    case 'shipment-put':
      return { later: putShipment(core, caller, request) };
    case 'shipment-head':
      return { now: await shipmentHead(core, caller, request.agent) };
    case 'shipments-get':
      return { now: await getShipments(core, caller, request) };
    case 'webpush-key':
      assertAllowed(member.role === 'device');
      return { now: { kind: 'webpush', ...(core.waker !== undefined && { key: core.waker.publicKey }) } };
    case 'webpush-put':
      return putEndpoint(core, caller, request.endpoint);
    case 'webpush-forget':
      return putEndpoint(core, caller, undefined);
    case 'shipments-watch':
      assertAllowed(member.role === 'device'); // [RELAY-31]
      return { now: ok, after: () => fleet.readAlong(caller, request.agents) };
  }
}

function headField(head: Head | undefined): { readonly head?: Head } {
  return head === undefined ? {} : { head };
}

function place({ statement, hash, wire }: UnverifiedEntry): PlacedEntry {
  const { topic, position, previous, atMs } = statement;
  return { topic, position, previous, hash, atMs, wire };
}

function answerOf(outcome: Outcome): AnswerBody {
  switch (outcome.kind) {
    case 'done':
      return ok;
    case 'conflict':
      return { kind: 'conflict', ...headField(outcome.head) };
    case 'refused':
      throw new HoldfastError(outcome.code, outcome.message);
  }
}

/** Puts the write in its place at once and answers when it is durable; `done` runs before the answer, if it changed anything. */
function later(core: RelayCore, write: Write, done: () => void = () => undefined): Reply {
  const answer = core.commits.write(write).then((outcome) => {
    if (outcome.kind === 'done' && !outcome.repeated) done();
    return answerOf(outcome);
  });
  return { later: answer };
}

async function createFleet(core: RelayCore, request: Extract<RelayRequest, { kind: 'fleet-create' }>): Promise<Reply> {
  if (!core.creations.take(1, core.clock.elapsedMs())) throw new HoldfastError('limit_exceeded', 'too many new fleets at once'); // [RELAY-25]
  const list = parseAccessList(request.access);
  const { genesis } = await verifyFirstAccessList(core.primitives, list, parseEntry(core.primitives, request.genesis)); // [RELAY-8]
  const { fleet } = list.statement;
  const known = await core.store.fleet(fleet);
  if (known === undefined && (await core.store.countFleets()) >= core.limits.maxFleets) {
    throw new HoldfastError('limit_exceeded', 'the relay takes no new fleets');
  }
  return later(core, { kind: 'create', fleet, access: list.wire, genesis: place(genesis) });
}

async function putAccess(core: RelayCore, caller: MemberCaller, wire: Uint8Array): Promise<Reply> {
  const { fleet } = caller;
  assertAllowed(caller.member.role !== 'agent'); // [RELAY-12] [RELAY-28]
  if (equalBytes(wire, fleet.access.wire)) return { now: ok };
  const list = await verifyNextAccessList(core.primitives, fleet.access, parseAccessList(wire));
  caller.assertConnected();
  const write: Write = { kind: 'access', fleet: fleet.id, version: list.statement.version, access: list.wire };
  return later(core, write, () => fleet.moveAccess(list));
}

async function append(core: RelayCore, caller: MemberCaller, topic: Uint8Array, wire: Uint8Array): Promise<Reply> {
  const { fleet, member } = caller;
  assertAllowed(mayWrite(member, topic));
  const parsed = parseEntry(core.primitives, wire);
  const { statement } = parsed;
  const isGenesis = equalBytes(topic, controlTopic) && statement.position === 0;
  // The fleet's id is the hash of its genesis, which therefore cannot name it. [RELAY-9]
  assertAllowed(isGenesis ? equalBytes(parsed.hash, fleet.id) : equalBytes(statement.fleet, fleet.id));
  assertAllowed(equalBytes(statement.topic, topic) && equalBytes(statement.author, member.id)); // [RELAY-10]
  const entry = place(await verifyEntry(core.primitives, parsed, member.sign));
  caller.assertConnected();
  const write: Write = { kind: 'append', fleet: fleet.id, entry, maxTopicBytes: core.limits.maxTopicBytes };
  return later(core, write, () => fleet.appended(topic, entry.position, wire)); // [RELAY-13]
}

function watch(
  { member, following }: MemberCaller,
  topics: readonly { readonly topic: Uint8Array; readonly from: number }[],
): Reply {
  for (const { topic } of topics) assertAllowed(mayRead(member, topic));
  const added = new Set(topics.filter(({ topic }) => !following.has(topic)).map(({ topic }) => toHex(topic)));
  if (following.size + added.size > maxWatchedTopics)
    throw new HoldfastError('limit_exceeded', `at most ${maxWatchedTopics} topics can be watched`);
  return {
    now: ok,
    after: () => {
      for (const { topic, from } of topics) following.start(topic, from); // [RELAY-15]
    },
  };
}

async function putPulse(core: RelayCore, caller: MemberCaller, wire: Uint8Array): Promise<Reply> {
  const { fleet } = caller;
  assertAllowed(caller.member.role === 'device'); // [RELAY-17]
  if (fleet.pulse !== undefined && equalBytes(wire, fleet.pulse.wire)) return { now: ok };
  const parsed = parsePulse(wire);
  const device = fleet.member(parsed.statement.device);
  assertAllowed(device?.role === 'device');
  const known = { fleet: fleet.id, deviceKey: device?.sign ?? new Uint8Array(), newest: fleet.pulse, nowMs: core.clock.wallMs() };
  const pulse = await verifyPulse(core.primitives, parsed, known);
  caller.assertConnected();
  const { atMs, control } = pulse.statement;
  const write: Write = { kind: 'pulse', fleet: fleet.id, atMs, controlPosition: control.position, pulse: wire };
  return later(core, write, () => fleet.movePulse(pulse));
}

async function putStatus(core: RelayCore, caller: MemberCaller, list: string): Promise<Reply> {
  const { fleet } = caller;
  assertAllowed(caller.member.role === 'device'); // [STATUS-6]
  const token = readStatusToken(list);
  const device = fleet.member(token.device);
  assertAllowed(equalBytes(token.fleet, fleet.id) && device?.role === 'device');
  await verifyStatusToken(core.primitives, token, { deviceKey: device?.sign ?? new Uint8Array(), nowMs: core.clock.wallMs() });
  caller.assertConnected();
  const { issuedAtMs, control } = token;
  return later(core, { kind: 'status', fleet: fleet.id, atMs: issuedAtMs, controlPosition: control, list: utf8(list) });
}

async function freshness(
  core: RelayCore,
  { fleet, member }: MemberCaller,
  nonce: Uint8Array,
  asked: readonly Uint8Array[],
): Promise<Reply> {
  for (const topic of asked) assertAllowed(mayRead(member, topic));
  const topics = [...new Map([controlTopic, ...asked].map((topic) => [toHex(topic), topic])).values()].toSorted(compareBytes);
  const heads = await Promise.all(topics.map(async (topic) => ({ topic, head: await core.store.head(fleet.id, topic) })));
  const statement = {
    v: 1 as const,
    fleet: fleet.id,
    nonce,
    atMs: core.clock.wallMs(),
    heads: heads.flatMap(({ topic, head }) => (head === undefined ? [] : [{ topic, ...head }])),
  };
  return { now: { kind: 'freshness', freshness: await signFreshness(core.key, statement) } }; // [RELAY-18]
}

/** [WEBPUSH-1] */
function putEndpoint({ waker, commits }: RelayCore, { fleet, member }: MemberCaller, endpoint: string | undefined): Reply {
  assertAllowed(member.role === 'device');
  if (waker === undefined) throw new HoldfastError('relay_refused', 'this relay wakes nobody: whoever runs it gave no contact');
  if (endpoint !== undefined) waker.assertEndpoint(endpoint);
  const devices = fleet.access.statement.devices.map(({ id }) => id);
  return {
    later: commits.write({ kind: 'push-endpoint', fleet: fleet.id, device: member.id, endpoint, devices }).then(answerOf),
  };
}

async function putSignal(core: RelayCore, caller: MemberCaller, wire: Uint8Array): Promise<Reply> {
  const { fleet, member } = caller;
  const signal = parseSignal(wire);
  const { statement } = signal;
  // The connection has proved who sends it; readers check the signature. [RELAY-19]
  assertAllowed(
    equalBytes(statement.fleet, fleet.id) && equalBytes(statement.from, member.id) && inAudience(statement.audience, member),
  );
  assertSignalLife(statement, core.clock.wallMs());
  if (!fleet.takeSignal(member, core.clock.elapsedMs())) throw new HoldfastError('limit_exceeded', 'too many signals at once');
  fleet.signal(signal, caller, core.clock.wallMs());
  if (statement.urgent === true && member.role === 'agent')
    for (const { id: device } of fleet.unreached(signal))
      core.waker?.wake({ fleet: fleet.id, device, isAway: () => fleet.isAway(device) }); // [WEBPUSH-3]
  return { now: ok };
}
