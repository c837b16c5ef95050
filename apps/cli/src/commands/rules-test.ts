// `holdfast rules test`: the examples of a file, and what its rules would have done to the acts that this machine has recorded. What a record leaves out
// (what was written, the input of an MCP tool, the branch) rules can't see here; the answer says how much that is.

import { homedir, hostname } from 'node:os';
import { decodeEvent } from '@holdfast/protocol/audit/event';
import { codeOf } from '@holdfast/protocol/errors';
import type { CompiledRules } from '@holdfast/protocol/rules/compile';
import { testRules, type ExampleResult } from '@holdfast/protocol/rules/examples';
import { besideText, heldAgainst, stoppedText, type History, type RecordedLog } from '@holdfast/protocol/rules/history';
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
  const history = agents === undefined ? undefined : await heldHere(compiled, agents);
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

interface Held extends History {
  /** Whose records these are: others keep their own. */
  readonly machine: string;
  readonly agents: readonly string[];
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

async function heldHere(rules: CompiledRules, agents: readonly string[]): Promise<Held> {
  const logs: RecordedLog[] = [];
  for (const scope of agents) logs.push({ scope, home: homedir(), events: (await readLog(scope)).events.map(decodeEvent) });
  return { machine: hostname(), agents, ...heldAgainst(rules, logs) };
}

function exampleLines(examples: readonly ExampleResult[], failed: readonly ExampleResult[]): readonly string[] {
  if (examples.length === 0) return [];
  return [
    failed.length === 0 ? `all ${examples.length} examples hold` : `${failed.length} of ${examples.length} examples do not hold:`,
    ...failed.map((each) => `  ${each.rule}: ${exampleText(each)}`),
  ];
}

function historyLines(history: Held | undefined): readonly string[] {
  if (history === undefined) return ['no daemon answers on this machine, so nothing recorded was looked at'];
  const { machine, agents, stopped } = history;
  if (agents.length === 0) return [`no agent is enrolled on ${machine}, so nothing recorded was looked at`];
  const several = agents.length > 1;
  return [
    `${stoppedText(history)} of ${agents.join(', ')} on ${machine}${stopped.length === 0 ? '' : ':'}`,
    ...stopped
      .slice(-maxShown)
      .map(
        ({ agent, sequence, atMs, name, act, effect, rules }) =>
          `  ${several ? `${agent}  ` : ''}${sequence}  ${new Date(atMs).toISOString()}  ${effect} by ${rules.join(', ')}: ${name} ${act}`,
      ),
    ...(stopped.length > maxShown
      ? [`  and ${(stopped.length - maxShown).toLocaleString('en')} before these; see them with --json`]
      : []),
    ...besideText(history),
    'other machines keep their own records: ask there as well',
  ];
}
