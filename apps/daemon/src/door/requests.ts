// What the door answers, one function a request.

import { equalBytes, toBase64url, toHex } from '@holdfast/protocol/codec/bytes';
import type { DoorReply, DoorReplyOf, DoorRequest } from '@holdfast/protocol/door/wire';
import { codeOf, HoldfastError } from '@holdfast/protocol/errors';
import { readCredential } from '@holdfast/protocol/identity/credential';
import { proofsOf, trustedRootOf, warrantIn } from '@holdfast/protocol/journal/proofs-of';
import { makerOf, standingOf, topicTip } from '@holdfast/protocol/journal/state';
import { keyOfJwk } from '@holdfast/protocol/keys/jws';
import type { Agent } from '../agent/agent.ts';
import type { Agents } from '../agents.ts';
import type { Custody, KeyStoreState } from '../custody/custody.ts';
import type { Enrolments } from '../enrol.ts';
import type { GuardedDoors } from '../guarded/doors.ts';
import type { Rotations } from '../rotate.ts';
import type { Sessions, SessionView } from '../session/session.ts';
import type { DoorHandler } from './server.ts';

/** A look at the status does not wait for a chip. */
const keyStoresWithinMs = 3000;

export interface DoorContext {
  readonly agents: Agents;
  readonly sessions: Sessions;
  readonly guarded: GuardedDoors;
  readonly enrolments: Enrolments;
  readonly rotations: Rotations;
  readonly custody: Custody;
  readonly version: string;
  readonly startedAtMs: number;
}

type RequestOf<K extends DoorRequest['kind']> = Extract<DoorRequest, { kind: K }>;

export function doorHandler(context: DoorContext): DoorHandler {
  const { agents, sessions, guarded, enrolments, rotations } = context;
  return async (request, caller) => {
    switch (request.kind) {
      case 'status':
        caller.reply(await status(context));
        break;
      case 'machine':
        caller.reply(machine(context));
        break;
      case 'enroll':
        await enrolments.enrol(request, caller);
        break;
      case 'rotate':
        await rotations.rotate(request, caller);
        break;
      case 'await-control':
        await applied(agents, request);
        caller.reply({ kind: 'done' });
        break;
      case 'audit':
        caller.reply(await auditPage(await agents.evidence(request.agent), request));
        break;
      case 'audit-note': {
        const agent = await agents.evidence(request.agent);
        const published = await agent.publishedNote();
        const note = published && { note: published.note };
        const fork = agent.forked && { fork: agent.forked };
        caller.reply({ kind: 'audit-note', ...note, ...fork, witnesses: [...(published?.witnesses ?? [])] });
        break;
      }
      case 'authority':
        caller.reply(authorityOf(await agents.evidence(request.agent), request.warrants));
        break;
      case 'audit-reveal':
        caller.reply(await revealed(await agents.evidence(request.agent), request));
        break;
      case 'rules':
        caller.reply(rulesOf(await agents.evidence(request.agent), request.version));
        break;
      case 'guarded-open':
        caller.reply({ kind: 'guarded-door', ...(await guarded.install(agents.ofScope(request.scope), request.modelUrl)) });
        break;
      case 'guarded-close':
        await guarded.remove(agents.ofScope(request.scope));
        caller.reply({ kind: 'done' });
        break;
      case 'present':
        caller.reply(await present(agents.ofScope(request.scope), request));
        break;
      case 'run':
        await sessions.run(agents.ofScope(request.scope), request, caller);
        break;
      default:
        throw new HoldfastError('usage', `${request.kind} belongs to a running session`); // [DOOR-4]
    }
  };
}

/** Throws `usage`, `commitment_mismatch`, `commitment_erased`. [COMMIT-9] */
async function revealed(agent: Agent, { event: number, value }: RequestOf<'audit-reveal'>): Promise<DoorReply> {
  if (number < agent.audit.firstKept)
    throw new HoldfastError('usage', `event ${number} was pruned`, { next: 'holdfast audit show' });
  const [event] = await agent.audit.read({ from: number, limit: 1 });
  if (event === undefined) throw new HoldfastError('usage', `there is no event ${number}`, { next: 'holdfast audit show' });
  return { kind: 'revealed', fleet: agent.enrolment.fleet, event, ...agent.redactor.reveal(event, value) };
}

async function status({ agents, sessions, guarded, custody, version, startedAtMs }: DoorContext): Promise<DoorReply> {
  const notices = [
    ...agents.unopened().map(({ scope, thrown }) => noticeOf(`the agent of the scope ${scope} could not be opened`, thrown)),
    ...guarded.failures().map(({ scope, thrown }) => noticeOf(`the guarded door of the scope ${scope} is not open`, thrown)),
    ...agents
      .all()
      .flatMap(({ enrolment, auditFault }) =>
        auditFault === undefined
          ? []
          : [noticeOf(`the audit log of the scope ${enrolment.scope} does not hold, no handle is minted`, auditFault)],
      ),
  ];
  const living = agents.all().flatMap((agent) => agent.children.views());
  return {
    kind: 'status',
    version,
    pid: process.pid,
    startedAtMs,
    custody: custody.level,
    keyStores: (await custody.keyStores(keyStoresWithinMs)).map(keyStoreView),
    agents: agents.all().map((agent) => {
      const port = guarded.portOf(agent);
      return { ...agent.view(), ...(port !== undefined && { guarded: port }) };
    }),
    sessions: [...sessions.views().map((view) => ({ ...view, ...below(view, living) })), ...guarded.views()].slice(0, 256),
    notices,
  };
}

/** How many children live that end with a session; whose own it is does not count. */
function below(
  { session, child: own }: SessionView,
  living: ReturnType<Agent['children']['views']>,
): { readonly children?: number } {
  const isBelow = (each: (typeof living)[number]): boolean =>
    equalBytes(each.session, session) && (own === undefined || !equalBytes(each.child, own));
  const children = living.filter(isBelow).length;
  return children === 0 ? {} : { children };
}

function keyStoreView({ level, label, code, message, next, slow }: KeyStoreState) {
  return {
    level,
    ...(label !== undefined && { label }),
    state: code ?? (slow ? 'slow' : 'ready'),
    ...(message !== undefined && { message }),
    ...(next !== undefined && { next }),
  };
}

function noticeOf(what: string, thrown: unknown) {
  return {
    code: codeOf(thrown),
    message: `${what}: ${thrown instanceof Error ? thrown.message : 'unknown'}`.slice(0, 1024),
    ...(thrown instanceof HoldfastError && thrown.next !== undefined && { next: thrown.next.slice(0, 1024) }),
  };
}

/** More than a look at a machine needs; the record has all. */
const maxChildrenShown = 512;

function childrenOf(agent: Agent) {
  return agent.children.views().map(({ parent, grants, hosts, usesLeft, bytesLeft, ...child }) => {
    const mayUse = (grant: Uint8Array) => grants === undefined || grants.includes(toBase64url(grant));
    return {
      ...child,
      agent: agent.id,
      credentials: agent.grants().flatMap(({ grant, name }) => (mayUse(grant) ? [name] : [])),
      ...(parent !== undefined && { parent }),
      ...(hosts !== undefined && { hosts }),
      ...(usesLeft !== undefined && { usesLeft }),
      ...(bytesLeft !== undefined && { bytesLeft }),
    };
  });
}

/** The roster of each fleet that this machine belongs to, and its own agents' grants and egress rules. */
function machine({ agents, guarded, sessions }: DoorContext): DoorReplyOf<'machine'> {
  const all = agents.all();
  const open = new Set(all.filter((agent) => guarded.portOf(agent) !== undefined).map(({ id }) => toHex(id)));
  const states = all.flatMap(({ state }) => state ?? []).toSorted((a, b) => a.control.position - b.control.position);
  const fleets = new Map(states.map((state) => [toHex(state.fleet), state])); // of several views of a fleet the one that has read on furthest
  const roster = [...fleets.values()].flatMap((state) =>
    [...state.agents.values()].map(({ id, scope, machine: host, custody, capabilities, enrolledAtMs, ...member }) => {
      const seenAtMs = topicTip(state, id)?.atMs;
      const credential = readCredential(member.credential);
      return {
        agent: id,
        fleet: state.fleet,
        scope,
        machine: host,
        custody,
        evidence: credential.custody.evidence,
        capabilities,
        state: standingOf(member),
        enrolledAtMs,
        expiresAtMs: credential.expiresAtMs,
        ...(seenAtMs !== undefined && { seenAtMs }),
        here: agents.isHere(id),
        ...(open.has(toHex(id)) && { guarded: true as const }),
        sealed: sessions.views().filter((session) => equalBytes(session.agent, id)).length,
      };
    }),
  );
  const grants = all.flatMap((agent) =>
    agent.grants().map(({ grant, item, name, purpose, attach, fence, env, sealed, grantedAtMs }) => ({
      agent: agent.id,
      granted: {
        ...{ grant, item, name, attach, fence, approve: sealed === undefined },
        ...(purpose !== undefined && { purpose }),
        ...(env !== undefined && { env }),
      },
      grantedAtMs,
      ...agent.usedOf(grant, fence),
    })),
  );
  const budgets = all.flatMap((agent) => {
    if (agent.budget === undefined) return [];
    const { setAtMs, ...budget } = agent.budget;
    return [{ budget, setAtMs, ...agent.usedOf(budget.id, budget) }];
  });
  const egress = all.flatMap((agent) =>
    agent.egress().map(({ id, host, port, allowPrivate, ca, pins }) => ({
      agent: agent.id,
      rule: { id, agent: agent.id, host, port, allowPrivate, ...(ca !== undefined && { ca }), ...(pins && { pins }) },
    })),
  );
  const roots = [...fleets.values()].map((state) => {
    const { removed } = trustedRootOf(state);
    return { fleet: state.fleet, key: makerOf(state).keys.sign, ...(removed.length > 0 && { removed }) };
  });
  const children = all.flatMap((agent) => childrenOf(agent)).slice(0, maxChildrenShown);
  const operators = [...fleets.values()].flatMap(({ fleet, devices }) =>
    [...devices.values()].map(({ id, name }) => ({ fleet, device: id, name })),
  );
  return { kind: 'machine', agents: roster, children, operators, grants, ...(budgets.length > 0 && { budgets }), egress, roots };
}

async function present(agent: Agent, { audience, nonce, show }: RequestOf<'present'>): Promise<DoorReply> {
  const made = await agent.present({ audience, nonce, show });
  return { kind: 'presentation', agent: agent.id, ...made };
}

/** A revoked agent follows its fleet no further than its own revocation: later entries are not waited for. */
async function applied(agents: Agents, { fleet, position, hash, timeoutMs }: RequestOf<'await-control'>): Promise<void> {
  const concerned = agents
    .all()
    .filter((agent) => equalBytes(agent.enrolment.fleet, fleet) && (agent.live || agent.hasRead(position)));
  if (concerned.length === 0) throw new HoldfastError('agent_unknown', 'no live agent of this fleet is on this machine');
  await Promise.all(concerned.map((agent) => agent.applied(position, hash, timeoutMs)));
}

/** What the next decision about an act of this agent is made by, and what stands in its context. */
function rulesOf({ id, enrolment, state, rules, bedrock }: Agent, version = rules.version): DoorReply {
  const signed = state === undefined ? [] : [state.rules, ...state.earlierRules];
  const set = signed.find((each) => each !== undefined && each.version === version);
  return {
    kind: 'rules',
    agent: id,
    fleet: enrolment.fleet,
    ...(set !== undefined && { set: { version: set.version, text: set.text, hash: set.hash, setAtMs: set.setAtMs } }),
    ...(rules.unreadable !== undefined && { unreadable: rules.unreadable }),
    bedrock: {
      version: bedrock.version,
      texts: [...bedrock.texts.values()].map(({ id: text, text: said, addedAtMs }) => ({ id: text, text: said, addedAtMs })),
    },
  };
}

/** Room for one page in one frame. */
const maxPageBytes = 768 * 1024;

/** [AUTHORITY-7] */
function authorityOf({ id, state }: Agent, digests: readonly Uint8Array[]): DoorReply {
  const proofs = state && proofsOf(state, id);
  if (state === undefined || proofs === undefined)
    throw new HoldfastError('agent_unknown', 'this agent has not read its fleet', { next: 'see: holdfast status' });
  const { root, removed, chains, credentials } = proofs;
  const found = digests.map((digest) => warrantIn(state, id, toHex(digest)) ?? new Uint8Array());
  const looked = fitting(found);
  return {
    kind: 'authority',
    fleet: state.fleet,
    key: keyOfJwk(root.key),
    ...{ removed, chains, credentials },
    warrants: looked.filter(({ length }) => length > 0),
    looked: looked.length,
  };
}

async function auditPage(agent: Agent, { part, from, limit }: RequestOf<'audit'>): Promise<DoorReply> {
  const { audit, enrolment, holder, anchor } = agent;
  const earlier = agent.keys().slice(0, -1);
  const about = {
    kind: 'audit-page',
    agent: agent.id,
    fleet: enrolment.fleet,
    agentKey: holder.publicKeys.sign,
    ...(earlier.length > 0 && { earlierKeys: earlier }),
    ...(anchor !== undefined && { anchor }),
    signed: audit.signedSize,
  } as const;
  if (part === 'events') {
    const { pruned, items } = await keptEvents(audit, { from, limit, maxBytes: maxPageBytes });
    return { ...about, pruned, total: audit.size, items };
  }
  const pruned = audit.firstKept;
  if (part === 'leaves') {
    const items = from < pruned ? await audit.leaves({ from, limit: Math.min(limit, pruned - from) }) : [];
    return { ...about, pruned, total: pruned, items };
  }
  await audit.checkpoint(); // so that what was recorded a moment ago is covered as well
  const all = await audit.checkpoints();
  return { ...about, pruned, total: all.length, items: fitting(all.slice(from, from + limit)) };
}

/** Those that can be read, also while more is pruned. */
async function keptEvents(
  audit: Agent['audit'],
  range: Parameters<Agent['audit']['read']>[0],
): Promise<{ readonly pruned: number; readonly items: readonly Uint8Array[] }> {
  for (;;) {
    const pruned = audit.firstKept;
    try {
      return { pruned, items: await audit.read({ ...range, from: Math.max(range.from, pruned) }) };
    } catch (thrown) {
      if (codeOf(thrown) !== 'audit_gap' || audit.firstKept === pruned) throw thrown;
    }
  }
}

/** As many as one page has room for; at least one if there is one. */
function fitting(items: readonly Uint8Array[]): Uint8Array[] {
  let bytes = 0;
  const end = items.findIndex(({ length }, index) => (bytes += length) > maxPageBytes && index > 0);
  return items.slice(0, end < 0 ? items.length : end);
}
