// A rule set made ready to decide, spec/rules.md.

import { HoldfastError } from '../errors.ts';
import type { Rule, RuleSet } from './rule.ts';

export interface CompiledRules {
  readonly set: RuleSet;
  readonly rules: readonly Rule[];
}

/** Throws `rules_invalid` for a set that still names packs: what holds is what was signed, written out. */
export function compile(set: RuleSet): CompiledRules {
  if (set.packs.length > 0)
    throw new HoldfastError('rules_invalid', `packs are not put in yet: ${set.packs.join(', ')}`, {
      next: 'put them in before signing',
    }); // [RULES-6]
  return { set, rules: set.rules };
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
