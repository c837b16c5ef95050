// The curated packs, spec/rules.md: rule sets that an operator switches on by name. What is signed holds their rules, written out.

import { HoldfastError } from '../../errors.ts';
import { closest } from '../fields.ts';
import { parseRules } from '../language.ts';
import type { Rule, RuleSet } from '../rule.ts';
import { files } from './destructive/files.ts';
import { disks } from './destructive/disks.ts';
import { machine } from './destructive/machine.ts';
import { clouds } from './infrastructure/clouds.ts';
import { containers } from './infrastructure/containers.ts';
import { data } from './infrastructure/data.ts';
import { kept } from './secrets/kept.ts';
import { told } from './secrets/told.ts';
import { steering } from './guardrail/steering.ts';
import { evasion } from './guardrail/evasion.ts';
import { sourceControl } from './source-control.ts';
import { supplyChain } from './supply-chain.ts';

/** Each in parts that tell one thing. */
const texts: Readonly<Record<string, readonly string[]>> = {
  destructive: [files, disks, machine],
  guardrail: [steering, evasion],
  infrastructure: [clouds, containers, data],
  secrets: [kept, told],
  'source-control': [sourceControl],
  'supply-chain': [supplyChain],
};

export const packNames: readonly string[] = Object.keys(texts);

/** The pack's rules, each id `PACK/rule`. Throws `rules_invalid` for a name that is not one. */
export function packRules(name: string): readonly Rule[] {
  const parts = Object.hasOwn(texts, name) ? texts[name] : undefined;
  if (parts === undefined) throw new HoldfastError('rules_invalid', `no such pack: ${name}`, { next: closest(name, packNames) });
  return parts.flatMap((text) => parseRules(text).rules).map((rule) => ({ ...rule, id: `${name}/${rule.id}` }));
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
