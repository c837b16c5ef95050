// The forms of conditions in the rule language, spec/rules.md: one entry a key.

import { textOf, textsOf, oneWord } from './fields.ts';
import { dayNames, daysNamed, type Hours } from '../vault/hours.ts';
import type { CommandForm, Conditions, Scalar } from './rule.ts';
import { invalid, type Located } from './yaml.ts';

type Key = keyof Conditions;

const program = /^[^\s/|]+$/;
const label = /^[a-z0-9]+(?:-[a-z0-9]+)*$/;

const globs = (value: Located) => textsOf(value, {});

const readers: { readonly [K in Exclude<Key, 'any'>]-?: (value: Located) => NonNullable<Conditions[K]> } = {
  command: (value) =>
    textsOf(value, {
      max: 1024,
      like: /^[^\s/|]+(\|[^\s/|]+)*( [^\s|]+(\|[^\s|]+)*)*$/,
      what: 'program and its sub-commands',
    }).map(choices),
  flags: (value) =>
    textsOf(value, { max: 2048, like: /^-[^\s|]*(\|-[^\s|]*)*$/, what: 'flag like --force|-f' }).map((flag) => flag.split('|')),
  args: globs,
  into: (value) => textsOf(value, { like: program, what: 'program' }),
  from: (value) => textsOf(value, { like: program, what: 'program' }),
  via: (value) => textsOf(value, { like: program, what: 'program' }),
  sets: (value) => textsOf(value, { like: /^[A-Za-z_*][A-Za-z0-9_*]*$/, what: 'name of an environment variable' }),
  paths: (value) => textsOf(value, {}).map((path) => pathPattern(path, value)),
  case: (value) => oneWord(value, ['exact', 'ignore']),
  hosts: (value) =>
    textsOf(value, { like: /^(\*\.)?[a-z0-9_.:[\]-]+$|^\*$/, what: 'host like api.example.com or *.example.com' }),
  methods: (value) => textsOf(value, { like: /^[A-Z][A-Z-]*$/, what: 'method like GET' }),
  server: globs,
  tool: globs,
  input: inputOf,
  text: (value) => textsOf(value, { like: /[^*?\s]/, what: 'text to look for' }),
  agent: globs,
  scope: globs,
  subagent: globs,
  repository: globs,
  branch: globs,
  mode: (value) => [oneWord(value, ['sealed', 'guarded'])],
  under: (value) => textsOf(value, { like: label, what: 'label' }),
  hours: (value) => hoursOf(value),
};

export const conditionKeys: readonly Key[] = [...(Object.keys(readers) as Exclude<Key, 'any'>[]), 'any'];

export function readCondition(key: Exclude<Key, 'any'>, value: Located): unknown {
  return readers[key](value);
}

/** `npm|pnpm install` is a form with two programs. */
function choices(text: string): CommandForm {
  return text.split(' ').map((word) => word.split('|'));
}

/** [RULES-17] */
function pathPattern(path: string, { at }: Located): string {
  const segments = path.split('/');
  if (segments.includes('..'))
    return invalid(at, `a pattern goes up: ${path}`, 'write where it leads; ./ is the working tree, ~/ the home'); // [RULES-3]
  if (path.startsWith('~') && segments[0] !== '~')
    return invalid(at, `whose home: ${path}`, 'write ~/ for the home that the session has, or the whole path'); // [RULES-3]
  if (segments.some((segment) => segment.includes('**') && segment !== '**'))
    return invalid(at, `** is not a whole segment: ${path}`, 'write a/**/b, or * within a segment'); // [RULES-3]
  return path;
}

function inputOf(value: Located): NonNullable<Conditions['input']> {
  if (value.kind !== 'map') return invalid(value.at, 'a map from JSON pointer to value is expected');
  return [...value.fields].map(([pointer, { at, value: item }]) => {
    if (!/^(\/[^/]*)+$/.test(pointer))
      return invalid(
        at,
        `not a JSON pointer: ${pointer}`,
        'write it like /body/items/*/name; * stands for any one key, ** for any',
      );
    const values = item.kind === 'list' ? item.items : [item];
    return {
      pointer,
      values: values.map((each): Scalar =>
        each.kind === 'scalar' ? each.value : invalid(each.at, 'a single value is expected'),
      ),
    };
  });
}

const hoursForm = /^(?:([a-z]{3}(?:[-,][a-z]{3})*) )?(?:(\d\d):(\d\d)-(\d\d):(\d\d) )?([A-Z][A-Za-z_]*(?:\/[A-Za-z0-9_+-]+)*)$/;

/** `mon-fri 09:00-17:00 Europe/Berlin`: days and times may be left out, the zone not. */
function hoursOf(value: Located): Hours {
  const text = textOf(value, {});
  const [, days, fromHour, fromMinute, toHour, toMinute, zone = ''] =
    hoursForm.exec(text) ?? invalid(value.at, `not hours: ${text}`, 'write them like mon-fri 09:00-17:00 Europe/Berlin');
  const from = fromHour === undefined ? 0 : Number(fromHour) * 60 + Number(fromMinute);
  const to = toHour === undefined ? 24 * 60 : Number(toHour) * 60 + Number(toMinute);
  if (from >= 24 * 60 || to > 24 * 60 || Number(fromMinute ?? 0) > 59 || Number(toMinute ?? 0) > 59)
    return invalid(value.at, `no such time: ${text}`);
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
  } catch {
    return invalid(value.at, `no such time zone: ${zone}`, 'write an IANA zone like Europe/Berlin or UTC');
  }
  return { days: days === undefined ? [0, 1, 2, 3, 4, 5, 6] : daysOf(days, value), from, to, zone };
}

function daysOf(text: string, value: Located): readonly number[] {
  return daysNamed(text) ?? invalid(value.at, `no such days: ${text}`, `write ${dayNames.join(', ')} or a span like mon-fri`);
}
