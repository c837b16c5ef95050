// Programs that run a command for each word, line or file that they are given: `xargs`, `parallel`, `find -exec`, `fd -x` [SHELL-11].

import { hole, type Word } from './command.ts';
import type { Context, Place } from './machine.ts';
import { has, list, readOptions, valueOf } from './options.ts';
import { argv, joined, script, within } from './within.ts';

/** `env -S` knows quotes and backslashes; `${X}` in it is not known. */
export function splitString(word: Word): readonly Word[] {
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

export function runXargs(context: Context): string {
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
  const most = Number(valueOf(options, 'n', '--max-args')?.text);
  const mostLines = valueOf(options, 'L', 'l', '--max-lines');
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
  if (mostLines !== undefined && !input.includes(hole)) {
    const lines = input.split('\n').filter((line) => line.trim() !== '');
    if (lines.length > maxRuns) unread(context, input);
    return lines
      .slice(0, maxRuns)
      .map((text) => argv(context, 'xargs', [...command, ...splitString({ text, dynamic: false, glob: false })], change))
      .join('');
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

/** Names that it looks for, as far as they are written out; undefined among them: others as well. */
function namesFound(words: readonly Word[]): readonly (string | undefined)[] {
  const tests = words.flatMap(({ text }, at) => {
    const refused = /^(?:!|-not)$/.test(words[at - 1]?.text ?? '');
    const name = words[at + 1]?.text ?? '';
    return !/^-i?name$/.test(text) || refused ? [] : [/[*?[\]\\\uFFFC]/.test(name) ? undefined : name];
  });
  // What stands before a group or a comma may be asked of others.
  const plain = !words.some(({ text }) => /^(?:-o|-or|,|\\?[()])$/.test(text));
  return tests.length === 0 ? [undefined] : plain ? tests.slice(0, 4) : [...tests.slice(0, 4), undefined];
}

/** What it finds stands below where it starts. */
export function runFind(context: Context): string {
  const { words } = context;
  const options = words.findIndex((word) => !/^-([HLP]|O\d|D)/.test(word.text));
  const end = words.findIndex((word, at) => at >= options && /^[-(!]/.test(word.text));
  const starts = words.slice(Math.max(options, 0), end === -1 ? undefined : end).map((word) => (word.glob ? hole : word.text));
  const tails = namesFound(words).map((name) => (name === undefined ? hole : `${hole}/${name}`));
  const found = (starts.length === 0 ? ['.'] : starts.slice(0, 16)).flatMap((start) =>
    tails.map((tail) => `${start.replace(/\/+$/, '')}/${tail}`),
  );
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

export function runFd(context: Context): string {
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

function filled(text: string, value: string, mark: string | undefined): string {
  const quoted = value === '' ? '' : `'${value.replaceAll("'", `'\\''`)}'`;
  if (mark !== undefined && mark !== '' && text.includes(mark)) return text.replaceAll(mark, () => quoted);
  return /\{[^}\s]*\}/.test(text) ? text.replaceAll(/\{[^}\s]*\}/g, () => quoted) : `${text} ${quoted}`;
}

/** The words before `:::` are joined to a command line; each of those after it, or each line of the input, is its argument. */
export function runParallel(context: Context): string {
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
  const mark = valueOf(options, 'I', '--replace')?.text;
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
    // These add nothing at the end.
    const once = context.name === 'rush' ? !/\{[^}\s]*\}/.test(text) : border !== -1 && context.name === 'sem';
    for (const value of once ? [''] : given.slice(0, maxRuns))
      // What it fills in it quotes: that a value is not known leaves the command known.
      context.machine.script(filled(text, value, mark), within(context, 'parallel'), 'parallel');
  }
  return hole;
}
