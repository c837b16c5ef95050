// What a rewrite makes of a call, spec/rules.md. A shell text is changed at the command that the rule is about, and read again: the change counts
// only if that command, and nothing else, became what was wanted. Where that can't be had the caller denies.

import type { ShellCommand, ShellReading, Word } from '../shell/read.ts';
import { readShell } from '../shell/read.ts';
import type { Json, ToolCall } from './call.ts';
import { commandsOf, type Matcher } from './match.ts';
import { pointerValues, withValueAt } from './pointer.ts';
import type { Change } from './rule.ts';
import type { CallView } from './view.ts';

/** Undefined where the change can't be made. */
export function rewritten(matcher: Matcher, view: CallView): ToolCall | undefined {
  const { change } = matcher.rule;
  if (change === undefined) return undefined;
  if (change.kind === 'set') return withValues(view, change.values);
  const { call } = view;
  if (call.command === undefined) return undefined;
  for (const { command } of commandsOf(matcher, view)) {
    const text = spliced(call.command, view.reading, command, matcher, change);
    const next = text === undefined ? undefined : withCommand(call, text);
    if (next !== undefined) return next;
  }
  return undefined;
}

function withValues(view: CallView, values: Extract<Change, { kind: 'set' }>['values']): ToolCall | undefined {
  let call = view.call;
  for (const { pointer, value } of values) {
    const before = pointerValues(view, pointer)[0];
    const input = withValueAt(call.input, pointer, value);
    if (input === undefined || before === value) return undefined;
    call = { ...call, input, ...canonicalAfter(call, before, value) };
  }
  return call;
}

/** The canonical parts that came from the value. */
function canonicalAfter(call: ToolCall, before: unknown, after: unknown): Partial<ToolCall> {
  if (typeof before !== 'string') return {};
  const text = typeof after === 'string' ? after : String(after);
  return {
    ...(call.command === before && { command: text }),
    ...(call.url === before && { url: text }),
    ...(call.text === before && { text }),
    ...(call.method?.toLowerCase() === before.toLowerCase() && { method: text.toUpperCase() }),
    ...(call.paths?.includes(before) === true && { paths: call.paths.map((path) => (path === before ? text : path)) }),
  };
}

function withCommand(call: ToolCall, command: string): ToolCall | undefined {
  const { input } = call;
  if (input === call.command) return { ...call, input: command, command };
  if (input === null || typeof input !== 'object' || Array.isArray(input)) return undefined;
  const fields = input as Readonly<Record<string, Json>>;
  const [key, second] = Object.keys(fields).filter((each) => fields[each] === call.command);
  return key === undefined || second !== undefined ? undefined : { ...call, input: { ...fields, [key]: command }, command };
}

type TextChange = Exclude<Change, { kind: 'set' }>;

const maxPlaces = 64;
/** Words between program and last sub-command. */
const maxDepth = 24;

function spliced(
  text: string,
  before: ShellReading,
  command: ShellCommand,
  matcher: Matcher,
  change: TextChange,
): string | undefined {
  const forms = (matcher.rule.when.command ?? []).filter(([programs]) => programs?.includes(command.name ?? '') === true);
  let places = 0;
  for (const [, ...below] of forms.length > 0 ? forms : [[]]) {
    for (let at = text.indexOf(command.program.text); at >= 0; at = text.indexOf(command.program.text, at + 1)) {
      places += 1;
      if (places > maxPlaces) return undefined;
      const end = endOfWords(text, at, command.program.text, below);
      if (end === undefined) continue;
      const next =
        change.kind === 'add'
          ? `${text.slice(0, end)} ${change.words.join(' ')}${text.slice(end)}`
          : `${text.slice(0, at)}${change.command.join(' ')}${text.slice(end)}`;
      if (onlyChanged(before, readShell(next), command, below.length, change)) return next;
    }
  }
  return undefined;
}

/** Where the sub-commands end that follow the program at `at`; plain words may stand between. */
function endOfWords(text: string, at: number, program: string, below: readonly (readonly string[])[]): number | undefined {
  const before = text[at - 1];
  if (before !== undefined && !/[\s;&|(`{!]/.test(before)) return undefined;
  let end = at + program.length;
  const word = /[ \t]+([A-Za-z0-9_@%+=:,./-]+)/y;
  for (const sub of below) {
    for (;;) {
      word.lastIndex = end;
      const found = word.exec(text);
      if (found === null) return undefined;
      end = word.lastIndex;
      if (sub.includes(found[1] ?? '')) break;
    }
  }
  const after = text[end];
  return after === undefined || /[\s;&|)`<>}]/.test(after) ? end : undefined;
}

/** The text now runs what it ran before, but for this one command, which became what the change wants. */
function onlyChanged(
  before: ShellReading,
  after: ShellReading,
  command: ShellCommand,
  depth: number,
  change: TextChange,
): boolean {
  if (JSON.stringify([before.opaque, before.mentions]) !== JSON.stringify([after.opaque, after.mentions])) return false;
  const wanted = new Set(outcomesOf(command, depth, change).map((each) => JSON.stringify(each)));
  const target = JSON.stringify(command);
  const old = new Set(before.commands.map((each) => JSON.stringify(each)));
  const now = new Set(after.commands.map((each) => JSON.stringify(each)));
  const isNew = (each: string) => !old.has(each);
  return (
    [...now].some((each) => wanted.has(each)) &&
    [...now].filter(isNew).every((each) => wanted.has(each)) &&
    [...old].every((each) => each === target || now.has(each))
  );
}

function outcomesOf(command: ShellCommand, depth: number, change: TextChange): readonly ShellCommand[] {
  const plain = (text: string): Word => ({ text, dynamic: false, glob: false });
  const { words } = command;
  if (change.kind === 'add')
    return Array.from({ length: Math.min(words.length, maxDepth) + 1 }, (_, at) => ({
      ...command,
      words: words.toSpliced(at, 0, ...change.words.map(plain)),
    }));
  const [program = '', ...rest] = change.command;
  return [{ ...command, name: program, program: plain(program), words: [...rest.map(plain), ...words.slice(depth)] }];
}
