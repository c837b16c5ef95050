// A rule set as the text that is signed, spec/rules.md: its packs written out, one rule a line, and with the examples of rules of one's own, so that
// whoever edits the set next still has them. It reads back as the same rules.

import { utf8 } from '../codec/bytes.ts';
import { dayNames, spanText, type Hours } from '../vault/hours.ts';
import type { Conditions, Example, Rule, RuleSet } from './rule.ts';

/** With more than this examples are left out: a set that could be signed without them can be signed with them. Well below what an entry holds. */
const maxWithExamplesBytes = 160 * 1024;

/** Throws nothing; whether the text is short enough, its reader says. [RULES-28] */
export function writeRules({ rules }: RuleSet): string {
  if (rules.length === 0) return 'rules: {}\n';
  const text = textOf(rules, isOwn);
  return utf8(text).length <= maxWithExamplesBytes ? text : textOf(rules, () => false);
}

/** Rules of packs have ids PACK/RULE, and their examples in this program. [RULES-26] */
const isOwn = ({ id }: Rule): boolean => !id.includes('/');

function textOf(rules: readonly Rule[], keepsExamples: (rule: Rule) => boolean): string {
  const lines = rules.map((rule) => {
    const fields = { ...fieldsOf(rule), ...(keepsExamples(rule) && exampleFields(rule)) };
    return `  ${rule.id}: ${JSON.stringify(fields)}\n`;
  });
  return `rules:\n${lines.join('')}`;
}

function exampleFields({ hits, misses }: Rule): Record<string, unknown> {
  return {
    ...(hits.length > 0 && { hits: hits.map(exampleIn) }),
    ...(misses.length > 0 && { misses: misses.map(exampleIn) }),
  };
}

function exampleIn({ tool, subject, ...about }: Example): unknown {
  return tool === 'shell' && Object.keys(about).length === 0 ? subject : { [tool]: subject, ...about };
}

function fieldsOf({ effect, tools, when, unless, opaque, severity, reason, instead, as, change }: Rule): Record<string, unknown> {
  return {
    [effect]: tools,
    ...conditionFields(when),
    ...(unless.length > 0 && { unless: unless.map(conditionFields) }),
    opaque,
    severity,
    reason,
    ...(instead !== undefined && { instead }),
    ...(as !== undefined && { as }),
    ...(change !== undefined && changeFields(change)),
  };
}

/** Those whose form in the text is not the one in the set. */
const inText: { readonly [K in keyof Conditions]?: (value: NonNullable<Conditions[K]>) => unknown } = {
  command: (commands) => commands.map((words) => words.map((choices) => choices.join('|')).join(' ')),
  flags: (flags) => flags.map((spellings) => spellings.join('|')),
  input: (pointers) => Object.fromEntries(pointers.map(({ pointer, values }) => [pointer, values])),
  mode: ([mode]) => mode,
  hours: hoursText,
  any: (several) => several.map(conditionFields),
};

function conditionFields(conditions: Conditions): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(conditions).map(([key, value]) => {
      const write = inText[key as keyof Conditions] as ((value: unknown) => unknown) | undefined;
      return [key, write === undefined ? value : write(value)];
    }),
  );
}

function hoursText({ days, zone, ...span }: Hours): string {
  return `${days.map((day) => dayNames[day]).join(',')} ${spanText(span)} ${zone}`;
}

function changeFields(change: NonNullable<Rule['change']>): Record<string, unknown> {
  switch (change.kind) {
    case 'add':
      return { add: change.words };
    case 'replace':
      return { replace: change.command.join(' ') };
    case 'set':
      return { set: Object.fromEntries(change.values.map(({ pointer, value }) => [pointer, value])) };
  }
}
