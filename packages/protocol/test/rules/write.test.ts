// What is signed reads back as the rules that were meant: the curated packs, and a set that uses every part of the language.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { compile } from '@holdfast/protocol/rules/compile';
import { parseRules } from '@holdfast/protocol/rules/language';
import { packNames, packRules, withPacks } from '@holdfast/protocol/rules/packs/packs';
import type { RuleSet } from '@holdfast/protocol/rules/rule';
import { writeRules } from '@holdfast/protocol/rules/write';

const everything = `
rules:
  all-of-it:
    deny: [shell, mcp, fetch]
    command: [git push|pull origin, npm install]
    flags: [--force|-f, -x]
    args: ['*', "it's"]
    into: [sh]
    from: [curl]
    via: [sudo]
    sets: [PATH]
    paths: ['~/.ssh/**', "a'b\\"c", 'ünï']
    case: ignore
    hosts: ['*.example.com']
    methods: [POST]
    server: [github]
    tool: ['*']
    input: {/a/b: [1, null, true, 'x']}
    text: ['hello: world', '# no comment']
    agent: [a]
    scope: [main]
    subagent: ['*']
    repository: [github.com/o/r]
    branch: [main]
    mode: sealed
    under: [tainted]
    hours: mon-fri 09:00-17:30 Europe/Berlin
    any:
      - {hosts: [a.example]}
      - {paths: [x]}
    unless:
      - {branch: [dev]}
      - {hours: UTC}
    opaque: warn
    severity: critical
    reason: 'Because: "so", # yes'
    instead: "Do\\tthis."
    hits:
      - git push origin
      - {shell: git push, branch: main, under: [tainted], at: '2026-01-31T12:00:00Z', subagent: [reviewer]}
      - {mcp: github/x, input: {a: {b: [1, null]}}, mode: sealed}
      - {fetch: 'https://a.example/: #', method: POST}
    misses: ["echo 'a: b' # c"]
  labels: {label: read, paths: [x], as: seen-x, reason: r}
  adds: {rewrite: shell, command: npm ci, unless: {flags: --ignore-scripts}, add: [--ignore-scripts], reason: r}
  replaces: {rewrite: shell, command: pip install, replace: uv pip install, reason: r}
  sets-values: {rewrite: mcp, server: x, unless: {input: {/n: 1}}, set: {/dry_run: true, /n: 1}, reason: r}
`;

const longer = Array.from({ length: 42 }, (_, number) => `      - echo ${'x'.repeat(4000)} ${number}\n`).join('');

const withoutExamples = ({ rules }: RuleSet): RuleSet => ({
  packs: [],
  without: [],
  rules: rules.map((rule) => ({ ...rule, hits: [], misses: [] })),
});

describe('rules: what is signed', () => {
  it('[RULES-28]: reads back as the same rules, with the examples', () => {
    const set = parseRules(everything);
    assert.deepEqual(parseRules(writeRules(set)), set);
    assert.equal(writeRules(parseRules(writeRules(set))), writeRules(set));
  });

  it('[RULES-28]: more examples than have room are left out, and the rules stay', () => {
    const set = parseRules(`rules:\n  one:\n    deny: shell\n    command: rm\n    reason: r\n    misses:\n${longer}`);
    assert.deepEqual(parseRules(writeRules(set)), withoutExamples(set));
  });

  for (const pack of packNames)
    it(`[RULES-28]: the pack ${pack} reads back`, () => {
      const set = { packs: [], without: [], rules: packRules(pack) };
      assert.deepEqual(parseRules(writeRules(set)), withoutExamples(set));
    });

  it('all packs together can be signed, and hold', () => {
    const text = writeRules(withPacks({ packs: packNames, without: [], rules: [] }));
    assert.ok(Buffer.byteLength(text) < 192 * 1024, `${Buffer.byteLength(text)} bytes`);
    compile(parseRules(text));
  });

  it('a set without a rule is a set', () => {
    assert.deepEqual(parseRules(writeRules({ packs: [], without: [], rules: [] })).rules, []);
  });
});
