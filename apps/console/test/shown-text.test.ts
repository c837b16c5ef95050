// Nothing in a text of others goes unseen, and nothing is cut without saying how much.

import assert from 'node:assert/strict';
import test from 'node:test';
import { foldText, piecesOf } from '../src/design/shown-text.ts';

test('characters that show as nothing, or turn the direction, are shown by name', () => {
  assert.deepEqual(piecesOf('rm \u202egnp.x\u202c\u200b'), [
    { kind: 'plain', text: 'rm ' },
    { kind: 'marked', name: 'right-to-left override U+202E' },
    { kind: 'plain', text: 'gnp.x' },
    { kind: 'marked', name: 'end of direction U+202C' },
    { kind: 'marked', name: 'zero-width space U+200B' },
  ]);
});

test('so are controls, spaces that are none, fillers, tags, selectors and halves of characters', () => {
  for (const character of [
    '\0',
    '\t',
    '\r',
    '\u001b',
    '\u0085',
    '\u00a0',
    '\u2003',
    '\u3000',
    '\u3164',
    '\u2800',
    '\ufe0f',
    '\u{e0041}',
    '\u{e0100}',
    '\ud800',
  ])
    assert.equal(piecesOf(character)[0]?.kind, 'marked', `U+${character.codePointAt(0)?.toString(16)}`);
});

test('what shows itself stays as it is, lines too', () => {
  const text = 'curl -d "größe 😀"\n  https://example.org/日本';
  assert.deepEqual(piecesOf(text), [{ kind: 'plain', text }]);
});

test('a long text is folded, and says how much is hidden', () => {
  const text = Array.from({ length: 40 }, (_, at) => `line ${at}`).join('\n');
  const folded = foldText(text);
  assert.equal(folded.hiddenLines, 28);
  assert.equal(folded.shown.length + folded.hiddenCharacters, text.length);
  assert.deepEqual(foldText('short'), { shown: 'short', hiddenLines: 0, hiddenCharacters: 0 });
});

test('one long line is folded between whole characters', () => {
  const { shown, hiddenCharacters, hiddenLines } = foldText('😀'.repeat(2_000), 12, 1_001);
  assert.equal(shown, '😀'.repeat(500));
  assert.equal(hiddenCharacters, 3_000);
  assert.equal(hiddenLines, 0);
});
