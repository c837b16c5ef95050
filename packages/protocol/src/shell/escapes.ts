// Programs with a command language of their own that can leave to a shell: editors, debuggers, database clients, make, cron [SHELL-11].

import { hole, type Word } from './command.ts';
import { readLoosely, shellScript } from './code.ts';
import { deeper, type Context } from './machine.ts';
import { codeInWords, readAwk, readSed } from './languages/text.ts';
import { list } from './options.ts';
import { outputOf } from './output.ts';

/** Undefined: there is more to it than this. */
type Handler = (context: Context) => string | undefined;

const script = ({ name, place, machine }: Context, text: string, label = name): void => {
  shellScript(text, deeper(place, { wrappers: [...place.wrappers, label], input: hole }), machine, name);
};

/** Values of these options, wherever they stand. */
function* values(words: readonly Word[], options: readonly string[]): Generator<string> {
  for (const [at, { text }] of words.entries()) {
    for (const option of options) {
      if (text === option) yield words[at + 1]?.text ?? '';
      else if (option.startsWith('--') && text.startsWith(`${option}=`)) yield text.slice(option.length + 1);
      else if (/^(?:-[A-Za-z]|\+)$/.test(option) && text.startsWith(option)) yield text.slice(option.length);
    }
  }
}

/** Lines of a script of the program's own: from its input, and from files that this text wrote. */
function* ownLines(context: Context, files: readonly string[]): Generator<string> {
  const { place, machine } = context;
  const texts = [place.input, ...files.map((file) => place.scope.written.read(file))];
  for (const text of texts) {
    if (text === undefined) continue;
    machine.findings.spend(text.length);
    yield* text.split('\n');
  }
}

/** `:!cmd`, `r !cmd`, `%w !cmd`, `call system('cmd')`. */
function vi(context: Context): string {
  const { words } = context;
  const plus = words.filter((word) => word.text.startsWith('+')).map((word) => word.text.slice(1));
  for (const line of [
    ...values(words, list('-c --cmd -S')),
    ...plus,
    ...ownLines(context, [...values(words, ['-S', '-s', '-u', '-U'])]),
  ]) {
    for (const part of line.split('|')) viCommand(part, context);
    if (line.includes('|')) viCommand(line, context);
  }
  return hole;
}

function viCommand(line: string, context: Context): void {
  const bang =
    /^[\s:]*(?:(?:silent!?|sil!?|exe(?:cute)?|normal!?|norm!?)\s+["':]*)*(?:[%.$\d,]*\s*(?:r|re|read|w|wr|write)?\s*)?!(.+)$/s.exec(
      line,
    )?.[1];
  if (bang !== undefined)
    script(
      context,
      bang.replace(/["']\s*$/, (quote) => (bang.split(quote.trim()).length % 2 === 0 ? '' : quote)),
    );
  const call = /\b(?:system|systemlist|job_start|term_start|termopen|jobstart|os\.execute|io\.popen)\s*\(?\s*(["'])(.*?)\1/s.exec(
    line,
  )?.[2];
  if (call !== undefined) script(context, call);
  else if (/\b(?:system|systemlist|job_start|term_start|jobstart|termopen|py3?|python3?|perl|ruby|lua)\b\s*[(\s]/.test(line))
    context.machine.findings.opaque('inline_code', context.name, line);
  const removed = /\bdelete\s*\(\s*(["'])(.*?)\1/s.exec(line)?.[2];
  if (removed !== undefined) script(context, `rm -r '${removed.replaceAll("'", '')}'`);
  const terminal = /^[\s:]*(?:terminal|term)\s+(.+)$/s.exec(line)?.[1];
  if (terminal !== undefined) script(context, terminal);
}

/** A line that begins with `!`, `shell`, `system` … */
const lineEscape =
  (pattern: RegExp, options: readonly string[], files: readonly string[] = []): Handler =>
  (context) => {
    for (const line of [...values(context.words, options), ...ownLines(context, [...values(context.words, files)])]) {
      const text = pattern.exec(line)?.[1];
      if (text !== undefined && text.trim() !== '') script(context, text);
    }
    return hole;
  };

/** `\! cmd`, `COPY t FROM PROGRAM 'cmd'`, `\o |cmd`. */
function psql(context: Context): string {
  const { words } = context;
  for (const line of [...values(words, list('-c --command')), ...ownLines(context, [...values(words, list('-f --file'))])]) {
    for (const match of line.matchAll(/\\!\s*([^\n]+)/g)) script(context, match[1] ?? '');
    for (const match of line.matchAll(/\bprogram\s+'((?:[^']|'')*)'/gi)) script(context, (match[1] ?? '').replaceAll("''", "'"));
    for (const match of line.matchAll(/\\(?:o|g|w|out|write)\s*\|([^\n]+)/g)) script(context, match[1] ?? '');
  }
  return hole;
}

function mysql(context: Context): string {
  const { words } = context;
  for (const line of [...values(words, list('-e --execute --init-command')), ...ownLines(context, [])])
    for (const match of line.matchAll(/(?:^|;)\s*(?:\\!|system\b)\s*([^\n;]+)/gi)) script(context, match[1] ?? '');
  for (const pager of values(words, ['--pager'])) script(context, pager);
  return hole;
}

function sqlite(context: Context): string {
  const operands = context.words.filter((word) => !word.text.startsWith('-')).map((word) => word.text);
  for (const line of [...operands, ...values(context.words, list('-cmd --cmd -c')), ...ownLines(context, [])]) {
    const text =
      /^\s*\.(?:sh|she|shel|shell|sys|syst|syste|system)\s+(.+)$/s.exec(line)?.[1] ??
      /^\s*\.(?:once|output|import|o)\s+\|(.+)$/s.exec(line)?.[1];
    if (text !== undefined) script(context, text);
    for (const [, way = '', path = ''] of line.matchAll(/\b(write|read)file\s*\(\s*'([^']+)'/gi))
      script(context, `${way.toLowerCase() === 'write' ? '>' : 'cat'} '${path}'`);
  }
  return hole;
}

/** Recipes of a makefile that the text itself holds, and `SHELL=…`, `--eval`. */
function make(context: Context): string {
  const { words, place, machine } = context;
  const files = [...values(words, list('-f --file --makefile'))];
  const names = files.length === 0 ? list('GNUmakefile makefile Makefile') : files;
  for (const { text } of words) {
    const shell = /^(?:SHELL|MAKESHELL)=(.+)$/s.exec(text)?.[1];
    if (shell !== undefined) script(context, shell, 'make SHELL');
    const substituted = /^[A-Za-z_]\w*[:+?]?=.*?\$\(shell\s+(.*)\)/s.exec(text)?.[1];
    if (substituted !== undefined) script(context, substituted);
    // `make CC=…`: what it is depends on the recipes, and it is run as it stands.
    const [, variable, value = ''] = /^([A-Za-z_]\w*)[:+?]?=(.*)$/s.exec(text) ?? [];
    if (variable !== undefined && !value.includes(hole))
      machine.script(value, deeper(place, { wrappers: [...place.wrappers, 'make'], input: hole, maybe: true }), 'make');
  }
  const texts = [...values(words, list('--eval -E'))];
  for (const name of names) {
    const text = name === '-' || name === '/dev/stdin' ? place.input : place.scope.written.read(name);
    if (text !== undefined) texts.push(text);
  }
  for (const text of texts) {
    machine.findings.spend(text.length);
    for (const line of text.replaceAll('\\\n', ' ').split('\n')) {
      const recipe = /^\t\s*[@+-]*(.*)$/s.exec(line)?.[1] ?? /^[^\s#=][^=#]*?:[^=#;]*;\s*[@+-]*(.*)$/s.exec(line)?.[1];
      if (recipe !== undefined)
        script(
          context,
          recipe
            .replaceAll('$$', '\u0001')
            .replaceAll(/\$(?:\([^)]*\)|\{[^}]*\}|.)/g, hole)
            .replaceAll('\u0001', '$'),
        );
      for (const match of line.matchAll(/\$\(shell\s+([^)]*)\)/g)) script(context, match[1] ?? '');
      const assigned = /^\s*[A-Za-z_]\w*\s*!=\s*(.*)$/.exec(line)?.[1];
      if (assigned !== undefined) script(context, assigned);
    }
  }
  return hole;
}

/** `crontab -` and `at now` take their commands from the input. */
function crontab(context: Context): string {
  const file = context.words.find((word) => !word.text.startsWith('-'));
  for (const line of ownLines(
    { ...context, place: { ...context.place, input: file === undefined ? context.place.input : undefined } },
    file === undefined ? [] : [file.text],
  )) {
    const command = /^\s*(?:@\w+|(?:[\d*/,\w-]+\s+){4}[\d*/,\w-]+)\s+(.*)$/.exec(line.replaceAll(hole, ''))?.[1];
    if (command !== undefined) script(context, command);
  }
  return hole;
}

function at(context: Context): string {
  const text =
    context.place.input ??
    [...values(context.words, ['-f'])].map((file) => context.place.scope.written.read(file) ?? '').join('\n');
  if (text !== '') script(context, text);
  return hole;
}

function emacs(context: Context): string {
  for (const text of values(context.words, list('--eval -eval --execute -execute -f --funcall'))) {
    const found = [
      ...text.matchAll(
        /\((?:shell-command(?:-to-string)?|async-shell-command|compile|start-process-shell-command|call-process-shell-command)\s+"((?:[^"\\]|\\.)*)"/g,
      ),
    ];
    for (const match of found) script(context, (match[1] ?? '').replaceAll(/\\(.)/g, '$1'));
    if (found.length === 0 && /process|shell|command|delete|url-|write-|eval|funcall|intern|apply/.test(text)) {
      context.machine.findings.opaque('inline_code', 'emacs', text);
      readLoosely(text, context.place, context.machine, 'emacs');
    }
  }
  return hole;
}

function socat(context: Context): string {
  for (const { text } of context.words) {
    const command = /^(?:EXEC|SYSTEM|SHELL):("?)(.*?)\1(?:,[\w=,-]*)?$/is.exec(text)?.[2];
    if (command !== undefined) script(context, command);
  }
  return hole;
}

/** `ansible all -m shell -a 'cmd'`, `salt '*' cmd.run 'cmd'`, `aws ssm send-command --parameters 'commands=[…]'`. */
function salt(context: Context): string {
  const index = context.words.findIndex((word) => /^cmd\.(?:run|shell|script|exec_code|run_all)/.test(word.text));
  if (index !== -1) script(context, context.words[index + 1]?.text ?? '');
  return hole;
}

function aws(context: Context): string {
  if (!context.words.some((word) => /^(?:send|execute)-command$/.test(word.text))) return hole;
  for (const text of values(context.words, list('--parameters --command'))) {
    const quoted = [...text.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map((match) => (match[1] ?? '').replaceAll(/\\(.)/g, '$1'));
    const bare = /^commands=\[?([^"\]]*)\]?$/.exec(text)?.[1];
    for (const command of bare === undefined ? (text.includes('commands') ? quoted : [text]) : [bare]) script(context, command);
  }
  return hole;
}

/** awk and sed run commands from within their programs [SHELL-14]. */
function awk(context: Context): string {
  const { name, place, machine } = context;
  for (const code of codeInWords(context, list('-e --source'), list('-f --file -E --exec'), 'Fv'))
    if (!readAwk(code, deeper(place, { wrappers: [...place.wrappers, name] }), machine, name))
      machine.findings.opaque('inline_code', name, code);
  return hole;
}

function sed(context: Context): string | undefined {
  const { name, words, place, machine } = context;
  for (const code of codeInWords(context, list('-e --expression'), list('-f --file'), 'l'))
    readSed(code, deeper(place, { wrappers: [...place.wrappers, name] }), machine, name);
  // What it changes in place is not known any more.
  if (words.some((word) => /^(?:-[a-zA-Z]*i|--in-place)/.test(word.text)))
    for (const { text } of words)
      if (!text.startsWith('-') && place.scope.written.read(text) !== undefined)
        place.scope.written.write(text, hole, false, false);
  return outputOf(name, words, place);
}

/** `npm pkg set scripts.x=cmd`, and scripts of a package.json that this text writes. */
function packageScripts(context: Context): undefined {
  const { words, place } = context;
  const [first, second] = words.map((word) => word.text);
  if (first === 'pkg' && second === 'set')
    for (const { text } of words.slice(2)) {
      const command = /^scripts\.[^=]+=(.*)$/s.exec(text)?.[1];
      if (command !== undefined) script(context, command, 'npm pkg set');
    }
  if ((first === 'config' && second === 'set') || first === 'set')
    for (const [at, { text }] of words.entries())
      for (const shell of [
        /^(?:script-)?shell$/.test(text) ? words[at + 1]?.text : undefined,
        /^script-shell=(.*)$/s.exec(text)?.[1],
      ])
        // A shell's name alone says nothing of what it will run.
        if (shell !== undefined && /\s/.test(shell)) script(context, shell, 'npm config');
  if (first === 'set-script') script(context, words[2]?.text ?? '', 'npm set-script');
  const written = place.scope.written.read('package.json');
  if (written !== undefined && !/^(?:pkg|set-script|config|view|info|ls|list)$/.test(first ?? '')) {
    const scripts =
      /"scripts"\s*:\s*\{((?:[^{}"]|"(?:[^"\\]|\\.)*")*)/s.exec(written)?.[1] ?? (written.includes(hole) ? hole : '');
    for (const [, command = ''] of scripts.matchAll(/:\s*"((?:[^"\\]|\\.)*)"/g))
      script(context, command.replaceAll(/\\(.)/g, '$1'), 'package.json');
  }
  return undefined;
}

export const escapes: ReadonlyMap<string, Handler> = new Map<string, Handler>([
  ...list('vi vim nvim view gvim vimdiff ex rvim').map((name): [string, Handler] => [name, vi]),
  ...list('ed red').map((name): [string, Handler] => [name, lineEscape(/^\s*[\d,.$%]*\s*(?:r|w|e)?\s*!(.+)$/, [])]),
  ...list('gdb lldb').map((name): [string, Handler] => [
    name,
    lineEscape(/^\s*(?:!|shell\b|platform shell\b|make\b)\s*(.+)$/, list('-ex -eval-command --eval-command -iex -o --one-line'), [
      '-x',
    ]),
  ]),
  ...list('less more most').map((name): [string, Handler] => [name, lineEscape(/^!(.+)$/, ['+'])]),
  ...list('ftp sftp lftp telnet').map((name): [string, Handler] => [name, lineEscape(/^\s*!(.+)$/, list('-c -e'), ['-b', '-f'])]),
  ['dc', lineEscape(/(?:^|[\s\]])!(?![<>=])\s*(.+)$/, list('-e --expression'))],
  ['gnuplot', lineEscape(/(?:^|;)\s*(?:!|system\s*\(?|shell\b)\s*["']?(.+?)["']?\)?\s*$/, ['-e'])],
  ['psql', psql],
  ['mysql', mysql],
  ['mariadb', mysql],
  ['sqlite3', sqlite],
  ['duckdb', sqlite],
  ['make', make],
  ['gmake', make],
  ['crontab', crontab],
  ['at', at],
  ['batch', at],
  ['emacs', emacs],
  ['emacsclient', emacs],
  ['socat', socat],
  ...list('awk gawk mawk nawk original-awk').map((name): [string, Handler] => [name, awk]),
  ...list('sed gsed').map((name): [string, Handler] => [name, (context) => sed(context) ?? hole]),
  ...list('npm pnpm yarn').map((name): [string, Handler] => [name, packageScripts]),
  ['salt', salt],
  ['aws', aws],
]);
