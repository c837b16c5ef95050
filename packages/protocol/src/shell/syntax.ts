// From text to tree. unbash is tolerant: for text that is no shell it returns a part of a tree and its errors. bash, too, runs the lines before
// the one that it cannot parse, so both are used: the part is read, and every error is reported as opaque [SHELL-3].

import { parse, type Command, type ParsedScript, type Word } from 'unbash';

import type { Findings } from './findings.ts';

/** unbash takes time with the square of the heredocs that one line opens. */
const maxHeredocsInLine = 64;

export function parseScript(text: string, findings: Findings, program?: string): ParsedScript | undefined {
  findings.spend(text.length + 16);
  // What NUL does to a command line differs from one harness to the next.
  if (text.includes('\0')) findings.opaque('syntax', program, text);
  if (manyHeredocs(text)) {
    findings.opaque('too_deep', program, text);
    return undefined;
  }
  const script = parse(text);
  reportErrors(script, text, findings, program);
  return script;
}

/** Also of the scripts inside substitutions, which unbash parses when they are first looked at. */
export function reportErrors(script: ParsedScript, text: string, findings: Findings, program?: string): void {
  const first = script.errors?.[0];
  if (first === undefined) return;
  const deep = script.errors?.some((error) => error.message.includes('nesting')) ?? false;
  findings.opaque(
    deep ? 'too_deep' : 'syntax',
    program,
    (script.source ?? text).slice(Math.max(0, first.pos - 40), first.pos + 40),
  );
}

/** The words that a piece of a command line stands for, when it is nothing else but words. */
export function parseWords(text: string, findings: Findings): readonly Word[] | undefined {
  findings.spend(text.length + 16);
  const script = parse(`: ${text}`);
  const [statement, ...more] = script.commands;
  if (script.errors !== undefined || more.length > 0 || statement?.command.type !== 'Command') return undefined;
  const command: Command = statement.command;
  const words = command.suffix.filter((part) => part.type === 'Word');
  return words.length === command.suffix.length ? words : undefined;
}

function manyHeredocs(text: string): boolean {
  let inLine = 0;
  for (let at = text.indexOf('<<'); at !== -1; at = text.indexOf('<<', at + 2)) {
    inLine += 1;
    if (inLine > maxHeredocsInLine) return true;
    const lineEnd = text.indexOf('\n', at);
    if (lineEnd !== -1 && text.indexOf('<<', at + 2) > lineEnd) inLine = 0;
  }
  return false;
}
