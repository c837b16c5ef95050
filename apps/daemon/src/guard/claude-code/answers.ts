// Verdicts in the words of Claude Code's hooks, spec/guard.md [GUARD-7]. An answer never says `allow`: the harness's own permissions still apply.

import { codeOf, HoldfastError } from '@holdfast/protocol/errors';
import type { Verdict } from '../reported.ts';

type Answer = Readonly<Record<string, unknown>>;

export function answerAct(event: 'PreToolUse', verdict: Verdict): Answer {
  if (verdict.kind === 'deny')
    return {
      hookSpecificOutput: { hookEventName: event, permissionDecision: 'deny', permissionDecisionReason: verdict.reason },
    };
  const { input, notes } = verdict;
  if (input === undefined && notes.length === 0) return {};
  const additionalContext = notes.length > 0 ? { additionalContext: notes.join('\n') } : {};
  return {
    hookSpecificOutput: { hookEventName: event, ...(input !== undefined && { updatedInput: input }), ...additionalContext },
  };
}

/** To the mod: nobody told yet where the agent stands. */
export const askWhere: Answer = { holdfast: 'where' };

/** The mod takes nothing else, word by word. */
export function answerGate(verdict: Verdict): Answer {
  return verdict.kind === 'allow' && verdict.input === undefined
    ? { holdfast: 'pass' }
    : {
        holdfast: 'deny',
        reason: verdict.kind === 'deny' ? verdict.reason : 'Holdfast would change this call, which cannot be done here.',
      };
}

/** The form that every event understands. */
export function block(reason: string): Answer {
  return { decision: 'block', reason };
}

export function addContext(event: string, additionalContext: string | undefined): Answer {
  return additionalContext === undefined ? {} : { hookSpecificOutput: { hookEventName: event, additionalContext } };
}

/** For what could not be read or judged: it does not happen. */
export function answerFault(thrown: unknown): Answer {
  if (thrown instanceof HoldfastError && thrown.code === 'session_suspended')
    return block(`Holdfast: ${thrown.message} (${thrown.code}). Instead: ${thrown.next ?? 'ask an operator'}`);
  return block(`Holdfast could not judge this (${codeOf(thrown)}), so it does not happen.`);
}
