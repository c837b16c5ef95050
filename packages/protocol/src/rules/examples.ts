// The examples that rules bring along, spec/rules.md: each `hits` must be caught by its rule, each `misses` must pass it. Pure; for packs they run
// as tests, for an operator's file before it is signed.

import { utcMilliseconds } from './utc.ts';
import type { CallContext, ToolCall } from './call.ts';
import { compile } from './compile.ts';
import { decide, type Decision } from './decide.ts';
import { canonicalPath } from './touched-path.ts';
import type { Example, Rule, RuleSet } from './rule.ts';

export interface ExampleResult {
  readonly rule: string;
  readonly example: Example;
  readonly wanted: 'hit' | 'miss';
  readonly ok: boolean;
  /** What came out instead. */
  readonly found: string;
}

/** Where examples happen if they don't say. */
const exampleContext: CallContext = {
  agent: 'example',
  scope: 'main',
  mode: 'sealed',
  directory: '/home/dev/project',
  home: '/home/dev',
  repository: 'github.com/example/project',
  branch: 'main',
  labels: new Set(),
  nowMs: utcMilliseconds('2026-01-07T12:00:00Z'),
};

/** Runs every example of every rule, each against its rule alone [RULES-27]. */
export function testRules({ rules }: RuleSet): readonly ExampleResult[] {
  return rules.flatMap((rule) => [
    ...rule.hits.map((example) => run(rule, example, 'hit')),
    ...rule.misses.map((example) => run(rule, example, 'miss')),
  ]);
}

function run(rule: Rule, example: Example, wanted: 'hit' | 'miss'): ExampleResult {
  const { call, context } = exampleCall(example);
  const decision = decide(compile({ packs: [], without: [], rules: [rule] }), call, context);
  const found = effectsOf(rule, decision, call);
  const ok = wanted === 'miss' ? found === 'nothing' : isHit(rule, found, example, decision, call);
  return { rule: rule.id, example, wanted, ok, found };
}

function effectsOf(rule: Rule, decision: Decision, call: ToolCall): string {
  if (rule.effect === 'label') return decision.labels.length > 0 ? `label ${decision.labels.join(', ')}` : 'nothing';
  if (decision.input !== undefined) return `rewrite: ${commandIn(decision, call)}`;
  return decision.matched.map(({ effect, reason }) => `${effect}: ${reason}`).join('; ') || 'nothing';
}

function isHit(rule: Rule, found: string, example: Example, decision: Decision, call: ToolCall): boolean {
  if (rule.effect !== 'rewrite') return found !== 'nothing';
  return found.startsWith('rewrite') && (example.becomes === undefined || example.becomes === commandIn(decision, call));
}

function commandIn({ input }: Decision, call: ToolCall): string {
  if (call.tool !== 'shell') return JSON.stringify(input);
  const command = typeof input === 'object' && input !== null && 'command' in input ? input['command'] : undefined;
  return typeof command === 'string' ? command : '';
}

/** The call that an example writes, and where it happens. */
export function exampleCall(example: Example): { readonly call: ToolCall; readonly context: CallContext } {
  const { tool, subject, input, text, under, at, method } = example;
  const context: CallContext = {
    ...exampleContext,
    ...Object.fromEntries(
      (['agent', 'scope', 'subagent', 'repository', 'branch', 'mode'] as const).flatMap((key) =>
        example[key] === undefined ? [] : [[key, example[key]]],
      ),
    ),
    ...(under !== undefined && { labels: new Set(under) }),
    ...(at !== undefined && { nowMs: utcMilliseconds(at) }),
  };
  const path = () => canonicalPath(subject, context, false).text;
  const base = { tool, harness: 'example', name: tool, ...(text !== undefined && { text }) };
  switch (tool) {
    case 'shell':
      return { call: { ...base, input: input ?? { command: subject }, command: subject }, context };
    case 'read':
    case 'write':
    case 'edit':
    case 'search':
      return { call: { ...base, input: input ?? { path: subject }, paths: [path()] }, context };
    case 'fetch':
      return { call: { ...base, input: input ?? { url: subject }, url: subject, method: method ?? 'GET' }, context };
    case 'mcp': {
      const [server = '', mcpTool = ''] = subject.split('/', 2);
      return { call: { ...base, name: `mcp__${server}__${mcpTool}`, input: input ?? {}, server, mcpTool }, context };
    }
    default:
      return { call: { ...base, input: input ?? { text: subject }, text: text ?? subject }, context };
  }
}
