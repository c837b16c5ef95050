// Why a call is decided as it is, and what a set would have done to calls that were recorded, spec/rules.md. Pure: the command line and the console
// show what comes out.

import type { CallContext, ToolCall } from './call.ts';
import type { CompiledRules } from './compile.ts';
import { decide, type Decision } from './decide.ts';
import { judge } from './match.ts';
import type { Effect, Severity } from './rule.ts';
import { CallView } from './view.ts';

export interface RuleExplanation {
  readonly rule: string;
  readonly effect: Effect;
  readonly severity: Severity;
  readonly applies: 'yes' | 'maybe' | 'no';
  /** The condition that does not hold, or that the shell text can't be read. */
  readonly because?: string;
}

export interface Explanation {
  readonly decision: Decision;
  /** What the shell text was found to run. */
  readonly commands: readonly { readonly program: string; readonly words: readonly string[]; readonly via: readonly string[] }[];
  readonly unread: readonly { readonly why: string; readonly excerpt: string }[];
  /** Every rule, by id. */
  readonly rules: readonly RuleExplanation[];
}

export function explain(rules: CompiledRules, call: ToolCall, context: CallContext): Explanation {
  const decision = decide(rules, call, context);
  const view = new CallView(call, context);
  const { commands, opaque } = view.reading;
  return {
    decision,
    commands: commands.map(({ name, program, words, wrappers }) => ({
      program: name ?? program.text,
      words: words.map(({ text }) => text),
      via: wrappers,
    })),
    unread: opaque.map(({ why, excerpt }) => ({ why, excerpt })),
    rules: rules.matchers.map((matcher) => {
      const { id, effect, severity } = matcher.rule;
      const { grade, failed, opaque: unreadable } = judge(matcher, view);
      const because = unreadable === true ? 'opaque' : failed;
      return {
        rule: id,
        effect,
        severity,
        applies: grade === 2 ? 'yes' : grade === 1 ? 'maybe' : 'no',
        ...(because !== undefined && { because }),
      };
    }),
  };
}

export interface RecordedCall {
  /** What the record is known by. */
  readonly id: string;
  readonly call: ToolCall;
  readonly context: CallContext;
}

export interface Replay {
  readonly calls: number;
  readonly byEffect: Readonly<Record<Decision['effect'], number>>;
  readonly byRule: Readonly<Record<string, number>>;
  /** All that would not simply have been allowed. */
  readonly changed: readonly { readonly id: string; readonly decision: Decision }[];
}

export function replay(rules: CompiledRules, recorded: Iterable<RecordedCall>): Replay {
  const byEffect = { allow: 0, warn: 0, ask: 0, deny: 0 };
  const byRule = new Map<string, number>();
  const changed: { id: string; decision: Decision }[] = [];
  let calls = 0;
  for (const { id, call, context } of recorded) {
    const decision = decide(rules, call, context);
    calls += 1;
    byEffect[decision.effect] += 1;
    for (const rule of new Set(decision.matched.map((each) => each.rule))) byRule.set(rule, (byRule.get(rule) ?? 0) + 1);
    if (decision.effect !== 'allow' || decision.input !== undefined) changed.push({ id, decision });
  }
  return { calls, byEffect, byRule: Object.fromEntries(byRule), changed };
}
