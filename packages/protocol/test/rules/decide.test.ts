// The decision: what holds for every set of rules and every call, and how rules work together.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';

import type { CallContext, Json, ToolCall } from '@holdfast/protocol/rules/call';
import { compile } from '@holdfast/protocol/rules/compile';
import { decide } from '@holdfast/protocol/rules/decide';
import { exampleCall } from '@holdfast/protocol/rules/examples';
import { explain, replay } from '@holdfast/protocol/rules/explain';
import { parseRules } from '@holdfast/protocol/rules/language';
import { packNames, packRules } from '@holdfast/protocol/rules/packs/packs';
import type { Rule } from '@holdfast/protocol/rules/rule';
import { share } from '@holdfast/testkit/shares';

const set = (yaml: string) => compile(parseRules(yaml));
const rulesOf = (rules: readonly Rule[]) => compile({ packs: [], without: [], rules });
const { context } = exampleCall({ tool: 'shell', subject: 'ls' });
const shell = (command: string): ToolCall => exampleCall({ tool: 'shell', subject: command }).call;
const rank = ['allow', 'warn', 'ask', 'deny'];

const curated = packNames.flatMap(packRules);
const anyRule = fc.constantFrom(...curated);
const anyRules = fc.uniqueArray(anyRule, { minLength: 1, maxLength: 12, selector: ({ id }) => id });
const anyExample = fc.constantFrom(...curated.flatMap(({ hits, misses }) => [...hits, ...misses]));
const numRuns = share({ ci: 200, soak: 5000 });

describe('decision: every set', () => {
  it('is not loosened by one more rule that denies', () => {
    const denying = fc.constantFrom(...curated.filter(({ effect }) => effect === 'deny'));
    fc.assert(
      fc.property(anyRules, denying, anyExample, (rules, more, example) => {
        const { call, context } = exampleCall(example);
        const before = decide(rulesOf(rules.filter(({ id }) => id !== more.id)), call, context);
        const after = decide(rulesOf([...rules.filter(({ id }) => id !== more.id), more]), call, context);
        assert.ok(rank.indexOf(after.effect) >= rank.indexOf(before.effect)); // [RULES-10]
      }),
      { numRuns },
    );
  });

  it('decides alike in whatever order its rules stand', () => {
    const shuffled = anyRules.chain((rules) =>
      fc.tuple(fc.constant(rules), fc.shuffledSubarray(rules, { minLength: rules.length })),
    );
    fc.assert(
      fc.property(shuffled, anyExample, ([rules, other], example) => {
        const { call, context } = exampleCall(example);
        assert.deepEqual(decide(rulesOf(rules), call, context), decide(rulesOf(other), call, context)); // [RULES-10]
      }),
      { numRuns },
    );
  });

  it('is not loosened by warnings and rewrites', () => {
    const soft = curated.filter(({ effect }) => effect === 'warn' || effect === 'rewrite');
    fc.assert(
      fc.property(anyRules, fc.subarray(soft), anyExample, (rules, more, example) => {
        const { call, context } = exampleCall(example);
        const hard = rules.filter(({ effect }) => effect === 'deny' || effect === 'ask');
        const before = decide(rulesOf(hard), call, context);
        const after = decide(rulesOf([...hard, ...more]), call, context);
        assert.ok(rank.indexOf(after.effect) >= rank.indexOf(before.effect)); // [RULES-10]
        if (after.effect === 'deny') assert.equal(after.input, undefined);
      }),
      { numRuns },
    );
  });

  it('finds by its index what every rule finds by itself', () => {
    fc.assert(
      fc.property(anyExample, (example) => {
        const { call, context } = exampleCall(example);
        const all = rulesOf(curated);
        const { decision, rules } = explain(all, call, context);
        const found = new Set(decision.matched.map(({ rule }) => rule));
        for (const { rule, effect, applies, because } of rules) {
          if (applies === 'yes' && effect !== 'label') assert.ok(found.has(rule), `${rule} applies, and was not found`);
          if (found.has(rule)) assert.ok(applies !== 'no' || because === undefined);
        }
      }),
      { numRuns },
    );
  });
});

describe('decision: every input', () => {
  const all = rulesOf(curated);
  const tools = ['shell', 'read', 'write', 'edit', 'search', 'fetch', 'agent', 'mcp', 'message', 'skill', 'other'] as const;

  it('is made for any JSON and any text, within bounds', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...tools),
        fc.jsonValue(),
        fc.string({ unit: 'binary', maxLength: 400 }),
        (tool, input, text) => {
          const call: ToolCall = {
            tool,
            harness: 'h',
            name: 'n',
            input: input as Json,
            command: text,
            paths: [text],
            url: text,
            text,
          };
          assert.ok(rank.includes(decide(all, call, context).effect)); // [RULES-8]
        },
      ),
      { numRuns },
    );
  });

  it('denies input that is nested deeper than is looked into', () => {
    let deep: Json = 'x';
    for (let depth = 0; depth < 10_000; depth += 1) deep = depth % 2 === 0 ? [deep] : { a: deep };
    const call: ToolCall = { tool: 'mcp', harness: 'h', name: 'n', input: deep, server: 's', mcpTool: 't' };
    assert.equal(decide(all, call, context).effect, 'deny'); // [RULES-24]
    assert.equal(decide(rulesOf([]), call, context).effect, 'deny');
  });

  it('denies input with more parts than are looked at', () => {
    const call: ToolCall = {
      tool: 'mcp',
      harness: 'h',
      name: 'n',
      input: Array.from({ length: 200_000 }, () => 1),
      server: 's',
      mcpTool: 't',
    };
    assert.equal(decide(all, call, context).effect, 'deny'); // [RULES-24]
  });

  it('takes a content of megabytes and a shell text of one', () => {
    const write: ToolCall = {
      tool: 'write',
      harness: 'h',
      name: 'Write',
      input: { content: 'x'.repeat(5_000_000) },
      paths: ['/home/dev/project/a'],
      text: 'x'.repeat(5_000_000),
    };
    assert.equal(decide(all, write, context).effect, 'allow');
    assert.equal(decide(all, shell(`cat > notes.txt <<'END'\n${'remember this\n'.repeat(9_000)}END`), context).effect, 'allow');
    assert.equal(decide(all, shell(`ls ${'a'.repeat(2_000_000)}`), context).effect, 'deny'); // too long to be read
  });

  it('denies what breaks while it is judged', () => {
    const broken = { ...context, labels: undefined } as unknown as CallContext;
    assert.equal(decide(set('rules: {x: {deny: shell, under: tainted, reason: no}}'), shell('ls'), broken).effect, 'deny'); // [RULES-8]
  });
});

describe('decision: rules together', () => {
  const yaml = `rules:
  no-scripts: {rewrite: shell, command: npm install, unless: {flags: --ignore-scripts}, add: --ignore-scripts, reason: scripts}
  no-audit: {rewrite: shell, command: npm install, unless: {flags: --no-audit}, add: --no-audit, reason: audit}
  warned: {warn: shell, command: npm, reason: careful}
  evil: {deny: shell, command: npm install, args: evil, reason: evil}
  asked: {ask: shell, command: npm install, args: odd, reason: odd}
`;

  it('makes all rewrites of a call', () => {
    const decision = decide(set(yaml), shell('cd app && npm install left-pad | tee log'), context);
    assert.equal(decision.effect, 'warn');
    assert.deepEqual(decision.input, { command: 'cd app && npm install --ignore-scripts --no-audit left-pad | tee log' }); // [RULES-12]
    assert.deepEqual(decision.matched.map(({ rule }) => rule).toSorted(), ['no-audit', 'no-scripts', 'warned']);
  });

  it('rewrites every place, and asks about what will run', () => {
    const decision = decide(set(yaml), shell('npm install odd; npm install odd'), context);
    assert.equal(decision.effect, 'ask');
    assert.deepEqual(decision.input, {
      command: 'npm install --ignore-scripts --no-audit odd; npm install --ignore-scripts --no-audit odd',
    }); // [RULES-12]
  });

  it('never grants by a rewrite', () => {
    assert.equal(decide(set(yaml), shell('npm install evil'), context).effect, 'deny');
    assert.equal(decide(set(yaml), shell('npm install evil'), context).input, undefined);
  });

  it('denies what a rewrite leads to, if that is denied', () => {
    const led = set(`${yaml}  swap: {rewrite: shell, command: yarn add, replace: npm install, reason: npm here}\n`);
    assert.deepEqual(decide(led, shell('yarn add x'), context).input, { command: 'npm install --ignore-scripts --no-audit x' });
    assert.equal(decide(led, shell('yarn add evil'), context).effect, 'deny'); // [RULES-12]
  });

  it('denies rewrites that never settle', () => {
    const loop = set(`rules:
  there: {rewrite: shell, command: foo, replace: bar, reason: a}
  back: {rewrite: shell, command: bar, replace: foo, reason: b}
`);
    assert.equal(decide(loop, shell('foo x'), context).effect, 'deny'); // [RULES-12]
    const once = decide(set('rules: {x: {rewrite: shell, command: foo, add: --bar, reason: a}}'), shell('foo x'), context);
    assert.deepEqual(once.input, { command: 'foo --bar x' });
  });

  it('denies what it can not rewrite without touching more', () => {
    for (const command of ["bash -c 'npm install x'", 'npm "install" x', 'eval npm install x', 'X=npm; $X install y'])
      assert.equal(decide(set(yaml), shell(command), context).effect, 'deny', command); // [RULES-12]
  });

  it('sets values of other tools', () => {
    const rules = set(
      'rules: {dry: {rewrite: mcp, server: db, unless: {input: {/dryRun: true}}, set: {/dryRun: true}, reason: look first}}',
    );
    const call: ToolCall = {
      tool: 'mcp',
      harness: 'h',
      name: 'n',
      server: 'db',
      mcpTool: 'run',
      input: { sql: 'x', dryRun: false },
    };
    assert.deepEqual(decide(rules, call, context).input, { sql: 'x', dryRun: true });
  });

  it('labels a session with what it may have read, and forbids under the label', () => {
    const rules = set(`rules:
  customers: {label: read, paths: customers, as: customers, reason: personal data}
  web: {label: fetch, unless: {hosts: docs.example.com}, as: untrusted, reason: anybody writes there}
  keep: {deny: [fetch, mcp], under: [customers, untrusted], unless: {hosts: internal.example.com}, reason: it would go out}
`);
    const labels = (command: string) => decide(rules, shell(command), context).labels;
    assert.deepEqual(labels('cat customers/list.csv'), ['customers']); // [RULES-23]
    assert.deepEqual(labels('python3 load.py customers/list.csv'), ['customers']);
    assert.deepEqual(labels('curl https://docs.example.com'), []);
    assert.deepEqual(labels('curl https://example.org'), ['untrusted']);
    const tainted = { ...context, labels: new Set(['customers']) };
    assert.equal(decide(rules, shell('curl https://example.org'), tainted).effect, 'deny'); // [RULES-23]
    assert.equal(decide(rules, shell('curl https://internal.example.com'), tainted).effect, 'allow');
    assert.equal(decide(rules, shell('curl "$URL"'), tainted).effect, 'deny');
    assert.equal(decide(rules, shell('ls'), tainted).effect, 'allow');
  });
});

describe('explanation and replay', () => {
  it('tells for each rule whether it applies, and which condition does not hold', () => {
    const rules = set(`rules:
  push: {deny: shell, command: git push, flags: --force|-f, reason: no}
  branch: {deny: shell, command: git push, branch: release/*, reason: no}
  read: {deny: read, paths: .env, reason: no}
`);
    const { rules: explained, commands } = explain(rules, shell('sudo git push -f'), context);
    assert.deepEqual(
      explained.map(({ rule, applies, because }) => [rule, applies, because]),
      [
        ['branch', 'no', 'branch'],
        ['push', 'yes', undefined],
        ['read', 'no', 'paths'],
      ],
    );
    assert.deepEqual(commands.at(-1), { program: 'git', words: ['push', '-f'], via: ['sudo'] });
  });

  it('counts what a set would have done', () => {
    const recorded = ['git push', 'git push -f', 'ls'].map((command, index) => ({
      id: String(index),
      call: shell(command),
      context,
    }));
    const { calls, byEffect, byRule, changed } = replay(
      set('rules: {push: {deny: shell, command: git push, flags: -f, reason: no}}'),
      recorded,
    );
    assert.deepEqual([calls, byEffect.deny, byRule, changed.map(({ id }) => id)], [3, 1, { push: 1 }, ['1']]);
  });
});
