// The single conditions of a rule, made ready, spec/rules.md: on the context, on the call, on one command. Only those that a rule names are there.

import type { CallContext } from './call.ts';
import type { CommandView } from './command-view.ts';
import { globHolds, Phrase } from './glob.ts';
import { stronger, weaker, type Grade } from './grade.ts';
import { insideHours } from '../vault/hours.ts';
import { pointerValues } from './pointer.ts';
import type { CommandForm, Conditions } from './rule.ts';
import type { CallView } from './view.ts';

export interface Check<S, R> {
  readonly key: keyof Conditions;
  readonly of: (subject: S) => R;
}

export const commandKeys = ['command', 'flags', 'args', 'into', 'from', 'via', 'sets'] as const;

/** The check of each key that the conditions name. */
function checksOf<S, R, K extends keyof Conditions>(
  when: Conditions,
  makers: { readonly [Key in K]: (wanted: NonNullable<Conditions[Key]>) => (subject: S) => R },
): readonly Check<S, R>[] {
  const checks: Check<S, R>[] = [];
  for (const key of Object.keys(makers) as K[]) {
    const wanted = when[key];
    if (wanted !== undefined) checks.push({ key, of: makers[key](wanted) });
  }
  return checks;
}

function globsHold(globs: readonly string[], text: string | undefined): boolean {
  return text !== undefined && globs.some((glob) => globHolds(glob, text));
}

const inContext = (key: 'agent' | 'scope' | 'repository' | 'branch') => (wanted: readonly string[]) => (context: CallContext) =>
  globsHold(wanted, context[key]);

/** `exempting`: what exempts a sub-agent exempts none that it starts. */
export const contextChecks = (when: Conditions, exempting = false): readonly Check<CallContext, boolean>[] =>
  checksOf<CallContext, boolean, 'agent' | 'scope' | 'subagent' | 'repository' | 'branch' | 'mode' | 'under' | 'hours'>(when, {
    agent: inContext('agent'),
    scope: inContext('scope'),
    subagent:
      (wanted) =>
      ({ subagent = [] }) =>
        subagent.slice(0, exempting ? 1 : undefined).some((type) => globsHold(wanted, type)), // [RULES-31]
    repository: inContext('repository'),
    branch: inContext('branch'),
    mode:
      (wanted) =>
      ({ mode }) =>
        wanted.includes(mode),
    under:
      (wanted) =>
      ({ labels }) =>
        wanted.some((label) => labels.has(label)),
    hours:
      (wanted) =>
      ({ nowMs }) =>
        insideHours(wanted, nowMs), // [RULES-30]
  });

export const callChecks = (when: Conditions): readonly Check<CallView, boolean>[] =>
  checksOf<CallView, boolean, 'methods' | 'server' | 'tool' | 'input'>(when, {
    methods:
      (wanted) =>
      ({ call }) =>
        call.method !== undefined && wanted.includes(call.method),
    server:
      (wanted) =>
      ({ call }) =>
        globsHold(wanted, call.server),
    tool:
      (wanted) =>
      ({ call }) =>
        globsHold(wanted, call.mcpTool),
    input: (wanted) => (view) =>
      wanted.every(({ pointer, values }) =>
        pointerValues(view, pointer).some((found) => values.some((value) => sameValue(value, found))),
      ), // [RULES-19]
  });

function sameValue(wanted: unknown, found: unknown): boolean {
  if (typeof wanted === 'string' && typeof found === 'string') return globHolds(wanted.toLowerCase(), found.toLowerCase());
  return wanted === found;
}

/** Found in a text that is in lower case already. [RULES-20] */
export function textCheck({ text }: Conditions): ((folded: string) => boolean) | undefined {
  if (text === undefined) return undefined;
  const phrases = text.map((glob) => new Phrase(glob));
  return (folded) => phrases.some((phrase) => phrase.foundIn(folded));
}

export const commandChecks = (when: Conditions): readonly Check<CommandView, Grade>[] =>
  checksOf<CommandView, Grade, (typeof commandKeys)[number]>(when, {
    command: commandCheck,
    flags:
      (wanted) =>
      ({ words }) =>
        wanted.reduce<Grade>(
          (least, spellings) =>
            least === 0
              ? 0
              : weaker(
                  least,
                  spellings.reduce<Grade>((most, flag) => stronger(most, words.flag(flag)), 0),
                ),
          2,
        ),
    args:
      (wanted) =>
      ({ words }) =>
        words.operands.some(({ word }) => globsHold(wanted, word.text)) ? 2 : 0,
    into:
      (wanted) =>
      ({ command }) =>
        globsHold(wanted, command.feeds) ? 2 : 0,
    from:
      (wanted) =>
      ({ command }) =>
        globsHold(wanted, command.fedBy) ? 2 : 0,
    via:
      (wanted) =>
      ({ command }) =>
        command.wrappers.some((wrapper) => globsHold(wanted, wrapper.split(' ')[0])) ? 2 : 0,
    sets: (wanted) => (command) => (variablesOf(command).some((name) => globsHold(wanted, name)) ? 2 : 0),
  });

/** [RULES-15] */
function commandCheck(forms: readonly CommandForm[]): (view: CommandView) => Grade {
  const exact = new Map<string, CommandForm[]>();
  const globs: (readonly [string, CommandForm])[] = [];
  for (const [programs = [], ...below] of forms)
    for (const program of programs) {
      if (program.includes('*')) globs.push([program, below]);
      else exact.set(program, [...(exact.get(program) ?? []), below]);
    }
  return ({ command: { name }, words }) => {
    if (name === undefined) return 0;
    let best: Grade = 0;
    for (const below of exact.get(name) ?? []) best = stronger(best, below.length === 0 ? 2 : words.subcommands(below));
    for (const [glob, below] of globs)
      if (globHolds(glob, name)) best = stronger(best, below.length === 0 ? 2 : words.subcommands(below));
    return best;
  };
}

const setters: ReadonlySet<string> = new Set([
  'export',
  'unset',
  'declare',
  'typeset',
  'readonly',
  'env',
  'local',
  'set',
  'setenv',
]);

/** Whether a command may set a variable for itself, or for what comes after. */
export const maySet = ({ command }: CommandView) =>
  command.assignments.length > 0 || (command.name !== undefined && setters.has(command.name));

function variablesOf({ command, words }: CommandView): readonly string[] {
  const own = command.assignments.map(({ name }) => name);
  if (command.name === undefined || !setters.has(command.name)) return own;
  return [...own, ...words.operands.map(({ word }) => word.text.split(/[+=]/)[0] ?? '')];
}
