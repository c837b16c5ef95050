// What an agent can do right now, as sentences made from the state that a reader has verified: each grant, each host, what holds for all of them, and
// what keeps it from doing anything. Says nothing that was not signed; what the reader can't know is an argument.

import { toHex } from '../codec/bytes.ts';
import { ago, coarse, instant } from '../codec/shown.ts';
import { budgetSentence, egressSentence, grantSentence, type Reader, type Sentence } from '../vault/sentence.ts';
import { standingOf, type Agent, type Egress, type FleetState, type Grant } from './state.ts';

/** What stands in the way of everything; `stale`: no operator has left a pulse in time. */
export type Hindrance = 'revoked' | 'suspended' | 'stale';

export interface Ability {
  readonly what: 'grant' | 'egress';
  /** Of the grant or the rule. */
  readonly id: Uint8Array;
  readonly sentence: Sentence;
  /** Its last moment has passed: it stands in the journal, and allows nothing. */
  readonly over: boolean;
}

export interface CanDo {
  readonly agent: Agent;
  readonly hindrance: Hindrance | undefined;
  /** Why nothing can be done now, in a sentence; undefined: nothing hinders. */
  readonly because: string | undefined;
  /** What is signed for it, also where something hinders it now. */
  readonly abilities: readonly Ability[];
  /** What all of it is held to besides. */
  readonly held: readonly string[];
}

export interface Now {
  readonly nowMs: number;
  /** Of the newest pulse that was verified; undefined: there is none. */
  readonly pulseAtMs: number | undefined;
  /** Whether sessions that were started by hand are let in, where that is known. */
  readonly guarded?: boolean;
  readonly reader?: Reader;
}

/** Undefined: the fleet has no such agent. */
export function canDo(state: FleetState, id: Uint8Array, now: Now): CanDo | undefined {
  const agent = state.agents.get(toHex(id));
  if (agent === undefined) return undefined;
  const { scope } = agent;
  const hindered = hinderedBy(state, agent, now);
  const granted = [...(state.grants.get(toHex(id))?.values() ?? [])];
  const reached = [...(state.egress.get(toHex(id))?.values() ?? [])];
  return {
    agent,
    hindrance: hindered?.hindrance,
    because: hindered?.because,
    abilities: [
      ...granted.map((grant) => abilityOf(scope, grant, now)),
      ...reached.map((rule): Ability => ({ what: 'egress', id: rule.id, sentence: egressSentence(scope, rule), over: false })),
    ],
    held: heldTo(state, agent, { granted, reached, now }),
  };
}

function abilityOf(scope: string, { grant: id, fence, sealed }: Grant, { nowMs, reader }: Now): Ability {
  const sentence = grantSentence(scope, { fence, approve: sealed === undefined }, reader);
  return { what: 'grant', id, sentence, over: fence.untilMs !== undefined && nowMs > fence.untilMs };
}

function hinderedBy(
  { pulseMaxAgeMs }: FleetState,
  { scope, revoked, suspended, ...rest }: Agent,
  { nowMs, pulseAtMs, reader }: Now,
): { readonly hindrance: Hindrance; readonly because: string } | undefined {
  const standing = standingOf({ revoked, suspended });
  const zone = reader?.zone;
  if (standing === 'revoked')
    return {
      hindrance: standing,
      because: `nothing: ${scope} was revoked at ${instant(revoked?.atMs ?? rest.enrolledAtMs, zone)}`,
    };
  if (standing === 'suspended')
    return { hindrance: standing, because: `nothing: ${scope} is suspended since ${instant(suspended?.atMs ?? nowMs, zone)}` };
  if (pulseAtMs === undefined) return { hindrance: 'stale', because: 'nothing: no operator has left a pulse yet' };
  const ageMs = nowMs - pulseAtMs;
  if (ageMs <= pulseMaxAgeMs) return undefined;
  return {
    hindrance: 'stale',
    because: `nothing: the last pulse is too old, from ${ago(ageMs)}; it counts for ${coarse(pulseMaxAgeMs)}`,
  };
}

function heldTo(
  { budgets, rules }: FleetState,
  { id, scope }: Agent,
  { granted, reached, now }: { readonly granted: readonly Grant[]; readonly reached: readonly Egress[]; readonly now: Now },
): readonly string[] {
  const budget = budgets.get(toHex(id));
  return [
    ...(granted.length === 0 ? [`${scope} may use no credential.`] : []),
    ...(reached.length === 0 ? [`${scope} may reach no host without a credential.`] : []),
    ...(budget === undefined ? [] : [budgetSentence(scope, budget).text]),
    rules === undefined
      ? 'There are no rules yet: its tools may only read.'
      : `Version ${rules.version} of the rules judges each act of its tools.`,
    ...(now.guarded === undefined
      ? []
      : [
          now.guarded
            ? 'It is also started by hand, guarded: no credential can be used there, and acts are judged as its harness reports them.'
            : 'It works in sealed sessions alone.',
        ]),
  ];
}
