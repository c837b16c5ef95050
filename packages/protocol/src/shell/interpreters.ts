// Programs that read code: shells, and interpreters of other languages. Where their words put it: in an argument, in a file, or at their
// standard input.

import type { Word } from './command.ts';
import { has, readOptions, valueOf, type OptionTable } from './options.ts';
import { prefixOf } from './prefixes.ts';

export type Language = 'shell' | 'python' | 'javascript' | 'perl' | 'ruby' | 'php' | 'sql' | 'other';

interface Interpreter extends OptionTable {
  readonly language: Language;
  /** Options whose value is code. */
  readonly code: readonly string[];
  /** Options after which it reads neither a file nor its input: `python -m json.tool`. */
  readonly other?: readonly string[];
  /** Options whose value names code that is run before all else. */
  readonly first?: readonly string[];
  /** Words that stand before the options: `deno run`. */
  readonly commands?: Readonly<Record<string, 'file' | 'code'>>;
}

const shell: Interpreter = {
  language: 'shell',
  code: ['c'],
  flags: 'abefhiklmnprstuvxBCDEHPTI',
  values: 'oO',
  long: ['--rcfile', '--init-file'],
  longFlags: [
    '--login',
    '--norc',
    '--noprofile',
    '--posix',
    '--verbose',
    '--restricted',
    '--noediting',
    '--debugger',
    '--dump-strings',
    '--version',
    '--help',
    '--debug',
    '--no-config',
    '--private',
    '--no-execute',
  ],
};
const python: Interpreter = {
  language: 'python',
  code: ['c'],
  flags: 'bBdEhiIOPqsSuvVx',
  values: 'cWXm',
  long: ['--check-hash-based-pycs'],
  other: ['m', 'h', 'V', '--version', '--help'],
};
const javascript: Interpreter = {
  language: 'javascript',
  code: ['e', 'p', 'pe', '--eval', '--print'],
  flags: 'chiv',
  values: 'eprC',
  long: [
    '--eval',
    '--print',
    '--require',
    '--import',
    '--loader',
    '--experimental-loader',
    '--env-file',
    '--conditions',
    '--input-type',
    '--title',
    '--test-name-pattern',
  ],
  longFlags: [
    '--check',
    '--interactive',
    '--inspect',
    '--inspect-brk',
    '--watch',
    '--test',
    '--no-warnings',
    '--trace-warnings',
    '--enable-source-maps',
    '--expose-gc',
    '--version',
    '--help',
  ],
  other: ['v', 'h', '--version', '--help', '--test', 'c', '--check'],
  first: ['r', '--require', '--import', '--loader', '--experimental-loader'],
};
const perl: Interpreter = {
  language: 'perl',
  code: ['e', 'E'],
  flags: 'acfghlnpsStTuUvVwWX0',
  values: 'eECDFiImMx',
  other: ['v', 'V', 'h'],
};
const ruby: Interpreter = {
  language: 'ruby',
  code: ['e'],
  flags: 'acdhlnpsSvwUWy0',
  values: 'eCEFiIrTx',
  other: ['v', 'h', '--version', '--help'],
  first: ['r'],
};
const php: Interpreter = {
  language: 'php',
  code: ['r', 'B', 'R', 'E'],
  flags: 'aChHilmnqsvw',
  values: 'rBREcdfFgStTz',
  other: ['v', 'i', 'm', 'h', 'S', '--version'],
};
const other: Interpreter = { language: 'other', code: ['e', 'c', '--eval', '-e'], flags: 'ivhqns', values: 'ecE' };
const sql: Interpreter = { language: 'sql', code: [] };

const table: ReadonlyMap<string, Interpreter> = new Map([
  ...[
    'bash',
    'sh',
    'dash',
    'zsh',
    'ksh',
    'ksh93',
    'mksh',
    'lksh',
    'ash',
    'rbash',
    'yash',
    'fish',
    'csh',
    'tcsh',
    'posh',
    'bosh',
    'osh',
    'hush',
    'ysh',
    'xonsh',
    'nu',
    'elvish',
    'rzsh',
    'rksh',
  ].map((name) => [name, shell] as const),
  ...['python', 'python2', 'python3', 'pypy', 'pypy3', 'ipython', 'ipython3'].map((name) => [name, python] as const),
  ...['node', 'nodejs', 'bun', 'tsx', 'ts-node'].map((name) => [name, javascript] as const),
  ['deno', { ...javascript, commands: { eval: 'code', run: 'file', repl: 'code' } }],
  ['perl', perl],
  ['ruby', ruby],
  ['jruby', ruby],
  ['php', php],
  ...[
    'lua',
    'luajit',
    'tclsh',
    'wish',
    'expect',
    'osascript',
    'Rscript',
    'R',
    'erl',
    'octave',
    'octave-cli',
    'maxima',
    'kotlin',
    'ghc',
    'gst',
    'csi',
    'gap',
    'scilab-cli',
    'wolframscript',
    'coffee',
    'groovysh',
    'dotnet-script',
    'julia',
    'elixir',
    'iex',
    'guile',
    'gawk-csv',
    'swift',
    'scala',
    'groovy',
    'jshell',
    'raku',
    'pwsh',
    'powershell',
    'escript',
    'ocaml',
    'ghci',
    'runghc',
    'clojure',
    'bb',
    'racket',
    'sbcl',
    'emacs',
  ].map((name) => [name, other] as const),
  ...[
    'psql',
    'mysql',
    'mariadb',
    'sqlite3',
    'sqlcmd',
    'mongosh',
    'mongo',
    'redis-cli',
    'clickhouse-client',
    'cqlsh',
    'sqlplus',
    'duckdb',
  ].map((name) => [name, sql] as const),
]);

/** `python3.12` is a python. */
export function interpreterOf(name: string): Interpreter | undefined {
  return table.get(name) ?? table.get(name.replace(/-?\d+(\.\d+)*$/, ''));
}

/** What an interpreter's options make it run before all else. */
export function loadedFirst(interpreter: Interpreter, words: readonly Word[]): readonly Word[] {
  const { first } = interpreter;
  if (first === undefined) return [];
  return readOptions(words, interpreter).given.flatMap(([option, value]) =>
    value !== undefined && first.includes(option) ? [value] : [],
  );
}

export type Code =
  | { readonly from: 'text'; readonly text: Word; readonly label: string; readonly words: readonly Word[] }
  | { readonly from: 'file'; readonly path: Word; readonly words: readonly Word[] }
  | { readonly from: 'input'; readonly words: readonly Word[] };

/** Where an interpreter's code comes from; undefined: from elsewhere, or it runs none. */
export function codeOf(name: string, interpreter: Interpreter, words: readonly Word[]): Code | undefined {
  if (interpreter.language === 'sql') return { from: 'input', words: [] };
  const command = interpreter.commands?.[words[0]?.text ?? ''];
  if (command !== undefined) {
    const inner = readOptions(words.slice(1), interpreter);
    const [first, ...rest] = inner.rest;
    if (first === undefined) return undefined;
    if (command === 'code') return { from: 'text', text: first, label: `${name} ${words[0]?.text ?? ''}`, words: rest };
    return { from: 'file', path: first, words: rest };
  }
  if (interpreter.language === 'shell') return shellCode(name, words);
  if (interpreter.language === 'other') return otherCode(name, words);
  const options = readOptions(words, interpreter);
  const codes = options.given.filter(([option, value]) => interpreter.code.includes(option) && value !== undefined);
  if (codes.length > 0) {
    const text = codes.map(([, value]) => value?.text ?? '').join('\n');
    const label = `${name} ${codes[0]?.[0].replace(/^(?=[^-])/, '-') ?? ''}`;
    return {
      from: 'text',
      text: { text, dynamic: codes.some(([, value]) => value?.dynamic === true), glob: false },
      label,
      words: options.rest,
    };
  }
  // A module that runs what its words say.
  const runs = interpreter.language === 'python' && valueOf(options, 'm')?.text === 'timeit';
  if (runs)
    return {
      from: 'text',
      text: {
        text: options.rest.map((word) => word.text).join('\n'),
        dynamic: options.rest.some((word) => word.dynamic),
        glob: false,
      },
      label: `${name} -m timeit`,
      words: [],
    };
  const module = interpreter.language === 'python' ? valueOf(options, 'm') : undefined;
  // Those that read Python from their input; others may be this text's own.
  if (module !== undefined && /^(?:code|pdb|IPython|asyncio|bdb)$/.test(module.text))
    return { from: 'input', words: options.rest };
  if (module !== undefined)
    return { from: 'file', path: { ...module, text: `${module.text.replaceAll('.', '/')}.py` }, words: options.rest };
  if (has(options, ...(interpreter.other ?? []))) return undefined;
  const [path, ...rest] = options.rest;
  if (path === undefined || path.text === '-' || path.text === '/dev/stdin') return { from: 'input', words: rest };
  return { from: 'file', path, words: rest };
}

/** Most interpreters take `-e` or `-c`, `--eval` or `--command`; how their other options read is not known. */
function otherCode(name: string, words: readonly Word[]): Code | undefined {
  const at = words.findIndex((word) =>
    /^(?:-e|-c|-E|-l|-x|-X|--eval|--execute|-eval|-execute|-Command|-command|-EncodedCommand|-enc|-batch|-b)$/i.test(word.text),
  );
  const text = words[at + 1];
  if (at !== -1 && text !== undefined)
    return { from: 'text', text, label: `${name} ${words[at]?.text ?? ''}`, words: words.slice(at + 2) };
  const equals = words.find((word) => /^--?(?:eval|execute|command|batch-string)=/.test(word.text));
  if (equals !== undefined)
    return { from: 'text', text: { ...equals, text: equals.text.replace(/^[^=]*=/, '') }, label: `${name} --eval`, words: [] };
  const [path, ...rest] = words.filter((word) => !/^-./.test(word.text));
  if (path === undefined || path.text === '-') return { from: 'input', words: rest };
  return { from: 'file', path, words: rest };
}

/** `-c` is a flag of a shell: the script is the first operand. */
function shellCode(name: string, words: readonly Word[]): Code | undefined {
  const plus = words.map((word) => (/^\+[A-Za-z]/.test(word.text) ? { ...word, text: `-${word.text.slice(1)}` } : word));
  const options = readOptions(plus, { ...shell, flags: `${shell.flags ?? ''}c` });
  const [first, ...rest] = options.rest;
  if (has(options, '--version', '--help')) return undefined;
  if (has(options, 'c', '--command')) {
    const text = valueOf(options, '--command') ?? first;
    return text === undefined ? undefined : { from: 'text', text, label: `${name} -c`, words: rest };
  }
  if (
    first === undefined ||
    has(options, 's') ||
    first.text === '-' ||
    first.text === '/dev/stdin' ||
    first.text === '/dev/fd/0' ||
    first.text === '/proc/self/fd/0'
  )
    return { from: 'input', words: has(options, 's') ? options.rest : rest };
  return { from: 'file', path: first, words: rest };
}

/** The interpreter that would take its standard input as code, by its words as they stand. */
export function readsCode(words: readonly string[]): string | undefined {
  const plain: readonly Word[] = words.slice(0, 64).map((text) => ({ text, dynamic: false, glob: false }));
  return inputReader(plain, 0);
}

function inputReader(words: readonly Word[], depth: number): string | undefined {
  const [program, ...rest] = words;
  if (program === undefined || depth > 8) return undefined;
  const name = program.text.replace(/^.*\//s, '');
  const interpreter = interpreterOf(name);
  if (interpreter !== undefined) return codeOf(name, interpreter, rest)?.from === 'input' ? name : undefined;
  if (name === 'at' || name === 'batch' || name === 'crontab') return name;
  if ((name === 'source' || name === '.') && /^\/(dev\/stdin|dev\/fd\/0|proc\/self\/fd\/0)$/.test(rest[0]?.text ?? ''))
    return name;
  if (name === 'env')
    return inputReader(
      rest.filter((word) => !/^(-|\w+=)/.test(word.text)),
      depth + 1,
    );
  const prefix = prefixOf(name);
  if (prefix === undefined) return undefined;
  return inputReader(
    readOptions(rest, prefix)
      .rest.filter((word) => !/^\w+=/.test(word.text))
      .slice(prefix.operands ?? 0),
    depth + 1,
  );
}
