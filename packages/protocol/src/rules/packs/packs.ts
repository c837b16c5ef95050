// The curated packs, spec/rules.md: rule sets that an operator switches on by name. What is signed holds their rules, written out.

import { HoldfastError } from '../../errors.ts';
import { closest } from '../fields.ts';
import { parseRules } from '../language.ts';
import type { Rule, RuleSet } from '../rule.ts';
import { destructive } from './destructive.ts';
import { guardrail } from './guardrail.ts';
import { infrastructure } from './infrastructure.ts';
import { secrets } from './secrets.ts';
import { sourceControl } from './source-control.ts';
import { supplyChain } from './supply-chain.ts';

const texts: Readonly<Record<string, string>> = {
  destructive,
  guardrail,
  infrastructure,
  secrets,
  'source-control': sourceControl,
  'supply-chain': supplyChain,
};

export const packNames: readonly string[] = Object.keys(texts);

/** The pack's rules, each id `PACK/rule`. Throws `rules_invalid` for a name that is not one. */
export function packRules(name: string): readonly Rule[] {
  const text = Object.hasOwn(texts, name) ? texts[name] : undefined;
  if (text === undefined) throw new HoldfastError('rules_invalid', `no such pack: ${name}`, { next: closest(name, packNames) });
  return parseRules(text).rules.map((rule) => ({ ...rule, id: `${name}/${rule.id}` }));
}

/** The set with its packs put in and what it leaves out left out [RULES-26]. Throws `rules_invalid` where a name leads nowhere, or to two rules. */
export function withPacks({ packs, without, rules }: RuleSet): RuleSet {
  const curated = packs.flatMap(packRules);
  const left = without.find((id) => !curated.some((rule) => rule.id === id));
  if (left !== undefined)
    throw new HoldfastError('rules_invalid', `without names no rule of these packs: ${left}`, {
      next: closest(
        left,
        curated.map(({ id }) => id),
      ),
    });
  const all = [...curated.filter(({ id }) => !without.includes(id)), ...rules];
  const ids = new Set<string>();
  for (const { id } of all) {
    if (ids.has(id)) throw new HoldfastError('rules_invalid', `two rules are called ${id}`, { next: 'give yours another id' });
    ids.add(id);
  }
  return { packs: [], without: [], rules: all };
}
