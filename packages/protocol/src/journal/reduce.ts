// The reduction, spec/journal.md: a state and the next verified entry make the next state. Pure and total: no clock, no chance, no keys,
// and no entry that it throws on. An entry that breaks a rule stands in the history and changes nothing but the list of such entries.

import { equalBytes, toHex } from '../codec/bytes.ts';
import type { ErrorCode } from '../errors.ts';
import { controlTopic, noHash, type Tip } from '../blind/entry.ts';
import { maxRevokedChildren } from '../identity/status-list.ts';
import type { Warrant } from '../vault/warrant.ts';
import { agentOfAudience, type BodyOf } from './bodies.ts';
import { renamed } from './device-names.ts';
import { brokenRule, epochIsCurrentOrNext, epochWasCurrent } from './rules.ts';
import {
  maxEarlierRules,
  type Agent,
  type AgentRecord,
  type Content,
  type Egress,
  type Epoch,
  type FleetState,
  type Grant,
  type OpenedEntry,
  type RevokedChild,
} from './state.ts';

/** The state that a genesis entry makes. Its place and signature were checked. */
export function begin({ statement, hash }: OpenedEntry, body: BodyOf<'genesis'>): FleetState {
  const epoch = (keyCommitment: Uint8Array): readonly Epoch[] => [{ epoch: 0, keyCommitment, position: 0 }];
  return {
    fleet: hash,
    name: body.name,
    recovery: body.recovery,
    relayKey: body.relay.key,
    pulseMaxAgeMs: body.pulseMaxAgeMs,
    control: { position: 0, hash, atMs: statement.atMs },
    devices: new Map([
      [toHex(body.device.id), { ...body.device, sinceMs: statement.atMs, position: 0, chain: [], rootedIn: body.device.id }],
    ]),
    former: new Map(),
    operatorsEndedAt: 0,
    agents: new Map(),
    audiences: new Map([
      ['fleet', epoch(statement.keyCommitment)],
      ['operators', epoch(body.operators)],
    ]),
    items: new Map(),
    grants: new Map(),
    warrants: new Map(),
    everHeld: new Map(),
    egress: new Map(),
    budgets: new Map(),
    rules: undefined,
    earlierRules: [],
    auditPolicy: undefined,
    erasures: new Map(),
    bedrock: { version: 0, texts: new Map() },
    revokedChildren: [],
    topics: new Map(),
    rejected: [],
  };
}

/** The next state. `entry` follows the state's tip of its topic. */
export function reduce(state: FleetState, entry: OpenedEntry): FleetState {
  return equalBytes(entry.statement.topic, controlTopic) ? reduceControl(state, entry) : reduceAgents(state, entry);
}

function reduceControl(state: FleetState, entry: OpenedEntry): FleetState {
  const { statement, hash, content } = entry;
  const control: Tip = { position: statement.position, hash, atMs: statement.atMs };
  const code = verdictOn(state, entry, epochIsCurrentOrNext(state, statement));
  if (code !== undefined)
    return { ...state, control, rejected: [...state.rejected, { position: statement.position, hash, code }] }; // [JOURNAL-6]
  return { ...(content.kind === 'body' ? applied(state, entry, content) : state), control };
}

/** What an unread entry breaks is its readers' affair: it counts for position and hash alone. [JOURNAL-5] */
function verdictOn(state: FleetState, entry: OpenedEntry, epochVerdict: ErrorCode | undefined): ErrorCode | undefined {
  const { content } = entry;
  switch (content.kind) {
    case 'unread':
      return undefined;
    case 'faulty':
      return content.code;
    case 'body':
      return epochVerdict ?? brokenRule(state, entry, content.body);
    default:
      content satisfies never;
      return 'internal';
  }
}

function reduceAgents(state: FleetState, entry: OpenedEntry): FleetState {
  const { statement, hash, content } = entry;
  const code = verdictOn(state, entry, epochWasCurrent(state, statement));
  const body = code === undefined && content.kind === 'body' ? content.body : undefined;
  const record: AgentRecord = {
    hash,
    atMs: statement.atMs,
    control: statement.control?.position ?? 0,
    checkpoint: body?.kind === 'checkpoint' ? body.checkpoint : undefined,
    newKeys: body?.kind === 'new-keys' ? { keys: body.keys, custody: body.custody } : undefined,
    code,
  };
  const topic = toHex(statement.topic);
  return { ...state, topics: withEntry(state.topics, topic, [...(state.topics.get(topic) ?? []), record]) };
}

function applied(
  state: FleetState,
  { statement }: OpenedEntry,
  { body, warrant }: Extract<Content, { kind: 'body' }>,
): FleetState {
  const { position, atMs, audience, epoch, keyCommitment } = statement;
  const reader = agentOfAudience(audience) ?? '';
  switch (body.kind) {
    case 'epoch': {
      const epochs = [...(state.audiences.get(audience) ?? []), { epoch, keyCommitment, position }];
      return { ...state, audiences: withEntry(state.audiences, audience, epochs) };
    }
    case 'device-add': {
      const author = state.devices.get(toHex(statement.author));
      const chain = [...(author?.chain ?? []), body.link];
      const device = { ...body.device, sinceMs: atMs, position, chain, rootedIn: author?.rootedIn ?? body.device.id };
      return { ...state, devices: withEntry(state.devices, toHex(device.id), device) };
    }
    case 'device-remove':
      return withoutDevices(state, [body.device], { position, atMs });
    case 'device-rename': {
      const id = toHex(body.device);
      const found = state.devices.get(id);
      return found === undefined
        ? state
        : { ...state, devices: withEntry(state.devices, id, renamed(found, body.name, { position, atMs })) };
    }
    case 'recover':
      return recovered(state, body, { position, atMs });
    case 'agent-enroll': {
      const agent = {
        ...body.agent,
        credential: body.credential,
        enrolledAtMs: atMs,
        position,
        revoked: undefined,
        suspended: undefined,
        suspensions: 0,
        earlierKeys: [],
        statusIndex: position,
      };
      return { ...state, agents: withEntry(state.agents, toHex(agent.id), agent) };
    }
    case 'agent-credential':
      return changed(state, body.agent, () => ({ credential: body.credential }));
    case 'agent-rotate': {
      const { keys, custody, credential } = body;
      return changed(state, body.agent, ({ keys: { sign }, earlierKeys, statusIndex, credential: before }) => ({
        keys,
        custody,
        credential,
        statusIndex: position,
        earlierKeys: [...earlierKeys, { sign, position, atMs, statusIndex, credential: before }],
      }));
    }
    case 'agent-suspend': {
      const suspended = { position, atMs, reason: body.reason };
      return changed(state, body.agent, ({ suspensions }) => ({ suspended, suspensions: suspensions + 1 }));
    }
    case 'agent-resume':
      return changed(state, body.agent, () => ({ suspended: undefined }));
    case 'agent-revoke':
      return revoked(state, body, { position, atMs });
    case 'child-revoke':
      return withRevokedChild(state, { agent: body.agent, child: body.child, atMs });
    case 'item-add':
      return { ...state, items: withEntry(state.items, toHex(body.item.id), { ...body.item, addedAtMs: atMs, position }) };
    case 'item-remove':
      return { ...state, items: without(state.items, toHex(body.item)) };
    case 'grant': {
      const { granted } = body;
      const held = withEntry(state.grants.get(reader) ?? new Map<string, Grant>(), toHex(granted.grant), {
        ...granted,
        grantedAtMs: atMs,
        warrant: warrant?.digest ?? noHash,
      });
      const ever = withEntry(state.everHeld.get(reader) ?? new Map<string, string>(), toHex(granted.item), granted.name);
      const grants = withEntry(state.grants, reader, held);
      return {
        ...state,
        grants,
        warrants: withWarrant(state, reader, warrant),
        everHeld: withEntry(state.everHeld, reader, ever),
      };
    }
    case 'grant-end':
      return {
        ...state,
        grants: withEntry(state.grants, reader, without(state.grants.get(reader) ?? new Map<string, Grant>(), toHex(body.grant))),
      };
    case 'egress-allow': {
      const held = withEntry(state.egress.get(reader) ?? new Map<string, Egress>(), toHex(body.rule.id), {
        ...body.rule,
        allowedAtMs: atMs,
      });
      return { ...state, egress: withEntry(state.egress, reader, held) };
    }
    case 'egress-end':
      return {
        ...state,
        egress: withEntry(state.egress, reader, without(state.egress.get(reader) ?? new Map<string, Egress>(), toHex(body.rule))),
      };
    case 'budget-set':
      return { ...state, budgets: withEntry(state.budgets, reader, { ...body.budget, setAtMs: atMs }) };
    case 'budget-end':
      return { ...state, budgets: without(state.budgets, reader) };
    case 'rules-set': {
      const { version, text, hash } = body;
      const earlier = state.rules === undefined ? [] : [state.rules, ...state.earlierRules].slice(0, maxEarlierRules);
      const rules = { version, text, hash, setAtMs: atMs, position, warrant: warrant?.digest ?? noHash };
      return { ...state, rules, earlierRules: earlier, warrants: withWarrant(state, toHex(state.fleet), warrant) };
    }
    case 'audit-policy': {
      const { version, silenced, retentionDays, personal } = body;
      const kept = {
        ...(retentionDays !== undefined && { retentionDays }),
        ...(personal !== undefined && { personal }),
      };
      return { ...state, auditPolicy: { version, silenced, ...kept, setAtMs: atMs } };
    }
    case 'erase':
      return { ...state, erasures: withEntry(state.erasures, body.subject, (state.erasures.get(body.subject) ?? 0) + 1) };
    case 'bedrock-add': {
      const { id, text } = body;
      return {
        ...state,
        bedrock: bedrockAfter(state, withEntry(state.bedrock.texts, toHex(id), { id, text, addedAtMs: atMs, position })),
      };
    }
    case 'bedrock-remove':
      return { ...state, bedrock: bedrockAfter(state, without(state.bedrock.texts, toHex(body.id))) };
    case 'genesis':
    case 'checkpoint':
    case 'enrolled':
    case 'new-keys':
      return state; // [JOURNAL-7] refused before
    default:
      body satisfies never;
      return state;
  }
}

function withWarrant({ warrants }: FleetState, whose: string, warrant: Warrant | undefined): FleetState['warrants'] {
  if (warrant === undefined) return warrants;
  const held = warrants.get(whose) ?? new Map<string, Uint8Array>();
  return withEntry(warrants, whose, withEntry(held, toHex(warrant.digest), warrant.wire));
}

/** What it forgets is too old to matter, or the entry would be rejected. [JOURNAL-37] */
function withRevokedChild(state: FleetState, revoked: RevokedChild): FleetState {
  const others = state.revokedChildren.filter(
    ({ agent, child }) => !equalBytes(agent, revoked.agent) || !equalBytes(child, revoked.child),
  );
  return { ...state, revokedChildren: [...others, revoked].slice(-maxRevokedChildren) };
}

function bedrockAfter({ bedrock }: FleetState, texts: FleetState['bedrock']['texts']): FleetState['bedrock'] {
  return { version: bedrock.version + 1, texts };
}

function changed(state: FleetState, agent: Uint8Array, change: (was: Agent) => Partial<Agent>): FleetState {
  const id = toHex(agent);
  const found = state.agents.get(id);
  return found === undefined ? state : { ...state, agents: withEntry(state.agents, id, { ...found, ...change(found) }) };
}

/** Entries of the agent that came before this one but stand after `last` no longer count, as if they had come later. [JOURNAL-4] */
function revoked(
  state: FleetState,
  { agent, last, reason }: BodyOf<'agent-revoke'>,
  { position, atMs }: { position: number; atMs: number },
): FleetState {
  const id = toHex(agent);
  const found = state.agents.get(id);
  if (found === undefined) return state;
  const agents = withEntry(state.agents, id, { ...found, revoked: { position, atMs, reason, last } });
  const records = state.topics.get(id);
  if (records === undefined) return { ...state, agents };
  const kept = records.slice(0, last === undefined ? 0 : last.position + 1);
  const end = last && kept[last.position];
  if (last !== undefined && end !== undefined && !equalBytes(end.hash, last.hash)) kept.pop();
  return { ...state, agents, topics: kept.length > 0 ? withEntry(state.topics, id, kept) : without(state.topics, id) };
}

/** The moment of an entry. */
interface Moment {
  readonly position: number;
  readonly atMs: number;
}

function withoutDevices(state: FleetState, removed: readonly Uint8Array[], { position, atMs }: Moment): FleetState {
  let { devices, former } = state;
  for (const id of removed.map(toHex)) {
    const device = devices.get(id);
    if (device === undefined) continue;
    devices = without(devices, id);
    const { name, renamed: was, chain, keys } = device;
    const called = was === undefined ? { name } : { name, joinedAs: was.joinedAs };
    former = withEntry(former, id, { id: device.id, sign: keys.sign, ...called, chain, endedAtMs: atMs });
  }
  return { ...state, devices, former, operatorsEndedAt: position };
}

/** [JOURNAL-34] The code that was used is dead from here on, whatever else it signs. */
function recovered(state: FleetState, { device, recovery, removed }: BodyOf<'recover'>, moment: Moment): FleetState {
  const { position, atMs } = moment;
  const used = { id: state.recovery.id, sign: state.recovery.keys.sign, name: '', chain: [], endedAtMs: atMs };
  const left = withoutDevices(state, removed, moment);
  const devices =
    device === undefined
      ? left.devices
      : withEntry(left.devices, toHex(device.id), { ...device, sinceMs: atMs, position, chain: [], rootedIn: device.id });
  return { ...left, devices, recovery, former: withEntry(left.former, toHex(used.id), used) };
}

function withEntry<V>(map: ReadonlyMap<string, V>, key: string, value: V): ReadonlyMap<string, V> {
  return new Map(map).set(key, value);
}

function without<V>(map: ReadonlyMap<string, V>, key: string): ReadonlyMap<string, V> {
  const copy = new Map(map);
  copy.delete(key);
  return copy;
}
