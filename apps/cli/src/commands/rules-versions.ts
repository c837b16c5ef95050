// `holdfast rules versions|source`: the sets that a state keeps, what each changed in place of the one before, and each as a file that can be edited and
// applied again. The operator's view: a daemon keeps what it acts by.

import { HoldfastError } from '@holdfast/protocol/errors';
import type { FleetState, SignedRules } from '@holdfast/protocol/journal/state';
import { idsOf, ruleChanges } from '@holdfast/protocol/rules/changes';
import { parseRules } from '@holdfast/protocol/rules/language';
import { sourceOf } from '@holdfast/protocol/rules/source';
import { asOperator } from '../operator/session.ts';
import { visible, type Output } from '../output.ts';

interface Options {
  readonly passphraseFile?: string;
}

/** Newest first. */
const keptIn = ({ rules, earlierRules }: FleetState): readonly SignedRules[] =>
  rules === undefined ? [] : [rules, ...earlierRules];

/** [CLI-97] */
export async function versions(output: Output, options: Options): Promise<void> {
  await asOperator(output, options, ({ state }) => {
    const kept = keptIn(state);
    const told = kept.map(({ version, hash, setAtMs, text }, index) => {
      const about = { version, hash, setAtMs };
      const set = readable(text);
      if (set === undefined) return about;
      const before = kept[index + 1];
      if (before === undefined && version > 1) return { ...about, rules: set.rules.length }; // what it changed is not kept
      const changes = ruleChanges(before?.text, set);
      const [added, changed, removed] = (['added', 'changed', 'removed'] as const).map((how) => idsOf(changes, how));
      return { ...about, rules: set.rules.length, added, changed, removed };
    });
    output.result(
      { versions: told },
      told.length === 0 ? ['there are no rules yet: agents may only read'] : told.flatMap(linesOf),
    );
    return Promise.resolve();
  });
}

function readable(text: string): ReturnType<typeof parseRules> | undefined {
  try {
    return parseRules(text);
  } catch {
    return undefined;
  }
}

interface Told {
  readonly version: number;
  readonly setAtMs: number;
  readonly rules?: number;
  readonly added?: readonly string[] | undefined;
  readonly changed?: readonly string[] | undefined;
  readonly removed?: readonly string[] | undefined;
}

function linesOf({ version, setAtMs, rules, added = [], changed = [], removed = [] }: Told): readonly string[] {
  const many = rules === undefined ? 'cannot be read here' : `${rules} rules`;
  const changes = [...added.map((id) => `+ ${id}`), ...changed.map((id) => `~ ${id}`), ...removed.map((id) => `- ${id}`)];
  return [`version ${version} of ${new Date(setAtMs).toISOString()}, ${many}`, ...changes.map((line) => visible(`  ${line}`))];
}

/** Throws `rules_version`. [CLI-97] */
export async function source(output: Output, wanted: number | undefined, options: Options): Promise<void> {
  await asOperator(output, options, ({ state }) => {
    const found = keptIn(state).find(({ version }) => wanted === undefined || version === wanted);
    if (found === undefined)
      throw new HoldfastError(
        'rules_version',
        wanted === undefined ? 'there are no rules yet' : `version ${wanted} is not kept`,
        {
          next: 'see: holdfast rules versions',
        },
      );
    const text = sourceOf(found.text);
    output.result({ version: found.version, source: text }, [text.trimEnd()]);
    return Promise.resolve();
  });
}
