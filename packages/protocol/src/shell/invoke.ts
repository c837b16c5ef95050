// What a command does once its words are known: it is written down, and what it runs in turn is invoked: functions, aliases, wrappers, code.

import { builtins } from './builtins.ts';
import { hole, literal, type ShellCommand, type Word } from './command.ts';
import { runInterpreter, scriptHere, shellScript } from './code.ts';
import { interpreterOf } from './interpreters.ts';
import { deeper, maxDepth, type Call, type Context, type Machine, type Place } from './machine.ts';
import { outputOf } from './output.ts';
import { containers } from './containers.ts';
import { escapes } from './escapes.ts';
import { files } from './files.ts';
import { runGit } from './git.ts';
import { hasOptionScripts, runOptionScripts } from './option-scripts.ts';
import { list } from './options.ts';
import { prefixOf } from './prefixes.ts';
import { runPrefix, runSubCommand } from './prefix-run.ts';
import { runners } from './runners.ts';
import { runScreen, runTmux } from './terminals.ts';
import { runFunction } from './run.ts';
import { runTasks, tasks } from './tasks.ts';
import { wrappers } from './wrappers.ts';

export function invoke(call: Call, place: Place, machine: Machine): string {
  const { findings } = machine;
  if (place.depth > maxDepth) {
    findings.opaque('too_deep', call.argv[0]?.text, shown(call.argv));
    return hole;
  }
  const [program, ...words] = call.argv;
  const name = program === undefined ? undefined : nameOf(program);
  write(call, name, place, machine);
  if (program === undefined) return '';
  if (name === undefined) {
    findings.opaque('dynamic_program', undefined, shown(call.argv));
    // What is run may be a wrapper.
    if (words.length > 0)
      invoke({ ...call, argv: words, assignments: [], redirections: [] }, deeper(place, { maybe: true }), machine);
    return hole;
  }
  if (odd.test(program.text) || (/[a-z]/i.test(name) && alike.test(name)))
    findings.opaque('dynamic_program', name, shown(call.argv));
  if (program.glob || (program.dynamic && !program.text.startsWith(hole)))
    findings.opaque('dynamic_program', name, shown(call.argv));
  return act(name, call, words, place, machine);
}

function act(name: string, call: Call, words: readonly Word[], place: Place, machine: Machine): string {
  const ran = runNamed(name, words, place, machine);
  const context: Context = { name, words, place, machine };
  const output = runKnown(context) ?? ran;
  if (output !== undefined) return output;
  const path = call.argv[0]?.text ?? '';
  // A name without a slash is looked up in PATH.
  const own = path.includes('/') || place.scope.variable('PATH')?.[0]?.[0] !== `/${hole}`;
  const texts = own && call.argv[0] !== undefined ? place.scope.written.scripts(call.argv[0]) : [];
  if (texts.length > 0) return texts.map((text) => runFile(text, name, words, place, machine)).at(-1) ?? hole;
  const linked = place.scope.written.linked(path);
  if (linked !== undefined && nameOf(literal(linked)) !== name)
    return invoke({ ...call, argv: [literal(linked), ...words] }, deeper(place, {}), machine);
  return outputOf(name, words, place) ?? runUnknown(context);
}

/** [SHELL-11] */
function runKnown(context: Context): string | undefined {
  const { name } = context;
  const own =
    builtins.get(name) ??
    wrappers.get(name) ??
    containers.get(name) ??
    escapes.get(name) ??
    terminals.get(name) ??
    files.get(name);
  const output = own?.(context);
  const runner = runners.get(name);
  const ran = runner === undefined ? undefined : runSubCommand(context, runner);
  if (own !== undefined || ran !== undefined) return output ?? ran;
  const task = tasks.get(name);
  if (task !== undefined) runTasks(context, task);
  if (hasOptionScripts(name)) return runOptionScripts(context);
  const prefix = prefixOf(name);
  if (prefix !== undefined) return runPrefix(context, prefix);
  const interpreter = interpreterOf(name);
  return interpreter === undefined ? undefined : runInterpreter(context, interpreter);
}

/** A program that this page doesn't know may run its own words: where they look like a command line of a shell's, they are read as one. */
function runUnknown({ name, words, place, machine }: Context): string {
  if (harmless.has(name)) return hole;
  const at = words.findIndex((word, index) => {
    const next = words[index + 1]?.text ?? '';
    const inner = word.text.replace(/^.*\//s, '');
    return (shells.has(inner) && /^-[a-z]*c$/.test(next)) || (destructive.has(inner) && /^([-/~.*]|if=|of=)/.test(next));
  });
  if (at !== -1) {
    const inner = deeper(place, { wrappers: [...place.wrappers, name], maybe: true });
    machine.invoke({ argv: words.slice(at), assignments: [], redirections: [] }, inner);
  }
  return hole;
}

/** Characters that nobody sees, in a program's name. */
const odd = /[\p{Cf}\p{Cc}\p{Zs}\p{Zl}\p{Zp}]/u;
/** Letters that look like Latin ones, beside Latin ones. */
const alike = /[\p{Script=Cyrillic}\p{Script=Greek}\p{Script=Armenian}\p{Script=Cherokee}\uFF01-\uFF5E]/u;
const shells = new Set(list('sh bash dash zsh ksh ash fish'));
const destructive = new Set(list('rm dd mkfs shred wipefs chmod chown mkfs.ext4 truncate rmdir unlink'));
/** Programs whose words are only text to them. */
const harmless = new Set(
  list(
    'echo printf grep egrep fgrep rg ag ack git gh glab hub jq yq cat ls man info tldr which whereis type whatis apropos test expr logger wall notify-send cowsay figlet say curl wget mail touch mkdir',
  ),
);
const terminals = new Map([
  ['tmux', runTmux],
  ['screen', runScreen],
  ['git', runGit],
]);

/** A function or an alias of that name; what it stands for is found as well, not instead: it may be undone before. */
function runNamed(name: string, words: readonly Word[], place: Place, machine: Machine): string | undefined {
  if (place.active.filter((each) => each === name).length > 1) return undefined;
  const active = [...place.active, name];
  const alias = place.scope.alias(name);
  let output: string | undefined;
  if (alias !== undefined && !place.active.includes(name)) {
    const rest = words.map((word) => ` ${quote(word.text)}`).join('');
    output = scriptHere(alias + rest, deeper(place, { active, maybe: true }), machine, name);
  }
  for (const body of place.scope.functions(name)) {
    const scope = place.scope;
    const before = scope.positional;
    scope.positional = [[name, ...words.map((word) => word.text)]];
    output = runFunction(body, deeper(place, { active }), machine);
    scope.positional = before;
  }
  return output;
}

/** A file that this text wrote and now runs: by its first line, else as a shell's. */
function runFile(text: string, name: string, words: readonly Word[], place: Place, machine: Machine): string {
  const [program, ...options] = /^#!\s*(.*)/.exec(text)?.[1]?.trim().split(/\s+/) ?? ['sh'];
  const argv = [program ?? 'sh', ...options].map((each) => ({ text: each, dynamic: false, glob: false }));
  const base = nameOf(argv[0] ?? { text: 'sh', dynamic: false, glob: false });
  if (base === 'env') argv.shift();
  const inner = nameOf(argv.find((word) => !word.text.startsWith('-')) ?? { text: 'sh', dynamic: false, glob: false }) ?? 'sh';
  const interpreter = interpreterOf(inner);
  if (interpreter === undefined) {
    machine.findings.opaque('dynamic_script', name, text);
    return hole;
  }
  if (interpreter.language !== 'shell')
    return runInterpreter(
      { name: inner, words: [{ text: '-', dynamic: false, glob: false }], place: { ...place, input: text }, machine },
      interpreter,
    );
  return shellScript(
    text,
    deeper(place, { wrappers: [...place.wrappers, name] }),
    machine,
    name,
    [name, ...words].map((word) => (typeof word === 'string' ? word : word.text)),
  );
}

function write(call: Call, name: string | undefined, place: Place, machine: Machine): void {
  const { argv, assignments, redirections } = call;
  const [program = { text: '', dynamic: false, glob: false }, ...words] = argv;
  if (argv.length === 0 && assignments.length === 0 && redirections.length === 0) return;
  for (const directory of place.scope.directories) {
    const command: ShellCommand = {
      name,
      program,
      words,
      assignments,
      redirections,
      wrappers: place.wrappers,
      feeds: place.feeds,
      fedBy: place.fedBy,
      directory,
    };
    machine.findings.command(argv.length === 0 ? { ...command, name: '' } : command);
  }
}

/** Last part of the path; undefined when it is not known. `=rm` is zsh's way to write the path of rm, `^rm` nushell's. */
function nameOf(program: Word): string | undefined {
  // The shell itself, or whatever program stands in its place.
  if (/^\/proc\/[^/]+\/exe$/.test(program.text)) return 'sh';
  const name = program.text.replace(/^.*\//s, '').replace(/^[=^](?=\w)/, '');
  return name.includes(hole) || (program.glob && /[*?[{(]/.test(name)) ? undefined : name;
}

const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

const shown = (argv: readonly Word[]): string =>
  argv
    .slice(0, 16)
    .map((word) => word.text.slice(0, 120))
    .join(' ');
