// `holdfast rules test`: the examples of a file, and what its rules would have done to the acts that this machine has recorded. What a record leaves out
// (what was written, the input of an MCP tool, the branch) rules can't see here; the answer says how much that is.

import { homedir, hostname } from 'node:os';
import { decodeEvent, type AuditEvent } from '@holdfast/protocol/audit/event';
import { toHex } from '@holdfast/protocol/codec/bytes';
import { codeOf } from '@holdfast/protocol/errors';
import type { CompiledRules } from '@holdfast/protocol/rules/compile';
import type { Decision } from '@holdfast/protocol/rules/decide';
import { testRules, type ExampleResult } from '@holdfast/protocol/rules/examples';
import { replay } from '@holdfast/protocol/rules/explain';
import { callIn, contextIn, partlyBecause, type RecordedToolCall } from '@holdfast/protocol/rules/recorded';
import { askDaemon, findHome } from '../door-client.ts';
import { visible, type Output } from '../output.ts';
import { readRuleFile } from '../rules/file.ts';
import { readLog } from '../audit/log.ts';
import { exampleText, inForce, type RulesOptions } from './rules.ts';

/** So many are shown to a person; scripts get all. */
const maxShown = 20;

export async function test(output: Output, file: string | undefined, options: RulesOptions): Promise<void> {
  const examples = file === undefined ? [] : testRules(readRuleFile(file, options.pack ?? []).own);
  const failed = examples.filter(({ ok }) => !ok);
  const agents = await agentsRead(options.agent, file === undefined);
  const [first] = agents ?? [];
  const named = { ...options, ...(first !== undefined && { agent: first }), ...(file !== undefined && { file }) };
  const { compiled } = await inForce(output, named);
  const history = agents === undefined ? undefined : await heldAgainst(compiled, agents);
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
  readonly agent: string;
  readonly sequence: number;
  readonly atMs: number;
  readonly session: Uint8Array;
  readonly name: string;
  readonly act: string;
  readonly effect: Decision['effect'];
  readonly rules: readonly string[];
}

interface History {
  /** Whose records these are: others keep their own. */
  readonly machine: string;
  readonly agents: readonly string[];
  readonly calls: number;
  /** Calls of which the record does not hold all that rules may look at. */
  readonly partly: number;
  /** They ran, and would be denied, or be put to an operator. */
  readonly stopped: readonly Stopped[];
  /** They did not run, and nothing would object now. */
  readonly freed: number;
}

/** Those of this machine whose records are looked at; undefined without a daemon, where the examples alone are an answer. */
async function agentsRead(agent: string | undefined, isAll: boolean): Promise<readonly string[] | undefined> {
  try {
    const { agents } = await askDaemon(findHome(), { kind: 'status' }, 'status');
    return agent === undefined ? agents.map(({ scope }) => scope) : [agent];
  } catch (thrown) {
    if (isAll || codeOf(thrown) !== 'daemon_unreachable') throw thrown;
    return undefined;
  }
}

async function heldAgainst(rules: CompiledRules, agents: readonly string[]): Promise<History> {
  const each: OfOne[] = [];
  for (const agent of agents) each.push(heldAgainstOne(rules, agent, (await readLog(agent)).events.map(decodeEvent)));
  const sum = (count: (one: OfOne) => number) => each.reduce((total, one) => total + count(one), 0);
  return {
    machine: hostname(),
    agents,
    calls: sum(({ calls }) => calls),
    partly: sum(({ partly }) => partly),
    stopped: each.flatMap(({ stopped }) => stopped).toSorted((a, b) => a.atMs - b.atMs),
    freed: sum(({ freed }) => freed),
  };
}

type OfOne = Pick<History, 'calls' | 'partly' | 'stopped' | 'freed'>;

function heldAgainstOne(rules: CompiledRules, agent: string, events: readonly AuditEvent[]): OfOne {
  const modes = new Map(
    events.flatMap((event) => (event.kind === 'session-start' ? [[toHex(event.session), event.mode] as const] : [])),
  );
  const recorded = new Map(
    events.flatMap((event) => (event.kind === 'tool-call' ? [[String(event.sequence), event] as const] : [])),
  );
  const calls = [...recorded].map(([id, event]) => {
    const mode = modes.get(toHex(event.session)) ?? 'sealed';
    return { id, call: callIn(event), context: contextIn(event, { scope: agent, mode, home: homedir() }) };
  });
  const { changed } = replay(rules, calls);
  const decisions = new Map(changed.map(({ id, decision }) => [id, decision]));
  const stopped = [...recorded].flatMap(([id, event]) => {
    const decision = decisions.get(id);
    return event.allowed && decision !== undefined && isStop(decision) ? [stoppedBy(agent, event, decision)] : [];
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

function exampleLines(examples: readonly ExampleResult[], failed: readonly ExampleResult[]): readonly string[] {
  if (examples.length === 0) return [];
  return [
    failed.length === 0 ? `all ${examples.length} examples hold` : `${failed.length} of ${examples.length} examples do not hold:`,
    ...failed.map((each) => `  ${each.rule}: ${exampleText(each)}`),
  ];
}

function historyLines(history: History | undefined): readonly string[] {
  if (history === undefined) return ['no daemon answers on this machine, so nothing recorded was looked at'];
  const { machine, agents, calls, stopped, freed, partly } = history;
  if (agents.length === 0) return [`no agent is enrolled on ${machine}, so nothing recorded was looked at`];
  const several = agents.length > 1;
  const number = (count: number) => count.toLocaleString('en');
  return [
    `would have stopped ${number(stopped.length)} of the ${number(calls)} recorded acts of ${agents.join(', ')} on ${machine}${stopped.length === 0 ? '' : ':'}`,
    ...stopped
      .slice(-maxShown)
      .map(
        ({ agent, sequence, atMs, name, act, effect, rules }) =>
          `  ${several ? `${agent}  ` : ''}${sequence}  ${new Date(atMs).toISOString()}  ${effect} by ${rules.join(', ')}: ${name} ${act}`,
      ),
    ...(stopped.length > maxShown ? [`  and ${number(stopped.length - maxShown)} before these; see them with --json`] : []),
    ...(freed > 0 ? [`${number(freed)} that were stopped then would pass`] : []),
    ...(partly > 0 ? [`of ${number(partly)} the record holds a part only: what they say is not kept`] : []),
    'other machines keep their own records: ask there as well',
  ];
}
