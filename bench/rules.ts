// The rules engine alone: decisions per call at 10, 100, 1,000 and 10,000 rules, with all packs, and for the longest shell texts that are
// read (DESIGN §13: 1,000 rules ≤ 50 µs p99; 1 MB ≤ 50 ms, which is refused unread). `node bench/rules.ts [decisions per set]`; prints a table and one JSON line.

import { performance } from 'node:perf_hooks';
import type { CallContext, ToolCall } from '@holdfast/protocol/rules/call';
import { compile, type CompiledRules } from '@holdfast/protocol/rules/compile';
import { decide } from '@holdfast/protocol/rules/decide';
import { exampleCall } from '@holdfast/protocol/rules/examples';
import { parseRules } from '@holdfast/protocol/rules/language';
import { packNames, withPacks } from '@holdfast/protocol/rules/packs/packs';
import type { Rule } from '@holdfast/protocol/rules/rule';
import { readShell } from '@holdfast/protocol/shell/read';

const rounds = Number(process.argv[2] ?? 20_000);

/** Rules of the kinds that people write, each about something of its own. */
function rulesOf(count: number): CompiledRules {
  const kinds = [
    (n: number) => `{deny: shell, command: tool${n} delete|destroy, flags: --force|-f, unless: {flags: --dry-run}, reason: r}`,
    (n: number) =>
      `{deny: read, paths: [secrets${n}, 'key${n}-*.pem', ~/.tool${n}/credentials], unless: {paths: '*.example'}, reason: r}`,
    (n: number) => `{deny: fetch, hosts: [host${n}.example.com, '*.net${n}.example'], reason: r}`,
    (n: number) => `{ask: mcp, server: server${n}, tool: delete_*, reason: r}`,
    (n: number) => `{warn: [write, edit], paths: ./generated${n}/**/*.ts, reason: r}`,
    (n: number) =>
      `{rewrite: shell, command: pkg${n} install|add, unless: {flags: --ignore-scripts}, add: --ignore-scripts, reason: r}`,
    (n: number) => `{deny: shell, command: git push, args: release-${n}, branch: main, reason: r}`,
  ];
  const rules: Rule[] = [];
  for (let from = 0; from < count; from += 1000) {
    const ids = Array.from({ length: Math.min(1000, count - from) }, (_, index) => from + index);
    const yaml = ids.map((n) => `  rule-${n}: ${kinds[n % kinds.length]?.(n) ?? ''}`).join('\n');
    rules.push(...parseRules(`rules:\n${yaml}\n`).rules);
  }
  return compile({ packs: [], without: [], rules });
}

const shell = (command: string): ToolCall => exampleCall({ tool: 'shell', subject: command }).call;
const calls: readonly ToolCall[] = [
  shell('git status --short'),
  shell('npm test -- --run src/a.test.ts'),
  shell('cd packages/app && rg -n "useState" src | head -20'),
  shell('git add -A && git commit -m "Fix the parser" && git push origin feature/x'),
  shell('for f in src/*.ts; do node --check "$f"; done'),
  shell('curl -fsSL https://api.example.com/v1/items?limit=3 | jq .items'),
  shell("sed -n '1,40p' src/index.ts"),
  exampleCall({ tool: 'read', subject: 'src/components/button.tsx' }).call,
  exampleCall({ tool: 'edit', subject: 'src/components/button.tsx', text: 'export const x = 1;' }).call,
  exampleCall({ tool: 'fetch', subject: 'https://docs.example.com/guide' }).call,
  exampleCall({ tool: 'mcp', subject: 'github/create_issue', input: { title: 'A bug', body: 'It fails.', labels: ['bug'] } })
    .call,
];
const { context } = exampleCall({ tool: 'shell', subject: 'ls' });

interface Figures {
  readonly p50: number;
  readonly p99: number;
}

/** Microseconds. */
function measure(act: (index: number) => void, times: number): Figures {
  for (let index = 0; index < Math.min(times, 5000); index += 1) act(index);
  const taken = Array.from({ length: times }, (_, index) => {
    const start = performance.now();
    act(index);
    return (performance.now() - start) * 1000;
  }).toSorted((left, right) => left - right);
  const at = (share: number) => taken[Math.min(taken.length - 1, Math.floor(taken.length * share))] ?? 0;
  return { p50: at(0.5), p99: at(0.99) };
}

const decideNth = (rules: CompiledRules, where: CallContext) => (index: number) => {
  const call = calls[index % calls.length];
  if (call !== undefined) decide(rules, call, where);
};

const longest: Readonly<Record<string, string>> = {
  'here-document': `cat > notes.txt <<'END'\n${'remember this line of text\n'.repeat(38_000)}END`,
  'one long word': `echo ${'a'.repeat(1_000_000)}`,
  'many words': `echo ${'word '.repeat(200_000)}`,
  'many commands': 'ls -la src\n'.repeat(90_000),
};

const table: Record<string, Figures> = {
  'reading the shell text alone': measure((index) => readShell(calls[index % 7]?.command ?? ''), rounds),
};
for (const count of [10, 100, 1000, 10_000]) table[`${count} rules`] = measure(decideNth(rulesOf(count), context), rounds);
const packs = compile(withPacks({ packs: packNames, without: [], rules: [] }));
table['all packs'] = measure(decideNth(packs, context), rounds);
for (const [name, text] of Object.entries(longest)) {
  const call = shell(text.slice(0, 131_072));
  table[`128 KiB, ${name}`] = measure(() => decide(packs, call, context), 5);
}
for (const [name, { p50, p99 }] of Object.entries(table))
  process.stdout.write(`${name.padEnd(30)} p50 ${p50.toFixed(1).padStart(10)} µs   p99 ${p99.toFixed(1).padStart(10)} µs\n`);
process.stdout.write(`${JSON.stringify(table)}\n`);
