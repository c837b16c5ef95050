// Programs that run others in ways of their own: `env -S`, `xargs`, `find -exec`, `parallel`, `script -c` … [SHELL-11]

import { Choices } from './choices.ts';
import { hole, literal } from './command.ts';
import { runSubstitutions } from './expand.ts';
import { runFd, runFind, runParallel, runXargs, splitString } from './each.ts';
import type { Context } from './machine.ts';
import { has, readOptions, valueOf, type OptionTable } from './options.ts';
import { leadingAssignments } from './prefix-run.ts';
import { Scope } from './scope.ts';
import { argv, joined, script, within } from './within.ts';

type Wrapper = (context: Context) => string;

export const wrappers: ReadonlyMap<string, Wrapper> = new Map(
  Object.entries<Wrapper>({
    env: runEnv,
    xargs: runXargs,
    find: runFind,
    busybox: (context) => argv(context, context.name, context.words),
    toybox: (context) => argv(context, context.name, context.words),
    watch: (context) => {
      const options = readOptions(context.words, { flags: 'bcdegtpxw', values: 'nq', long: ['--interval'] });
      return has(options, 'x', '--exec') ? argv(context, 'watch', options.rest) : script(context, 'watch', joined(options.rest));
    },
    script: (context) => {
      const options = readOptions(context.words, { flags: 'aefqV', values: 'cEIOBTmot', long: ['--command'] });
      const text = valueOf(options, 'c', '--command');
      if (text !== undefined) return script(context, 'script -c', text.text);
      // `script file -- cmd`, and that of BSD: `script file cmd`.
      return argv(context, 'script', readOptions(options.rest.slice(1), {}).rest);
    },
    flock: (context) => {
      const options = readOptions(context.words, {
        flags: 'sxeunFov',
        values: 'wEc',
        long: ['--timeout', '--wait', '--command', '--conflict-exit-code'],
      });
      const text = valueOf(options, 'c', '--command');
      if (text !== undefined) return script(context, 'flock -c', text.text);
      const [, option, command, ...rest] = options.rest;
      if (option?.text === '-c' || option?.text === '--command') return script(context, 'flock -c', command?.text ?? '');
      return argv(context, 'flock', option === undefined ? [] : [option, ...(command === undefined ? [] : [command]), ...rest]);
    },
    // What stands after `--` are the words of a shell.
    capsh: (context) => {
      const at = context.words.findIndex((word) => word.text === '--');
      return at === -1 ? hole : argv(context, 'capsh', [literal('bash'), ...context.words.slice(at + 1)]);
    },
    fd: runFd,
    fdfind: runFd,
    parallel: runParallel,
    sem: runParallel,
    rush: runParallel,
    gh: (context) => {
      const [group, verb, ...rest] = context.words.map((word) => word.text);
      if (group !== 'alias' || verb !== 'set') return hole;
      const [, expansion = ''] = rest.filter((text) => !text.startsWith('-'));
      if (expansion.startsWith('!') || rest.some((text) => /^(?:-s|--shell)$/.test(text)))
        script(context, 'gh alias', expansion.replace(/^!/, ''));
      return hole;
    },
    bind: (context) => optionScript(context, 'x', (text) => text.replace(/^[^:]*:\s*/, '').replace(/^"(.*)"$/s, '$1')),
    complete: (context) => optionScript(context, 'C') + wordList(context),
    compgen: (context) => optionScript(context, 'CF') + wordList(context),
    fc: (context) => optionScript(context, 'e'),
    // `history -s` keeps a line that `fc -s` runs.
    history: (context) =>
      context.words[0]?.text === '-s' ? script(context, 'history -s', joined(context.words.slice(1))) : hole,
    newgrp: (context) => (context.place.input === undefined ? hole : script(context, 'newgrp', context.place.input)),
    'cmd.exe': runCmd,
    cmd: runCmd,
    jobs: (context) => (context.words[0]?.text === '-x' ? argv(context, 'jobs -x', context.words.slice(1)) : hole),
  }),
);

function runEnv(context: Context): string {
  const table: OptionTable = {
    flags: 'i0v',
    values: 'uCSa',
    long: ['--unset', '--chdir', '--split-string', '--argv0'],
    longFlags: ['--ignore-environment', '--null', '--debug', '--list-signal-handling'],
  };
  const options = readOptions(context.words, table);
  const directory = valueOf(options, 'C', '--chdir');
  const scope = new Scope(context.place.scope);
  if (directory !== undefined) scope.enter(directory.text);
  const split = valueOf(options, 'S', '--split-string');
  const rest = split === undefined ? options.rest : [...splitString(split), ...options.rest];
  let output = hole;
  for (const words of [rest, ...options.other]) {
    // What `-S` holds may begin with options again.
    const inner = split === undefined ? words : readOptions(words, table).rest;
    const [assignments, command] = leadingAssignments(inner.filter((word) => word.text !== '-'));
    for (const { name, value } of assignments) {
      scope.assign(name, [value.text], true);
      scope.export(name);
    }
    if (command.length > 0)
      output = context.machine.invoke({ argv: command, assignments, redirections: [] }, within(context, 'env', { scope }));
  }
  return output;
}

/** `cmd.exe /c del x`. */
function runCmd(context: Context): string {
  const at = context.words.findIndex(({ text }) => /^\/[ck]$/i.test(text));
  return at === -1 ? hole : script(context, 'cmd /c', joined(context.words.slice(at + 1)));
}

/** Builtins that keep a command for later. */
function optionScript(context: Context, letters: string, cut = (text: string) => text): string {
  for (const [at, word] of context.words.entries()) {
    const value = new RegExp(`^-[A-Za-z]*[${letters}](.*)$`, 's').exec(word.text)?.[1];
    if (value !== undefined) script(context, context.name, cut(value === '' ? (context.words[at + 1]?.text ?? '') : value));
  }
  return hole;
}

/** `compgen -W '$(x)'`: the words are expanded. */
function wordList({ words, place, machine }: Context): string {
  for (const [at, { text }] of words.entries())
    if (/^-[A-Za-z]*W$/.test(text)) runSubstitutions(words[at + 1]?.text ?? '', { machine, place, choices: new Choices() });
  return '';
}
