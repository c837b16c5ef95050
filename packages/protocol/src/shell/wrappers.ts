// Programs that run others in ways of their own: `env -S`, `xargs`, `find -exec`, `parallel`, `script -c` … [SHELL-11]

import { hole, literal, type Word } from './command.ts';
import { shellScript } from './code.ts';
import { deeper, type Context, type Place } from './machine.ts';
import { has, list, readOptions, valueOf, type OptionTable } from './options.ts';
import { leadingAssignments } from './prefix-run.ts';
import { Scope } from './scope.ts';

type Wrapper = (context: Context) => string;

const within = ({ place }: Context, label: string, change: Partial<Place> = {}): Place =>
  deeper(place, { wrappers: [...place.wrappers, label], ...change });

const argv = (context: Context, label: string, words: readonly Word[], change: Partial<Place> = {}): string =>
  words.length === 0
    ? ''
    : context.machine.invoke({ argv: words, assignments: [], redirections: [] }, within(context, label, change));

const script = (context: Context, label: string, text: string, change: Partial<Place> = {}): string =>
  shellScript(text, within(context, label, change), context.machine, context.name);

const joined = (words: readonly Word[]): string => words.map((word) => word.text).join(' ');

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
      return text === undefined ? hole : script(context, 'script -c', text.text);
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
    bind: (context) => optionScript(context, 'x', (text) => text.replace(/^[^:]*:\s*/, '').replace(/^"(.*)"$/s, '$1')),
    complete: (context) => optionScript(context, 'C'),
    compgen: (context) => optionScript(context, 'CF'),
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

/** `env -S` knows quotes and backslashes; `${X}` in it is not known. */
function splitString(word: Word): readonly Word[] {
  const parts =
    word.text
      .replaceAll(/\\_/g, ' ')
      .replaceAll(/\$\{\w+\}/g, hole)
      .match(/(?:[^\s'"\\]|\\.|'[^']*'|"(?:[^"\\]|\\.)*")+/gs) ?? [];
  return parts.map((part) => {
    const text = part.replaceAll(
      /'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)/gs,
      (_, single?: string, double?: string, escaped?: string) => single ?? double ?? escaped ?? '',
    );
    return { text, dynamic: text.includes(hole), glob: false };
  });
}

function runXargs(context: Context): string {
  const options = readOptions(context.words, {
    flags: '0prtxo',
    values: 'aEeIiLlnPsdJR',
    long: [
      '--arg-file',
      '--delimiter',
      '--max-lines',
      '--max-args',
      '--max-procs',
      '--max-chars',
      '--replace',
      '--process-slot-var',
    ],
    longFlags: ['--null', '--no-run-if-empty', '--interactive', '--verbose', '--exit', '--open-tty'],
  });
  const parted = has(options, '0', '--null') ? '\0' : valueOf(options, 'd', '--delimiter')?.text;
  const most = Number(valueOf(options, 'n', '--max-args', 'L', '--max-lines')?.text);
  const file = valueOf(options, 'a', '--arg-file');
  const input = file === undefined ? (context.place.input ?? hole) : (context.place.scope.written.read(file.text) ?? hole);
  const mark = valueOf(options, 'I', '--replace')?.text ?? (has(options, 'i', '--replace') ? '{}' : undefined);
  const command = options.rest.length === 0 ? [{ text: 'echo', dynamic: false, glob: false }] : options.rest;
  const change: Partial<Place> = { input: '' };
  if (mark !== undefined) {
    const all = input.split('\n').filter((line) => line.trim() !== '');
    const lines = all.slice(0, maxRuns);
    if (all.length > maxRuns) unread(context, input);
    let output = '';
    for (const line of lines) {
      const filled = command.map((word) => filledWith(word, mark, line.trim()));
      output += argv(context, 'xargs', filled, change);
    }
    return output;
  }
  const words =
    parted === undefined || (input.includes(hole) && !input.includes(delimiterOf(parted)))
      ? splitString({ text: input, dynamic: false, glob: false })
      : partsOf(input, parted);
  // With so many at a time it is run again and again.
  const step = most > 0 && !input.includes(hole) ? Math.min(Math.trunc(most), maxGiven) : maxGiven;
  if (words.length > maxRuns * step) unread(context, input);
  let output = '';
  for (let at = 0; at < Math.max(1, Math.min(words.length, maxRuns * step)); at += step)
    output += argv(context, 'xargs', [...command, ...words.slice(at, at + step)], change);
  return output;
}

/** How often a program that is run again and again is looked at, and with how many words. */
const maxRuns = 256;
const maxGiven = 256;

/** What is beyond that is not looked at: it may be anything. */
function unread({ machine, name }: Context, text: string): void {
  machine.findings.opaque('too_long', name, text);
}

/** As xargs reads it: a character, or one of C's escapes. */
function delimiterOf(written: string): string {
  const [, hex, octal, letter] = /^\\(?:x([\da-f]{1,2})|([0-7]{1,3})|(.))/i.exec(written) ?? [];
  if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
  if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8));
  if (letter === undefined) return written.slice(0, 1);
  return { n: '\n', t: '\t', r: '\r', f: '\f', v: '\v', a: '\u0007', b: '\b' }[letter] ?? letter;
}

/** What stands between delimiters, as it is. */
function partsOf(input: string, delimiter: string): readonly Word[] {
  const parts = input.split(delimiterOf(delimiter));
  if (parts.at(-1) === '') parts.pop();
  return parts.map((text) => ({ text, dynamic: text.includes(hole), glob: false }));
}

const filledWith = (word: Word, mark: string, value: string): Word => {
  const text = word.text.replaceAll(mark, () => value);
  return { text, dynamic: text.includes(hole), glob: word.glob };
};

/** What it finds stands below where it starts. */
function runFind(context: Context): string {
  const { words } = context;
  const options = words.findIndex((word) => !/^-([HLP]|O\d|D)/.test(word.text));
  const end = words.findIndex((word, at) => at >= options && /^[-(!]/.test(word.text));
  const starts = words.slice(Math.max(options, 0), end === -1 ? undefined : end).map((word) => (word.glob ? hole : word.text));
  const found = (starts.length === 0 ? ['.'] : starts.slice(0, 16)).map((start) => `${start.replace(/\/+$/, '')}/${hole}`);
  for (let at = 0; at < words.length; at += 1) {
    const action = words[at]?.text ?? '';
    if (!/^-(exec|execdir|ok|okdir)$/.test(action)) continue;
    const length = words.slice(at + 1).findIndex((word) => word.text === ';' || word.text === '+');
    const command = words.slice(at + 1, length === -1 ? undefined : at + 1 + length);
    argv(
      context,
      `find ${action}`,
      command.flatMap((word) => (word.text.includes('{}') ? found.map((path) => filledWith(word, '{}', path)) : [word])),
    );
    at += command.length;
  }
  return `${found.join('\n')}\n`;
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

function runFd(context: Context): string {
  const at = context.words.findIndex((word) => /^(-x|-X|--exec|--exec-batch)$/.test(word.text));
  if (at === -1) return hole;
  const rest = context.words.slice(at + 1);
  const end = rest.findIndex((word) => word.text === ';');
  const command = rest.slice(0, end === -1 ? undefined : end);
  return argv(
    context,
    'fd -x',
    command.map((word) =>
      /\{[/.]*\}/.test(word.text) ? { text: word.text.replaceAll(/\{[/.]*\}/g, hole), dynamic: true, glob: false } : word,
    ),
  );
}

function filled(text: string, value: string): string {
  const quoted = value === '' ? '' : `'${value.replaceAll("'", `'\\''`)}'`;
  return /\{[^}\s]*\}/.test(text) ? text.replaceAll(/\{[^}\s]*\}/g, () => quoted) : `${text} ${quoted}`;
}

/** The words before `:::` are joined to a command line; each of those after it, or each line of the input, is its argument. */
function runParallel(context: Context): string {
  const options = readOptions(context.words, {
    flags: 'kmqrtuvX0',
    values: 'aCdEIijJLlnNPsS',
    long: list(
      '--jobs --arg-file --colsep --delay --delimiter --joblog --load --max-args --max-procs --nice --pipepart --block --replace --results --retries --return --sshlogin --sshloginfile --tagstring --timeout --tmpdir --workdir --basefile --env --halt --progress-interval',
    ),
    longFlags: list(
      '--dry-run --keep-order --pipe --bar --progress --eta --tag --line-buffer --ungroup --xargs --will-cite --null --no-run-if-empty --verbose --quote --semaphore --fg --wait --citation',
    ),
  });
  for (const rest of [options.rest, ...options.other]) {
    const border = rest.findIndex((word) => word.text.startsWith(':::'));
    const command = rest.slice(0, border === -1 ? undefined : border);
    const given =
      border === -1
        ? (context.place.input ?? hole).split('\n').filter((line) => line !== '')
        : rest.slice(border + 1).map((word) => word.text);
    if (given.length > maxRuns) unread(context, given.join('\n'));
    if (command.length === 0) {
      for (const text of given.slice(0, maxRuns)) script(context, 'parallel', text);
      continue;
    }
    const text = joined(command);
    for (const value of border !== -1 && context.name === 'sem' ? [''] : given.slice(0, maxRuns))
      // What it fills in it quotes: that a value is not known leaves the command known.
      context.machine.script(filled(text, value), within(context, 'parallel'), 'parallel');
  }
  return hole;
}
