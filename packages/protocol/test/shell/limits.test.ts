// spec/shell.md: any text has a reading, whatever its length and shape, and the work is linear in its length.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';

import { readCounted, readShell } from '@holdfast/protocol/shell/read';
import { share } from '@holdfast/testkit/shares';

const whyOf = (text: string) => readShell(text).opaque.map((each) => each.why);

test('[SHELL-1] a text that is too long is opaque as a whole', () => {
  assert.deepEqual(whyOf('a'.repeat(131_072)), []);
  assert.deepEqual(whyOf('a'.repeat(131_073)), ['too_long']);
});

test('[SHELL-2] what is nested too deep is opaque', () => {
  for (const depth of [150, 1000, 20_000]) {
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
    { numRuns: share({ ci: 1000, soak: 200_000 }) },
  );
});

const shapes: Record<string, (length: number) => string> = Object.fromEntries(
  [
    '$(',
    '"$(',
    '`',
    '"',
    "'",
    '\\',
    '{',
    '{a,',
    '(',
    '$((',
    '${x:-',
    'a;',
    'a|',
    'a ',
    '<(',
    'f(){ ',
    '$(a)',
    '"`',
    'cat <<A; ',
    'eval ',
    'sudo ',
    'x=$x$x;',
    'x+=a;$x;',
    'cd a;',
    'alias a=b;a;',
    'for i in 1 2;do ',
    '>a ',
    '*[',
    'echo a>f;sh f;',
  ].map((part) => [part, (length) => part.repeat(Math.ceil(length / part.length))]),
);
const programs = ['python3 -c', 'node -e', 'perl -e', 'ruby -e', 'awk', 'sed'].flatMap((program) =>
  ['a(', '"a"+', '=/[', 'system(', 's{', '['].map((part) => [program, part] as const),
);
for (const [program, part] of programs)
  shapes[`${program} ${part}`] = (length) => `${program} '${part.repeat(Math.ceil(length / part.length))}'`;

test('[SHELL-2] whatever the shape, the work grows no faster than the text', () => {
  for (const [name, shape] of Object.entries(shapes)) {
    const [short, long] = [4096, 16_384].map((length) => readCounted(shape(length)).steps);
    // The limit is what a text of that length may take at most, and what the last step went beyond it.
    assert.ok((long ?? 0) <= 262_144 + 8 * 16_384, `${name}: ${String(long)}`);
    assert.ok((short ?? 0) <= 262_144 + 8 * 4096, `${name}: ${String(short)}`);
  }
});
