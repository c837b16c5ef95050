// What operators write about agents, spec/journal.md: enrolling, renewing, suspending and revoking them, each as signed entries with the access
// list that goes with them; their budgets; and the status list, which tells services what came of it.

import { signAccessList, type AccessList } from '../blind/access-list.ts';
import type { PairingOffer } from '../blind/pairing-offer.ts';
import {
  confirmationOf,
  credentialLifeMs,
  issueCredential,
  readCredential,
  type CredentialStatement,
  type CustodyEvidence,
} from '../identity/credential.ts';
import { issueStatusList, type Standing } from '../identity/status-list.ts';
import type { PublicKeys } from '../keys/public-keys.ts';
import type { BudgetLimits } from '../vault/budget.ts';
import { agentAudience, type BodyOf } from './bodies.ts';
import { drafted, type Composed, type Operator } from './draft.ts';
import { toHex } from '../codec/bytes.ts';
import {
  actingAgents,
  chainOf,
  childIsOverMs,
  isLinked,
  liveAgents,
  standingOf,
  topicTip,
  type Agent,
  type FleetState,
} from './state.ts';

/** The list that the roster makes now, in place of the one with `accessVersion`. [ACCESS-9] */
export function renewAccess(operator: Operator, accessVersion: number): Promise<AccessList> {
  return accessAfter(operator, operator.replica.state, accessVersion + 1);
}

/** The list of who may use the fleet's topics after `state`. `version` is the one in force at the relay plus 1. */
export async function accessAfter(operator: Operator, state: FleetState, version: number): Promise<AccessList> {
  const member = ({ id, keys }: { id: Uint8Array; keys: PublicKeys }) => ({ id, sign: keys.sign });
  return signAccessList(operator.holder, operator.device, {
    v: 1,
    fleet: state.fleet,
    version,
    atMs: operator.nowMs,
    devices: [...state.devices.values()].map(member),
    agents: actingAgents(state).map(member),
    recovery: member(state.recovery),
  });
}

export interface Enrolment {
  readonly offer: PairingOffer;
  /** Whether the key store proved itself to this operator. */
  readonly evidence: CustodyEvidence;
  /** Where services find the fleet's status list. */
  readonly statusUri: string;
  /** Of the list in force. */
  readonly accessVersion: number;
}

/**
 * Enrols the agent of an offer that an operator approved: its entry, the audience that it shares with the operators, its way into the
 * fleet's. Throws `agent_taken`, `limit_exceeded`.
 */
export async function enrollAgent(
  operator: Operator,
  { offer, evidence, statusUri, accessVersion }: Enrolment,
): Promise<Composed & { readonly access: AccessList }> {
  const { primitives, device, holder, replica } = operator;
  const { agent: id, scope, machine, keys, custody, capabilities } = offer;
  const agent = { id, scope, machine, keys, custody, capabilities };
  const statusIndex = replica.state.control.position + 1;
  const credential = await issueCredential(
    primitives,
    holder,
    stated(operator, agent, { evidence, statusIndex, statusUri }),
    chainOf(replica.state, device),
  );
  const { state, ...composed } = await drafted(operator, async (draft) => {
    await draft.write('fleet', { kind: 'agent-enroll', agent, credential });
    await draft.startEpoch(agentAudience(id));
    await draft.admit('fleet', { id, seal: keys.seal });
  });
  return { ...composed, access: await accessAfter(operator, state, accessVersion + 1) };
}

/** What an agent's credential says of it, from now on for as long as one lives. */
export function stated(operator: Operator, agent: BodyOf<'agent-enroll'>['agent'], terms: CredentialTerms): CredentialStatement {
  const { primitives, device, nowMs, replica } = operator;
  const { id, scope, machine, keys, custody, capabilities } = agent;
  return {
    fleet: replica.state.fleet,
    agent: id,
    device,
    confirm: confirmationOf(primitives, keys),
    scope,
    machine,
    custody: { level: custody, evidence: terms.evidence },
    capabilities,
    issuedAtMs: nowMs,
    expiresAtMs: nowMs + credentialLifeMs,
    status: { index: terms.statusIndex, uri: terms.statusUri },
  };
}

interface CredentialTerms {
  readonly evidence: CustodyEvidence;
  readonly statusIndex: number;
  readonly statusUri: string;
}

/**
 * Live agents whose credential has less than a third of its life left, is from before a device of the fleet lost its power, or is of a device that
 * services cannot get to, where the one that asks, `by`, is another. [DEVICES-5] [DEVICES-10]
 */
export function dueForRenewal(state: FleetState, nowMs: number, by: Uint8Array): readonly Agent[] {
  const isOurs = isLinked(state, by);
  const endedAtMs = Math.max(0, ...[...state.former.values()].map((each) => each.endedAtMs));
  return liveAgents(state).filter(({ credential }) => {
    const { expiresAtMs, issuedAtMs, device } = readCredential(credential);
    const before = issuedAtMs < Math.floor(endedAtMs / 1000) * 1000 || !state.devices.has(toHex(device));
    return before || (isOurs && !isLinked(state, device)) || expiresAtMs - nowMs < credentialLifeMs / 3;
  });
}

/** New credentials for these agents: what their enrolment said of them, and what the ones before said of their key stores. */
export async function renewCredentials(
  operator: Operator,
  { agents, statusUri }: { readonly agents: readonly Agent[]; readonly statusUri: string },
): Promise<Composed> {
  const { primitives, device, holder, replica } = operator;
  const chain = chainOf(replica.state, device);
  const { lockboxes, entries } = await drafted(operator, async (draft) => {
    for (const agent of agents) {
      const { evidence } = readCredential(agent.credential).custody;
      const statement = stated(operator, agent, { evidence, statusIndex: agent.statusIndex, statusUri });
      const credential = await issueCredential(primitives, holder, statement, chain);
      await draft.write('fleet', { kind: 'agent-credential', agent: agent.id, credential });
    }
  });
  return { lockboxes, entries };
}

/** Stops an agent until `resumeAgent`: the acting entry and the access list without it. Throws `agent_unknown`, `agent_revoked`, `agent_suspended`. */
export async function suspendAgent(
  operator: Operator,
  { agent, reason, accessVersion }: { readonly agent: Uint8Array; readonly reason: string; readonly accessVersion: number },
): Promise<Composed & { readonly access: AccessList }> {
  const { state, ...composed } = await drafted(operator, (draft) =>
    draft.write('fleet', { kind: 'agent-suspend', agent, reason }),
  );
  return { ...composed, access: await accessAfter(operator, state, accessVersion + 1) };
}

/** Throws `agent_unknown`, `agent_revoked`, `agent_active`. */
export async function resumeAgent(
  operator: Operator,
  { agent, accessVersion }: { readonly agent: Uint8Array; readonly accessVersion: number },
): Promise<Composed & { readonly access: AccessList }> {
  const { state, ...composed } = await drafted(operator, (draft) => draft.write('fleet', { kind: 'agent-resume', agent }));
  return { ...composed, access: await accessAfter(operator, state, accessVersion + 1) };
}

/** Ends one child of a live agent, and all below it. Throws `agent_unknown`, `agent_revoked`, `limit_exceeded`. */
export async function revokeChild(
  operator: Operator,
  { agent, child, reason }: { readonly agent: Uint8Array; readonly child: Uint8Array; readonly reason: string },
): Promise<Composed> {
  const { lockboxes, entries } = await drafted(operator, (draft) =>
    draft.write('fleet', { kind: 'child-revoke', agent, child, reason }),
  );
  return { lockboxes, entries };
}

/** The list of all credentials as the journal has them now, for as long as a pulse may be old. */
export async function makeStatusList({ replica, device, holder, nowMs }: Operator, uri: string): Promise<string> {
  const { fleet, control, agents, pulseMaxAgeMs, revokedChildren } = replica.state;
  const standing = (agent: Agent): Standing => {
    const known = standingOf(agent);
    return known === 'live' ? 'in force' : known;
  };
  const terms = {
    fleet,
    device,
    uri,
    standings: new Map(
      [...agents.values()].flatMap((agent): [number, Standing][] => [
        ...agent.earlierKeys.map(({ statusIndex }): [number, Standing] => [statusIndex, 'revoked']), // [ROTATE-4]
        [agent.statusIndex, standing(agent)],
      ]),
    ),
    length: Math.max(0, ...[...agents.values()].map(({ statusIndex }) => statusIndex)) + 1,
    revokedChildren: revokedChildren.filter(({ atMs }) => nowMs - atMs < childIsOverMs).map(({ child }) => child), // [STATUS-8]
    control: control.position,
    issuedAtMs: nowMs,
    livesMs: pulseMaxAgeMs,
  };
  return issueStatusList(holder, terms, chainOf(replica.state, device));
}

/**
 * Revokes at once: the acting entry and the access list without the agent. The last entry of its topic that the replica has read is the
 * last that counts, so read that topic first. `rekeyFleet` follows. Throws `agent_unknown`, `agent_revoked`.
 */
export async function revokeAgent(
  operator: Operator,
  { agent, reason, accessVersion }: { readonly agent: Uint8Array; readonly reason: string; readonly accessVersion: number },
): Promise<Composed & { readonly access: AccessList }> {
  const tip = topicTip(operator.replica.state, agent);
  const last = tip && { position: tip.position, hash: tip.hash };
  const body: BodyOf<'agent-revoke'> = { kind: 'agent-revoke', agent, reason };
  const { state, ...composed } = await drafted(operator, (draft) =>
    draft.write('fleet', last === undefined ? body : { ...body, last }),
  );
  return { ...composed, access: await accessAfter(operator, state, accessVersion + 1) };
}

/** What all of its grants together may be used for, from now on. What was counted goes on counting. Throws `codec_*`, `agent_unknown`, `agent_revoked`. [VAULT-18] */
export async function setBudget(
  operator: Operator,
  { agent, limits }: { readonly agent: Uint8Array; readonly limits: BudgetLimits },
): Promise<Composed & { readonly budget: Uint8Array }> {
  const { primitives, replica } = operator;
  const id = replica.state.budgets.get(toHex(agent))?.id ?? primitives.random(16);
  const body = { kind: 'budget-set', budget: { ...limits, id, agent } } as const;
  return { ...(await drafted(operator, (draft) => draft.write(agentAudience(agent), body))), budget: id };
}

/** Throws `budget_unknown`. */
export async function endBudget(
  operator: Operator,
  { agent, budget }: { readonly agent: Uint8Array; readonly budget: Uint8Array },
): Promise<Composed> {
  return drafted(operator, (draft) => draft.write(agentAudience(agent), { kind: 'budget-end', budget }));
}
