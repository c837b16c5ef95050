// The files that one command touches, spec/rules.md: its redirections, its program, its operands and what its options are given, each with what
// the program does to it as far as that is known.

import type { ShellCommand } from '../shell/read.ts';
import type { CommandWords } from './command-words.ts';
import { canonicalPath, type Surroundings, type TouchedPath } from './touched-path.ts';
import { gitAccess } from './known-programs.ts';
import type { Access, ProgramFacts } from './programs.ts';

export interface Touch {
  readonly path: TouchedPath;
  readonly access: Access;
  /** What is below is taken along. */
  readonly descends: boolean;
}

export interface Toucher {
  readonly command: ShellCommand;
  readonly words: CommandWords;
  readonly facts: ProgramFacts;
  /** Where the command runs. */
  readonly surroundings: Surroundings;
}

const maxPieces = 24;

export function touchesOf(toucher: Toucher): readonly Touch[] {
  const { command, words, facts, surroundings } = toucher;
  const touches = new Map<string, Touch>();
  const descends = facts.descends === true || (facts.descends || []).some((flag) => words.flag(flag) > 0);
  const touch = (written: string, glob: boolean, access: Access) => {
    const key = `${access} ${glob} ${written}`;
    if (written === '' || written === '-' || written.includes('\n') || touches.has(key)) return;
    touches.set(key, { path: canonicalPath(written, surroundings, glob), access, descends });
  };
  for (const { operator, target, heredoc } of command.redirections) {
    if (heredoc || operator.startsWith('<<') || (operator.endsWith('&') && /^[0-9-]+$/.test(target.text))) continue;
    touch(target.text, target.glob, operator.startsWith('<') && operator !== '<>' ? 'read' : 'write');
  }
  if (command.program.text.includes('/')) touch(command.program.text, command.program.glob, 'read');
  if (command.name === 'dd') touchByDd(words, touch);
  else if (!isPlainText(facts)) touchByWords(toucher, touch);
  if (/^g?find$/.test(command.name ?? '')) return [...touches.values(), ...foundBy(toucher, [...touches.values()])];
  return [...touches.values()];
}

type TouchFn = (written: string, glob: boolean, access: Access) => void;

/** Neither its operands nor its options are files: `echo`. */
const isPlainText = ({ operands, hosts, values }: ProgramFacts) =>
  operands === 'text' && hosts === undefined && values === undefined;

function touchByDd({ operands }: CommandWords, touch: TouchFn): void {
  for (const { word } of operands) {
    const [, key, path = ''] = /^(if|of)=(.*)$/s.exec(word.text) ?? [];
    touch(path, word.glob, key === 'of' ? 'write' : 'read');
  }
}

function touchByWords({ command, words, facts }: Toucher, touch: TouchFn): void {
  for (const { name, value } of words.flags) {
    const access = value === undefined ? undefined : valueAccess(name, facts);
    if (value !== undefined && access !== undefined) for (const piece of piecesOf(value)) touch(piece, false, access);
  }
  const accessOf = operandAccess(command, words, facts);
  for (const [index, { word, after, isValue }] of words.operands.entries()) {
    const valued = after === undefined || words.takesNoValue(after) ? undefined : valueAccess(after.name, facts);
    const access = isValue ? valued : (accessOf(index) ?? valued);
    const { text, glob } = word;
    for (const piece of piecesOf(text)) {
      if (access !== undefined) touch(piece, glob, access);
      else if (piece.startsWith('file://') || (piece !== text && text.endsWith(`@${piece}`))) touch(piece, glob, 'read'); // `curl -d @file`
    }
  }
}

function valueAccess(flag: string, { text, writes, operands }: ProgramFacts): Access | undefined {
  if (text?.includes(flag) === true) return undefined;
  if (writes?.includes(flag) === true) return 'write';
  return operands === 'read' || operands === 'write' ? operands : 'unknown';
}

const patternFlags = ['-e', '--regexp', '--expression', '-f', '--file'];

/** What happens to the operand of that number; undefined: it is no file. */
function operandAccess({ name }: ShellCommand, words: CommandWords, facts: ProgramFacts): (index: number) => Access | undefined {
  const { operands } = words;
  if (name === 'git') {
    const sub = operands.find(({ isValue, after }) => !isValue && after === undefined)?.word.text ?? '';
    const access = Object.hasOwn(gitAccess, sub) ? gitAccess[sub] : 'unknown';
    return () => (access === 'text' ? undefined : access);
  }
  const changes = facts.writesWith?.some((flag) => words.flag(flag) > 0) === true;
  const all = facts.operands === 'text' ? undefined : changes ? 'both' : (facts.operands ?? 'unknown');
  if (facts.lastWritten === true) return (index) => (index === operands.length - 1 ? 'write' : all);
  const given = facts.firstIsText === true && !patternFlags.some((flag) => words.flag(flag) === 2);
  const pattern = given ? operands.findIndex(({ isValue }) => !isValue) : -1;
  return (index) => (index === pattern ? undefined : all);
}

/** `find . -name .env -exec …` and `… -delete`: what it names is handed on. */
function foundBy({ command, surroundings }: Toucher, touches: readonly Touch[]): readonly Touch[] {
  const texts = command.words.map(({ text }) => text);
  const acts =
    texts.some((text) => /^-(exec|execdir|ok|okdir|delete|fprint|fprintf|fls)$/.test(text)) || command.feeds !== undefined;
  if (!acts) return [];
  const named = texts.flatMap((text, index) => (/^-i?(name|path|wholename)$/.test(text) ? [texts[index + 1] ?? ''] : []));
  return [
    ...touches.map(({ path }): Touch => ({ path, access: 'both', descends: true })),
    ...named.map((name): Touch => ({
      path: canonicalPath(name.replace(/^\*\//, ''), surroundings, true),
      access: 'both',
      descends: false,
    })),
  ];
}

/** What may be a path in a word: the word, what follows `=`, `@` or `:`, and entries of a list. */
function piecesOf(text: string): readonly string[] {
  if (!/[=@:,]/.test(text)) return [text];
  const pieces = new Set([text]);
  for (const part of text.split(/[,:]/)) {
    pieces.add(part);
    for (const mark of ['=', '@']) {
      const at = part.indexOf(mark);
      if (at >= 0) pieces.add(part.slice(at + 1).replace(/^@/, ''));
    }
    if (pieces.size > maxPieces) break;
  }
  pieces.delete('');
  return [...pieces];
}
