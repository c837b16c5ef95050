// Globs over names, hosts, arguments and running text, spec/rules.md. Stepped through, never compiled to a pattern with backtracking: at most
// length of glob × length of text steps, and a glob is at most 256 characters.

/** `*` stands for any characters, `?` for one, after a backslash for themselves; all of the text must match. */
export function globHolds(glob: string, text: string): boolean {
  return glob.includes('\\') ? holds(unescaped(glob), text) : holds(glob, text);
}

/** Where escapes stand for one character each. */
const escapedStar = '\uE0FE';
const escapedOne = '\uE0FF';
const unescaped = (glob: string) => glob.replaceAll('\\*', escapedStar).replaceAll('\\?', escapedOne).replaceAll('\\\\', '\\');
const sameCharacter = (wanted: string, given: string | undefined) =>
  wanted === given || (wanted === escapedStar && given === '*') || (wanted === escapedOne && given === '?');

function holds(glob: string, text: string): boolean {
  let atGlob = 0;
  let atText = 0;
  let star = -1;
  let resume = 0;
  while (atText < text.length) {
    const wanted = glob[atGlob];
    if (wanted === '*') {
      star = atGlob;
      resume = atText;
      atGlob += 1;
    } else if (wanted === '?' || (wanted !== undefined && sameCharacter(wanted, text[atText]))) {
      atGlob += 1;
      atText += 1;
    } else if (star >= 0) {
      atGlob = star + 1;
      resume += 1;
      atText = resume;
    } else return false;
  }
  while (glob[atGlob] === '*') atGlob += 1;
  return atGlob === glob.length;
}

const isWordCharacter = (character: string | undefined) => character !== undefined && /[\p{L}\p{N}_]/u.test(character);

/** What `text` in a rule looks for: found anywhere, whatever its case; where it begins or ends with a letter or digit, a word does. `*` stands
 * for any characters of one line, `?` for one. */
export class Phrase {
  readonly #pieces: readonly string[];
  readonly #wordBefore: boolean;
  readonly #wordAfter: boolean;

  constructor(glob: string) {
    const folded = glob.toLowerCase();
    this.#pieces = folded.split('*').filter((piece) => piece !== '');
    this.#wordBefore = isWordCharacter(folded[0]);
    this.#wordAfter = isWordCharacter(folded.at(-1));
  }

  /** `folded` is in lower case already. */
  foundIn(folded: string): boolean {
    if (this.#pieces.length < 2) return this.#foundBetween(folded, 0, folded.length);
    for (let start = 0; start < folded.length;) {
      const newline = folded.indexOf('\n', start);
      const end = newline < 0 ? folded.length : newline;
      if (this.#foundBetween(folded, start, end)) return true;
      start = end + 1;
    }
    return false;
  }

  /** The first place of each piece in turn is the best one: whatever follows a later one follows it as well. */
  #foundBetween(text: string, start: number, end: number): boolean {
    let at = start;
    for (const [index, piece] of this.#pieces.entries()) {
      for (;;) {
        at = indexOfPiece(text, piece, at, end);
        if (at < 0) return false;
        const beginsWell = index > 0 || !this.#wordBefore || !isWordCharacter(text[at - 1]);
        const endsWell = index < this.#pieces.length - 1 || !this.#wordAfter || !isWordCharacter(text[at + piece.length]);
        if (beginsWell && endsWell) break;
        at += 1;
      }
      at += piece.length;
    }
    return true;
  }
}

/** As `indexOf` up to `end`, with `?` for any one character but a line's end. */
function indexOfPiece(text: string, piece: string, from: number, end: number): number {
  if (!piece.includes('?')) {
    // Cut out first: a search that ran on into later lines would be paid for again at each of them.
    const line = end < text.length ? text.slice(from, end) : undefined;
    const found = line === undefined ? text.indexOf(piece, from) : line.indexOf(piece);
    return found < 0 ? -1 : line === undefined ? found : found + from;
  }
  for (let start = from; start + piece.length <= end; start += 1) {
    let at = 0;
    while (at < piece.length && (piece[at] === '?' ? text[start + at] !== '\n' : piece[at] === text[start + at])) at += 1;
    if (at === piece.length) return start;
  }
  return -1;
}
