// A call as the audit log holds it, spec/audit.md, held against rules again: against those that it was judged by, whose verdict must be the same, or against others.
// Pure. What a record leaves out is told, never guessed.

import { blot, readAct } from '../audit/act.ts';
import { commitmentsIn } from '../audit/commitment.ts';
import { textsOf } from '../audit/commitment-proof.ts';
import type { AuditEvent } from '../audit/event.ts';
import { toHex } from '../codec/bytes.ts';
import { tools, type CallContext, type Json, type Tool, type ToolCall } from './call.ts';
import type { CompiledRules } from './compile.ts';
import { decide, type Decision } from './decide.ts';

export type RecordedToolCall = Extract<AuditEvent, { kind: 'tool-call' }>;

/** What the log says elsewhere of the session that made the call, and where its agent lives. */
export interface RecordedSession {
  readonly scope: string;
  readonly mode: CallContext['mode'];
  /** Where the record names none. */
  readonly home: string;
}

/** The canonical parts of the call; what only its input says is not there. */
export function callIn({ tool, harness, name, act }: RecordedToolCall): ToolCall {
  const parts = readAct(act);
  const known: Tool = tools.find((each) => each === tool) ?? 'other';
  const input: Json = {
    ...(parts.command !== undefined && { command: parts.command }),
    ...(parts.paths?.[0] !== undefined && { path: parts.paths[0] }),
    ...(parts.url !== undefined && { url: parts.url }),
  };
  return { tool: known, harness, name, input, ...parts };
}

export function contextIn(event: RecordedToolCall, { scope, mode, home }: RecordedSession): CallContext {
  const { repository, branch, subagent, above = [] } = event;
  return {
    agent: toHex(event.agent),
    scope,
    mode,
    directory: event.directory ?? '/',
    home: event.home ?? home,
    ...(repository !== undefined && { repository }),
    ...(branch !== undefined && { branch }),
    labels: new Set(event.labels),
    nowMs: event.judgedAtMs ?? event.atMs,
    ...(subagent !== undefined && { subagent: [subagent, ...above] as const }),
  };
}

/** Why a record holds a part only of what rules may have looked at; undefined: they look at what is there. */
export function partlyBecause(event: RecordedToolCall): 'cut' | 'redacted' | 'input' | undefined {
  const { actCut, act, tool } = event;
  if (actCut === true) return 'cut';
  if (act.includes(blot) || textsOf(event).some((said) => commitmentsIn(said).length > 0)) return 'redacted';
  return tool === 'mcp' || tool === 'other' || tool === 'message' || tool === 'agent' || tool === 'skill' ? 'input' : undefined;
}

export interface Replayed {
  /** `cannot`: the record leaves out what rules may have looked at. */
  readonly verdict: 'same' | 'differs' | 'cannot';
  readonly why?: 'cut' | 'redacted' | 'input' | 'rewritten' | 'rules';
  readonly decision?: Decision;
}

/** [AUDIT-53] The verdict of the rules by which it was judged, from the record alone. `rules` undefined: that version is not at hand. */
export function replayed(event: RecordedToolCall, session: RecordedSession, rules: CompiledRules | undefined): Replayed {
  if (rules === undefined) return { verdict: 'cannot', why: 'rules' };
  const why = partlyBecause(event);
  if (why !== undefined) return { verdict: 'cannot', why };
  const decision = decide(rules, callIn(event), contextIn(event, session));
  const ids = new Set(decision.matched.map(({ rule }) => rule));
  const same = decision.effect === event.decision && event.rules.every((id) => ids.has(id)) && ids.size >= event.rules.length;
  if (same) return { verdict: 'same', decision };
  // It was judged once more in the form in which it would run, which the record does not hold.
  return decision.input === undefined ? { verdict: 'differs', decision } : { verdict: 'cannot', why: 'rewritten', decision };
}
