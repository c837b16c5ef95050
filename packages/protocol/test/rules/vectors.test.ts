// spec/vectors/rules, and spec/rules.schema.json against the language.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import fc from 'fast-check';

import { codeOf, HoldfastError } from '@holdfast/protocol/errors';
import { tools } from '@holdfast/protocol/rules/call';
import { compile } from '@holdfast/protocol/rules/compile';
import { conditionKeys } from '@holdfast/protocol/rules/conditions';
import { decide, type Decision } from '@holdfast/protocol/rules/decide';
import { exampleCall } from '@holdfast/protocol/rules/examples';
import { parseRules } from '@holdfast/protocol/rules/language';
import type { Example } from '@holdfast/protocol/rules/rule';
import { share } from '@holdfast/testkit/shares';
import { outcomeOf, ownVectors, type VectorEntry } from '@holdfast/testkit/vectors';

describe('rules: texts', () => {
  for (const { name, clause, expect, yaml, place } of ownVectors<VectorEntry & { yaml: string; place?: string }>('rules/texts')
    .entries) {
    it(`${clause} ${name}: ${expect}`, async () => {
      assert.equal(await outcomeOf(() => parseRules(yaml)), expect);
      if (place === undefined) return;
      assert.throws(
        () => parseRules(yaml),
        (thrown) => thrown instanceof HoldfastError && thrown.message.startsWith(`${place}: `),
      );
    });
  }

  it('refuses more bytes than a set may have', () => {
    assert.throws(() => parseRules(`rules: {x: {deny: shell, reason: no}} #${'ä'.repeat(100_000)}`), { code: 'rules_invalid' }); // [RULES-1]
  });

  it('refuses any other text by its own code alone', () => {
    const bit = fc.constantFrom(
      'rules:',
      'x:',
      'deny: shell',
      'reason: a',
      '  ',
      '\n',
      '- ',
      '{',
      '}',
      '[',
      ']',
      '"',
      "'",
      '|',
      '&a',
      '*a',
      '!',
      '#',
      '? ',
      ': ',
      '\t',
      '<<',
      '%',
      '---',
      'ä',
      '\0',
      '~',
    );
    fc.assert(
      fc.property(fc.array(bit, { maxLength: 40 }), (bits) => {
        try {
          parseRules(bits.join(''));
        } catch (thrown) {
          assert.equal(codeOf(thrown), 'rules_invalid'); // [RULES-3]
        }
      }),
      { numRuns: share({ ci: 500, soak: 20_000 }) },
    );
  });
});

describe('rules: decisions', () => {
  for (const { name, clause, yaml, example, effect } of ownVectors<
    VectorEntry & { yaml: string; example: Example; effect: Decision['effect'] }
  >('rules/decisions').entries) {
    it(`${clause} ${name}: ${effect}`, () => {
      const { call, context } = exampleCall(example);
      assert.equal(decide(compile(parseRules(yaml)), call, context).effect, effect);
    });
  }
});

describe('rules: the schema for editors', () => {
  const schema = JSON.parse(readFileSync(new URL('../../../../spec/rules.schema.json', import.meta.url), 'utf8')) as {
    $defs: Record<'rule' | 'conditions' | 'exampleCall', { properties: Record<string, unknown> }>;
  };
  const keysOf = (name: keyof typeof schema.$defs) => Object.keys(schema.$defs[name].properties);
  const accepted = (keys: readonly string[], yaml: (key: string) => string) =>
    keys.filter((key) => {
      try {
        parseRules(yaml(key));
        return true;
      } catch (thrown) {
        return !/has no `/.test((thrown as Error).message);
      }
    });
  const candidates = [
    ...new Set([...keysOf('rule'), ...keysOf('conditions'), ...keysOf('exampleCall'), 'flag', 'path', 'host', 'when', 'then']),
  ];

  it('names the keys of a rule, and no others', () => {
    const known = accepted(candidates, (key) => `rules: {x: {${key}: q}}`);
    assert.deepEqual(known.toSorted(), keysOf('rule').toSorted()); // [RULES-3]
  });

  it('names the conditions, and no others', () => {
    assert.deepEqual(keysOf('conditions').toSorted(), [...conditionKeys].toSorted());
    assert.deepEqual(
      accepted(candidates, (key) => `rules: {x: {deny: any, reason: a, unless: {${key}: q}}}`).toSorted(),
      keysOf('conditions').toSorted(),
    );
  });

  it('names the keys of an example, and no others', () => {
    const known = accepted(candidates, (key) => `rules: {x: {deny: any, reason: a, hits: {${key}: q}}}`);
    assert.deepEqual(known.toSorted(), keysOf('exampleCall').toSorted());
    assert.ok(tools.every((tool) => known.includes(tool)));
  });
});
