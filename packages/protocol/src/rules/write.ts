// A rule set as the text that is signed, spec/rules.md: its packs written out, its examples left out (they have run), one rule a line. It reads back
// as the same rules.

import { dayNames, spanText, type Hours } from '../vault/hours.ts';
import type { Conditions, Rule, RuleSet } from './rule.ts';

/** Throws nothing; whether the text is short enough, its reader says. [RULES-28] */
export function writeRules({ rules }: RuleSet): string {
  if (rules.length === 0) return 'rules: {}\n';
  return `rules:\n${rules.map((rule) => `  ${rule.id}: ${JSON.stringify(fieldsOf(rule))}\n`).join('')}`;
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
