// Unwraps the programs of prefixes.ts: the rest of their words is invoked as a command of its own.

import { type ShellAssignment, type Word } from './command.ts';
import { shellScript } from './code.ts';
import { deeper, type Context } from './machine.ts';
import { has, readOptions, valueOf } from './options.ts';
import type { Prefix } from './prefixes.ts';
import { outputOf } from './output.ts';
import { Scope } from './scope.ts';

export function runPrefix(context: Context, prefix: Prefix): string {
  const { name, words, place, machine } = context;
  const options = readOptions(words, prefix);
  if (prefix.idle !== undefined && has(options, ...prefix.idle)) return outputOf(name, words, place);
  const scope = new Scope(place.scope);
  const directory = prefix.directory === undefined ? undefined : valueOf(options, ...prefix.directory);
  if (directory !== undefined) scope.enter(directory.text);
  const inner = deeper(place, { wrappers: [...place.wrappers, name], scope });
  for (const [option, value] of options.given)
    if (value !== undefined && prefix.script?.includes(option) === true) shellScript(value.text, inner, machine, name);
  const output = runRest(options.rest, context, prefix, inner, has(options, ...(prefix.joinsWith ?? [])));
  for (const other of options.other) runRest(other, context, prefix, { ...inner, maybe: true }, false);
  return output;
}

function runRest(
  rest: readonly Word[],
  { name, machine }: Context,
  prefix: Prefix,
  place: Context['place'],
  joins: boolean,
): string {
  const [assignments, words] = prefix.assigns === true ? leadingAssignments(rest) : [[], rest];
  const argv = words.slice(prefix.operands ?? 0);
  if (argv.length === 0) return '';
  if (prefix.joins === true || joins) shellScript(argv.map((word) => word.text).join(' '), place, machine, name);
  return machine.invoke({ argv, assignments, redirections: [] }, place);
}

export function leadingAssignments(words: readonly Word[]): readonly [readonly ShellAssignment[], readonly Word[]] {
  const assignments: ShellAssignment[] = [];
  let at = 0;
  for (; at < words.length; at += 1) {
    const word = words[at];
    const match = word === undefined ? null : /^([A-Za-z_]\w*)=(.*)$/s.exec(word.text);
    if (word === undefined || match === null) break;
    assignments.push({ name: match[1] ?? '', value: { ...word, text: match[2] ?? '' } });
  }
  return [assignments, words.slice(at)];
}
