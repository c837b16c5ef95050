// Languages in which a program's own lines are told apart by few signs: awk, sed, Tcl, AppleScript, and those that nobody here reads.

import { hole } from '../command.ts';
import { shellScript } from '../code.ts';
import { deeper, type Context, type Place, type Machine } from '../machine.ts';
import { tokensOf } from './tokens.ts';
import { Values } from './values.ts';

type Reader = (code: string, place: Place, machine: Machine, program: string) => boolean;

/** `system("rm " x)`, `print | "sh"`, `"cmd" | getline`, `print > "file"`. */
export const readAwk: Reader = (code, place, machine, program) => {
  machine.findings.spend(code.length);
  const tokens = tokensOf(code, { comments: ['#'], plain: '', escaped: '"', interpolation: 'none', patterns: true });
  if (tokens === undefined) return false;
  const values = new Values(tokens, (steps) => machine.findings.spend(steps));
  const inner = deeper(place, { input: hole, maybe: true });
  let clear = true;
  for (const [at, token] of tokens.entries()) {
    const [before, next] = [tokens[at - 1], tokens[at + 1]];
    if (token.kind === 'name' && token.text === 'system' && next?.text === '(')
      shellScript(values.arguments(at + 2, ')').values[0]?.text ?? hole, inner, machine, program);
    else if (token.kind === 'name' && next?.text === '=') values.assign(token.text, values.expression(at + 2, ';').value);
    else if (token.kind === 'mark' && token.text === '|') {
      // `a || b` is one mark; a pipe has its command on one side of it, as a string or put together.
      const command =
        before?.kind === 'string' && next?.text === 'getline'
          ? before.text
          : values.expression(at + (next?.text === '&' ? 2 : 1), ';').value.text;
      shellScript(next?.text === 'getline' && before?.kind !== 'string' ? hole : command, inner, machine, program);
    } else if (token.kind === 'mark' && token.text === '>' && next?.kind === 'string') {
      const redirection = {
        operator: '>',
        descriptor: undefined,
        target: { text: next.text, dynamic: false, glob: false },
        heredoc: false,
      };
      machine.invoke({ argv: [], assignments: [], redirections: [redirection] }, inner);
      place.scope.written.write(next.text, hole, false, true);
    } else if (token.kind === 'mark' && token.text === '@' && next?.kind === 'name' && next.text !== 'include') clear = false;
  }
  return clear;
};

/** `1e rm x`, `s/a/rm x/e`, `w file`. */
export const readSed: Reader = (code, place, machine, program) => {
  machine.findings.spend(code.length);
  const inner = deeper(place, { input: hole, maybe: true });
  for (const line of code.split(/\n|(?<=[^\\]);/)) {
    const run = /^\s*(?:\d+|\$|\/(?:[^/\\]|\\.)*\/)?(?:,(?:\d+|\$|\/(?:[^/\\]|\\.)*\/))?\s*!?\s*\{?\s*e\s*(.*)$/s.exec(line)?.[1];
    if (run !== undefined) shellScript(run.replace(/\}\s*$/, '') || hole, inner, machine, program);
    const replaced = substitution(line);
    if (replaced?.flags.includes('e') === true)
      shellScript(replaced.text.replaceAll(/\\[1-9]|(?<!\\)&/g, hole).replaceAll(/\\(.)/g, '$1'), inner, machine, program);
  }
  return true;
};

function substitution(line: string): { readonly text: string; readonly flags: string } | undefined {
  const start = /(?:^|[\s;{}/$\d!])s([^\w\s\\])/.exec(line);
  const mark = start?.[1] ?? '';
  if (start === null || mark === '') return undefined;
  const parts: string[] = [''];
  let at = start.index + start[0].length;
  for (; at < line.length && parts.length < 3; at += 1) {
    const character = line[at] ?? '';
    if (character === '\\') {
      parts.push((parts.pop() ?? '') + character + (line[at + 1] ?? ''));
      at += 1;
    } else if (character === mark) parts.push('');
    else parts.push((parts.pop() ?? '') + character);
  }
  const flags = /^[a-zA-Z0-9]*/.exec(line.slice(at))?.[0] ?? '';
  return parts.length < 3 ? undefined : { text: parts[1] ?? '', flags: flags.replace(/w.*$/, '') };
}

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** `exec rm x`, `[exec rm x]`, `spawn rm x`, `file delete -force x`, `send "rm x\r"`. */
const readTcl: Reader = (code, place, machine, program) => {
  machine.findings.spend(code.length);
  const inner = deeper(place, { input: hole, maybe: true });
  let clear = true;
  for (const line of code.split(/[\n;[\]]/)) {
    const [, verb = '', rest = ''] =
      /^[\s{]*(exec|spawn|system|send|send_user|file|eval|uplevel|subst|interp|open|source)\b\s*(.*)$/s.exec(line) ?? [];
    const text = rest.replace(/^(?:--?\w*\s+)+/, '').replaceAll(/\$\w+/g, hole);
    if (verb === 'exec' || verb === 'spawn' || verb === 'system')
      shellScript(
        text.replaceAll(/\{([^{}]*)\}/g, (_, word: string) => quoted(word)).replaceAll(/[{}]/g, ' '),
        inner,
        machine,
        program,
      );
    else if (verb === 'send') machine.script(text.replaceAll(/^"|"$/g, '').replaceAll(/\\[rn]/g, '\n'), inner, program);
    else if (verb === 'file' && text.startsWith('delete'))
      machine.script(`rm -r ${text.replace(/^delete\s*(?:-force)?/, '')}`, inner, program);
    else if (verb === 'open' && /^["{]?\|/.test(text))
      shellScript(text.replaceAll(/^["{]?\||["}].*$/g, ''), inner, machine, program);
    else if (verb === 'eval' || verb === 'uplevel' || verb === 'subst' || verb === 'interp') clear = false;
  }
  return clear;
};

/** `do shell script "rm x"`. */
const readAppleScript: Reader = (code, place, machine, program) => {
  const inner = deeper(place, { input: hole, maybe: true });
  let found = false;
  for (const match of code.matchAll(/do (?:shell )?script\s+"((?:[^"\\]|\\.)*)"/g)) {
    found = true;
    shellScript((match[1] ?? '').replaceAll(/\\(.)/g, '$1'), inner, machine, program);
  }
  return found || !/script|run|delete|keystroke|system events/i.test(code);
};

/** A shell of another kind: its commands stand where ours do. */
const readOtherShell: Reader = (code, place, machine, program) => {
  shellScript(code, place, machine, program);
  return !/\b(?:iex|icm|invoke-\w+|start-process|scriptblock|encodedcommand|frombase64string|add-type|eval)\b|&\s*[($]/i.test(
    code,
  );
};

/** What nobody here reads is clear only if it shows no sign of running or removing anything. */
const readAny: Reader = (code) =>
  !/system|exec|spawn|popen|shell|process|command|\bcmd\b|sh\b|run|eval|unlink|delete|remov|kill|\brm\b|load|open|write|`/i.test(
    code,
  );

const readers: ReadonlyMap<string, Reader> = new Map([
  ...['tclsh', 'wish', 'expect'].map((name) => [name, readTcl] as const),
  ...['pwsh', 'powershell'].map((name) => [name, readOtherShell] as const),
  ['osascript', readAppleScript],
]);

export const readOther = (code: string, place: Place, machine: Machine, program: string): boolean =>
  (readers.get(program) ?? readAny)(code, place, machine, program);

/** awk and sed take their programs from their first operand, or from options. */
export function codeInWords(
  { words, place }: Context,
  options: readonly string[],
  files: readonly string[],
  taking: string,
): readonly string[] {
  const texts: string[] = [];
  let operand: string | undefined;
  for (let at = 0; at < words.length; at += 1) {
    const text = words[at]?.text ?? '';
    const option = /^(?:--[a-z-]+|-[A-Za-z])/.exec(text)?.[0] ?? '';
    const attached = text.slice(option.length).replace(/^=/, '');
    const value = attached === '' ? (words[at + 1]?.text ?? '') : attached;
    if (options.includes(option)) texts.push(value);
    else if (files.includes(option)) texts.push(place.scope.written.read(value) ?? '');
    else if (/^-[a-zA-Z]+e$/.test(text) && options.includes('-e')) texts.push(words[at + 1]?.text ?? '');
    if ([...options, ...files].includes(option) || taking.includes(option.slice(1) || ' ')) at += attached === '' ? 1 : 0;
    else if (/^-[a-zA-Z]+e$/.test(text) && options.includes('-e')) at += 1;
    else if (option === '' && !text.startsWith('-')) operand ??= text;
  }
  return texts.length > 0 ? texts : operand === undefined ? [] : [operand];
}
