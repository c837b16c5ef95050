// The pieces of a word: put together as they are, or split into words where unquoted expansions brought separators.

import { hole, type Word } from './command.ts';
import type { Expansion } from './machine.ts';
import { bounded } from './scope.ts';

/** Text of one kind within a word. `split`: came from an unquoted expansion. `next`: begins a new word. */
export interface Piece {
  readonly text: string;
  readonly quoted: boolean;
  readonly split?: boolean;
  readonly glob?: boolean;
  readonly next?: boolean;
}

export function joined(pieces: readonly Piece[]): Word {
  const text = bounded(pieces.map((piece) => (piece.next === true ? ` ${piece.text}` : piece.text)).join(''));
  return { text, dynamic: text.includes(hole), glob: pieces.some((piece) => piece.glob === true) };
}

/** Splits what unquoted expansions brought at the separators. */
export function fields(pieces: readonly Piece[], how: Expansion): readonly Word[] {
  const separators = how.place.scope.variable('IFS')?.flat().join('') ?? ' \t\n';
  const words: Word[] = [];
  let text: string | undefined;
  let glob = false;
  const end = () => {
    if (text !== undefined) words.push({ text, dynamic: text.includes(hole), glob });
    text = undefined;
    glob = false;
  };
  for (const piece of pieces) {
    how.machine.findings.spend(piece.text.length >> 2);
    if (piece.next === true) end();
    if (piece.quoted) text = (text ?? '') + piece.text;
    else if (piece.split !== true) {
      if (piece.text !== '') text = (text ?? '') + piece.text;
      glob ||= piece.glob === true;
    } else {
      let from = 0;
      for (let at = 0; at <= piece.text.length; at += 1) {
        if (at < piece.text.length && !separators.includes(piece.text[at] ?? '')) continue;
        const part = piece.text.slice(from, at);
        if (part !== '') {
          text = (text ?? '') + part;
          glob ||= /[*?[]/.test(part);
        }
        if (at < piece.text.length) end();
        from = at + 1;
      }
    }
  }
  end();
  return words;
}
