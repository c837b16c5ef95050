// The fleet as a tree: agents, and below each what it started, as far as its machine says. From the verified state and the last word of each machine;
// what is not known is said so, and never guessed.

import { hasApplied, type Heard, type PresentChild, type PresentSession } from '@holdfast/protocol/approvals/presence';
import { equalBytes, toHex } from '@holdfast/protocol/codec/bytes';
import { readCredential, type CustodyEvidence } from '@holdfast/protocol/identity/credential';
import { standingOf, topicTip, type Agent, type FleetState } from '@holdfast/protocol/journal/state';

export interface ChildNode {
  readonly child: PresentChild;
  readonly doing: PresentSession['now'];
  readonly below: readonly ChildNode[];
}

export interface AgentNode {
  readonly id: string;
  readonly agent: Agent;
  readonly standing: 'live' | 'suspended' | 'revoked';
  readonly evidence: CustodyEvidence;
  readonly expiresAtMs: number | undefined;
  /** Undefined: its machine has said nothing for two minutes. */
  readonly heard: Heard | undefined;
  /** When its machine was last heard of, by presence or by an entry of its own; undefined: never. */
  readonly lastHeardAtMs: number | undefined;
  /** Its own sessions, not those of its children. */
  readonly sessions: readonly PresentSession[];
  readonly sealed: number;
  readonly guarded: number;
  readonly children: readonly ChildNode[];
  /** Whether the newest control entry has taken effect there; undefined: not known. */
  readonly hasNewest: boolean | undefined;
}

interface Ears {
  of(agent: Uint8Array, nowMs: number): Heard | undefined;
  last(agent: Uint8Array): Heard | undefined;
}

/** Deeper than delegation goes: a machine that says more is not believed further. */
const maxDepth = 8;

/** Those that may act first, then suspended, then revoked ones; each by scope, then machine. */
export function agentTree(state: FleetState, ears: Ears, nowMs: number): readonly AgentNode[] {
  const order = ['live', 'suspended', 'revoked'];
  return [...state.agents.values()]
    .map((agent) => nodeOf(state, agent, ears, nowMs))
    .toSorted(
      (one, other) =>
        order.indexOf(one.standing) - order.indexOf(other.standing) ||
        compare(one.agent.scope, other.agent.scope) ||
        compare(one.agent.machine, other.agent.machine),
    );
}

const compare = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0);

function nodeOf(state: FleetState, agent: Agent, ears: Ears, nowMs: number): AgentNode {
  const heard = ears.of(agent.id, nowMs);
  const { sessions = [], children = [] } = heard?.presence ?? {};
  const said = [ears.last(agent.id)?.heardAtMs, topicTip(state, agent.id)?.atMs].filter((each) => each !== undefined);
  return {
    id: toHex(agent.id),
    agent,
    standing: standingOf(agent),
    ...issued(agent),
    heard,
    lastHeardAtMs: said.length === 0 ? undefined : Math.max(...said),
    sessions: sessions.filter(({ child }) => child === undefined),
    sealed: sessions.filter(({ mode }) => mode === 'sealed').length,
    guarded: sessions.filter(({ mode }) => mode === 'guarded').length,
    children: below({ children, sessions }, undefined, maxDepth),
    hasNewest: heard && hasApplied(heard.presence, state.control),
  };
}

type Issued = Pick<AgentNode, 'evidence' | 'expiresAtMs'>;

/** Read once each: the tree is made anew each second. */
const readBefore = new WeakMap<Uint8Array, Issued>();

/** What the credential says of the key store; of one that can't be read, no more than the machine claimed. */
function issued({ credential }: Agent): Issued {
  const known = readBefore.get(credential) ?? readNow(credential);
  readBefore.set(credential, known);
  return known;
}

function readNow(credential: Uint8Array): Issued {
  try {
    const { custody, expiresAtMs } = readCredential(credential);
    return { evidence: custody.evidence, expiresAtMs };
  } catch {
    return { evidence: 'claimed', expiresAtMs: undefined };
  }
}

interface Said {
  readonly children: readonly PresentChild[];
  readonly sessions: readonly PresentSession[];
}

function below(said: Said, parent: Uint8Array | undefined, depth: number): readonly ChildNode[] {
  if (depth === 0) return [];
  const known = (id: Uint8Array): boolean => said.children.some(({ child }) => equalBytes(child, id));
  const isBelow = (child: PresentChild): boolean => {
    if (parent !== undefined) return child.parent !== undefined && equalBytes(child.parent, parent);
    return child.parent === undefined || !known(child.parent); // one above it was left out: it is shown all the same
  };
  return said.children.filter(isBelow).map((child) => ({
    child,
    doing: said.sessions.find((session) => session.child !== undefined && equalBytes(session.child, child.child))?.now,
    below: below(said, child.child, depth - 1),
  }));
}

/** How many of those that may act have the newest change, of all that may act. */
export function reach(nodes: readonly AgentNode[]): { readonly have: number; readonly of: number } {
  const acting = nodes.filter(({ standing }) => standing === 'live');
  return { have: acting.filter(({ hasNewest }) => hasNewest === true).length, of: acting.length };
}
