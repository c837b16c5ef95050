// Text of others, cut into what shows itself and what does not: characters that are invisible, turn the direction, control a terminal, or look like a
// space and are none. Each of them is shown by its name, so that no two acts look alike and differ.

import { unseen } from '@holdfast/protocol/codec/shown';

export type Piece = { readonly kind: 'plain'; readonly text: string } | { readonly kind: 'marked'; readonly name: string };

/** A line feed shows itself, by the line. */
const hides = new RegExp(`(?!\\n)(?:${unseen.source}|(?! )\\p{Zs})`, 'u');

const names: Readonly<Record<string, string>> = {
  '\t': 'tab',
  '\r': 'carriage return',
  '\0': 'null',
  '\u001b': 'escape',
  '\u007f': 'delete',
  '\u00a0': 'no-break space',
  '\u00ad': 'soft hyphen',
  '\u061c': 'Arabic letter mark',
  '\u200b': 'zero-width space',
  '\u200c': 'zero-width non-joiner',
  '\u200d': 'zero-width joiner',
  '\u200e': 'left-to-right mark',
  '\u200f': 'right-to-left mark',
  '\u2028': 'line separator',
  '\u2029': 'paragraph separator',
  '\u202a': 'left-to-right embedding',
  '\u202b': 'right-to-left embedding',
  '\u202c': 'end of direction',
  '\u202d': 'left-to-right override',
  '\u202e': 'right-to-left override',
  '\u2060': 'word joiner',
  '\u2066': 'left-to-right isolate',
  '\u2067': 'right-to-left isolate',
  '\u2068': 'first strong isolate',
  '\u2069': 'end of isolate',
  '\ufeff': 'byte order mark',
};

export function piecesOf(text: string): readonly Piece[] {
  const pieces: Piece[] = [];
  let plain = '';
  for (const character of text) {
    if (!hides.test(character)) {
      plain += character;
      continue;
    }
    if (plain !== '') pieces.push({ kind: 'plain', text: plain });
    plain = '';
    pieces.push({ kind: 'marked', name: nameOf(character) });
  }
  if (plain !== '') pieces.push({ kind: 'plain', text: plain });
  return pieces;
}

function nameOf(character: string): string {
  const point = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
  const name = names[character];
  return name === undefined ? `U+${point}` : `${name} U+${point}`;
}

export interface Folded {
  readonly shown: string;
  readonly hiddenLines: number;
  readonly hiddenCharacters: number;
}

/** The beginning of a long text, and how much of it is hidden; a few lines more are not worth a fold. */
export function foldText(text: string, maxLines = 12, maxCharacters = 1_200): Folded {
  const lines = text.split('\n');
  if (lines.length <= maxLines + 3 && text.length <= maxCharacters * 1.25)
    return { shown: text, hiddenLines: 0, hiddenCharacters: 0 };
  const begin = lines.slice(0, maxLines).join('\n').slice(0, maxCharacters);
  const shown = begin.replace(/[\ud800-\udbff]$/, '');
  return { shown, hiddenCharacters: text.length - shown.length, hiddenLines: lines.length - shown.split('\n').length };
}
