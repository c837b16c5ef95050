// Brace expansion of a raw word: `{rm,-rf,/}` are three words. Textual, as in the shell: what comes out is parsed anew.

const maxWords = 64;
const maxCharacters = 65_536;

/** The raw words that `raw` expands to; undefined: too many to write down. A word without a brace expression is itself. */
export function expandBraces(raw: string): readonly string[] | undefined {
  const done: string[] = [];
  const open = [raw];
  let characters = 0;
  while (open.length > 0) {
    const word = open.pop() ?? '';
    const brace = firstBrace(word);
    if (brace === undefined) done.push(word);
    else
      for (const choice of brace.choices.toReversed())
        open.push(`${word.slice(0, brace.start)}${choice}${word.slice(brace.end)}`);
    characters += word.length;
    if (done.length + open.length > maxWords || characters > maxCharacters) return undefined;
  }
  return done;
}

interface Brace {
  readonly start: number;
  readonly end: number;
  readonly choices: readonly string[];
}

function firstBrace(word: string): Brace | undefined {
  for (let at = 0; at < word.length; at = skip(word, at)) {
    if (word[at] !== '{') continue;
    const brace = braceAt(word, at);
    if (brace !== undefined) return brace;
  }
  return undefined;
}

function braceAt(word: string, start: number): Brace | undefined {
  const commas: number[] = [];
  let depth = 0;
  for (let at = start; at < word.length; at = skip(word, at)) {
    if (word[at] === '{') depth += 1;
    else if (word[at] === ',' && depth === 1) commas.push(at);
    else if (word[at] === '}') {
      depth -= 1;
      if (depth > 0) continue;
      const end = at + 1;
      if (commas.length === 0) {
        const choices = sequence(word.slice(start + 1, at));
        return choices === undefined ? undefined : { start, end, choices };
      }
      const borders = [start, ...commas, at];
      return { start, end, choices: borders.slice(1).map((border, index) => word.slice((borders[index] ?? 0) + 1, border)) };
    }
  }
  return undefined;
}

/** `1..9`, `a..e`, `01..10..3`. */
function sequence(text: string): readonly string[] | undefined {
  const match = /^(?:(-?\d{1,9})\.\.(-?\d{1,9})|([A-Za-z])\.\.([A-Za-z]))(?:\.\.(-?\d{1,9}))?$/.exec(text);
  if (match === null) return undefined;
  const [, first, last, from, to, by] = match;
  const letters = first === undefined;
  const start = letters ? (from ?? '').charCodeAt(0) : Number(first);
  const end = letters ? (to ?? '').charCodeAt(0) : Number(last);
  const step = Math.max(1, Math.abs(Number(by ?? 1)));
  const padded = !letters && (/^-?0\d/.test(first) || /^-?0\d/.test(last ?? ''));
  const width = padded ? Math.max(first.length, last?.length ?? 0) : 0;
  const result: string[] = [];
  for (let value = start; start <= end ? value <= end : value >= end; value += start <= end ? step : -step) {
    result.push(
      letters
        ? String.fromCharCode(value)
        : (value < 0 ? '-' : '') + String(Math.abs(value)).padStart(value < 0 ? width - 1 : width, '0'),
    );
    if (result.length > maxWords) return result;
  }
  return result;
}

/** The place after the character, quotation or expansion that begins at `at`. */
function skip(word: string, at: number): number {
  const character = word[at];
  if (character === '\\') return at + 2;
  if (character === "'") return after(word, "'", at + 1);
  if (character === '`') return after(word, '`', at + 1);
  if (character === '"') return afterQuote(word, at + 1);
  const next = word[at + 1];
  if (character === '$' && next === "'") return afterQuote(word, at + 2, "'");
  if (character === '$' && (next === '(' || next === '{')) return afterBracket(word, at + 1);
  if ((character === '<' || character === '>') && next === '(') return afterBracket(word, at + 1);
  return at + 1;
}

function after(word: string, mark: string, from: number): number {
  const at = word.indexOf(mark, from);
  return at === -1 ? word.length : at + 1;
}

function afterQuote(word: string, from: number, mark = '"'): number {
  for (let at = from; at < word.length; at += 1) {
    if (word[at] === '\\') at += 1;
    else if (word[at] === mark) return at + 1;
  }
  return word.length;
}

function afterBracket(word: string, from: number): number {
  const open = word[from];
  const close = open === '(' ? ')' : '}';
  let depth = 0;
  for (let at = from; at < word.length; at += 1) {
    const character = word[at];
    if (character === '\\') at += 1;
    else if (character === "'") at = after(word, "'", at + 1) - 1;
    else if (character === '"') at = afterQuote(word, at + 1) - 1;
    else if (character === open) depth += 1;
    else if (character === close) {
      depth -= 1;
      if (depth === 0) return at + 1;
    }
  }
  return word.length;
}
