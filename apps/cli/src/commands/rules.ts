// `holdfast rules apply|list|explain|packs`: what agents may do, written once, signed, and in force at the very next act. A file is checked, its own
// examples are run and what changes is shown before anything is signed.

import { homedir } from 'node:os';
import path from 'node:path';
import { equalBytes } from '@holdfast/protocol/codec/bytes';
import { HoldfastError } from '@holdfast/protocol/errors';
import { hashRules } from '@holdfast/protocol/journal/bodies';
import { setRules } from '@holdfast/protocol/journal/compose';
import { liveAgents, type FleetState } from '@holdfast/protocol/journal/state';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';
import type { CallContext, Tool, ToolCall } from '@holdfast/protocol/rules/call';
import { tools } from '@holdfast/protocol/rules/call';
import { concernedBy, idsOf, ruleChanges, setIn, type RuleSetChanges } from '@holdfast/protocol/rules/changes';
import { compile, readOnlyRules, type CompiledRules } from '@holdfast/protocol/rules/compile';
import { testRules, type ExampleResult } from '@holdfast/protocol/rules/examples';
import { explain as explainCall } from '@holdfast/protocol/rules/explain';
import { parseRules } from '@holdfast/protocol/rules/language';
import { packNames, packRules } from '@holdfast/protocol/rules/packs/packs';
import { writeRules } from '@holdfast/protocol/rules/write';
import { askDaemon, findHome } from '../door-client.ts';
import { asOperator } from '../operator/session.ts';
import { usage, visible, type Output } from '../output.ts';
import { readRuleFile } from '../rules/file.ts';

export interface RulesOptions {
  readonly passphraseFile?: string;
  readonly agent?: string;
  readonly pack?: readonly string[];
  readonly file?: string;
  readonly tool?: string;
}

export async function apply(output: Output, file: string, options: RulesOptions): Promise<void> {
  const { own, whole } = readRuleFile(file, options.pack ?? []);
  const examples = testRules(own);
  refuseFailing(examples);
  const text = writeRules(whole);
  const signed = compile(parseRules(text)).set; // what will be read of it, or it is not signed [CLI-24]
  if (JSON.stringify(setIn(signed)) !== JSON.stringify(setIn(whole)))
    throw new HoldfastError('internal', 'the rules would be read otherwise than they were written');
  await asOperator(output, options, async (session) => {
    const before = session.state.rules;
    const changes = ruleChanges(before === undefined ? undefined : before.text, whole);
    const about = {
      hash: hashRules(nodePrimitives, text),
      rules: whole.rules.length,
      examples: examples.length,
      added: idsOf(changes, 'added'),
      changed: idsOf(changes, 'changed'),
      removed: idsOf(changes, 'removed'),
    };
    if (before !== undefined && equalBytes(before.hash, about.hash)) {
      output.result({ version: before.version, ...about, applied: (await session.appliedHere()) === 'applied' }, [
        `version ${before.version} is in force already; nothing changes`,
      ]);
      return;
    }
    for (const line of changeLines(changes)) output.say(line);
    const concerned = concernedBy(changes, liveAgents(session.state)).map(({ scope }) => scope);
    output.say(concerned.length === 0 ? 'concerns no agent that there is' : `concerns ${concerned.join(', ')}`);
    const { version } = await session.write((operator) => setRules(operator, text));
    const here = await session.appliedHere();
    output.result({ version, ...about, applied: here === 'applied' }, [
      `version ${version}: ${whole.rules.length} rules, ${examples.length} examples hold; ${
        here === 'applied' ? 'in force here from the next act on' : 'signed; no agent of this machine has it yet'
      }`,
    ]);
  });
}

/** Throws `rules_invalid` with what did not hold. */
export function refuseFailing(examples: readonly ExampleResult[]): void {
  const failed = examples.filter(({ ok }) => !ok);
  const [first] = failed;
  if (first === undefined) return;
  throw new HoldfastError(
    'rules_invalid',
    `${failed.length} of ${examples.length} examples do not hold, first of ${first.rule}: ${exampleText(first)}`,
    { next: 'see all of them: holdfast rules test FILE' },
  );
}

export function exampleText({ wanted, example, found }: ExampleResult): string {
  const subject = example.tool === 'shell' ? example.subject : `${example.tool} ${example.subject}`;
  return wanted === 'hit' ? `\`${subject}\` is not caught (${found})` : `\`${subject}\` is caught (${found})`;
}

const marks = { added: '+', changed: '~', removed: '-' } as const;

const changeLines = (changes: RuleSetChanges): readonly string[] =>
  (['added', 'changed', 'removed'] as const).flatMap((how) => idsOf(changes, how).map((id) => visible(`${marks[how]} ${id}`)));

/** A set as it is in force, and where it was found. */
interface Found {
  readonly view: 'machine' | 'operator' | 'file';
  readonly compiled: CompiledRules;
  readonly signed?: { readonly version: number; readonly hash: Uint8Array; readonly setAtMs: number };
  readonly unreadable?: { readonly version: number; readonly code: string };
}

export async function list(output: Output, options: RulesOptions): Promise<void> {
  const { view, compiled, signed, unreadable } = await inForce(output, options);
  const { rules } = signed === undefined ? { rules: [] } : compiled.set;
  const shown = rules.map(({ id, effect, tools: of, severity, reason, instead }) => ({
    rule: id,
    effect,
    tools: of,
    severity,
    reason,
    ...(instead !== undefined && { instead }),
  }));
  output.result({ view, ...signed, ...(unreadable !== undefined && { unreadable }), rules: shown }, [
    signed === undefined
      ? 'there are no rules yet: agents may only read'
      : `version ${signed.version} of ${new Date(signed.setAtMs).toISOString()}, ${rules.length} rules`,
    ...(unreadable === undefined ? [] : [`! version ${unreadable.version} cannot be read here (${unreadable.code})`]),
    ...shown.map(({ rule, effect, tools: of, reason }) => visible(`${effect.padEnd(7)} ${rule}  [${of.join(', ')}]  ${reason}`)),
  ]);
}

export async function explain(output: Output, typed: string, options: RulesOptions): Promise<void> {
  const tool = toolNamed(options.tool ?? 'shell');
  const { view, compiled, signed } = await inForce(output, options);
  const { call, context } = callOf(tool, typed);
  const { decision, commands, unread, rules } = explainCall(compiled, call, context);
  const { effect, matched, labels, input } = decision;
  const near = rules.filter(({ applies }) => applies !== 'no');
  output.result(
    {
      view,
      ...(signed !== undefined && { version: signed.version }),
      effect,
      matched,
      labels,
      ...(input !== undefined && { input }),
      commands,
      unread,
      rules: near,
    },
    [
      `${effect}${input === undefined ? '' : `, as ${JSON.stringify(input)}`}`,
      ...matched.flatMap(({ rule, effect: by, reason, instead }) => [
        `  ${by} by ${rule}: ${reason}`,
        ...(instead === undefined ? [] : [`    instead: ${instead}`]),
      ]),
      ...labels.map((label) => `  labels the session: ${label}`),
      ...new Set(commands.map(({ program, words, via }) => `  runs: ${[...via, program, ...words].join(' ')}`)),
      ...unread.map(({ why, excerpt }) => `  cannot be read (${why}): ${excerpt}`),
    ].map(visible),
  );
}

export async function packs(output: Output): Promise<void> {
  const all = packNames.map((pack) => ({
    pack,
    rules: packRules(pack).map(({ id, effect, reason }) => ({ rule: id, effect, reason })),
  }));
  output.result(
    { packs: all },
    all.flatMap(({ pack, rules }) => [
      `${pack}, ${rules.length} rules`,
      ...rules.map(({ rule, reason }) => `  ${rule}: ${reason}`),
    ]),
  );
  return Promise.resolve();
}

/** From a file, the operator's own view, or what this machine's daemon holds. */
export async function inForce(output: Output, options: RulesOptions): Promise<Found> {
  const { file, pack = [], passphraseFile, agent = 'main' } = options;
  if (file !== undefined) return { view: 'file', compiled: compile(readRuleFile(file, pack).whole) };
  if (passphraseFile !== undefined)
    return asOperator(output, options, async ({ state }) => ({ view: 'operator', ...newestOf(state) }));
  const { set, unreadable } = await askDaemon(findHome(), { kind: 'rules', agent }, 'rules');
  if (set === undefined) return { view: 'machine', compiled: readOnlyRules, ...(unreadable !== undefined && { unreadable }) };
  const { text, ...signed } = set;
  return { view: 'machine', compiled: compile(parseRules(text)), signed, ...(unreadable !== undefined && { unreadable }) };
}

function newestOf({ rules }: FleetState): Omit<Found, 'view'> {
  if (rules === undefined) return { compiled: readOnlyRules };
  const { version, hash, setAtMs, text } = rules;
  return { compiled: compile(parseRules(text)), signed: { version, hash, setAtMs } };
}

function toolNamed(typed: string): Tool {
  const found = tools.find((each) => each === typed);
  if (found === undefined) throw usage(`there is no tool ${typed}`, `it is one of ${tools.join(', ')}`);
  return found;
}

/** The call that a person means, made here and now. */
function callOf(tool: Tool, typed: string): { readonly call: ToolCall; readonly context: CallContext } {
  const context: CallContext = {
    agent: '',
    scope: 'main',
    mode: 'sealed',
    directory: process.cwd(),
    home: homedir(),
    labels: new Set(),
    nowMs: Date.now(),
  };
  const base = { tool, harness: 'holdfast', name: tool };
  switch (tool) {
    case 'shell':
      return { call: { ...base, input: { command: typed }, command: typed }, context };
    case 'read':
    case 'write':
    case 'edit':
    case 'search':
      return { call: { ...base, input: { path: typed }, paths: [path.resolve(typed)] }, context };
    case 'fetch':
      return { call: { ...base, input: { url: typed }, url: typed, method: 'GET' }, context };
    case 'mcp': {
      const [server = '', mcpTool = ''] = typed.split('/', 2);
      return { call: { ...base, name: `mcp__${server}__${mcpTool}`, input: {}, server, mcpTool }, context };
    }
    default:
      return { call: { ...base, input: { text: typed }, text: typed }, context };
  }
}
