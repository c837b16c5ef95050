// A replica's verified state as bytes, spec/journal.md: what makes starting fast. No keys and no secrets in it, but names and rules:
// whoever stores it seals it. It is believed as it stands, so it must come back only from under that seal.

import { subjectName } from '../audit/commitment.ts';
import { personalData } from '../audit/personal.ts';
import { policyVersion, retentionDays, silencedClasses } from '../audit/policy.ts';
import { fromHex, toHex } from '../codec/bytes.ts';
import { bytes, bytesUpTo, decode, encode, integer, list, literal, optional, record, text, type Infer } from '../codec/schema.ts';
import { HoldfastError, parseCode } from '../errors.ts';
import { audienceName, head, position } from '../blind/entry.ts';
import { custodyLevel } from '../blind/pairing-offer.ts';
import { digest, fleetId, principalId, publicKeys, signPublicKey, wallClockMs } from '../keys/public-keys.ts';
import { maxCredentialBytes } from '../identity/credential.ts';
import { maxRevokedChildren } from '../identity/status-list.ts';
import { agentBudget } from '../vault/budget.ts';
import { egressRule } from '../vault/egress.ts';
import { grantedItem, itemId, itemName, vaultItem } from '../vault/item.ts';
import { maxSignedWarrantBytes } from '../vault/warrant.ts';
import {
  agentRecord,
  bedrockId,
  bedrockText,
  deviceLink,
  deviceRecord,
  displayName,
  maxBedrockTexts,
  maxCheckpointBytes,
  pulseMaxAge,
  rulesText,
  rulesVersion,
} from './bodies.ts';
import { maxEarlierRules, type AgentRecord, type FleetState } from './state.ts';

/** A fleet of ten thousand grants takes about 25 MB. */
const maxSnapshotBytes = 256 * 1024 * 1024;
const max = 10_000_000;
const atMs = integer(wallClockMs);
const code = text({ max: 64 });

const topicRecord = record({
  hash: digest,
  atMs,
  control: position,
  checkpoint: optional(bytesUpTo(maxCheckpointBytes)),
  newKeys: optional(record({ keys: publicKeys, custody: custodyLevel })),
  code: optional(code),
});

const snapshot = record({
  v: literal(1),
  fleet: fleetId,
  name: text({ max: 64 }),
  recovery: record({ id: principalId, keys: publicKeys }),
  relayKey: signPublicKey,
  pulseMaxAgeMs: pulseMaxAge,
  control: record({ position, hash: digest, atMs }),
  devices: list(
    record({
      device: deviceRecord,
      renamed: optional(record({ joinedAs: displayName, position, atMs })),
      sinceMs: atMs,
      position,
      chain: list(deviceLink, { max: 64 }),
      rootedIn: principalId,
    }),
    { max },
  ),
  former: list(
    record({
      id: principalId,
      sign: signPublicKey,
      name: text({ max: 64 }),
      joinedAs: optional(displayName),
      chain: list(deviceLink, { max: 64 }),
      endedAtMs: atMs,
    }),
    { max },
  ),
  operatorsEndedAt: integer(),
  agents: list(
    record({
      agent: agentRecord,
      credential: bytesUpTo(maxCredentialBytes),
      enrolledAtMs: atMs,
      position,
      revoked: optional(record({ position, atMs, reason: text({ max: 256 }), last: optional(head) })),
      suspended: optional(record({ position, atMs, reason: text({ max: 256 }) })),
      /** Absent: never. */
      suspensions: optional(integer()),
      /** Absent: it has those of its enrolment. */
      rotated: optional(
        record({
          statusIndex: position,
          earlierKeys: list(
            record({
              sign: signPublicKey,
              position,
              atMs,
              statusIndex: position,
              credential: bytesUpTo(maxCredentialBytes),
            }),
            { min: 1, max },
          ),
        }),
      ),
    }),
    { max },
  ),
  audiences: list(
    record({ audience: audienceName, epochs: list(record({ epoch: integer(), keyCommitment: digest, position }), { max }) }),
    { max },
  ),
  items: list(record({ item: vaultItem, addedAtMs: atMs, position }), { max }),
  grants: list(
    record({ agent: principalId, held: list(record({ granted: grantedItem, grantedAtMs: atMs, warrant: digest }), { max }) }),
    { max },
  ),
  warrants: list(
    record({ whose: bytesUpTo(32), held: list(record({ digest, wire: bytesUpTo(maxSignedWarrantBytes) }), { max }) }),
    { max },
  ),
  everHeld: list(record({ agent: principalId, held: list(record({ item: itemId, name: itemName }), { max }) }), { max }),
  egress: list(record({ agent: principalId, held: list(record({ rule: egressRule, allowedAtMs: atMs }), { max }) }), { max }),
  /** Absent: none. */
  budgets: optional(list(record({ budget: agentBudget, setAtMs: atMs }), { min: 1, max })),
  /** Newest first. */
  rules: list(record({ version: rulesVersion, text: rulesText, hash: digest, setAtMs: atMs, position, warrant: digest }), {
    max: maxEarlierRules + 1,
  }),
  bedrock: record({
    version: integer(),
    texts: list(record({ id: bedrockId, text: bedrockText, addedAtMs: atMs, position }), { max: maxBedrockTexts }),
  }),
  /** Absent: none was ever set. */
  auditPolicy: optional(
    record({
      version: policyVersion,
      silenced: silencedClasses,
      retentionDays: optional(retentionDays),
      personal: optional(personalData),
      setAtMs: atMs,
    }),
  ),
  /** Absent: none. */
  erasures: optional(list(record({ subject: subjectName, times: integer({ min: 1 }) }), { min: 1, max })),
  /** Absent: none. */
  revokedChildren: optional(list(record({ agent: principalId, child: principalId, atMs }), { min: 1, max: maxRevokedChildren })),
  topics: list(
    record({
      topic: principalId,
      records: list(topicRecord, { max }),
    }),
    { max },
  ),
  rejected: list(record({ position, hash: digest, code }), { max }),
  /** Of the control topic, by position. */
  hashes: list(digest, { max }),
  ids: list(bytes(16), { max }),
});

/** The history of the control topic as far as its entries are needed again. */
export interface ControlHistory {
  /** By position. */
  readonly hashes: readonly Uint8Array[];
  /** Random ids of all entries. */
  readonly ids: readonly Uint8Array[];
}

/** [JOURNAL-22] Throws `codec_limit` for a fleet that is too large to be written down. */
export function writeSnapshot(state: FleetState, history: ControlHistory): Uint8Array {
  const byAgent = <V, W>(
    map: ReadonlyMap<string, ReadonlyMap<string, V>>,
    item: (value: V) => W,
  ): { agent: Uint8Array; held: W[] }[] =>
    [...map].map(([agent, held]) => ({ agent: idOf(agent), held: [...held.values()].map(item) }));
  return encode(snapshot, {
    v: 1,
    fleet: state.fleet,
    name: state.name,
    recovery: state.recovery,
    relayKey: state.relayKey,
    pulseMaxAgeMs: state.pulseMaxAgeMs,
    control: state.control,
    devices: [...state.devices.values()].map(({ sinceMs, position: at, chain, rootedIn, renamed, ...device }) => ({
      device,
      ...(renamed !== undefined && { renamed }),
      sinceMs,
      position: at,
      chain,
      rootedIn,
    })),
    former: [...state.former.values()],
    operatorsEndedAt: state.operatorsEndedAt,
    agents: [...state.agents.values()].map((each) => {
      const {
        credential,
        enrolledAtMs,
        position: at,
        revoked,
        suspended,
        suspensions,
        earlierKeys,
        statusIndex,
        ...agent
      } = each;
      const halted = { ...(suspended !== undefined && { suspended }), ...(suspensions > 0 && { suspensions }) };
      const rotated = earlierKeys.length > 0 && { rotated: { statusIndex, earlierKeys } };
      const fields = { agent, credential, enrolledAtMs, position: at, ...halted, ...rotated };
      if (revoked === undefined) return fields;
      const { last, ...rest } = revoked;
      return { ...fields, revoked: last === undefined ? rest : { ...rest, last } };
    }),
    audiences: [...state.audiences].map(([audience, epochs]) => ({ audience, epochs })),
    items: [...state.items.values()].map(({ addedAtMs, position: at, ...item }) => ({ item, addedAtMs, position: at })),
    grants: byAgent(state.grants, ({ grantedAtMs, warrant, ...granted }) => ({ granted, grantedAtMs, warrant })),
    warrants: [...state.warrants].map(([whose, held]) => ({
      whose: idOf(whose),
      held: [...held].map(([named, wire]) => ({ digest: idOf(named), wire })),
    })),
    everHeld: [...state.everHeld].map(([agent, held]) => ({
      agent: idOf(agent),
      held: [...held].map(([item, itsName]) => ({ item: idOf(item), name: itsName })),
    })),
    egress: byAgent(state.egress, ({ allowedAtMs, ...rule }) => ({ rule, allowedAtMs })),
    ...(state.budgets.size > 0 && {
      budgets: [...state.budgets.values()].map(({ setAtMs, ...budget }) => ({ budget, setAtMs })),
    }),
    rules: state.rules === undefined ? [] : [state.rules, ...state.earlierRules],
    bedrock: { version: state.bedrock.version, texts: [...state.bedrock.texts.values()] },
    ...(state.auditPolicy !== undefined && { auditPolicy: state.auditPolicy }),
    ...(state.erasures.size > 0 && { erasures: [...state.erasures].map(([subject, times]) => ({ subject, times })) }),
    ...(state.revokedChildren.length > 0 && { revokedChildren: state.revokedChildren }),
    topics: [...state.topics].map(([topic, records]) => ({ topic: idOf(topic), records: records.map(plainRecord) })),
    rejected: state.rejected,
    ...history,
  });
}

function plainRecord({ checkpoint, newKeys, code: verdict, ...rest }: AgentRecord): Infer<typeof topicRecord> {
  return {
    ...rest,
    ...(checkpoint === undefined ? {} : { checkpoint }),
    ...(newKeys !== undefined && { newKeys }),
    ...(verdict === undefined ? {} : { code: verdict }),
  };
}

function idOf(hex: string): Uint8Array {
  const id = fromHex(hex);
  if (id === undefined) throw new HoldfastError('internal', 'a key of the state is not hex');
  return id;
}

/** Reads what `writeSnapshot` wrote. Throws `codec_*`. */
export function readSnapshot(input: Uint8Array): { readonly state: FleetState; readonly history: ControlHistory } {
  const read = decode(snapshot, input, maxSnapshotBytes);
  const [rules, ...earlierRules] = read.rules;
  const state: FleetState = {
    fleet: read.fleet,
    name: read.name,
    recovery: read.recovery,
    relayKey: read.relayKey,
    pulseMaxAgeMs: read.pulseMaxAgeMs,
    control: read.control,
    devices: byId(read.devices.map(({ device, ...rest }) => ({ ...device, ...rest }))),
    former: byId(read.former),
    operatorsEndedAt: read.operatorsEndedAt,
    agents: byId(
      read.agents.map(({ agent, revoked, suspended, suspensions = 0, rotated, ...rest }) => ({
        ...agent,
        ...rest,
        suspended,
        suspensions,
        earlierKeys: rotated?.earlierKeys ?? [],
        statusIndex: rotated?.statusIndex ?? rest.position,
        revoked: revoked && { position: revoked.position, atMs: revoked.atMs, reason: revoked.reason, last: revoked.last },
      })),
    ),
    audiences: new Map(read.audiences.map(({ audience, epochs }) => [audience, epochs])),
    items: byId(read.items.map(({ item, ...rest }) => ({ ...item, ...rest }))),
    grants: new Map(
      read.grants.map(({ agent, held }) => [
        toHex(agent),
        new Map(held.map(({ granted, ...rest }) => [toHex(granted.grant), { ...granted, ...rest }])),
      ]),
    ),
    warrants: new Map(
      read.warrants.map(({ whose, held }) => [toHex(whose), new Map(held.map((each) => [toHex(each.digest), each.wire]))]),
    ),
    everHeld: new Map(
      read.everHeld.map(({ agent, held }) => [toHex(agent), new Map(held.map((each) => [toHex(each.item), each.name]))]),
    ),
    egress: new Map(
      read.egress.map(({ agent, held }) => [toHex(agent), byId(held.map(({ rule, allowedAtMs }) => ({ ...rule, allowedAtMs })))]),
    ),
    budgets: new Map(read.budgets?.map(({ budget, setAtMs }) => [toHex(budget.agent), { ...budget, setAtMs }])),
    rules,
    earlierRules,
    bedrock: { version: read.bedrock.version, texts: byId(read.bedrock.texts) },
    auditPolicy: read.auditPolicy,
    erasures: new Map(read.erasures?.map(({ subject, times }) => [subject, times])),
    revokedChildren: read.revokedChildren ?? [],
    topics: new Map(
      read.topics.map(({ topic, records }) => [
        toHex(topic),
        records.map((each) => ({
          ...each,
          checkpoint: each.checkpoint,
          newKeys: each.newKeys,
          code: each.code === undefined ? undefined : parseCode(each.code),
        })),
      ]),
    ),
    rejected: read.rejected.map((each) => ({ ...each, code: parseCode(each.code) })),
  };
  return { state, history: { hashes: read.hashes, ids: read.ids } };
}

function byId<V extends { readonly id: Uint8Array }>(values: readonly V[]): ReadonlyMap<string, V> {
  return new Map(values.map((value) => [toHex(value.id), value]));
}
