// Audit events, spec/audit.md: what the daemon records of one agent, one record an event, numbered without gaps. No secret, no query string,
// no body ever stands in one. The daemon writes them; an agent cannot.

import {
  bool,
  bytes,
  bytesUpTo,
  decode,
  encode,
  integer,
  list,
  literal,
  oneOf,
  optional,
  record,
  text,
  union,
  type Infer,
} from '../codec/schema.ts';
import { digest, principalId, wallClockMs } from '../keys/public-keys.ts';
import { budgetId } from '../vault/budget.ts';
import { egressId } from '../vault/egress.ts';
import { hostName, portNumber } from '../vault/host.ts';
import { grantId, itemId, itemName } from '../vault/item.ts';
import { maxApprovalBytes } from '../vault/warrant.ts';
import { recordedAct } from './act.ts';
import { subjectName } from './commitment.ts';

/** Larger than the largest event; bounds what a reader holds for one. */
export const maxEventBytes = 8192;
/** Longer paths are cut in the record; the digest still covers all of it. */
export const maxRecordedPath = 1024;

/** Printable ASCII without what begins a query or a fragment, so that a record can be shown on a terminal as it is. */
const shown = (max: number) => text({ max, pattern: /^[\x20-\x7e]*$/ });
const shownPath = text({ max: maxRecordedPath, pattern: /^[\x20-\x22\x24-\x3e\x40-\x7e]*$/ }); // [AUDIT-3]

const sessionId = bytes(16);
const handleName = bytes(16);
const stepId = bytes(16);
/** Ids that the daemon made, of what an act came from. */
const cause = {
  /** What began it: a prompt in the session; absent: the session itself. A child's session says what began the child. */
  trace: optional(bytes(16)),
  /** The call that it came from, where that is known. */
  from: optional(stepId),
};
/** What an act came from, for the record. [AUDIT-50] [AUDIT-51] */
export interface Cause {
  readonly trace?: Uint8Array;
  readonly from?: Uint8Array;
}
/** Who acts, as the record names them. */
export interface Acting extends Cause {
  readonly session: Uint8Array;
  readonly child?: Uint8Array;
}
/** `child`: one of the agent's children; undefined: the agent itself. */
export function whoOf({
  session,
  child,
  cause,
}: {
  readonly session: Uint8Array;
  readonly child?: Uint8Array | undefined;
  readonly cause?: Cause | undefined;
}): Acting {
  return { session, ...(child !== undefined && { child }), ...cause };
}
/** Whose act it is, within a session; `child`: one of the agent's children, absent: the agent itself. */
const acting = { session: sessionId, child: optional(bytes(16)), ...cause };
/** Where a sealed session works, as a fence is held against it; absent where it could not be told in full. */
const tree = { directory: optional(shown(512)), repository: optional(shown(512)) };
const askId = bytes(16);
const code = text({ min: 1, max: 64, pattern: /^[a-z_]+$/ });
/** The digest beside it is of something that holds a secret or personal data, and can't be tried. [COMMIT-6] */
const salted = optional(literal(true));

/** A request as the record keeps it. `path` is absent where policy leaves it out; `digest` is `requestDigest` of the whole. */
export const recordedRequest = record({
  method: shown(64),
  host: shown(256),
  port: integer({ max: 65_535 }),
  path: optional(shownPath),
  pathCut: optional(literal(true)),
  digest,
  salted,
});
export type RecordedRequest = Infer<typeof recordedRequest>;

/** What the writer adds to each event. */
const stamp = {
  v: literal(1),
  agent: principalId,
  sequence: integer(),
  /** Random, one a daemon's run: `monotonicUs` compares only within it. */
  run: bytes(16),
  atMs: integer(wallClockMs),
  /** Microseconds since the run began. */
  monotonicUs: integer(),
};

/** An act of the agent as the record keeps it. `call`: the digest of all of it. */
const toolCall = {
  ...acting,
  /** The daemon's id of the call: what comes from it names it. */
  step: optional(stepId),
  /** The harness's own id of the call: one event each. */
  toolUse: shown(128),
  /** Who says so: the hook inside the session, or the daemon itself. */
  label: oneOf('reported', 'observed'),
  tool: text({ min: 1, max: 16, pattern: /^[a-z]+$/ }),
  harness: shown(32),
  name: shown(256),
  act: recordedAct,
  actCut: optional(literal(true)),
  call: digest,
  salted,
  directory: optional(shown(512)),
  /** What else the rules looked at, as the daemon knew it, and when they did. */
  home: optional(shown(512)),
  repository: optional(shown(512)),
  branch: optional(shown(256)),
  judgedAtMs: optional(integer(wallClockMs)),
  /** The type of the sub-agent that makes it, and of those above that one; absent: the agent itself. */
  subagent: optional(shown(128)),
  above: optional(list(shown(128), { max: 16 })),
  /** Labels that the session carried before the call. */
  labels: optional(list(shown(64), { max: 16 })),
  /** What the rules said, and what the harness was told in the end. */
  decision: oneOf('allow', 'warn', 'ask', 'deny'),
  allowed: bool,
  rules: list(shown(128), { max: 16 }),
  /** Absent: no rule set was in force, only reading was allowed. */
  rulesVersion: optional(integer({ min: 1 })),
};

const use = { ...acting, handle: handleName, grant: grantId, item: itemId };
/** What counts: of its grant, and of the agent's budget, where there was one. */
const counted = { ...use, budget: optional(budgetId) };

export const auditEvent = union({
  'daemon-start': { ...stamp, version: shown(32) },
  'daemon-stop': { ...stamp },
  enrolled: { ...stamp, custody: shown(64) },
  revoked: { ...stamp, reason: shown(256) },
  /** What ran has ended; nothing does until it is resumed. */
  'agent-suspended': { ...stamp, reason: shown(256) },
  'agent-resumed': { ...stamp },
  /** It signs and opens with other keys from here on. */
  'keys-changed': { ...stamp, custody: shown(64) },
  /**
   * The agent, or `parent`, handed its name on to a child, with less. `key`: SHA-256 of the child's. Counts of what it is held to; absent: as its parent.
   * `mayUse`, `mayReach`: what is counted, where it fits.
   */
  delegated: {
    ...stamp,
    session: sessionId,
    child: bytes(16),
    of: oneOf('session', 'sub-agent', 'key'),
    name: shown(128),
    parent: optional(bytes(16)),
    key: digest,
    capabilities: list(shown(64), { max: 32 }),
    grants: optional(integer({ max: 64 })),
    hosts: optional(integer({ max: 64 })),
    mayUse: optional(list(grantId, { max: 64 })),
    mayReach: optional(list(shown(260), { max: 64 })),
    uses: optional(integer({ min: 1 })),
    bytes: optional(integer({ min: 1 })),
    depth: integer({ max: 3 }),
    expiresAtMs: integer(wallClockMs),
    ...cause,
  },
  /** It does nothing any more. */
  'child-end': {
    ...stamp,
    session: sessionId,
    child: bytes(16),
    ...cause,
    why: oneOf('stopped', 'expired', 'revoked', 'parent', 'session', 'agent', 'failed'),
  },
  /** The agent proved to somebody who it is; written before the proof leaves. `shown`: the names of what was disclosed. */
  presented: {
    ...stamp,
    /** Absent: asked for at the machine's own door. */
    session: optional(sessionId),
    child: optional(bytes(16)),
    ...cause,
    audience: shown(512),
    nonce: shown(256),
    shown: list(shown(80), { max: 64 }),
    credential: digest,
  },
  /** `grantedAtMs`: when the operator granted it, by the entry's clock. */
  granted: {
    ...stamp,
    grant: grantId,
    item: itemId,
    name: itemName,
    grantedAtMs: integer(wallClockMs),
    warrant: optional(digest),
  },
  'grant-ended': { ...stamp, grant: grantId },
  'egress-allowed': { ...stamp, rule: egressId, host: hostName, port: portNumber },
  'egress-ended': { ...stamp, rule: egressId },
  /** All of its credentials together are limited from here on, or by other limits; then not any more. */
  'budget-set': { ...stamp, budget: budgetId },
  'budget-ended': { ...stamp, budget: budgetId },
  'session-start': { ...stamp, ...acting, mode: oneOf('sealed', 'guarded'), program: shown(256), ...tree },
  'session-end': { ...stamp, ...acting, exitCode: optional(integer({ max: 255 })) },
  /** A handle came into being: permissioned time begins. */
  minted: { ...stamp, ...use, name: itemName, request: recordedRequest },
  /**
   * The use itself, written durably before a byte leaves: permissioned time ends. What it stands on: the digest of its grant's warrant, the version of
   * the rules that let it go, absent where there were none, and the ask by which it was approved. [AUTHORITY-5]
   */
  consumed: {
    ...stamp,
    ...counted,
    request: digest,
    salted,
    warrant: optional(digest),
    rulesVersion: optional(integer({ min: 1 })),
    ask: optional(askId),
  },
  expired: { ...stamp, ...use },
  /** A handle was presented wrongly, or burned by a revocation or a session's end. */
  'handle-refused': { ...stamp, ...acting, handle: handleName, code },
  /** From decryption to overwriting. */
  credentialed: { ...stamp, ...use, credentialedUs: integer(), sent: bool },
  /** So many more bytes may pass for this use, of a grant that is limited in them; written durably before the first of them passes. */
  'bytes-reserved': { ...stamp, ...counted, bytes: integer({ min: 1 }) },
  /** Of those, so many did not pass, and none does any more. */
  'bytes-returned': { ...stamp, ...counted, bytes: integer() },
  /** A request that was not let out, with its true reason. */
  refused: { ...stamp, ...acting, code, request: recordedRequest },
  /** What came to its port and was no request, within a second: connections past their limit, unfinished or unreadable ones, calls of the door that are none. */
  'turned-away': { ...stamp, ...acting, counts: list(record({ code, count: integer({ min: 1 }) }), { min: 1, max: 32 }) },
  /** A request without a credential, let out by an egress rule or to a granted host. */
  request: { ...stamp, ...acting, request: recordedRequest },
  /** A turn begins, as a harness says: `trace` is its id. `prompt`: `promptDigest`; absent where the harness did not say what was asked. */
  prompted: { ...stamp, ...acting, label: literal('reported'), harness: shown(32), prompt: optional(digest), salted },
  /** Written before the act runs, or is refused. */
  'tool-call': { ...stamp, ...toolCall },
  /** An act waits for an operator. */
  asked: { ...stamp, ...acting, ask: askId, call: digest, salted, lifeMs: integer(), rules: list(shown(128), { max: 16 }) },
  /** `device`: the operator's, where one answered; of what it allowed its warrant. */
  answered: {
    ...stamp,
    ...acting,
    ask: askId,
    outcome: oneOf('allowed', 'denied', 'expired', 'crowded', 'unasked', 'withdrawn'),
    device: optional(principalId),
    warrant: optional(bytesUpTo(maxApprovalBytes)),
  },
  /** An answer that counted for nothing. */
  'answer-refused': { ...stamp, code, ask: optional(askId) },
  /** What an operator wants recorded from here on, and kept. */
  'audit-policy': {
    ...stamp,
    version: integer({ min: 1 }),
    silenced: list(text({ max: 32, pattern: /^[a-z]+$/ }), { max: 16 }),
    retentionDays: optional(integer({ min: 1 })),
    /** Subjects of declared personal data; what was declared of them is in the journal alone. */
    personal: optional(list(subjectName, { min: 1, max: 64 })),
  },
  /**
   * Of the records below number `below` hashes alone are left from here on, by the policy of that version: a witness had seen all of them at
   * `seenAtMs`, and an operator's pulse was of `pulseAtMs`. Written before anything goes. [AUDIT-67]
   */
  pruned: {
    ...stamp,
    below: integer({ min: 1 }),
    version: integer({ min: 1 }),
    retentionDays: integer({ min: 1 }),
    seenAtMs: integer(wallClockMs),
    pulseAtMs: integer(wallClockMs),
  },
  /** From here on nothing of that subject can be proven: written before its key is destroyed. [COMMIT-11] */
  erased: { ...stamp, subject: subjectName },
  /** Events that the policy of that version kept out, counted by kind. */
  silenced: {
    ...stamp,
    version: integer({ min: 1 }),
    counts: list(record({ kind: shown(32), count: integer({ min: 1 }) }), { min: 1, max: 64 }),
  },
  /** Takes effect with the next decision. */
  'rules-set': { ...stamp, version: integer({ min: 1 }), hash: digest, warrant: optional(digest) },
  /** An alarm: a set that this daemon can't read. The one of `inForce` stays in force; absent: only reading is allowed. */
  'rules-unreadable': { ...stamp, version: integer({ min: 1 }), code, inForce: optional(integer({ min: 1 })) },
  'bedrock-changed': { ...stamp, version: integer({ min: 1 }), texts: integer() },
  /** An alarm: an operator device's entry that broke a rule, and so has no effect. */
  'entry-rejected': { ...stamp, position: integer(), code },
  /** An alarm: something that is no part of the fleet's history was shown as such. */
  'entry-refused': { ...stamp, code },
  /** An alarm: what steers a session that was started by hand was changed while it ran, and it is suspended. `unlisted`: further places. */
  tampered: {
    ...stamp,
    session: sessionId,
    ...cause,
    places: list(shown(256), { max: 16 }),
    unlisted: optional(integer({ min: 1 })),
  },
  /** An operator let it go on. */
  resumed: { ...stamp, session: sessionId, ...cause },
  'stream-cut': { ...stamp, ...acting, grant: optional(grantId) },
  /** Events that found no place, counted by kind: what is missing is known and signed. */
  gap: { ...stamp, dropped: list(record({ kind: shown(32), count: integer({ min: 1 }) }), { min: 1, max: 32 }) },
  fault: { ...stamp, code },
  /** Alarms, each told once: the relay does not take this log, which goes on here; it takes it again. [SHIP-5] */
  'shipping-stopped': { ...stamp, code },
  'shipping-resumed': { ...stamp },
  /** The end of the log that had never been acknowledged was cut off at start: so many bytes, and files that held nothing else. [AUDIT-40] */
  repaired: { ...stamp, bytes: integer(), files: integer() },
  /** The wall clock no longer goes with the monotonic one, or lies before the last record: somebody set it, or the machine slept. [AUDIT-41] */
  'clock-moved': { ...stamp, to: oneOf('back', 'forward'), byMs: integer({ min: 1 }) },
}); // [AUDIT-1] [AUDIT-2]
export type AuditEvent = Infer<typeof auditEvent>;

type Stamped = keyof typeof stamp;
type WithoutStamp<E> = E extends unknown ? Omit<E, Stamped> : never;
/** What a caller reports; the writer stamps it. */
export type AuditReport = WithoutStamp<AuditEvent>;

export const encodeEvent = (event: AuditEvent): Uint8Array => encode(auditEvent, event);
/** Throws `codec_*`. */
export const decodeEvent = (wire: Uint8Array): AuditEvent => decode(auditEvent, wire, maxEventBytes);
