// The decision about one call, spec/rules.md: every rule is considered, the strictest effect holds, and whatever goes wrong denies.

import { globMatches } from '../vault/path.ts';
import type { ShellCommand, ShellReading } from '../shell/read.ts';
import { readShell } from '../shell/read.ts';
import type { CallContext, Json, ToolCall } from './call.ts';
import type { CompiledRules } from './compile.ts';
import type { Conditions, Rule } from './rule.ts';

export interface Matched {
  readonly rule: string;
  readonly effect: 'warn' | 'ask' | 'deny' | 'rewrite';
  readonly reason: string;
  readonly instead?: string;
}

export interface Decision {
  readonly effect: 'allow' | 'warn' | 'ask' | 'deny';
  /** The harness's input as rewritten, only with allow or warn. */
  readonly input?: Json;
  readonly matched: readonly Matched[];
  /** What this call labels the session with once it has run. */
  readonly labels: readonly string[];
}

/** Total: never throws. */
export function decide(rules: CompiledRules, call: ToolCall, context: CallContext): Decision {
  try {
    const reading = call.command === undefined ? undefined : readShell(call.command);
    const matched = rules.rules.filter((rule) => holds(rule, call, reading, context));
    const strictest = (['deny', 'ask', 'warn'] as const).find((effect) => matched.some((rule) => rule.effect === effect));
    return {
      effect: strictest ?? 'allow',
      matched: matched.flatMap(({ id, effect, reason, instead }) =>
        effect === 'label' ? [] : [{ rule: id, effect, reason, ...(instead !== undefined && { instead }) }],
      ),
      labels: matched.flatMap(({ as }) => (as === undefined ? [] : [as])),
    };
  } catch {
    return { effect: 'deny', matched: [{ rule: 'engine', effect: 'deny', reason: 'The call could not be judged.' }], labels: [] }; // [RULES-8]
  }
}

function holds(rule: Rule, call: ToolCall, reading: ShellReading | undefined, context: CallContext): boolean {
  if (!rule.tools.includes(call.tool) && !rule.tools.includes('any')) return false;
  if (!conditionsHold(rule.when, call, reading, context, rule.opaque === 'deny')) return false;
  return !rule.unless.some((unless) => conditionsHold(unless, call, reading, context, false));
}

function conditionsHold(
  when: Conditions,
  call: ToolCall,
  reading: ShellReading | undefined,
  context: CallContext,
  opaque: boolean,
): boolean {
  const { command, paths, under, branch } = when;
  if (under !== undefined && !under.some((label) => context.labels.has(label))) return false;
  if (branch !== undefined && !branch.some((glob) => globMatches(glob, context.branch ?? ''))) return false;
  if (paths !== undefined && !paths.some((glob) => call.paths?.some((path) => globMatches(glob, path)) === true)) return false;
  if (command === undefined) return true;
  return (reading?.commands.some((each) => commandHolds(when, each)) ?? false) || (opaque && (reading?.opaque.length ?? 0) > 0);
}

function commandHolds({ command = [], flags = [] }: Conditions, { name, words }: ShellCommand): boolean {
  const given = new Set(words.map(({ text }) => text));
  return (
    command.some(([program, ...below]) => program === name && below.every((word) => given.has(word))) &&
    flags.every((spellings) => spellings.some((flag) => given.has(flag)))
  );
}
