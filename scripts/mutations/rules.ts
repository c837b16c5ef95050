// The rules engine: what decides about a call, whoever reports it.

import type { Area } from './mutation.ts';

const decideTest = 'packages/protocol/test/rules/decide.test.ts';
const vectorsTest = 'packages/protocol/test/rules/vectors.test.ts';

export const rules: Area = {
  mutations: [
    {
      id: 'U-1.strictest',
      off: 'the effect of the last rule holds, not the strictest',
      file: 'packages/protocol/src/rules/decide.ts',
      from: `else if (rank(meant) > rank(effect)) effect = meant;`,
      to: `else effect = meant;`,
      red: { [vectorsTest]: '' },
    },
    {
      id: 'U-2.fault',
      off: 'what breaks while it is judged is allowed',
      file: 'packages/protocol/src/rules/decide.ts',
      from: `return { effect: 'deny', matched: [{ rule: 'engine', effect: 'deny', reason }], labels: [] };`,
      to: `return { effect: 'allow', matched: [{ rule: 'engine', effect: 'deny', reason }], labels: [] };`,
      red: { [decideTest]: 'denies what breaks while it is judged' },
    },
    {
      id: 'U-2.depth',
      off: 'input of any depth is taken',
      file: 'packages/protocol/src/rules/view.ts',
      from: `depth > maxDepth || `,
      to: '',
      red: { [decideTest]: 'nested deeper' },
    },
    {
      id: 'U-3.only-that',
      off: 'a rewrite may change more than the command that it is about',
      file: 'packages/protocol/src/rules/rewrite.ts',
      from: `if (onlyChanged(before, readShell(next), command, below.length, change)) return next;`,
      to: `return next;`,
      red: { [decideTest]: 'can not rewrite' },
    },
    {
      id: 'U-4.opaque',
      off: 'a shell text that can not be read passes',
      file: 'packages/protocol/src/rules/decide.ts',
      from: `if (view.open.length > 0) {`,
      to: `if (view.open.length > 1_000_000) {`,
      red: { [vectorsTest]: '' },
    },
    {
      id: 'U-5.all-paths',
      off: 'one exempt path exempts the whole command',
      file: 'packages/protocol/src/rules/condition-matcher.ts',
      from: `return touches.every(`,
      to: `return touches.some(`,
      red: { [vectorsTest]: '' },
    },
    {
      id: 'U-6.strict',
      off: 'a key that is not known is passed over',
      file: 'packages/protocol/src/rules/fields.ts',
      from: 'if (!known.includes(key)) invalid(',
      to: 'if (known.length === 0) invalid(',
      red: { [vectorsTest]: '' },
    },
    {
      id: 'U-7.first',
      off: 'a session without a set may run anything',
      file: 'packages/protocol/src/rules/compile.ts',
      from: `tools: ['shell', 'write',`,
      to: `tools: ['write',`,
      red: { 'packages/protocol/test/rules/rules.test.ts': 'may only read without a set' },
    },
  ],
  exceptions: {
    'U-8': 'what the packs catch follows from hundreds of rules, each with examples of its own; no single text is the control',
    'U-9': 'it is said to be absent',
  },
};
