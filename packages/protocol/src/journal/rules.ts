// What entries must obey, spec/journal.md: each rule is one named function, and answers with the code of its breach or with nothing.
//
// Every replica must decide alike, whatever it can open. So a rule for an entry of an audience looks only at what all readers of that
// audience can see: the fleet's own entries and those of the same audience. (That a granted item exists, for example, is no rule:
// agents can't see items. The composer checks it.)

import { compareBytes, equalBytes, toHex } from '../codec/bytes.ts';
import type { ErrorCode } from '../errors.ts';
import { maxAgents, maxDevices } from '../blind/access-list.ts';
import { controlTopic, type EntryStatement } from '../blind/entry.ts';
import { readCredential } from '../identity/credential.ts';
import { maxRevokedChildren } from '../identity/status-list.ts';
import { isAnothersName } from './device-names.ts';
import {
  agentKinds,
  agentOfAudience,
  audienceOfKind,
  maxBedrockCharacters,
  maxBedrockTexts,
  type Body,
  type BodyOf,
} from './bodies.ts';
import {
  childIsOverMs,
  currentEpoch,
  hasHad,
  isLive,
  liveAgents,
  membersOf,
  type Epoch,
  type FleetState,
  type OpenedEntry,
} from './state.ts';

type Verdict = ErrorCode | undefined;
type Rule<K extends Body['kind']> = (state: FleetState, entry: OpenedEntry, body: BodyOf<K>) => Verdict;

/** [AUDIENCE-4] Asked before an entry is opened, of what everybody can see: no reader waits for a key that nobody has. */
export function epochIsCurrentOrNext(state: FleetState, { audience, epoch, keyCommitment }: EntryStatement): Verdict {
  const current = currentEpoch(state, audience);
  if (current === undefined) {
    const agent = agentOfAudience(audience);
    return agent !== undefined && state.agents.has(agent) && epoch === 0 ? undefined : 'epoch_wrong';
  }
  if (epoch === current.epoch + 1) return undefined;
  return isOf(current, epoch, keyCommitment) ? undefined : 'epoch_wrong';
}

/** [AUDIENCE-5] An agent's entry stands in the epoch that was current at the control head it names. */
export function epochWasCurrent(state: FleetState, { audience, epoch, keyCommitment, control }: EntryStatement): Verdict {
  const then = state.audiences.get(audience)?.findLast(({ position }) => position <= (control?.position ?? 0));
  return then !== undefined && isOf(then, epoch, keyCommitment) ? undefined : 'epoch_wrong';
}

function isOf(known: Epoch, epoch: number, keyCommitment: Uint8Array): boolean {
  return known.epoch === epoch && equalBytes(known.keyCommitment, keyCommitment);
}

/** [JOURNAL-7] Operators' kinds stand in the control topic, agents' in their own, genesis at the beginning and nowhere else. */
function kindIsInItsTopic(_state: FleetState, { statement }: OpenedEntry, body: Body): Verdict {
  const inControl = equalBytes(statement.topic, controlTopic);
  return body.kind !== 'genesis' && agentKinds.has(body.kind) !== inControl ? undefined : 'entry_misplaced';
}

/** [AUDIENCE-1] Nothing is said to more or fewer readers than its kind is for. */
function kindIsForItsAudience(_state: FleetState, { statement }: OpenedEntry, body: Body): Verdict {
  const wanted = audienceOfKind[body.kind];
  if (wanted === 'any') return undefined;
  const right = wanted === 'own' ? agentOfAudience(statement.audience) !== undefined : statement.audience === wanted;
  return right ? undefined : 'audience_wrong';
}

/** [AUDIENCE-6] The first entry of an epoch is the one that starts it, and none starts twice. */
function epochStartsOnce(state: FleetState, { statement }: OpenedEntry, body: Body): Verdict {
  const starts = statement.epoch !== currentEpoch(state, statement.audience)?.epoch;
  return starts === (body.kind === 'epoch') ? undefined : 'epoch_wrong';
}

/** [AUDIENCE-3] */
function membersAreExact(state: FleetState, { statement }: OpenedEntry, body: BodyOf<'epoch'>): Verdict {
  const wanted = membersOf(state, statement.audience);
  const exact =
    wanted?.length === body.members.length && wanted.every(({ id }, index) => compareBytes(id, body.members[index] ?? id) === 0);
  return exact ? undefined : 'members_wrong';
}

/** [AUDIENCE-7] Who comes later opens what came before; the first epoch has nothing before it. */
function previousKeyIsThere(_state: FleetState, { statement }: OpenedEntry, body: BodyOf<'epoch'>): Verdict {
  return (body.previousKey !== undefined) === statement.epoch > 0 ? undefined : 'epoch_wrong';
}

/** [JOURNAL-31] Ids of devices and recovery codes that are gone stay taken. */
function idIsTaken(state: FleetState, id: Uint8Array): boolean {
  const hex = toHex(id);
  return (
    state.devices.has(hex) ||
    state.agents.has(hex) ||
    state.former.has(hex) ||
    equalBytes(id, state.recovery.id) ||
    equalBytes(id, controlTopic)
  );
}

/** [JOURNAL-31] */
function deviceIsNew(state: FleetState, _entry: OpenedEntry, { device }: BodyOf<'device-add'>): Verdict {
  if (idIsTaken(state, device.id)) return 'id_taken';
  return state.devices.size < maxDevices ? undefined : 'limit_exceeded';
}

/** [JOURNAL-33] A stolen device evicts nobody who was there before it, itself included. */
function authorIsOlder(state: FleetState, { statement }: OpenedEntry, { device }: BodyOf<'device-remove'>): Verdict {
  const [author, found] = [state.devices.get(toHex(statement.author)), state.devices.get(toHex(device))];
  if (found === undefined) return 'device_unknown';
  return author !== undefined && author.position < found.position ? undefined : 'device_older';
}

/** [JOURNAL-42] Itself, or one that came later: a stolen device gives no other name to one that was there before it. */
function deviceIsRenamed(state: FleetState, { statement }: OpenedEntry, { device, name }: BodyOf<'device-rename'>): Verdict {
  const [author, found] = [state.devices.get(toHex(statement.author)), state.devices.get(toHex(device))];
  if (found === undefined) return 'device_unknown';
  if (author === undefined || author.position > found.position) return 'device_older';
  return isAnothersName(state, device, name) ? 'name_taken' : undefined;
}

/** [JOURNAL-32] The recovery code writes this kind, and no device does. */
function kindIsItsAuthors(state: FleetState, { statement }: OpenedEntry, { kind }: Body): Verdict {
  return equalBytes(statement.author, state.recovery.id) === (kind === 'recover') ? undefined : 'author_unknown';
}

/** [JOURNAL-34] Ids are new, whom it removes is there and stands once, and somebody is left. */
function recoveryIsWhole(state: FleetState, _entry: OpenedEntry, body: BodyOf<'recover'>): Verdict {
  const { device, recovery, removed } = body;
  const fresh = [recovery.id, ...(device === undefined ? [] : [device.id])];
  if (fresh.some((id) => idIsTaken(state, id))) return 'id_taken';
  const ordered = removed.every((id, index) => index === 0 || compareBytes(removed[index - 1] ?? id, id) < 0);
  if (!ordered || removed.some((id) => !state.devices.has(toHex(id)))) return 'device_unknown';
  const left = state.devices.size - removed.length + (device === undefined ? 0 : 1);
  if (left === 0) return 'device_unknown';
  return left <= maxDevices ? undefined : 'limit_exceeded';
}

/** [JOURNAL-8] Also ids of revoked agents stay taken; the control topic's id is nobody's. */
function agentIdIsFresh(state: FleetState, _entry: OpenedEntry, { agent }: BodyOf<'agent-enroll'>): Verdict {
  return idIsTaken(state, agent.id) ? 'agent_taken' : undefined;
}

/** [JOURNAL-9] */
function agentsFit(state: FleetState): Verdict {
  return state.agents.size < maxAgents || liveAgents(state).length < maxAgents ? undefined : 'limit_exceeded';
}

/** [JOURNAL-10] The credential says what the enrolment says. */
function credentialIsTheAgents(state: FleetState, _entry: OpenedEntry, { agent, credential }: BodyOf<'agent-enroll'>): Verdict {
  try {
    const says = readCredential(credential);
    const same =
      equalBytes(says.fleet, state.fleet) &&
      equalBytes(says.agent, agent.id) &&
      equalBytes(says.confirm.sign, agent.keys.sign) &&
      says.scope === agent.scope &&
      says.custody.level === agent.custody;
    return same ? undefined : 'credential_invalid';
  } catch {
    return 'credential_invalid';
  }
}

/** [JOURNAL-28] A new credential says what the enrolment says, with the same place in the status list. */
function credentialIsRenewed(state: FleetState, entry: OpenedEntry, { agent, credential }: BodyOf<'agent-credential'>): Verdict {
  const id = toHex(agent);
  const found = state.agents.get(id);
  const verdict = agentIsLive(state, id);
  if (verdict !== undefined || found === undefined) return verdict;
  const broken = credentialIsTheAgents(state, entry, { kind: 'agent-enroll', agent: found, credential });
  return broken ?? (readCredential(credential).status.index === found.statusIndex ? undefined : 'credential_invalid');
}

/** [ROTATE-2] Keys that it never had, and a credential for them with a place of its own in the status list: the one before ends with its keys. */
function keysAreNew(
  state: FleetState,
  entry: OpenedEntry,
  { agent, keys, custody, credential }: BodyOf<'agent-rotate'>,
): Verdict {
  const id = toHex(agent);
  const found = state.agents.get(id);
  const verdict = agentIsLive(state, id);
  if (verdict !== undefined || found === undefined) return verdict;
  if (hasHad(found, keys)) return 'key_reused'; // [ROTATE-2]
  const broken = credentialIsTheAgents(state, entry, { kind: 'agent-enroll', agent: { ...found, keys, custody }, credential });
  return broken ?? (readCredential(credential).status.index === entry.statement.position ? undefined : 'credential_invalid');
}

/** [JOURNAL-29] */
function suspendedOnce(state: FleetState, _entry: OpenedEntry, { agent }: BodyOf<'agent-suspend'>): Verdict {
  const id = toHex(agent);
  return agentIsLive(state, id) ?? (state.agents.get(id)?.suspended === undefined ? undefined : 'agent_suspended');
}

/** [JOURNAL-29] */
function resumedOnce(state: FleetState, _entry: OpenedEntry, { agent }: BodyOf<'agent-resume'>): Verdict {
  const id = toHex(agent);
  return agentIsLive(state, id) ?? (state.agents.get(id)?.suspended === undefined ? 'agent_active' : undefined);
}

/** [JOURNAL-11] [JOURNAL-12] */
function agentIsLive(state: FleetState, agent: string | undefined): Verdict {
  const found = state.agents.get(agent ?? '');
  if (found === undefined) return 'agent_unknown';
  return isLive(state, found.id) ? undefined : 'agent_revoked';
}

/** [JOURNAL-11] [JOURNAL-12] Revoked stays revoked: it can't be revoked again with another last entry. */
function revokedAgentIsLive(state: FleetState, _entry: OpenedEntry, { agent }: BodyOf<'agent-revoke'>): Verdict {
  return agentIsLive(state, toHex(agent));
}

/** [JOURNAL-11] [JOURNAL-12] A child of an agent that is gone has ended with it. */
function childsAgentIsLive(state: FleetState, _entry: OpenedEntry, { agent }: BodyOf<'child-revoke'>): Verdict {
  return agentIsLive(state, toHex(agent));
}

/** [JOURNAL-37] None is forgotten while something that it presents could be in force. */
function revokedChildrenFit({ revokedChildren }: FleetState, { statement }: OpenedEntry): Verdict {
  const [oldest] = revokedChildren.length < maxRevokedChildren ? [] : revokedChildren;
  return oldest === undefined || statement.atMs - oldest.atMs >= childIsOverMs ? undefined : 'limit_exceeded';
}

/** [JOURNAL-11] [JOURNAL-12] */
function audiencesAgentIsLive(state: FleetState, { statement }: OpenedEntry): Verdict {
  return agentIsLive(state, agentOfAudience(statement.audience));
}

/** Without a copy: histories are long. */
function some<V>(map: ReadonlyMap<string, V> | undefined, fits: (value: V) => boolean): boolean {
  for (const value of map?.values() ?? []) if (fits(value)) return true;
  return false;
}

/** [JOURNAL-13] Names are what people grant and remove by. */
function itemIsNew(state: FleetState, _entry: OpenedEntry, { item }: BodyOf<'item-add'>): Verdict {
  if (state.items.has(toHex(item.id))) return 'id_taken';
  return some(state.items, ({ name }) => name === item.name) ? 'name_taken' : undefined;
}

/** [JOURNAL-14] */
function itemExists(state: FleetState, _entry: OpenedEntry, { item }: BodyOf<'item-remove'>): Verdict {
  return state.items.has(toHex(item)) ? undefined : 'item_unknown';
}

/** [AUDIENCE-1] */
function grantIsForItsReader(_state: FleetState, { statement }: OpenedEntry, { granted }: BodyOf<'grant'>): Verdict {
  return agentOfAudience(statement.audience) === toHex(granted.agent) ? undefined : 'audience_wrong';
}

/** [JOURNAL-15] One placeholder variable means one credential. [JOURNAL-45] */
function grantIsNewOrItsOwn(state: FleetState, _entry: OpenedEntry, { granted }: BodyOf<'grant'>): Verdict {
  const held = state.grants.get(toHex(granted.agent));
  const before = held?.get(toHex(granted.grant));
  if (before !== undefined) {
    const { item, name, env } = before;
    return equalBytes(item, granted.item) && name === granted.name && env === granted.env ? undefined : 'id_taken';
  }
  const clash = some(held, ({ name, env }) => name === granted.name || (env !== undefined && env === granted.env));
  return clash ? 'name_taken' : undefined;
}

/** [JOURNAL-16] */
function grantExists(state: FleetState, { statement }: OpenedEntry, { grant }: BodyOf<'grant-end'>): Verdict {
  return state.grants.get(agentOfAudience(statement.audience) ?? '')?.has(toHex(grant)) === true ? undefined : 'grant_unknown';
}

/** [AUDIENCE-1] */
function egressIsForItsReader(_state: FleetState, { statement }: OpenedEntry, { rule }: BodyOf<'egress-allow'>): Verdict {
  return agentOfAudience(statement.audience) === toHex(rule.agent) ? undefined : 'audience_wrong';
}

/** [JOURNAL-15] Two rules for one host and port could contradict each other. */
function egressIsNew(state: FleetState, _entry: OpenedEntry, { rule }: BodyOf<'egress-allow'>): Verdict {
  const held = state.egress.get(toHex(rule.agent));
  if (held?.has(toHex(rule.id)) === true) return 'id_taken';
  return some(held, ({ host, port }) => host === rule.host && port === rule.port) ? 'name_taken' : undefined;
}

/** [JOURNAL-16] */
function egressExists(state: FleetState, { statement }: OpenedEntry, { rule }: BodyOf<'egress-end'>): Verdict {
  return state.egress.get(agentOfAudience(statement.audience) ?? '')?.has(toHex(rule)) === true ? undefined : 'egress_unknown';
}

/** [AUDIENCE-1] */
function budgetIsForItsReader(_state: FleetState, { statement }: OpenedEntry, { budget }: BodyOf<'budget-set'>): Verdict {
  return agentOfAudience(statement.audience) === toHex(budget.agent) ? undefined : 'audience_wrong';
}

/** [JOURNAL-41] What was counted is not forgotten by setting another one. */
function budgetGoesOn(state: FleetState, _entry: OpenedEntry, { budget }: BodyOf<'budget-set'>): Verdict {
  const known = state.budgets.get(toHex(budget.agent));
  return known === undefined || equalBytes(known.id, budget.id) ? undefined : 'name_taken';
}

/** [JOURNAL-16] */
function budgetExists(state: FleetState, { statement }: OpenedEntry, { budget }: BodyOf<'budget-end'>): Verdict {
  const known = state.budgets.get(agentOfAudience(statement.audience) ?? '');
  return known !== undefined && equalBytes(known.id, budget) ? undefined : 'budget_unknown';
}

/** [JOURNAL-23] Versions only go forward, one at a time: neither an older set nor another one of the same version ever takes effect. */
function rulesGoForward(state: FleetState, _entry: OpenedEntry, { version }: BodyOf<'rules-set'>): Verdict {
  return version === (state.rules?.version ?? 0) + 1 ? undefined : 'rules_version';
}

/** [JOURNAL-40] As rule sets: neither an older policy nor another one of the same version ever takes effect. */
function policyGoesForward(state: FleetState, _entry: OpenedEntry, { version }: BodyOf<'audit-policy'>): Verdict {
  return version === (state.auditPolicy?.version ?? 0) + 1 ? undefined : 'policy_version';
}

/** [JOURNAL-25] */
function bedrockFits({ bedrock: { texts } }: FleetState, _entry: OpenedEntry, { id, text }: BodyOf<'bedrock-add'>): Verdict {
  if (texts.has(toHex(id))) return 'id_taken';
  const characters = [...texts.values()].reduce((sum, each) => sum + each.text.length, text.length);
  return texts.size < maxBedrockTexts && characters <= maxBedrockCharacters ? undefined : 'limit_exceeded';
}

/** [JOURNAL-26] */
function bedrockExists(state: FleetState, _entry: OpenedEntry, { id }: BodyOf<'bedrock-remove'>): Verdict {
  return state.bedrock.texts.has(toHex(id)) ? undefined : 'bedrock_unknown';
}

/** [JOURNAL-17] An agent's control heads only go forward. */
function controlGoesForward(state: FleetState, { statement }: OpenedEntry): Verdict {
  const before = state.topics.get(toHex(statement.topic))?.at(-1)?.control ?? 0;
  return (statement.control?.position ?? 0) < before ? 'entry_control' : undefined;
}

/** [AUDIENCE-1] */
function audienceIsTheAuthors(_state: FleetState, { statement }: OpenedEntry): Verdict {
  return agentOfAudience(statement.audience) === toHex(statement.topic) ? undefined : 'audience_wrong';
}

const ofEveryEntry: readonly ((state: FleetState, entry: OpenedEntry, body: Body) => Verdict)[] = [
  kindIsInItsTopic,
  kindIsForItsAudience,
];

const ofControlEntries: readonly ((state: FleetState, entry: OpenedEntry, body: Body) => Verdict)[] = [
  kindIsItsAuthors,
  epochStartsOnce,
];

const ofAgentEntries: readonly ((state: FleetState, entry: OpenedEntry, body: Body) => Verdict)[] = [
  audienceIsTheAuthors,
  controlGoesForward,
];

const ofKind: { readonly [K in Body['kind']]: readonly Rule<K>[] } = {
  genesis: [],
  epoch: [membersAreExact, previousKeyIsThere],
  'device-add': [deviceIsNew],
  'device-remove': [authorIsOlder],
  'device-rename': [deviceIsRenamed],
  recover: [recoveryIsWhole],
  'agent-enroll': [agentIdIsFresh, agentsFit, credentialIsTheAgents],
  'agent-credential': [credentialIsRenewed],
  'agent-rotate': [keysAreNew],
  'agent-suspend': [suspendedOnce],
  'agent-resume': [resumedOnce],
  'agent-revoke': [revokedAgentIsLive],
  'child-revoke': [childsAgentIsLive, revokedChildrenFit],
  'item-add': [itemIsNew],
  'item-remove': [itemExists],
  grant: [grantIsForItsReader, audiencesAgentIsLive, grantIsNewOrItsOwn],
  'grant-end': [grantExists],
  'egress-allow': [egressIsForItsReader, audiencesAgentIsLive, egressIsNew],
  'egress-end': [egressExists],
  'budget-set': [budgetIsForItsReader, audiencesAgentIsLive, budgetGoesOn],
  'budget-end': [budgetExists],
  'rules-set': [rulesGoForward],
  'audit-policy': [policyGoesForward],
  erase: [],
  'bedrock-add': [bedrockFits],
  'bedrock-remove': [bedrockExists],
  checkpoint: [],
  enrolled: [],
  'new-keys': [],
};

/** The first rule that an opened entry breaks; undefined: it takes effect. */
export function brokenRule(state: FleetState, entry: OpenedEntry, body: Body): Verdict {
  const inControl = equalBytes(entry.statement.topic, controlTopic);
  const ofItsKind = ofKind[body.kind] as readonly ((state: FleetState, entry: OpenedEntry, body: Body) => Verdict)[];
  for (const rule of [...ofEveryEntry, ...(inControl ? ofControlEntries : ofAgentEntries), ...ofItsKind]) {
    const verdict = rule(state, entry, body);
    if (verdict !== undefined) return verdict;
  }
  return undefined;
}
