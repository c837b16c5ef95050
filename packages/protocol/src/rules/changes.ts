// What a rule set changes in place of the one before it, and whom that concerns, spec/rules.md. Pure: the command line and the console show it before
// anything is signed.

import { toHex } from '../codec/bytes.ts';
import { globHolds } from './glob.ts';
import { parseRules } from './language.ts';
import type { Conditions, Rule, RuleSet } from './rule.ts';

export interface RuleChange {
  readonly rule: string;
  readonly how: 'added' | 'changed' | 'removed';
  readonly before: Rule | undefined;
  readonly after: Rule | undefined;
}

export interface RuleSetChanges {
  /** There was none before, so agents could only read: it concerns all of them, whatever its rules name. */
  readonly isFirst: boolean;
  readonly changes: readonly RuleChange[];
}

/** What of a set decides: its examples have run by then. */
export function setIn({ rules }: RuleSet): readonly Rule[] {
  return rules.map((rule) => ({ ...rule, hits: [], misses: [] }));
}

/** By the ids of rules: those that are there after, in their order, then those that are gone. `before`: a text that was signed; one that can't be read any more had nothing. */
export function ruleChanges(before: string | undefined, after: RuleSet): RuleSetChanges {
  const byId = (rules: readonly Rule[]) => new Map(rules.map((rule) => [rule.id, rule]));
  const was = byId(before === undefined ? [] : signedRules(before));
  const is = byId(setIn(after));
  const changes = [
    ...[...is].flatMap(([rule, now]): RuleChange[] => {
      const then = was.get(rule);
      if (then === undefined) return [{ rule, how: 'added', before: then, after: now }];
      return JSON.stringify(then) === JSON.stringify(now) ? [] : [{ rule, how: 'changed', before: then, after: now }];
    }),
    ...[...was].flatMap(([rule, then]): RuleChange[] =>
      is.has(rule) ? [] : [{ rule, how: 'removed', before: then, after: undefined }],
    ),
  ];
  return { isFirst: before === undefined, changes };
}

export const idsOf = ({ changes }: RuleSetChanges, how: RuleChange['how']): readonly string[] =>
  changes.flatMap((each) => (each.how === how ? [each.rule] : []));

function signedRules(text: string): readonly Rule[] {
  try {
    return setIn(parseRules(text));
  } catch {
    return [];
  }
}

interface Named {
  readonly id: Uint8Array;
  readonly scope: string;
}

/** Those for whom something may be decided otherwise: none is left out that a changed rule could ever look at. */
export function concernedBy<A extends Named>({ isFirst, changes }: RuleSetChanges, agents: Iterable<A>): readonly A[] {
  const concerns = (rule: Rule | undefined, agent: A): boolean =>
    rule !== undefined && mayHold(rule.when, agent) && !rule.unless.some((each) => isOnlyAbout(each, agent));
  return [...agents].filter(
    (agent) => isFirst || changes.some(({ before, after }) => concerns(before, agent) || concerns(after, agent)),
  );
}

const anyOf = (globs: readonly string[] | undefined, name: string): boolean =>
  globs === undefined || globs.some((glob) => globHolds(glob, name));

const mayHold = ({ agent, scope, any }: Conditions, of: Named): boolean =>
  anyOf(agent, toHex(of.id)) && anyOf(scope, of.scope) && (any === undefined || any.some((each) => mayHold(each, of)));

/** An exemption that holds for all that this agent does. */
function isOnlyAbout(unless: Conditions, agent: Named): boolean {
  return Object.keys(unless).every((key) => key === 'agent' || key === 'scope') && mayHold(unless, agent);
}
