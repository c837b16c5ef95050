// What travels between a relay and its clients, spec/relay.md: one CBOR frame a binary WebSocket message. The relay speaks first.
// Every request carries an id and gets exactly one answer with that id; pushes carry none. The same shapes serve both ends.

import {
  bytes,
  bytesUpTo,
  decode,
  encode,
  integer,
  list,
  literal,
  optional,
  record,
  text,
  union,
  oneOf,
  type Infer,
} from '../codec/schema.ts';
import { digest, fleetId, principalId, signature, signPublicKey } from '../keys/public-keys.ts';
import { maxAccessListBytes } from './access-list.ts';
import { audienceName, head, maxEntryBytes, position, topicId } from './entry.ts';
import { freshNonce, maxFreshnessBytes, maxFreshTopics } from './freshness.ts';
import { maxPulseBytes } from './pulse.ts';
import { relayNonce } from './relay-auth.ts';
import { maxSignalBytes } from './signal.ts';
import { maxShippedPagePieces, pieceFields, segmentPlace, shippedHead, shippedPiece } from './shipment.ts';
import { maxStatusListBytes } from './status-token.ts';
import { cosigned, witnessAdd, witnessConflict, witnessed, witnessPut } from './witness.ts';

/** Holds the largest request, an access list. */
export const maxRequestBytes = 512 * 1024;
/** Holds the largest answer: a page of entries, or one entry of any size. */
export const maxAnswerBytes = 1024 * 1024;
/** A page ends before it would pass this, but holds at least one entry. */
export const maxPageBytes = 512 * 1024;
export const maxPageEntries = 1024;
export const maxWatchedTopics = 1024;
/** Audit logs that one connection reads along in. */
const maxWatchedLogs = 256;
/** Of a browser's push service. */
const maxEndpointCharacters = 1024;
/** An HPKE encapsulation (1,153 bytes), a sealed 32-byte key and room to frame them. */
export const maxLockboxBytes = 2048;
/** A pairing offer or answer; the answer carries the genesis entry. */
const maxRendezvousBytes = 64 * 1024;
/** Minutes, not hours: a code that lies around is a risk. */
const maxRendezvousMs = 15 * 60_000;
/** The longest that one take waits; the client asks again. */
const maxWaitMs = 60_000;

const requestId = integer({ max: 2 ** 48 });
const id = { id: requestId };
const epoch = integer({ max: 2 ** 32 });
/** Two devices that start an epoch at once make two keys: the commitment keeps their boxes apart. */
const lockboxPlace = { audience: audienceName, epoch, keyCommitment: digest, member: principalId };
/** Each end of a rendezvous has its slot; each slot is put once and taken once. */
const rendezvousPlace = { rendezvous: bytes(16), slot: oneOf('offer', 'answer') };

export const relayRequest = union({
  auth: { ...id, fleet: fleetId, principal: principalId, signature },
  'fleet-create': { ...id, access: bytesUpTo(maxAccessListBytes), genesis: bytesUpTo(maxEntryBytes) },
  'access-put': { ...id, access: bytesUpTo(maxAccessListBytes) },
  'access-get': { ...id },
  append: { ...id, topic: topicId, entry: bytesUpTo(maxEntryBytes) },
  read: { ...id, topic: topicId, from: position, max: integer({ min: 1, max: maxPageEntries }) },
  watch: { ...id, topics: list(record({ topic: topicId, from: position }), { min: 1, max: maxWatchedTopics }) },
  'lockbox-put': { ...id, ...lockboxPlace, sealed: bytesUpTo(maxLockboxBytes) },
  'lockbox-get': { ...id, ...lockboxPlace },
  'pulse-put': { ...id, pulse: bytesUpTo(maxPulseBytes) },
  'pulse-get': { ...id },
  'status-put': { ...id, list: text({ max: maxStatusListBytes, pattern: /^[\w.-]+$/ }) },
  fresh: { ...id, nonce: freshNonce, topics: list(topicId, { max: maxFreshTopics }) },
  'signal-put': { ...id, signal: bytesUpTo(maxSignalBytes + 2048) },
  'witness-add': { ...id, ...witnessAdd },
  'witness-put': { ...id, ...witnessPut },
  'witness-get': { ...id, agent: principalId },
  'shipment-put': { ...id, ...pieceFields },
  'shipment-head': { ...id, agent: principalId },
  'shipments-get': { ...id, agent: principalId, ...segmentPlace },
  'shipments-watch': { ...id, agents: list(record({ agent: principalId, ...segmentPlace }), { max: maxWatchedLogs }) },
  'webpush-key': { ...id },
  'webpush-put': { ...id, endpoint: text({ max: maxEndpointCharacters, pattern: /^[\x21-\x7e]*$/ }) },
  'webpush-forget': { ...id },
  'rendezvous-put': {
    ...id,
    ...rendezvousPlace,
    body: bytesUpTo(maxRendezvousBytes),
    ttlMs: integer({ min: 1, max: maxRendezvousMs }),
  },
  'rendezvous-take': { ...id, ...rendezvousPlace, waitMs: integer({ max: maxWaitMs }) },
});
export type RelayRequest = Infer<typeof relayRequest>;
export type RequestKind = RelayRequest['kind'];

const answers = {
  ok: { ...id },
  /** `code` is of spec/errors.md. Printable ASCII only: it may end up on a terminal. */
  error: { ...id, code: text({ max: 64, pattern: /^[a-z_]+$/ }), message: text({ max: 256, pattern: /^[\x20-\x7e]*$/ }) },
  /** The append did not stand on the head; absent: the topic is empty. */
  conflict: { ...id, head: optional(head) },
  /** `head`: the topic's last entry; absent: the topic is empty. */
  entries: { ...id, entries: list(bytesUpTo(maxEntryBytes), { max: maxPageEntries }), head: optional(head) },
  access: { ...id, access: optional(bytesUpTo(maxAccessListBytes)) },
  lockbox: { ...id, sealed: optional(bytesUpTo(maxLockboxBytes)) },
  pulse: { ...id, pulse: optional(bytesUpTo(maxPulseBytes)) },
  freshness: { ...id, freshness: bytesUpTo(maxFreshnessBytes) },
  cosigned: { ...id, ...cosigned },
  'witness-conflict': { ...id, ...witnessConflict },
  witnessed: { ...id, ...witnessed },
  /** Where an agent's log ends here; absent: nothing of it was shipped. */
  shipped: { ...id, head: optional(shippedHead) },
  shipments: { ...id, pieces: list(shippedPiece, { max: maxShippedPagePieces }) },
  /** Absent: the relay wakes nobody. */
  webpush: { ...id, key: optional(signPublicKey) },
  /** Absent: nothing came while the relay waited. */
  taken: { ...id, body: optional(bytesUpTo(maxRendezvousBytes)) },
};

const pushes = {
  'push-entry': { topic: topicId, entry: bytesUpTo(maxEntryBytes) },
  'push-pulse': { pulse: bytesUpTo(maxPulseBytes) },
  'push-signal': { signal: bytesUpTo(maxSignalBytes + 2048) },
  'push-shipment': { agent: principalId, ...pieceFields },
  /** To an agent: a device reads along in its audit log. */
  'push-watched': {},
};

export const relayFrame = union({
  welcome: { v: literal(1), relay: signPublicKey, nonce: relayNonce },
  ...answers,
  ...pushes,
});
export type RelayFrame = Infer<typeof relayFrame>;
export type RelayAnswer = Extract<RelayFrame, { kind: keyof typeof answers }>;
export type RelayPush = Extract<RelayFrame, { kind: keyof typeof pushes }>;

/** Which answers each request may get, `error` aside. An answer of another kind breaks the protocol. [RELAY-5] */
export const answerKinds = {
  auth: ['ok'],
  'fleet-create': ['ok'],
  'access-put': ['ok'],
  'access-get': ['access'],
  append: ['ok', 'conflict'],
  read: ['entries'],
  watch: ['ok'],
  'lockbox-put': ['ok'],
  'lockbox-get': ['lockbox'],
  'pulse-put': ['ok'],
  'pulse-get': ['pulse'],
  'status-put': ['ok'],
  fresh: ['freshness'],
  'signal-put': ['ok'],
  'witness-add': ['cosigned', 'witness-conflict'],
  'witness-put': ['ok'],
  'witness-get': ['witnessed'],
  'shipment-put': ['ok', 'shipped'],
  'shipment-head': ['shipped'],
  'shipments-get': ['shipments'],
  'shipments-watch': ['ok'],
  'webpush-key': ['webpush'],
  'webpush-put': ['ok'],
  'webpush-forget': ['ok'],
  'rendezvous-put': ['ok'],
  'rendezvous-take': ['taken'],
} as const satisfies Record<RequestKind, readonly RelayAnswer['kind'][]>;

export type AnswerTo<K extends RequestKind> = Extract<RelayAnswer, { kind: (typeof answerKinds)[K][number] }>;

/** Throws `codec_*`. */
export function parseRequest(frame: Uint8Array): RelayRequest {
  return decode(relayRequest, frame, maxRequestBytes);
}

export function encodeRequest(request: RelayRequest): Uint8Array {
  return encode(relayRequest, request);
}

/** Throws `codec_*`. */
export function parseRelayFrame(frame: Uint8Array): RelayFrame {
  return decode(relayFrame, frame, maxAnswerBytes);
}

export function encodeRelayFrame(frame: RelayFrame): Uint8Array {
  return encode(relayFrame, frame);
}
