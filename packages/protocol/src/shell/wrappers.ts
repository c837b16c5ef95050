// Programs that run others in ways of their own: `env -S`, `xargs`, `find -exec`, `ssh host cmd`, containers, `su -c` …

import { hole, type Word } from './command.ts';
import { shellScript } from './code.ts';
import { deeper, type Context, type Place } from './machine.ts';
import { has, readOptions, valueOf, type OptionTable } from './options.ts';
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
    ssh: runSsh,
    su: runAs,
    runuser: runAs,
    docker: runContainer,
    podman: runContainer,
    nerdctl: runContainer,
    kubectl: runMarked,
    oc: runMarked,
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
    for (const { name, value } of assignments) scope.assign(name, [value.text], true);
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
  const file = valueOf(options, 'a', '--arg-file');
  const input = file === undefined ? (context.place.input ?? hole) : (context.place.scope.file(file.text) ?? hole);
  const mark = valueOf(options, 'I', '--replace')?.text ?? (has(options, 'i', '--replace') ? '{}' : undefined);
  const command = options.rest.length === 0 ? [{ text: 'echo', dynamic: false, glob: false }] : options.rest;
  const change: Partial<Place> = { input: '' };
  if (mark !== undefined) {
    const lines = input
      .split('\n')
      .filter((line) => line.trim() !== '')
      .slice(0, 32);
    let output = '';
    for (const line of lines) {
      const filled = command.map((word) => filledWith(word, mark, line.trim()));
      output += argv(context, 'xargs', filled, change);
    }
    return output;
  }
  const words = input.includes(hole)
    ? [{ text: hole, dynamic: true, glob: false }]
    : splitString({ text: input, dynamic: false, glob: false });
  return argv(context, 'xargs', [...command, ...words.slice(0, 256)], change);
}

const filledWith = (word: Word, mark: string, value: string): Word => {
  const text = word.text.replaceAll(mark, () => value);
  return { text, dynamic: text.includes(hole), glob: word.glob };
};

function runFind(context: Context): string {
  const { words } = context;
  for (let at = 0; at < words.length; at += 1) {
    const action = words[at]?.text ?? '';
    if (!/^-(exec|execdir|ok|okdir)$/.test(action)) continue;
    const length = words.slice(at + 1).findIndex((word) => word.text === ';' || word.text === '+');
    const command = words.slice(at + 1, length === -1 ? undefined : at + 1 + length);
    argv(
      context,
      `find ${action}`,
      command.map((word) => filledWith(word, '{}', hole)),
    );
    at += command.length;
  }
  return hole;
}

function runSsh(context: Context): string {
  const table: OptionTable = { flags: '46AaCfGgKkMNnqsTtVvXxYy', values: 'BbcDEeFIiJLlmOoPpQRSWw' };
  const options = readOptions(context.words, table);
  const after = readOptions(options.rest.slice(1), table);
  for (const [letter, value] of [...options.given, ...after.given]) {
    const command =
      letter === 'o' && value !== undefined
        ? /^\s*(?:ProxyCommand|LocalCommand|KnownHostsCommand)[\s=]+(.*)$/is.exec(value.text)?.[1]
        : undefined;
    if (command !== undefined) script(context, 'ssh -o', command);
  }
  const [host] = options.rest;
  if (host === undefined) return hole;
  const words = options.rest.slice(1);
  const scope = new Scope();
  scope.enter(hole);
  if (words.length > 0) script(context, 'ssh', joined(after.rest.length === 0 ? words : after.rest), { scope });
  else if (context.place.input !== undefined) script(context, 'ssh', context.place.input, { scope, input: hole });
  return hole;
}

function runAs(context: Context): string {
  const options = readOptions(context.words, {
    flags: 'flmpP',
    values: 'cgGswCu',
    long: ['--command', '--session-command', '--group', '--supp-group', '--shell', '--whitelist-environment', '--user'],
    longFlags: ['--fast', '--login', '--preserve-environment', '--pty'],
  });
  // Options may follow the user's name.
  const words = [...options.rest];
  const later = readOptions(words[0]?.text === '-' ? words.slice(2) : words.slice(1), {
    flags: 'flmpP',
    values: 'cgGswC',
    long: ['--command', '--session-command', '--shell'],
  });
  const text = valueOf(options, 'c', '--command', '--session-command') ?? valueOf(later, 'c', '--command', '--session-command');
  if (text !== undefined) return script(context, `${context.name} -c`, text.text);
  if (has(options, 'u', '--user')) return argv(context, context.name, options.rest);
  if (context.place.input !== undefined) return script(context, context.name, context.place.input, { input: hole });
  return hole;
}

const containerValues = 'aceFhlmpuvw';

function runContainer(context: Context): string {
  const global = readOptions(context.words, {
    flags: 'Dv',
    values: 'cHl',
    long: [
      '--config',
      '--context',
      '--host',
      '--log-level',
      '--tlscacert',
      '--tlscert',
      '--tlskey',
      '--url',
      '--connection',
      '--namespace',
    ],
  });
  let [command, ...rest] = global.rest;
  if (command?.text === 'container' || command?.text === 'compose') {
    const inner = readOptions(rest, {
      values: 'fp',
      long: ['--file', '--project-name', '--profile', '--env-file', '--project-directory'],
    });
    [command, ...rest] = inner.rest;
  }
  if (command?.text !== 'exec' && command?.text !== 'run' && command?.text !== 'create') return hole;
  const options = readOptions(rest, {
    flags: 'diPtqT',
    values: containerValues,
    long: containerLong,
    longFlags: [
      '--detach',
      '--interactive',
      '--tty',
      '--rm',
      '--init',
      '--privileged',
      '--read-only',
      '--publish-all',
      '--no-healthcheck',
      '--quiet',
      '--no-deps',
      '--service-ports',
      '--no-TTY',
    ],
  });
  const label = `${context.name} ${command.text}`;
  const scope = new Scope();
  scope.enter(hole);
  const entry = valueOf(options, '--entrypoint');
  for (const words of [options.rest, ...options.other]) {
    const inner = words.slice(1);
    argv(context, label, entry === undefined ? inner : [entry, ...inner], { scope });
  }
  return hole;
}

const containerLong = [
  ...[
    '--env',
    '--env-file',
    '--user',
    '--workdir',
    '--name',
    '--volume',
    '--mount',
    '--network',
    '--net',
    '--publish',
    '--expose',
    '--entrypoint',
    '--label',
    '--memory',
    '--cpus',
  ],
  ...[
    '--add-host',
    '--cap-add',
    '--cap-drop',
    '--device',
    '--dns',
    '--gpus',
    '--hostname',
    '--ip',
    '--ipc',
    '--link',
    '--log-driver',
    '--log-opt',
    '--pid',
    '--platform',
    '--pull',
    '--restart',
  ],
  ...[
    '--runtime',
    '--security-opt',
    '--shm-size',
    '--stop-signal',
    '--sysctl',
    '--tmpfs',
    '--ulimit',
    '--userns',
    '--uts',
    '--volumes-from',
    '--volume-driver',
    '--cidfile',
    '--cpuset-cpus',
    '--cpu-shares',
    '--detach-keys',
    '--group-add',
    '--index',
    '--annotation',
  ],
];

/** `kubectl exec pod -c name -- cmd`. */
function runMarked(context: Context): string {
  const verb = context.words.find((word) => /^(exec|run|debug|rsh)$/.test(word.text));
  if (verb === undefined) return hole;
  const at = context.words.findIndex((word) => word.text === '--');
  const scope = new Scope();
  scope.enter(hole);
  const label = `${context.name} ${verb.text}`;
  if (at !== -1) return argv(context, label, context.words.slice(at + 1), { scope });
  // Without the marker the words after the pod's name are the command.
  const rest = readOptions(context.words.slice(context.words.indexOf(verb) + 1), {
    flags: 'it',
    values: 'cfn',
    long: ['--container', '--namespace', '--filename'],
    longFlags: ['--stdin', '--tty'],
  });
  return verb.text === 'exec' || verb.text === 'rsh' ? argv(context, label, rest.rest.slice(1), { scope }) : hole;
}
