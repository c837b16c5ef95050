// Unwraps the programs of prefixes.ts and runners.ts: the rest of their words is invoked as a command of its own.

import { hole, type ShellAssignment, type Word } from './command.ts';
import { shellScript } from './code.ts';
import { deeper, type Context, type Place } from './machine.ts';
import { has, readOptions, valueOf } from './options.ts';
import { outputOf } from './output.ts';
import type { Prefix } from './prefixes.ts';
import type { Runner } from './runners.ts';
import { Scope } from './scope.ts';

export function runPrefix(context: Context, prefix: Prefix, label = context.name): string {
  const { name, words, place, machine } = context;
  const marked = markedCommand(words, prefix);
  const options = readOptions(marked === undefined ? words : words.slice(0, words.length - marked.length), prefix);
  if (prefix.idle !== undefined && has(options, ...prefix.idle)) return outputOf(name, words, place) ?? hole;
  const scope = prefix.elsewhere === true ? new Scope() : new Scope(place.scope);
  if (prefix.elsewhere === true) scope.enter(hole);
  const directory = prefix.directory === undefined ? undefined : valueOf(options, ...prefix.directory);
  if (directory !== undefined) scope.enter(directory.text);
  const inner = deeper(place, { wrappers: [...place.wrappers, label], scope });
  for (const [option, value] of options.given)
    if (value !== undefined && prefix.script?.includes(option) === true) shellScript(value.text, inner, machine, name);
  // Some take it after their own operands as well: `gcloud compute ssh vm --command=…`, `sg docker -c …`.
  for (const text of scriptsAmong(options.rest, prefix.script ?? [])) shellScript(text, inner, machine, name);
  const program = prefix.program === undefined ? undefined : valueOf(options, ...prefix.program);
  if (program !== undefined) machine.invoke({ argv: [program, ...options.rest], assignments: [], redirections: [] }, inner);
  const joins = prefix.joins === true || (prefix.joins !== undefined && has(options, ...prefix.joins));
  // `sudo -s` without a command is a shell, and reads what it is given.
  if (joins && options.rest.length === 0 && place.input !== undefined)
    return shellScript(place.input, { ...inner, input: hole }, machine, name);
  if (marked !== undefined) return runRest(marked, context, prefix, inner, joins, 0);
  const output = runRest(options.rest, context, prefix, inner, joins);
  for (const other of options.other) runRest(other, context, prefix, { ...inner, maybe: true }, joins);
  return output;
}

function* scriptsAmong(words: readonly Word[], options: readonly string[]): Generator<string> {
  for (const [at, { text }] of words.entries())
    for (const option of options) {
      const long = option.startsWith('--');
      if (text === (long ? option : `-${option}`)) yield words[at + 1]?.text ?? '';
      else if (long && text.startsWith(`${option}=`)) yield text.slice(option.length + 1);
    }
}

/** What stands after `--` or after an option like `-e`, where the program takes its command there. */
function markedCommand(words: readonly Word[], prefix: Prefix): readonly Word[] | undefined {
  const at = words.findIndex(
    (word) => (prefix.marker === true && word.text === '--') || prefix.after?.includes(word.text) === true,
  );
  return at === -1 || at === words.length - 1 ? undefined : words.slice(at + 1);
}

function runRest(
  rest: readonly Word[],
  { name, machine }: Context,
  prefix: Prefix,
  place: Place,
  joins: boolean,
  operands = prefix.operands ?? 0,
): string {
  const [assignments, words] = prefix.assigns === true ? leadingAssignments(rest) : [[], rest];
  for (const { name: variable, value } of assignments) {
    place.scope.assign(variable, [value.text], true);
    place.scope.export(variable);
  }
  if (prefix.scripts === true) {
    for (const word of words) shellScript(word.text, place, machine, name);
    return hole;
  }
  const argv = prefix.more === true ? readOptions(words.slice(operands), prefix).rest : words.slice(operands);
  if (argv.length === 0) return hole;
  if (joins) shellScript(argv.map((word) => word.text).join(' '), place, machine, name);
  // A single word with spaces is a script more often than a program's name.
  else if (argv.length === 1 && /\s/.test(argv[0]?.text ?? '')) shellScript(argv[0]?.text ?? '', place, machine, name);
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

/** The sub-command that the words name, and the words after it. */
export function runSubCommand(context: Context, runners: readonly Runner[]): string | undefined {
  for (const runner of runners) {
    const rest = runner.sub.length === 0 ? context.words : wordsAfter(context.words, runner);
    if (rest !== undefined) return runPrefix({ ...context, words: rest }, runner, [context.name, ...runner.sub].join(' '));
  }
  return undefined;
}

function wordsAfter(words: readonly Word[], runner: Runner): readonly Word[] | undefined {
  if (runner.sub[0]?.startsWith('-') === true) return words[0]?.text === runner.sub[0] ? words.slice(1) : undefined;
  const options = readOptions(words, runner.global ?? {});
  const found = [options.rest, ...options.other].find((rest) => runner.sub.every((sub, index) => rest[index]?.text === sub));
  return found?.slice(runner.sub.length);
}
