// What rules would have done to the acts that logs hold, spec/rules.md. Pure, for the command line and the console. What a record leaves out (what was
// written, the input of an MCP tool) rules can't see here; the answer says how much that is.

import type { AuditEvent } from '../audit/event.ts';
import { toHex } from '../codec/bytes.ts';
import type { CompiledRules } from './compile.ts';
import type { Decision } from './decide.ts';
import { replay } from './explain.ts';
import { callIn, contextIn, partlyBecause, type RecordedToolCall } from './recorded.ts';

/** One agent's events, in their order, and what of its machine no record tells. */
export interface RecordedLog {
  readonly scope: string;
  /** Where a record names none. */
  readonly home: string;
  readonly events: Iterable<AuditEvent>;
}

export interface Stopped {
  /** The scope. */
  readonly agent: string;
  readonly sequence: number;
  readonly atMs: number;
  readonly session: Uint8Array;
  readonly name: string;
  readonly act: string;
  readonly effect: Decision['effect'];
  readonly rules: readonly string[];
}

export interface History {
  readonly calls: number;
  /** Calls of which the record does not hold all that rules may look at. */
  readonly partly: number;
  /** They ran, and would be denied, or be put to an operator; by time. */
  readonly stopped: readonly Stopped[];
  /** They did not run, and nothing would object now. */
  readonly freed: number;
}

/** `sinceMs`: acts of before are left out. */
export function heldAgainst(rules: CompiledRules, logs: Iterable<RecordedLog>, sinceMs = 0): History {
  const each = [...logs].map((log) => heldAgainstOne(rules, log, sinceMs));
  const sum = (count: (one: History) => number): number => each.reduce((total, one) => total + count(one), 0);
  return {
    calls: sum(({ calls }) => calls),
    partly: sum(({ partly }) => partly),
    stopped: each.flatMap(({ stopped }) => stopped).toSorted((a, b) => a.atMs - b.atMs),
    freed: sum(({ freed }) => freed),
  };
}

function heldAgainstOne(rules: CompiledRules, { scope, home, events }: RecordedLog, sinceMs: number): History {
  const modes = new Map<string, 'sealed' | 'guarded'>();
  const recorded = new Map<string, RecordedToolCall>();
  for (const event of events) {
    if (event.kind === 'session-start') modes.set(toHex(event.session), event.mode);
    if (event.kind === 'tool-call' && event.atMs >= sinceMs) recorded.set(String(event.sequence), event);
  }
  const calls = [...recorded].map(([id, event]) => {
    const mode = modes.get(toHex(event.session)) ?? 'sealed';
    return { id, call: callIn(event), context: contextIn(event, { scope, mode, home }) };
  });
  const decisions = new Map(replay(rules, calls).changed.map(({ id, decision }) => [id, decision]));
  const stopped = [...recorded].flatMap(([id, event]) => {
    const decision = decisions.get(id);
    return event.allowed && decision !== undefined && isStop(decision) ? [stoppedBy(scope, event, decision)] : [];
  });
  const freed = [...recorded].filter(([id, { allowed }]) => {
    const decision = decisions.get(id);
    return !allowed && (decision === undefined || !isStop(decision));
  }).length;
  const partly = [...recorded.values()].filter((event) => partlyBecause(event) !== undefined).length;
  return { calls: recorded.size, partly, stopped, freed };
}

const isStop = ({ effect }: Decision): boolean => effect === 'deny' || effect === 'ask';

function stoppedBy(
  agent: string,
  { sequence, atMs, session, name, act }: RecordedToolCall,
  { effect, matched }: Decision,
): Stopped {
  return { agent, sequence, atMs, session, name, act, effect, rules: [...new Set(matched.map(({ rule }) => rule))] };
}

const number = (count: number): string => count.toLocaleString('en');

/** "would have stopped 3 of the 4,112 recorded acts"; whose they are the caller adds. */
export const stoppedText = ({ stopped, calls }: History): string =>
  `would have stopped ${number(stopped.length)} of the ${number(calls)} recorded acts`;

/** What else is to be known of it. */
export const besideText = ({ freed, partly }: History): readonly string[] => [
  ...(freed > 0 ? [`${number(freed)} that were stopped then would pass`] : []),
  ...(partly > 0 ? [`of ${number(partly)} the record holds a part only: what they say is not kept`] : []),
];
