import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import type { HoldfastError } from '@holdfast/protocol/errors';
import type { CallContext, ToolCall } from '@holdfast/protocol/rules/call';
import { compile, readOnlyRules } from '@holdfast/protocol/rules/compile';
import { decide } from '@holdfast/protocol/rules/decide';
import { parseRules } from '@holdfast/protocol/rules/language';

const context: CallContext = {
  agent: 'a1',
  scope: 'main',
  mode: 'sealed',
  directory: '/home/dev/project',
  home: '/home/dev',
  labels: new Set(),
  nowMs: 0,
};
const shell = (command: string): ToolCall => ({
  tool: 'shell',
  harness: 'claude-code',
  name: 'Bash',
  input: { command },
  command,
});

const text = `rules:
  no-force-push:
    deny: shell
    command: git push
    flags: --force|-f
    reason: It rewrites what others have pulled already.
    instead: Push a new commit.
`;

describe('rules', () => {
  it('denies what a rule names and allows the rest', () => {
    const rules = compile(parseRules(text));
    assert.equal(decide(rules, shell('git push -f'), context).effect, 'deny');
    assert.equal(decide(rules, shell('git push'), context).effect, 'allow');
    assert.equal(decide(rules, shell('$x -f'), context).effect, 'deny'); // [RULES-21]
  });

  it('may only read without a set', () => {
    assert.equal(decide(readOnlyRules, shell('ls'), context).effect, 'deny'); // [RULES-7]
    const read: ToolCall = { tool: 'read', harness: 'claude-code', name: 'Read', input: {}, paths: ['/home/dev/project/a'] };
    assert.equal(decide(readOnlyRules, read, context).effect, 'allow');
  });

  it('denies what cannot be judged', () => {
    const broken = { ...context, labels: undefined } as unknown as CallContext;
    const rules = compile(parseRules(`${text}    under: untrusted\n`));
    assert.equal(decide(rules, shell('git push -f'), broken).effect, 'deny'); // [RULES-8]
  });

  const faults: readonly (readonly [string, RegExp, RegExp?])[] = [
    ['rules:\n  x:\n    deny: shel\n    reason: no\n', /^line 3, column 5: no such tool: shel$/, /did you mean `shell`/], // [RULES-3]
    ['rules:\n  x:\n    deny: shell\n    raeson: no\n', /^line 4, column 5: rule x has no `raeson`$/, /did you mean `reason`/],
    ['rules:\n  x:\n    deny: shell\n', /lacks `reason`/], // [RULES-4]
    ['rules:\n  x: {deny: shell, reason: a, unless: []}\n', /./], // [RULES-5]
    ['rules:\n  x: {deny: shell, deny: read, reason: a}\n', /a second deny/], // [RULES-2]
    [`rules:\n  x: {deny: shell, reason: ${'a'.repeat(200 * 1024)}}\n`, /more than/], // [RULES-1]
  ];
  for (const [yaml, message, next] of faults) {
    it(`refuses ${yaml.slice(0, 60).replaceAll('\n', ' ')}`, () => {
      assert.throws(
        () => parseRules(yaml),
        (thrown: HoldfastError) =>
          thrown.code === 'rules_invalid' && message.test(thrown.message) && (next?.test(thrown.next ?? '') ?? true),
      );
    });
  }

  it('refuses to hold a set that still names packs', () => {
    assert.throws(() => compile(parseRules('packs: secrets\n')), { code: 'rules_invalid' }); // [RULES-6]
  });
});
