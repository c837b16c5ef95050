// The shell's own commands, as far as they change what later words mean or run code.

import { Choices } from './choices.ts';
import { hole } from './command.ts';
import { scriptHere } from './code.ts';
import { arithmeticText, runSubscripts } from './expand.ts';
import { deeper, unsure, type Context, type Place } from './machine.ts';
import { printed } from './output.ts';
import { readOptions, valueOf } from './options.ts';

type Builtin = (context: Context) => string;

export const builtins: ReadonlyMap<string, Builtin> = new Map(
  Object.entries<Builtin>({
    cd: enter,
    pushd: enter,
    chdir: enter,
    popd: ({ place }) => {
      place.scope.enter(hole);
      return '';
    },
    eval: ({ words, place, machine }) =>
      scriptHere(
        words.map((word) => word.text).join(' '),
        deeper(place, { wrappers: [...place.wrappers, 'eval'] }),
        machine,
        'eval',
      ),
    source,
    '.': source,
    trap: ({ words, place, machine }) => {
      const [action, ...signals] = readOptions(words, { flags: 'lpP' }).rest;
      if (action === undefined || signals.length === 0 || action.text === '-') return '';
      scriptHere(action.text, deeper(place, { wrappers: [...place.wrappers, 'trap'], maybe: true }), machine, 'trap');
      return '';
    },
    alias: ({ words, place }) => {
      for (const { text } of words) {
        const match = /^([^=\s-][^=\s]*)=(.*)$/s.exec(text);
        if (match !== null) place.scope.setAlias(match[1] ?? '', match[2] ?? '');
      }
      return '';
    },
    read,
    mapfile: readAll,
    readarray: readAll,
    printf: ({ words, place, machine }) => {
      const options = readOptions(words, { values: 'v' });
      const output = printed(options.rest);
      const target = valueOf(options, 'v');
      if (target === undefined) return output;
      place.scope.assignTo(target.text, [output], unsure(place, machine));
      runSubscripts(target.text, { machine, place, choices: new Choices() });
      return '';
    },
    set: ({ words, place, machine }) => {
      if (
        words.some((word, index) => /^-[a-z]*a/.test(word.text) || (word.text === 'allexport' && words[index - 1]?.text === '-o'))
      )
        place.scope.export();
      const at = words.findIndex((word) => word.text === '--' || word.text === '-');
      const values = at === -1 ? words.filter((word) => !/^[-+]/.test(word.text)) : words.slice(at + 1);
      if (at === -1 && values.length === 0) return '';
      place.scope.setPositional(
        values.map((word) => word.text),
        unsure(place, machine),
      );
      return '';
    },
    shift: ({ words, place, machine }) => {
      const count = Number(words[0]?.text ?? '1');
      for (const [index, [, ...rest]] of (place.scope.positional ?? []).entries())
        place.scope.setPositional(
          Number.isNaN(count)
            ? [hole]
            : rest.slice(0, count).some((text) => text.includes(hole))
              ? [hole, ...rest.slice(count)]
              : rest.slice(count),
          unsure(place, machine) || index > 0,
        );
      return '';
    },
    let: ({ words, place, machine }) => {
      for (const word of words) arithmeticText(word.text, { machine, place, choices: new Choices() });
      for (const word of words)
        for (const [, name = ''] of word.text.matchAll(/([A-Za-z_]\w*)\s*[-+*/%&|^<>]*=/g))
          place.scope.assign(name, [hole], true);
      return '';
    },
    unset: (context) => {
      const { words, place, machine } = context;
      for (const word of words)
        if (!word.text.startsWith('-'))
          place.scope.unset(word.text.replace(/\[.*$/s, ''), word.text.includes('[') || unsure(place, machine));
      return subscripts(context);
    },
    readonly: ({ words, place }) => {
      for (const word of words) if (!word.text.startsWith('-')) place.scope.makeReadonly(assignQuoted(word.text, place));
      return '';
    },
    getopts: ({ words, place }) => {
      if (words[1] !== undefined) place.scope.assignTo(words[1].text, [hole], true);
      return '';
    },
    break: leave,
    continue: leave,
    test: subscripts,
    '[': subscripts,
    export: ({ words, place }) => {
      for (const word of words) if (!word.text.startsWith('-')) place.scope.export(assignQuoted(word.text, place));
      return '';
    },
    declare,
    typeset: declare,
    local: declare,
    shopt: ({ words, machine }) => {
      if (words.some((word) => word.text === 'failglob')) machine.failing = true;
      return '';
    },
    // A builtin from a library of its own may do anything.
    enable: ({ name, words, machine }) => {
      if (words.some((word) => /^-[a-z]*f/.test(word.text)))
        machine.findings.opaque('dynamic_program', name, words.map((word) => word.text).join(' '));
      return '';
    },
    unalias: silent,
    return: leave,
    exit: leave,
    true: silent,
    false: silent,
    ':': silent,
    wait: silent,
    umask: silent,
  }),
);

/** What stands behind it may not run. */
function leave({ machine }: Context): string {
  machine.failing = true;
  return '';
}

function silent(): string {
  return '';
}

/** `export 'x=rm'` is a word to the grammar, so that nothing was assigned yet. Gives the name. */
function assignQuoted(text: string, { scope }: Place): string {
  const [, target, name = '', value = ''] = /^(([A-Za-z_]\w*)(?:\[[^\]]*\])?)=(.*)$/s.exec(text) ?? [];
  if (target === undefined) return text;
  if (target !== name || scope.variable(name)?.some((known) => known.join(' ') === value) !== true)
    scope.assignTo(target, [value], true);
  return name;
}

/** Its assignments are made already, but for quoted ones; with `-n` they are references. */
function declare(context: Context): string {
  const { words, place, machine } = context;
  subscripts(context);
  const options = readOptions(words, { flags: 'aAfFgiIlnrtuxp' });
  for (const word of options.rest) {
    const [, name = '', target = ''] = /^([A-Za-z_]\w*)=(.*)$/s.exec(word.text) ?? [];
    const variable = name === '' ? word.text : name;
    if (!options.given.some(([option]) => /[aAfFpn]/.test(option)) || /^\w+\[/.test(word.text)) assignQuoted(word.text, place);
    if (options.given.some(([option]) => option === 'r')) place.scope.makeReadonly(variable);
    if (options.given.some(([option]) => /[luc]/.test(option))) {
      place.scope.changeCase(variable);
      if (name !== '') place.scope.assign(name, [target], true);
    }
    if (options.given.some(([option]) => option === 'x')) place.scope.export(name === '' ? word.text : name);
    if (options.given.some(([option]) => option === 'n') && name !== '' && name !== target) place.scope.refer(name, target);
    if (options.given.some(([option]) => option === 'i')) arithmeticText(target, { machine, place, choices: new Choices() });
  }
  return '';
}

function enter({ words, place }: Context): string {
  const target = words.find((word) => !/^-./.test(word.text));
  place.scope.enter(target === undefined ? '~' : target.text === '-' || target.text === '' || target.glob ? hole : target.text);
  return '';
}

/** [SHELL-6] A file that this text wrote is read; another one is what its name says and no more. */
function source({ name, words, place, machine }: Context): string {
  const [path, ...rest] = words[0]?.text === '--' ? words.slice(1) : words;
  if (path === undefined) return '';
  const standardInput = /^\/(dev\/stdin|dev\/fd\/0|proc\/self\/fd\/0)$/.test(path.text);
  const texts = standardInput ? [place.input ?? ''] : place.scope.written.scripts(path);
  if (texts.length === 0) return hole;
  if (rest.length > 0)
    place.scope.setPositional(
      rest.map((word) => word.text),
      unsure(place, machine),
    );
  const inner = deeper(place, { wrappers: [...place.wrappers, name] });
  return texts.map((text) => scriptHere(text, inner, machine, name)).join('');
}

/** What is read is any line of the input that is known, cut at spaces among the names. */
function read({ words, place, machine }: Context): string {
  const options = readOptions(words, { flags: 'ers', values: 'adinNptu' });
  const array = valueOf(options, 'a');
  const names = array === undefined ? options.rest : [array];
  const lines = (place.input ?? hole).split('\n').filter((line) => line !== '');
  const how = { machine, place, choices: new Choices() };
  for (const name of names) runSubscripts(name.text, how);
  for (const [at, line] of lines.slice(0, 16).entries()) {
    machine.findings.spend(line.length);
    const separators = place.scope.variable('IFS')?.[0]?.[0] ?? ' ';
    const parts = line.split(separators === '' ? '\n' : /[ \t]/.test(separators) ? /[ \t]+/ : (separators[0] ?? ' '));
    const maybe = unsure(place, machine) || at > 0;
    const elastic = parts.findIndex((part) => part.includes(hole));
    if (elastic !== -1) parts.fill(hole, elastic);
    if (array !== undefined) place.scope.assign(array.text, parts, maybe);
    else if (names.length === 0) place.scope.assign('REPLY', [line], maybe);
    else
      for (const [index, name] of names.entries())
        place.scope.assignTo(
          name.text,
          [index === names.length - 1 ? parts.slice(index).join(' ') : (parts[index] ?? '')],
          maybe,
        );
  }
  if (lines.length > 16 || lines.length === 0)
    for (const name of names) place.scope.assignTo(name.text, [hole], lines.length > 0);
  return '';
}

function readAll({ name: builtin, words, place, machine }: Context): string {
  const options = readOptions(words, { flags: 't', values: 'cCdnOsu' });
  const [name] = options.rest;
  const callback = valueOf(options, 'C');
  const given = (place.input ?? hole)
    .split('\n', 16)
    .map((line, at) => `${callback?.text ?? ''} ${at} '${line.replaceAll("'", `'\\''`)}'`);
  // What it is given is quoted: that a line is not known leaves the command known.
  if (callback !== undefined)
    for (const text of given)
      machine.script(text, deeper(place, { wrappers: [...place.wrappers, `${builtin} -C`], maybe: true }), builtin);
  place.scope.assign(
    name?.text ?? 'MAPFILE',
    (place.input ?? hole).replace(/\n$/, '').split('\n').slice(0, 256),
    unsure(place, machine),
  );
  return '';
}

/** [SHELL-8] Where these take a variable's name or a number, `a[$(x)]` runs x. */
function subscripts({ words, place, machine }: Context): string {
  const how = { machine, place, choices: new Choices() };
  for (const word of words) runSubscripts(word.text, how);
  return '';
}
