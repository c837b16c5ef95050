// A rule set made ready to decide, spec/rules.md.

import { HoldfastError } from '../errors.ts';
import { matcherOf, type Matcher } from './match.ts';
import { RuleIndex } from './rule-index.ts';
import type { RuleSet } from './rule.ts';

export interface CompiledRules {
  readonly set: RuleSet;
  /** By id. */
  readonly matchers: readonly Matcher[];
  readonly index: RuleIndex;
  /** Those that hold where a shell text can't be read, strictest first. */
  readonly ifOpaque: readonly Matcher[];
}

const strictness = { deny: 0, ask: 1, warn: 2, allow: 3 } as const;

/** Throws `rules_invalid` for a set that still names packs: what holds is what was signed, written out. */
export function compile(set: RuleSet): CompiledRules {
  if (set.packs.length > 0)
    throw new HoldfastError('rules_invalid', `packs are not put in yet: ${set.packs.join(', ')}`, {
      next: 'put them in before signing',
    }); // [RULES-6]
  const matchers = set.rules.map(matcherOf).sort((left, right) => (left.rule.id < right.rule.id ? -1 : 1));
  const ifOpaque = matchers
    .filter(({ rule, concernsShell }) => concernsShell && rule.opaque !== 'allow')
    .toSorted((left, right) => strictness[left.rule.opaque] - strictness[right.rule.opaque]);
  return { set, matchers, index: new RuleIndex(matchers), ifOpaque };
}

/** For a session that never got a set: everything but reading is denied. */
export const readOnlyRules: CompiledRules = compile({
  packs: [],
  without: [],
  rules: [
    {
      id: 'no-rules-yet',
      effect: 'deny',
      tools: ['shell', 'write', 'edit', 'fetch', 'agent', 'mcp', 'message', 'skill', 'other'],
      when: {},
      unless: [],
      opaque: 'deny',
      severity: 'high',
      reason: 'This agent has no rules yet, so it may only read.',
      instead: 'An operator publishes rules with: holdfast rules apply FILE',
      hits: [],
      misses: [],
    },
  ],
}); // [RULES-7]
