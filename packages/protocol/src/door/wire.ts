// The door between CLI and daemon on one machine, spec/door.md: length-prefixed CBOR frames over a Unix socket. The door can be
// asked, it never decides: nothing here grants, changes or removes power. Both ends trust only shapes.

import {
  bool,
  bytes,
  bytesUpTo,
  decode,
  dictionary,
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
import { subjectName } from '../audit/commitment.ts';
import { maxEventBytes } from '../audit/event.ts';
import { framed } from '../codec/framing.ts';
import { capability, custodyLevel, scopeName } from '../blind/pairing-offer.ts';
import { byteShare, placeName } from '../custody/delegation.ts';
import { audienceName, presentationNonce } from '../custody/key-binding.ts';
import { attach } from '../vault/attach.ts';
import { agentBudget } from '../vault/budget.ts';
import { egressRule } from '../vault/egress.ts';
import { fence } from '../vault/fence.ts';
import { envName, grantId, itemId, itemName, itemPurpose } from '../vault/item.ts';
import { maxSignedWarrantBytes } from '../vault/warrant.ts';
import { maxAskLifeMs } from '../approvals/ask.ts';
import { deviceLink, maxBedrockCharacters, maxBedrockTexts, maxRulesBytes } from '../journal/bodies.ts';
import { digest, fleetId, principalId, signPublicKey, wallClockMs } from '../keys/public-keys.ts';

/** Larger than any page of events, smaller than what a careless peer could make us hold. [DOOR-2] */
export const maxDoorFrameBytes = 1024 * 1024;
/** One piece of a session's streams. */
export const maxChunkBytes = 64 * 1024;
/** How much input may be on its way that the command has not taken yet. More breaks the protocol. [DOOR-7] */
export const maxInputAheadBytes = 512 * 1024;

/** How many kinds of refusals a session is told of in its end. */
export const maxRefusals = 16;

const path = text({ min: 1, max: 4096 });
const size = integer({ min: 1, max: 10_000 });

const terminal = optional(record({ columns: size, rows: size, term: text({ max: 64 }) }));
const command = list(text({ max: 128 * 1024 }), { min: 1, max: 4096 });
/** What of its parent's leave a child gets, spec/delegation.md. */
const childTerms = record({
  /** Capabilities; `vault:use` and `vault:use:NAME` stand for the credentials that it may use. Others it has none of. */
  only: list(text({ min: 1, max: 160 }), { max: 64 }),
  /** `host:port`; absent, here and below: as its parent. */
  hosts: optional(list(placeName, { max: 64 })),
  uses: optional(integer({ min: 1, max: 1_000_000 })),
  bytes: optional(byteShare),
  lifeS: optional(integer({ min: 1, max: 3600 })),
  /** How many more children may stand below it; absent: none. */
  depth: optional(integer({ max: 2 })),
});
export type ChildTerms = Infer<typeof childTerms>;

/** What the CLI sends. The first frame of a connection is a request; `input`, `resize` … follow only a `run`. */
export const doorRequest = union({
  status: {},
  /** What this machine can read of its fleets: the roster, and its own agents' grants and egress rules. */
  machine: {},
  /** `custody`: in which key store; absent: in the best. */
  enroll: {
    scope: scopeName,
    relay: optional(text({ max: 2048 })),
    custody: optional(custodyLevel),
    /** The capabilities that it asks for; absent: none. */
    may: optional(list(capability, { max: 32 })),
  },
  /** Other keys for the agent of a scope: asked for, and then waited for. */
  rotate: { scope: scopeName, custody: optional(custodyLevel) },
  /** Answers when every agent of this fleet on this machine has applied the control entry. */
  'await-control': { fleet: fleetId, position: integer(), hash: digest, timeoutMs: integer({ max: 60_000 }) },
  run: {
    scope: scopeName,
    command,
    cwd: path,
    path: text({ max: 32 * 1024 }),
    home: path,
    environment: dictionary(text({ max: 128 * 1024 }), {
      max: 256,
      key: text({ min: 1, max: 256, pattern: /^[A-Za-z_][A-Za-z0-9_]*$/ }),
    }),
    terminal,
    /** In a session of a child's: with less than the agent. */
    child: optional(childTerms),
  },
  /** Within a session: a child's, beside it. Where it runs and what it sees is the parent's. */
  'run-child': { command, terminal, child: childTerms },
  /** A page of an agent's audit log: its events from number `from` on, or the leaf hashes of those that were pruned, or the signed checkpoints; oldest first. */
  audit: {
    agent: text({ max: 64 }),
    part: oneOf('events', 'leaves', 'checkpoints'),
    from: integer(),
    limit: integer({ min: 1, max: 1000 }),
  },
  /** The newest checkpoint of an agent's log as it is published, cosigned if the relay can be reached. */
  'audit-note': { agent: text({ max: 64 }) },
  /** The salt of the commitment in that event that is of this value. */
  'audit-reveal': { agent: text({ max: 64 }), event: integer(), value: bytesUpTo(64 * 1024) },
  /** A proof of who the agent of a scope is. `show`: what to disclose; without a nonce one is made up. */
  present: {
    scope: scopeName,
    audience: audienceName,
    nonce: optional(presentationNonce),
    show: list(text({ min: 1, max: 80, pattern: /^[a-z0-9._:-]+$/ }), { max: 64 }),
  },
  /** What leads from an agent's uses to its fleet's root, and of these warrants those that are known here. */
  authority: { agent: text({ max: 64 }), warrants: list(digest, { max: 64 }) },
  /** The rules and the bedrock that hold for an agent of this machine; `version`: an earlier set, where it is still kept. */
  rules: { agent: text({ max: 64 }), version: optional(integer({ min: 1 })) },
  /** Opens, or shows again, the door for agents that are started by hand. `modelUrl`: where whoever installs asks the model. */
  'guarded-open': { scope: scopeName, modelUrl: optional(text({ max: 2048 })) },
  'guarded-close': { scope: scopeName },
  input: { data: bytesUpTo(maxChunkBytes) },
  'input-end': {},
  resize: { columns: size, rows: size },
  signal: { name: text({ max: 16, pattern: /^SIG[A-Z0-9]+$/ }) },
});
export type DoorRequest = Infer<typeof doorRequest>;

const freshnessView = record({
  /** Milliseconds since the newest proof was asked for or made; absent: none yet. */
  relayAgeMs: optional(integer()),
  pulseAgeMs: optional(integer()),
  pulseMaxAgeMs: integer(),
  /** Absent: handles are minted. */
  refusal: optional(text({ max: 64 })),
});

export const agentView = record({
  agent: principalId,
  fleet: fleetId,
  fleetName: text({ max: 256 }),
  scope: scopeName,
  custody: text({ max: 64 }),
  state: text({ max: 32 }),
  relay: text({ max: 2048 }),
  relayState: text({ max: 32 }),
  relayError: optional(text({ max: 64 })),
  control: optional(record({ position: integer(), hash: digest })),
  freshness: freshnessView,
  grants: integer(),
  /** Version of the rule set in force; absent: none, only reading is allowed. */
  rules: optional(integer()),
  /** The newest set, where this daemon can't read it. */
  rulesUnreadable: optional(record({ version: integer(), code: text({ max: 64 }) })),
  /** Hosts that it may reach without a credential. */
  egress: integer(),
  undecryptable: integer(),
  rejected: integer(),
  events: integer(),
  /** False since a record could not be written: what needs one does not happen. */
  recording: bool,
  /** Why the relay does not take the audit log; absent: it does, as far as there is a connection. */
  shippingFault: optional(text({ max: 64 })),
  /** How much of the audit log the relay has cosigned and how long ago; `stale`: not for too long. `device`: an operator's device. */
  witness: optional(
    record({
      size: optional(integer()),
      ageMs: optional(integer()),
      stale: bool,
      device: optional(record({ size: integer(), ageMs: integer() })),
    }),
  ),
  /** Port of the door for agents that are started by hand, while it is open. */
  guarded: optional(integer({ max: 65_535 })),
});
export type AgentView = Infer<typeof agentView>;

const sessionView = record({
  session: bytes(16),
  agent: principalId,
  mode: text({ max: 16 }),
  command: text({ max: 256 }),
  startedAtMs: integer(wallClockMs),
  /** Whose of the agent's children it is. */
  child: optional(principalId),
  /** So many living children end with it, spec/delegation.md; absent: none. */
  children: optional(integer({ min: 1 })),
  /** Nothing happens in it until an operator lets it go on; what was changed. */
  suspended: optional(text({ max: 1024 })),
  /** Its harness lets acts pass when a hook fails. */
  unfit: optional(literal(true)),
});

/** A living child of an agent of this machine, spec/delegation.md. */
const childView = record({
  child: principalId,
  agent: principalId,
  /** The child above it; absent: the agent itself. */
  parent: optional(principalId),
  kind: text({ max: 16 }),
  name: text({ max: 128 }),
  session: bytes(16),
  capabilities: list(capability, { max: 32 }),
  /** Names of the credentials that it may use. */
  credentials: list(itemName, { max: 1024 }),
  /** Absent: where its agent may go. */
  hosts: optional(list(placeName, { max: 64 })),
  usesLeft: optional(integer()),
  bytesLeft: optional(integer()),
  depth: integer({ max: 3 }),
  startedAtMs: integer(wallClockMs),
  expiresAtMs: integer(wallClockMs),
  seenAtMs: integer(wallClockMs),
});

const memberView = record({
  agent: principalId,
  fleet: fleetId,
  scope: scopeName,
  machine: text({ max: 64 }),
  custody: text({ max: 64 }),
  state: text({ max: 32 }),
  enrolledAtMs: integer(wallClockMs),
  here: bool,
  /** Its door for agents that are started by hand is open. */
  guarded: optional(literal(true)),
  /** Whether its key store proved itself to the operator. */
  evidence: text({ max: 16 }),
  capabilities: list(capability, { max: 32 }),
  /** Of its credential. */
  expiresAtMs: integer(wallClockMs),
  /** When it last wrote to its topic, as far as this machine may read that. */
  seenAtMs: optional(integer(wallClockMs)),
  /** Its sealed sessions on this machine. */
  sealed: integer(),
});

/** A kind of key store that this machine has, the best first. */
const keyStoreView = record({
  level: custodyLevel,
  /** What the hardware calls itself. */
  label: optional(text({ max: 64 })),
  /** `ready`, `slow`, or the code of why its keys cannot be used. */
  state: text({ max: 64 }),
  message: optional(text({ max: 1024 })),
  next: optional(text({ max: 1024 })),
});
export type KeyStoreView = Infer<typeof keyStoreView>;

/** What was counted of what is limited. */
const counts = {
  /** In all, and within each window of the limits. */
  used: optional(record({ total: integer(), windows: list(integer(), { max: 4 }) })),
  /** The same of bytes. */
  usedBytes: optional(record({ total: integer(), windows: list(integer(), { max: 4 }) })),
  /** How many uses are under way. */
  open: optional(integer()),
};

/** What an agent may use: terms, never a secret. */
const grantView = record({
  agent: principalId,
  granted: record({
    grant: grantId,
    item: itemId,
    name: itemName,
    purpose: optional(itemPurpose),
    attach,
    fence,
    env: optional(envName),
    approve: bool,
  }),
  grantedAtMs: integer(wallClockMs),
  ...counts,
});
/** Of all grants of an agent together. */
const budgetView = record({ budget: agentBudget, setAtMs: integer(wallClockMs), ...counts });
const egressView = record({ agent: principalId, rule: egressRule });

/** Requests of one session to one target that did not pass for one reason. `granted`: it has a credential for that target. */
const refusal = record({
  code: text({ max: 64 }),
  host: optional(text({ max: 256 })),
  port: optional(integer({ max: 65_535 })),
  granted: bool,
  count: integer({ min: 1 }),
});

/** Devices that sign no more, and since when. */
const removedDevices = list(record({ device: principalId, atMs: integer(wallClockMs) }), { max: 4096 });

/** A signed note. */
const publishedNote = text({ max: 8 * 1024 });

/** What the daemon sends. */
export const doorReply = union({
  failed: { code: text({ max: 64 }), message: text({ max: 4096 }), next: optional(text({ max: 4096 })) },
  done: {},
  status: {
    version: text({ max: 32 }),
    pid: integer(),
    startedAtMs: integer(wallClockMs),
    custody: text({ max: 64 }),
    keyStores: list(keyStoreView, { max: 8 }),
    agents: list(agentView, { max: 64 }),
    sessions: list(sessionView, { max: 256 }),
    notices: list(record({ code: text({ max: 64 }), message: text({ max: 1024 }), next: optional(text({ max: 1024 })) }), {
      max: 64,
    }),
  },
  machine: {
    agents: list(memberView, { max: 4096 }),
    children: list(childView, { max: 512 }),
    operators: list(record({ fleet: fleetId, device: principalId, name: text({ max: 64 }) }), { max: 256 }),
    grants: list(grantView, { max: 1024 }),
    /** Absent: none of its agents has one. */
    budgets: optional(list(budgetView, { min: 1, max: 64 })),
    egress: list(egressView, { max: 1024 }),
    /** What services have to know of each fleet: the key of the device that made it. */
    roots: list(record({ fleet: fleetId, key: signPublicKey, removed: optional(removedDevices) }), { max: 64 }),
  },
  presentation: {
    agent: principalId,
    presentation: text({ max: 32 * 1024 }),
    nonce: presentationNonce,
    shown: list(text({ max: 80 }), { max: 64 }),
    /** Of the credential. */
    expiresAtMs: integer(wallClockMs),
  },
  'enroll-offer': {
    code: text({ max: 128 }),
    url: text({ max: 2048 }),
    words: list(text({ max: 32 }), { max: 8 }),
    expiresAtMs: integer(wallClockMs),
    /** Where the new keys are. */
    custody: custodyLevel,
    label: optional(text({ max: 64 })),
  },
  'enroll-done': {
    agent: principalId,
    fleet: fleetId,
    fleetName: text({ max: 256 }),
    scope: scopeName,
    custody: text({ max: 64 }),
  },
  started: { session: bytes(16), agent: principalId, mode: text({ max: 16 }) },
  /** The command has taken so much input, or will never read it. */
  'input-taken': { bytes: integer({ max: maxInputAheadBytes }) },
  output: { data: bytesUpTo(maxChunkBytes) },
  errors: { data: bytesUpTo(maxChunkBytes) },
  /** The command was stopped, as Ctrl-Z does it; it goes on with the signal SIGCONT. [DOOR-17] */
  stopped: {},
  /** Something of the session waits for an operator, so long at most. [DOOR-18] */
  waiting: { ask: bytes(16), act: oneOf('tool-call', 'use', 'access'), withinMs: integer({ max: maxAskLifeMs }) },
  /** Absent: everything passed. `unlisted` counts what found no place in the list. [DOOR-16] */
  exited: { code: integer({ max: 255 }), refused: optional(list(refusal, { max: maxRefusals })), unlisted: optional(integer()) },
  rules: {
    agent: principalId,
    fleet: fleetId,
    /** The set in force, or the one that was asked for; absent: none, or not kept any more. */
    set: optional(
      record({ version: integer(), text: text({ max: maxRulesBytes }), hash: digest, setAtMs: integer(wallClockMs) }),
    ),
    /** The newest set, where this daemon can't read it. */
    unreadable: optional(record({ version: integer(), code: text({ max: 64 }) })),
    bedrock: record({
      version: integer(),
      texts: list(record({ id: bytes(16), text: text({ max: maxBedrockCharacters }), addedAtMs: integer(wallClockMs) }), {
        max: maxBedrockTexts,
      }),
    }),
  },
  /** The keys are made and asked for; an operator has to give them. */
  'rotate-asked': { agent: principalId, scope: scopeName, custody: custodyLevel },
  'rotate-done': { agent: principalId, scope: scopeName, custody: custodyLevel },
  'guarded-door': {
    port: integer({ max: 65_535 }),
    /** For a user's own settings of the harness: JSON. */
    settings: text({ max: 64 * 1024 }),
    /** Where root alone may write. */
    files: list(record({ path, text: text({ max: 64 * 1024 }) }), { max: 64 }),
  },
  /** `looked`: at so many of the warrants that were asked for; of those that are known, as many as fit a frame. */
  authority: {
    fleet: fleetId,
    key: signPublicKey,
    removed: removedDevices,
    chains: list(list(deviceLink, { max: 8 }), { max: 4096 }),
    credentials: list(text({ max: 16 * 1024 }), { max: 256 }),
    warrants: list(bytesUpTo(maxSignedWarrantBytes), { max: 64 }),
    looked: integer({ max: 64 }),
  },
  revealed: { fleet: fleetId, event: bytesUpTo(maxEventBytes), subject: subjectName, salt: bytes(32) },
  /** Without a note: there is no checkpoint yet, or the log does not hold. */
  'audit-note': {
    note: optional(publishedNote),
    witnesses: list(text({ max: 256 }), { max: 8 }),
    /** Two that this agent signed, and that no one log can have made: a witness had cosigned the older. */
    fork: optional(record({ older: publishedNote, newer: publishedNote })),
  },
  'audit-page': {
    agent: principalId,
    fleet: fleetId,
    agentKey: bytes(65),
    /** Keys that it had before, in that order. */
    earlierKeys: optional(list(bytes(65), { max: 256 })),
    /** How many there are in all. */
    total: integer(),
    /** How many records its newest signed checkpoint covers: what else there is could still be cut unseen. */
    signed: integer(),
    /** Of so many first records hashes alone are left: `events` from below it begin with it. */
    pruned: integer(),
    items: list(bytesUpTo(16 * 1024), { max: 1000 }),
    /** The newest checkpoint that the agent's topic shows: the log must have made it. */
    anchor: optional(bytesUpTo(4 * 1024)),
  },
});
export type DoorReply = Infer<typeof doorReply>;
export type DoorReplyOf<K extends DoorReply['kind']> = Extract<DoorReply, { kind: K }>;

export const encodeDoorRequest = (request: DoorRequest): Uint8Array => framed(encode(doorRequest, request), maxDoorFrameBytes);
export const encodeDoorReply = (reply: DoorReply): Uint8Array => framed(encode(doorReply, reply), maxDoorFrameBytes);
export const decodeDoorRequest = (payload: Uint8Array): DoorRequest => decode(doorRequest, payload, maxDoorFrameBytes);
export const decodeDoorReply = (payload: Uint8Array): DoorReply => decode(doorReply, payload, maxDoorFrameBytes);
