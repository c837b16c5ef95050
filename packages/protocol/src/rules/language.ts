// The rule language, spec/rules.md: YAML text in, a rule set out. Every key is known, every value has its form; what is wrong is told with
// its line, and with the word that was probably meant. Nothing of a text with a fault is used.

import type { Json, Tool } from './call.ts';
import { tools } from './call.ts';
import { readCondition, conditionKeys } from './conditions.ts';
import { closest, fieldsOf, oneWord, textOf, textsOf, type Fields } from './fields.ts';
import type { Change, Conditions, Effect, Example, OnOpaque, Rule, RuleSet, Scalar, Severity } from './rule.ts';
import { invalid, readYaml, type Located, type Place } from './yaml.ts';

const effects = ['deny', 'ask', 'warn', 'rewrite', 'label'] as const satisfies readonly Effect[];
const severities = ['low', 'medium', 'high', 'critical'] as const satisfies readonly Severity[];
const opaques = ['deny', 'ask', 'warn', 'allow'] as const satisfies readonly OnOpaque[];
const ruleTools = [...tools, 'any'] as const;
const changes = ['add', 'replace', 'set'] as const;

const maxRules = 4096;
const ruleId = /^[a-z0-9]+(?:-[a-z0-9]+)*(?:\/[a-z0-9]+(?:-[a-z0-9]+)*)?$/;
const label = /^[a-z0-9]+(?:-[a-z0-9]+)*$/;
const maxReasonCharacters = 500;

/** Throws `rules_invalid`, its message `line N, column M: …`. */
export function parseRules(yaml: string): RuleSet {
  const top = fieldsOf(readYaml(yaml), 'a rule set', ['packs', 'without', 'rules']);
  const packs = top.has('packs') ? textsOf(top.need('packs'), { like: label, what: 'name of a pack' }) : [];
  const without = top.has('without') ? textsOf(top.need('without'), { like: ruleId, what: 'id of a rule' }) : [];
  if (!top.has('rules'))
    return packs.length > 0 ? { packs, without, rules: [] } : invalid(top.at, 'no rules', 'begin with `rules:`');
  const list = top.need('rules');
  if (list.kind !== 'map') return invalid(list.at, 'rules are a map from id to rule', 'write `rules:`, then `my-rule:` below it');
  if (list.fields.size > maxRules) return invalid(list.at, `more than ${maxRules} rules`); // [RULES-1]
  const rules = [...list.fields].map(([id, { at, value }]) => readRule(id, at, value));
  return { packs, without, rules };
}

function readRule(id: string, at: Place, value: Located): Rule {
  if (id.length > 64 || !ruleId.test(id))
    return invalid(at, `not an id: ${id}`, 'write lower-case words joined by -, 64 characters at most'); // [RULES-3]
  const own = ['unless', 'opaque', 'severity', 'reason', 'instead', 'as', 'hits', 'misses'] as const;
  const fields = fieldsOf(value, `rule ${id}`, [...effects, ...conditionKeys, ...own, ...changes]);
  const effect = oneOfKeys(fields, effects, `what rule ${id} does`);
  const reason = fields.need('reason', 'say why: the agent and the operator read it'); // [RULES-4]
  const named = textsOf(fields.need(effect), {}).map((tool) => toolNamed(tool, fields.placeOf(effect)));
  refuseBeside(fields, named);
  const rule: Rule = {
    id,
    effect,
    tools: named,
    when: readConditions(fields),
    unless: fields.has('unless') ? itemsOf(fields.need('unless')).map(conditionsOf) : [],
    opaque: fields.has('opaque') ? oneWord(fields.need('opaque'), opaques) : defaultOpaque[effect], // [RULES-21]
    severity: fields.has('severity') ? oneWord(fields.need('severity'), severities) : 'medium',
    reason: textOf(reason, { max: maxReasonCharacters }),
    ...(fields.has('instead') && { instead: textOf(fields.need('instead'), { max: maxReasonCharacters }) }),
    ...labelOf(fields, effect, id),
    ...changeOf(fields, effect, id),
    hits: fields.has('hits') ? itemsOf(fields.need('hits')).map(readExample) : [],
    misses: fields.has('misses') ? itemsOf(fields.need('misses')).map(readExample) : [],
  };
  return rule;
}

const withCommands: readonly (Tool | 'any')[] = ['shell', 'read', 'write', 'edit', 'search', 'fetch', 'any'];

/** The tools that can meet a condition; not named: all. */
const meets: Readonly<Record<string, readonly (Tool | 'any')[]>> = {
  ...Object.fromEntries(['command', 'flags', 'args', 'into', 'from', 'via', 'sets'].map((key) => [key, withCommands])),
  paths: [...withCommands, 'mcp', 'other'],
  hosts: ['fetch', 'shell', 'mcp', 'other', 'any'],
  methods: ['fetch', 'any'],
  server: ['mcp', 'any'],
  tool: ['mcp', 'any'],
  add: ['shell'],
  replace: ['shell'],
};

/** A rule that can never apply is a slip of the pen. [RULES-29] */
function refuseBeside(fields: Fields, named: readonly (Tool | 'any')[]): void {
  for (const [key, able] of Object.entries(meets))
    if (fields.has(key) && !named.some((tool) => able.includes(tool)))
      invalid(fields.placeOf(key), `\`${key}\` says nothing about ${named.join(', ')}`, `it is about ${able.join(', ')}`);
}

const defaultOpaque: Readonly<Record<Effect, OnOpaque>> = {
  deny: 'deny',
  ask: 'ask',
  warn: 'warn',
  rewrite: 'allow',
  label: 'allow',
};

/** Exactly one of the keys. */
function oneOfKeys<const K extends readonly string[]>(fields: Fields, keys: K, what: string): K[number] {
  const found = keys.filter((key) => fields.has(key));
  const [first, second] = found;
  if (first === undefined) return invalid(fields.at, `missing: ${what}`, `write one of ${keys.join(', ')}`); // [RULES-4]
  if (second !== undefined) return invalid(fields.placeOf(second), `${first} and ${second} in one rule`, 'make it two rules'); // [RULES-4]
  return first;
}

function toolNamed(name: string, at: Place): Tool | 'any' {
  const tool = ruleTools.find((each) => each === name);
  return tool ?? invalid(at, `no such tool: ${name}`, closest(name, ruleTools)); // [RULES-3]
}

function readConditions(fields: Fields): Conditions {
  const conditions: Record<string, unknown> = {};
  for (const key of conditionKeys) {
    if (!fields.has(key)) continue;
    const value = fields.need(key);
    conditions[key] = key === 'any' ? itemsOf(value).map(conditionsOf) : readCondition(key, value);
  }
  return conditions;
}

function conditionsOf(value: Located): Conditions {
  const fields = fieldsOf(value, 'conditions', conditionKeys);
  if (fields.size === 0) return invalid(value.at, 'no condition', 'name one, or leave the entry out'); // [RULES-5]
  return readConditions(fields);
}

/** One entry, or a list of them that is not empty. */
function itemsOf(value: Located): readonly Located[] {
  if (value.kind !== 'list') return [value];
  return value.items.length > 0 ? value.items : invalid(value.at, 'an empty list', 'name at least one, or leave the key out'); // [RULES-5]
}

function labelOf(fields: Fields, effect: Effect, id: string): { readonly as?: string } {
  if (effect === 'label')
    return { as: textOf(fields.need('as', `say what rule ${id} labels the session with`), { like: label }) };
  return fields.has('as') ? invalid(fields.placeOf('as'), 'only label takes `as`') : {};
}

function changeOf(fields: Fields, effect: Effect, id: string): { readonly change?: Change } {
  const extra = changes.find((key) => fields.has(key));
  if (effect !== 'rewrite') return extra === undefined ? {} : invalid(fields.placeOf(extra), `only rewrite takes \`${extra}\``);
  const key = oneOfKeys(fields, changes, `how rule ${id} rewrites`);
  const value = fields.need(key);
  if (key !== 'set' && !fields.has('command'))
    return invalid(fields.placeOf(key), `rule ${id} names no command to rewrite`, 'write `command:`'); // [RULES-29]
  switch (key) {
    case 'add':
      return { change: { kind: 'add', words: textsOf(value, { like: /^[^\s'"\\`$;&|<>(){}*?!#~]+$/, what: 'plain word' }) } };
    case 'replace':
      return {
        change: {
          kind: 'replace',
          command: textOf(value, { like: /^[A-Za-z0-9._-]+( [A-Za-z0-9._=-]+)*$/, what: 'plain command' }).split(' '),
        },
      };
    case 'set':
      return { change: { kind: 'set', values: pointersOf(value) } };
  }
}

function pointersOf(value: Located): readonly { readonly pointer: string; readonly value: Scalar }[] {
  if (value.kind !== 'map') return invalid(value.at, 'a map from JSON pointer to value is expected');
  return [...value.fields].map(([pointer, { at, value: item }]) => {
    if (!/^(\/[^/*]+)+$/.test(pointer)) return invalid(at, `not a JSON pointer: ${pointer}`, 'write it like /body/dry_run');
    return item.kind === 'scalar' ? { pointer, value: item.value } : invalid(item.at, 'a single value is expected');
  });
}

function readExample(value: Located): Example {
  if (value.kind === 'scalar') return { tool: 'shell', subject: textOf(value, { max: 4096 }) };
  const about = [
    'becomes',
    'method',
    'input',
    'text',
    'agent',
    'scope',
    'subagent',
    'repository',
    'branch',
    'mode',
    'under',
    'at',
  ] as const;
  const fields = fieldsOf(value, 'an example', [...tools, ...about]);
  const tool = oneOfKeys(fields, tools, 'what the example calls');
  const example: Record<string, unknown> = { tool, subject: textOf(fields.need(tool), { max: 4096 }) };
  for (const key of about) {
    if (!fields.has(key)) continue;
    const field = fields.need(key);
    example[key] =
      key === 'input'
        ? plain(field)
        : key === 'under' || key === 'subagent'
          ? textsOf(field, key === 'under' ? { like: label } : {})
          : key === 'mode'
            ? oneWord(field, ['sealed', 'guarded'])
            : textOf(field, {
                max: 4096,
                ...(key === 'at' && { like: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/, what: 'UTC time like 2026-01-31T12:00:00Z' }),
              });
  }
  return example as unknown as Example;
}

function plain(value: Located): Json {
  switch (value.kind) {
    case 'scalar':
      return value.value;
    case 'list':
      return value.items.map(plain);
    case 'map':
      return Object.fromEntries([...value.fields].map(([key, { value: item }]) => [key, plain(item)]));
  }
}
