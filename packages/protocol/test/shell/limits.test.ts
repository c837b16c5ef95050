// spec/shell.md: any text has a reading, whatever its length and shape, and the work is linear in its length.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';

import { readCounted, readShell } from '@holdfast/protocol/shell/read';
import { share } from '@holdfast/testkit/shares';

const whyOf = (text: string) => readShell(text).opaque.map((each) => each.why);

test('[SHELL-1] a text that is too long is opaque as a whole', () => {
  assert.deepEqual(whyOf('a'.repeat(1_048_576)), []);
  assert.deepEqual(whyOf('a'.repeat(1_048_577)), ['too_long']);
});

test('[SHELL-2] what is nested too deep is opaque', () => {
  for (const depth of [150, 1000, 100_000]) {
    assert.deepEqual(whyOf(`${'( '.repeat(depth)}rm${' )'.repeat(depth)}`).includes('too_deep'), true, String(depth));
  }
  assert.ok(whyOf(`${'sudo '.repeat(120)}rm x`).includes('too_deep'));
});

const pieces = [
  '$(',
  ')',
  '"',
  "'",
  '`',
  '\\',
  '{',
  '}',
  ',',
  'rm',
  ' ',
  '\n',
  ';',
  '|',
  '&',
  '<<E\n',
  'E\n',
  '$x',
  '${',
  '[',
  ']',
  '((',
  '))',
  'x=',
  'if ',
  'then ',
  'fi',
  'for ',
  'in ',
  'do ',
  'done',
  '()',
  '$',
  '*',
  '#',
  '~',
  'bash -c ',
  'eval ',
  'sudo ',
  '<(',
  '!',
  'case ',
  'esac',
  "$'",
  '\\x72',
  '\u0000',
  '￼',
];
const soup = fc.array(fc.constantFrom(...pieces), { maxLength: 60 }).map((parts) => parts.join(''));

test('[SHELL-2] any text has a reading, always the same, within its steps', () => {
  fc.assert(
    fc.property(fc.oneof(soup, fc.string({ unit: 'binary', maxLength: 200 })), (text) => {
      const { reading, steps } = readCounted(text);
      assert.ok(steps <= 262_144 + 6 * text.length + 2 * text.length + 65_536);
      assert.deepEqual(readShell(text), reading);
    }),
    { numRuns: share({ ci: 2000, soak: 200_000 }) },
  );
});
