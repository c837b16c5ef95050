// What a shell text that could not be read may run, spec/rules.md. A rule's class of commands may be in it unless that can be ruled out.

import type { Opaque, ShellReading } from '../shell/read.ts';
import type { Conditions } from './rule.ts';

/** Why a reading leaves open which program runs. Code of other languages does not: what it names is judged by name. */
const leavesOpen: ReadonlySet<Opaque['why']> = new Set([
  'syntax',
  'too_long',
  'too_deep',
  'dynamic_program',
  'dynamic_script',
  'unknown_wrapper',
]);

/** What an interactive shell is told to take over from a program: `eval "$(direnv hook bash)"`. Its output is the program's own, as is what it does. */
const setsUpShell: ReadonlySet<string> = new Set([
  'init',
  'hook',
  'shellenv',
  'shell-init',
  'completion',
  'completions',
  'docker-env',
  'env',
  'activate',
  'alias',
  '--alias',
]);
const setUpPrograms: ReadonlySet<string> = new Set([
  'ssh-agent',
  'dircolors',
  'lesspipe',
  'keychain',
  'register-python-argcomplete',
  'thefuck',
]);
/** Programs that hand on what others wrote: their output is no program's own. */
const handsOn: ReadonlySet<string> = new Set(
  'cat head tail tac rev tr sed awk cut paste sort uniq grep echo printf base64 base32 xxd openssl gpg curl wget nc ncat socat ssh git gh python python3 perl ruby node php env xargs find tee dd jq gunzip gzip zcat bzcat xzcat tar docker kubectl'.split(
    ' ',
  ),
);

/** The unread parts that may run anything. */
export function openParts(reading: ShellReading): readonly Opaque[] {
  return reading.opaque.filter((each) => leavesOpen.has(each.why) && !isOwnOutput(each, reading));
}

function isOwnOutput({ why, program, excerpt }: Opaque, { commands, opaque }: ShellReading): boolean {
  if (why !== 'dynamic_script' || !/^(eval|source|\.)$/.test(program ?? '') || excerpt !== '\uFFFC' || opaque.length !== 1)
    return false;
  const feeding = commands.filter(({ feeds }) => feeds !== undefined);
  return (
    feeding.length > 0 &&
    feeding.every(
      ({ name, words }) =>
        name !== undefined &&
        !handsOn.has(name) &&
        words.every(({ dynamic }) => !dynamic) &&
        (setUpPrograms.has(name) || words.some(({ text }) => setsUpShell.has(text))),
    )
  );
}

/** By which a shell text can mean a program's name that does not stand in it: expansions, quotes, here-documents, patterns in a path. */
const meansMore = /[$`'"\\]|<<|\/[^\s]*[*?[]/;

/** Whether a text that no shell could parse may hold what the conditions are about. Where nothing in it can stand for something else, what does
 * not stand there is not there. */
export function mayHold(when: Conditions, text: string, reading: ShellReading): boolean {
  if (reading.opaque.some(({ why }) => why !== 'syntax') || meansMore.test(text)) return true;
  const programs = programNames(when);
  if (programs !== undefined && !programs.some((program) => text.includes(program.split('*')[0] ?? ''))) return false;
  return (
    when.paths?.some((path) =>
      text.includes(longestOf((path.split('/').findLast((segment) => /[^*?.~]/.test(segment)) ?? '').split(/[*?]/))),
    ) ?? true
  );
}

function programNames(when: Conditions): readonly string[] | undefined {
  if (when.command !== undefined) return when.command.flatMap(([programs = []]) => programs);
  const each = (when.any ?? []).map(programNames);
  return each.length > 0 && each.every((names) => names !== undefined) ? each.flat() : undefined;
}

const longestOf = (pieces: readonly string[]) =>
  pieces.reduce((longest, piece) => (piece.length > longest.length ? piece : longest), '');
