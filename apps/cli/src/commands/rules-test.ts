// `holdfast rules test`: the examples of a file, and what its rules would have done to the acts that this machine has recorded. What a record leaves out
// (what was written, the input of an MCP tool, the branch) rules can't see here; the answer says how much that is.

import { homedir } from 'node:os';
import { readAct } from '@holdfast/protocol/audit/act';
import { decodeEvent, type AuditEvent } from '@holdfast/protocol/audit/event';
import { toHex } from '@holdfast/protocol/codec/bytes';
import { codeOf } from '@holdfast/protocol/errors';
import type { CallContext, Json, Tool, ToolCall } from '@holdfast/protocol/rules/call';
import { tools } from '@holdfast/protocol/rules/call';
import type { CompiledRules } from '@holdfast/protocol/rules/compile';
import type { Decision } from '@holdfast/protocol/rules/decide';
import { testRules, type ExampleResult } from '@holdfast/protocol/rules/examples';
import { replay } from '@holdfast/protocol/rules/explain';
import { visible, type Output } from '../output.ts';
import { readRuleFile } from '../rules/file.ts';
import { readLog } from './audit.ts';
import { exampleText, inForce, type RulesOptions } from './rules.ts';

type RecordedEvent = Extract<AuditEvent, { kind: 'tool-call' }>;

/** So many are shown to a person; scripts get all. */
const maxShown = 20;

export async function test(output: Output, file: string | undefined, options: RulesOptions): Promise<void> {
  const examples = file === undefined ? [] : testRules(readRuleFile(file, options.pack ?? []).own);
  const failed = examples.filter(({ ok }) => !ok);
  const { compiled } = await inForce(output, { ...options, ...(file !== undefined && { file }) });
  const history = await heldAgainst(compiled, options.agent ?? 'main', file === undefined);
  output.result(
    {
      examples: {
        run: examples.length,
        failed: failed.map(({ rule, wanted, example, found }) => ({ rule, wanted, example, found })),
      },
      ...(history !== undefined && { history }),
    },
    [...exampleLines(examples, failed), ...historyLines(history)].map(visible),
  );
  if (failed.length > 0) process.exitCode = 1; // [CLI-24]
}

interface Stopped {
  readonly sequence: number;
  readonly atMs: number;
  readonly session: Uint8Array;
  readonly name: string;
  readonly act: string;
  readonly effect: Decision['effect'];
  readonly rules: readonly string[];
}

interface History {
  readonly agent: string;
  readonly calls: number;
  /** Calls of which the record does not hold all that rules may look at. */
  readonly partly: number;
  /** They ran, and would be denied, or be put to an operator. */
  readonly stopped: readonly Stopped[];
  /** They did not run, and nothing would object now. */
  readonly freed: number;
}

/** Undefined without a daemon, where the examples alone are an answer. */
async function heldAgainst(rules: CompiledRules, agent: string, isAll: boolean): Promise<History | undefined> {
  try {
    const events = (await readLog(agent)).events.map(decodeEvent);
    return historyOf(rules, agent, events);
  } catch (thrown) {
    if (isAll || codeOf(thrown) !== 'daemon_unreachable') throw thrown;
    return undefined;
  }
}

function historyOf(rules: CompiledRules, agent: string, events: readonly AuditEvent[]): History {
  const modes = new Map(
    events.flatMap((event) => (event.kind === 'session-start' ? [[toHex(event.session), event.mode] as const] : [])),
  );
  const recorded = new Map(
    events.flatMap((event) => (event.kind === 'tool-call' ? [[String(event.sequence), event] as const] : [])),
  );
  const calls = [...recorded].map(([id, event]) => {
    const context: CallContext = {
      agent: toHex(event.agent),
      scope: agent,
      mode: modes.get(toHex(event.session)) ?? 'sealed',
      directory: event.directory ?? '/',
      home: homedir(),
      labels: new Set(event.labels),
      nowMs: event.atMs,
      ...(event.subagent !== undefined && { subagent: event.subagent }),
    };
    return { id, call: callIn(event), context };
  });
  const { changed } = replay(rules, calls);
  const decisions = new Map(changed.map(({ id, decision }) => [id, decision]));
  const stopped = [...recorded].flatMap(([id, event]) => {
    const decision = decisions.get(id);
    return event.allowed && decision !== undefined && isStop(decision) ? [stoppedBy(event, decision)] : [];
  });
  const freed = [...recorded].filter(([id, { allowed }]) => {
    const decision = decisions.get(id);
    return !allowed && (decision === undefined || !isStop(decision));
  }).length;
  const partly = [...recorded.values()].filter(isPartly).length;
  return { agent, calls: recorded.size, partly, stopped, freed };
}

const isStop = ({ effect }: Decision): boolean => effect === 'deny' || effect === 'ask';

function stoppedBy({ sequence, atMs, session, name, act }: RecordedEvent, { effect, matched }: Decision): Stopped {
  return { sequence, atMs, session, name, act, effect, rules: [...new Set(matched.map(({ rule }) => rule))] };
}

/** A record holds the canonical parts of a call; what only its input says is not there. */
function isPartly({ actCut, tool }: RecordedEvent): boolean {
  return actCut === true || tool === 'mcp' || tool === 'other' || tool === 'message' || tool === 'agent' || tool === 'skill';
}

function callIn({ tool, harness, name, act }: RecordedEvent): ToolCall {
  const parts = readAct(act);
  const known: Tool = tools.find((each) => each === tool) ?? 'other';
  const input: Json = {
    ...(parts.command !== undefined && { command: parts.command }),
    ...(parts.paths?.[0] !== undefined && { path: parts.paths[0] }),
    ...(parts.url !== undefined && { url: parts.url }),
  };
  return { tool: known, harness, name, input, ...parts };
}

function exampleLines(examples: readonly ExampleResult[], failed: readonly ExampleResult[]): readonly string[] {
  if (examples.length === 0) return [];
  return [
    failed.length === 0 ? `all ${examples.length} examples hold` : `${failed.length} of ${examples.length} examples do not hold:`,
    ...failed.map((each) => `  ${each.rule}: ${exampleText(each)}`),
  ];
}

function historyLines(history: History | undefined): readonly string[] {
  if (history === undefined) return ['no daemon answers on this machine, so nothing recorded was looked at'];
  const { agent, calls, stopped, freed, partly } = history;
  const number = (count: number) => count.toLocaleString('en');
  return [
    `would have stopped ${number(stopped.length)} of the ${number(calls)} recorded acts of ${agent}${stopped.length === 0 ? '' : ':'}`,
    ...stopped
      .slice(-maxShown)
      .map(
        ({ sequence, atMs, name, act, effect, rules }) =>
          `  ${sequence}  ${new Date(atMs).toISOString()}  ${effect} by ${rules.join(', ')}: ${name} ${act}`,
      ),
    ...(stopped.length > maxShown ? [`  and ${number(stopped.length - maxShown)} before these; see them with --json`] : []),
    ...(freed > 0 ? [`${number(freed)} that were stopped then would pass`] : []),
    ...(partly > 0 ? [`of ${number(partly)} the record holds a part only: what they say is not kept`] : []),
  ];
}
