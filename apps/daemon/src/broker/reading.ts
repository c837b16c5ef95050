// How replies are read to find secrets in them, spec/broker.md §6: as the characters that are left when escapes are undone, whatever
// their kind, mixture and nesting, and when case and what stands between characters are taken away. Every character knows the bytes it
// was made of. Linear: a character is read once, and an escape that is undone is gone.

const code = (character: string): number => character.charCodeAt(0);
const [percentSign, backslash, ampersand, equals, semicolon, closingBrace, openingBrace] = [...'%\\&=;}{'].map(code) as [
  number,
  number,
  number,
  number,
  number,
  number,
  number,
];
const [lowerU, lowerX, numberSign, lineFeed, carriageReturn] = [...'ux#\n\r'].map(code) as [
  number,
  number,
  number,
  number,
  number,
];
const notHex = 0xff;

/** The longest text from an escape's first character to its last: `&#x0000041;`, `\u{000041}`, `&NewLine;`. */
const maxEscape = 12;
/** So much of what is left out may stand between two characters: a break of line, its indentation, a quote and a comma. */
const maxGapBytes = 64;
/** What no secret's reading holds: more than a gap stood here. */
const gap = 0;

const hexOf = Uint8Array.from({ length: 256 }, (_, byte) => {
  const digit = '0123456789abcdef'.indexOf(String.fromCharCode(byte).toLowerCase());
  return digit < 0 ? notHex : digit;
});
const opening: readonly number[] = [percentSign, backslash, ampersand, equals];
const opens = Uint8Array.from({ length: 256 }, (_, byte) => Number(opening.includes(byte)));
/** `=` before the end of a line is how quoted-printable breaks one. */
const kindOf = Uint8Array.from({ length: 256 }, (_, byte) => (opening.includes(byte) ? 1 << opening.indexOf(byte) : 0));
const closes = Uint8Array.from({ length: 256 }, (_, byte) =>
  Number(byte < 0x80 && /[0-9A-Fa-fnrtv;}"'\\\n]/.test(String.fromCharCode(byte))),
);
const goesOn = Uint8Array.from({ length: 256 }, (_, byte) =>
  Number(byte < 0x80 && /[0-9A-Za-z#{%\\&]/.test(String.fromCharCode(byte))),
);
/** `\n` and its kind stand for white space, which is left out. */
const isWhiteEscape = Uint8Array.from({ length: 256 }, (_, byte) =>
  Number(byte < 0x80 && /[nrtbfv]/.test(String.fromCharCode(byte))),
);

/** As one character counts: lower case, one alphabet for base64, and 0 for what is left out: white space, controls, quotes, `,` and `\`. */
export const folded = Uint8Array.from({ length: 256 }, (_, byte) => {
  const character = String.fromCharCode(byte);
  if (byte <= 0x20 || byte === 0x7f || `\\"',`.includes(character)) return 0;
  if (character === '-') return code('+');
  if (character === '_') return code('/');
  return byte < 0x80 ? code(character.toLowerCase()) : byte;
});

/** Short enough that seven bits a letter make one number: a name of a secret's letters never becomes a string. */
const maxName = 7;
const nameKey = (bytes: Iterable<number>): number => {
  let key = 1;
  for (const byte of bytes) key = key * 128 + byte;
  return key;
};
/** HTML's names for ASCII. */
const named = new Map(
  Object.entries({
    '&': 'amp AMP',
    '<': 'lt LT',
    '>': 'gt GT',
    '"': 'quot QUOT',
    "'": 'apos',
    '\t': 'Tab',
    '\n': 'NewLine',
    ' ': 'nbsp',
    '!': 'excl',
    '#': 'num',
    $: 'dollar',
    '%': 'percnt',
    '(': 'lpar',
    ')': 'rpar',
    '*': 'ast midast',
    '+': 'plus',
    ',': 'comma',
    '-': 'hyphen dash',
    '.': 'period',
    '/': 'sol',
    ':': 'colon',
    ';': 'semi',
    '=': 'equals',
    '?': 'quest',
    '@': 'commat',
    '[': 'lsqb lbrack',
    '\\': 'bsol',
    ']': 'rsqb rbrack',
    '^': 'Hat',
    _: 'lowbar',
    '`': 'grave',
    '{': 'lcub lbrace',
    '|': 'vert verbar',
    '}': 'rcub rbrace',
  }).flatMap(([character, names]) =>
    names.split(' ').map((name): [number, number] => [nameKey(Buffer.from(name)), code(character)]),
  ),
);

/** Which escapes are undone: a set of these. */
export const escapes = { none: 0, percent: 1, backslash: 2, entity: 4, softBreak: 8, all: 15 } as const;
/** Each kind alone, as a decoder of it reads. */
export const kindsOfEscape: readonly number[] = [escapes.percent, escapes.backslash, escapes.entity, escapes.softBreak];

/** One reading at a time, of bytes that stay the caller's. Holds what it read until `forget`. */
export class Reading {
  /** The bytes themselves, where each is a character. */
  #plain: Uint8Array | undefined;
  /** Characters with what is left out among them, and where each begins and ends in the bytes. */
  #all = new Uint8Array(0);
  #from = new Int32Array(0);
  #to = new Int32Array(0);
  #count = 0;
  #lastOpen = -maxEscape;
  #kinds: number = escapes.none;
  /** No escape begins before this character. */
  #barrier = 0;
  /** So far from their beginnings the arrays may hold what was read since they were last wiped. */
  #used = 0;
  /** The characters that count, folded, and which of all each is. */
  characters = new Uint8Array(0);
  #place = new Int32Array(0);
  length = 0;
  /** How many of them stand before an escape whose end may be still to come, and where that begins in the bytes. */
  wholeLength = 0;
  unfinishedAt = 0;
  /** The kinds of escapes that were undone, without which the bytes read in another way; and of those whose end may be still to come. */
  undone: number = escapes.none;
  unfinished: number = escapes.none;
  /** Whether one of them was made of what another stands for. */
  nested = false;

  /** Reads anew. With `all` escapes in what escapes stand for are undone as well; one kind alone is undone once, as its decoder does. */
  read(bytes: Uint8Array, kinds: number): void {
    this.#grow(bytes.length);
    this.#used = Math.max(this.#used, bytes.length + maxEscape);
    this.undone = escapes.none;
    this.unfinished = escapes.none;
    this.nested = false;
    if (kinds === escapes.none || !opening.some((byte) => bytes.includes(byte))) this.#readPlain(bytes);
    else this.#readEscaped(bytes, kinds);
  }

  /** Where every byte is a character. */
  #readPlain(bytes: Uint8Array): void {
    const { characters } = this;
    const place = this.#place;
    let length = 0;
    let end = 0;
    for (let at = 0; at < bytes.length; at += 1) {
      const character = folded[bytes[at] as number] as number;
      if (character === 0) continue;
      if (at - end > maxGapBytes && length > 0) {
        characters[length] = gap;
        place[length++] = at;
      }
      characters[length] = character;
      place[length++] = at;
      end = at + 1;
    }
    this.#plain = bytes;
    this.#count = bytes.length;
    this.length = length;
    this.wholeLength = length;
    this.unfinishedAt = bytes.length;
  }

  #readEscaped(bytes: Uint8Array, kinds: number): void {
    this.#plain = undefined;
    this.#count = 0;
    this.#lastOpen = -maxEscape;
    this.#kinds = kinds;
    this.#barrier = 0;
    const [all, starts, ends] = [this.#all, this.#from, this.#to];
    let count = 0;
    let farFromOpen = 0;
    for (let at = 0; at < bytes.length; at += 1) {
      const byte = bytes[at] as number;
      if (count < farFromOpen && closes[byte] === 1) {
        this.#count = count;
        this.#close(byte, at);
        count = this.#count;
        farFromOpen = this.#lastOpen + maxEscape;
      } else {
        if (opens[byte] === 1) {
          this.#lastOpen = count;
          farFromOpen = count + maxEscape;
        }
        all[count] = byte;
        starts[count] = at;
        ends[count] = at + 1;
        count += 1;
      }
    }
    this.#count = count;
    this.unfinishedAt = this.#unfinished(bytes.length);
    this.#fold();
  }

  /** Where in the bytes the `index`th character that counts begins. */
  startOf(index: number): number {
    return this.#startAt(this.#place[index] as number);
  }

  endOf(index: number): number {
    return this.#endAt(this.#place[index] as number);
  }

  /** The end of what was left out right behind that character, `most` characters of it. */
  leftOutBehind(index: number, most: number): number {
    let place = this.#place[index] as number;
    for (let taken = 0; taken < most && place + 1 < this.#count && this.#isLeftOut(place + 1); taken += 1) place += 1;
    return this.#endAt(place);
  }

  leftOutBefore(index: number, most: number): number {
    let place = this.#place[index] as number;
    for (let taken = 0; taken < most && place > 0 && this.#isLeftOut(place - 1); taken += 1) place -= 1;
    return this.#startAt(place);
  }

  #isLeftOut(place: number): boolean {
    return folded[(this.#plain ?? this.#all)[place] as number] === 0;
  }

  #startAt(place: number): number {
    return this.#plain === undefined ? (this.#from[place] as number) : place;
  }

  #endAt(place: number): number {
    return this.#plain === undefined ? (this.#to[place] as number) : place + 1;
  }

  /** Overwrites all that was read since the last time: a later reading may have been shorter. */
  forget(): void {
    this.#all.fill(0, 0, this.#used);
    this.characters.fill(0, 0, this.#used);
    this.#used = 0;
    this.#plain = undefined;
    this.#count = 0;
    this.length = 0;
  }

  #grow(length: number): void {
    const capacity = length + maxEscape;
    if (this.#all.length >= capacity) return;
    this.forget();
    this.#all = new Uint8Array(capacity);
    this.#from = new Int32Array(capacity);
    this.#to = new Int32Array(capacity);
    this.characters = new Uint8Array(capacity);
    this.#place = new Int32Array(capacity);
  }

  /** A byte that may end an escape; what that stands for may end another. */
  #close(byte: number, at: number): void {
    const nested = this.#kinds === escapes.all;
    let value = byte;
    let taken = 0;
    for (;;) {
      const length = this.#escapeLength(value, this.#count - taken);
      if (length === 0 || this.#count - taken - length < this.#barrier) break;
      this.nested ||= taken > 0 || this.#wasEscaped(this.#count - length);
      taken += length;
      value = this.#value;
      this.undone |= this.#kind;
      if (!nested || value >= 0x80 || closes[value] === 0) break;
    }
    const start = taken === 0 ? at : (this.#from[this.#count - taken] as number);
    this.#count -= taken;
    if (taken === 0 || value < 0x80 || !this.#valueIsText) this.#store(value, start, at + 1);
    else for (const each of utf8Of(value)) this.#store(each, start, at + 1);
    if (taken > 0 && !nested) this.#barrier = this.#count;
  }

  #wasEscaped(from: number): boolean {
    for (let place = from; place < this.#count; place += 1)
      if ((this.#to[place] as number) - (this.#from[place] as number) > 1) return true;
    return false;
  }

  #store(byte: number, from: number, to: number): void {
    const count = this.#count;
    if (opens[byte] === 1) this.#lastOpen = count;
    this.#all[count] = byte;
    this.#from[count] = from;
    this.#to[count] = to;
    this.#count = count + 1;
  }

  /** What the escape that was found last stands for: a character, or a byte of one. */
  #value = 0;
  #valueIsText = true;
  #kind: number = escapes.none;

  /** How many of the `count` characters so far are, with `last`, an escape that is undone; 0 if it ends none. */
  #escapeLength(last: number, count: number): number {
    const length = this.#anyEscapeLength(last, count);
    if (length === 0) return 0;
    this.#kind = kindOf[this.#all[count - length] as number] as number;
    return (this.#kinds & this.#kind) === 0 ? 0 : length;
  }

  #anyEscapeLength(last: number, count: number): number {
    const all = this.#all;
    const before = count > 0 ? (all[count - 1] as number) : 0;
    this.#valueIsText = true;
    const digit = hexOf[last] as number;
    const length = digit === notHex ? 0 : this.#hexEscape(digit, count);
    if (length > 0) return length;
    switch (last) {
      case semicolon:
        return this.#entity(count);
      case closingBrace:
        return this.#bracedEscape(count);
      case lineFeed: {
        const wide = before === carriageReturn ? 1 : 0;
        if (count <= wide || all[count - 1 - wide] !== equals) return 0;
        this.#value = lineFeed;
        return 1 + wide;
      }
      default:
        if (before !== backslash || !(isWhiteEscape[last] === 1 || folded[last] === 0)) return 0;
        this.#value = isWhiteEscape[last] === 1 ? lineFeed : last;
        return 1;
    }
  }

  /** `%HH`, `\xHH`, `\uHHHH`, `%uHHHH` */
  #hexEscape(digit: number, count: number): number {
    const all = this.#all;
    const second = count > 1 ? (hexOf[all[count - 1] as number] as number) : notHex;
    if (second === notHex) return 0;
    const byte = second * 16 + digit;
    const length =
      all[count - 2] === percentSign ? 2 : count > 2 && all[count - 2] === lowerX && all[count - 3] === backslash ? 3 : 0;
    if (length > 0) {
      this.#value = byte;
      this.#valueIsText = false;
      return length;
    }
    if (count < 5 || all[count - 4] !== lowerU) return 0;
    const open = all[count - 5];
    const [fourth, third] = [hexOf[all[count - 3] as number] as number, hexOf[all[count - 2] as number] as number];
    if ((open !== backslash && open !== percentSign) || fourth === notHex || third === notHex) return 0;
    this.#value = fourth * 4096 + third * 256 + byte;
    return 5;
  }

  /** `\u{H…}` */
  #bracedEscape(count: number): number {
    const all = this.#all;
    let value = 0;
    for (let at = count - 1, unit = 1; at >= 2 && at >= count - maxEscape; at -= 1, unit *= 16) {
      const digit = hexOf[all[at] as number] as number;
      if (digit !== notHex) value = Math.min(0x10_ffff, value + digit * unit);
      else {
        if (unit === 1 || all[at] !== openingBrace || all[at - 1] !== lowerU || all[at - 2] !== backslash) return 0;
        this.#value = value;
        return count - at + 2;
      }
    }
    return 0;
  }

  /** `&#N…;`, `&#xH…;`, `&name;` */
  #entity(count: number): number {
    const all = this.#all;
    let open = count - 1;
    while (open >= 0 && open > count - maxEscape && all[open] !== ampersand) open -= 1;
    if (open < 0 || all[open] !== ampersand) return 0;
    const text = all.subarray(open + 1, count);
    if (text[0] !== numberSign) {
      const value = text.length > maxName ? undefined : named.get(nameKey(text));
      if (value === undefined) return 0;
      this.#value = value;
      return count - open;
    }
    const base = text[1] === lowerX || text[1] === lowerX - 0x20 ? 16 : 10;
    const digits = text.subarray(base === 16 ? 2 : 1);
    let value = 0;
    for (const each of digits) {
      const digit = hexOf[each] as number;
      if (digit >= base) return 0;
      value = Math.min(0x10_ffff, value * base + digit);
    }
    if (digits.length === 0) return 0;
    this.#value = value;
    return count - open;
  }

  #unfinished(length: number): number {
    let first = this.#count;
    const last = this.#count - 1;
    const wide = last > 0 && this.#all[last] === carriageReturn ? 1 : 0;
    if (last >= wide && this.#all[last - wide] === equals) first = last - wide;
    for (let place = last; place >= 0 && place > last - maxEscape; place -= 1) {
      const byte = this.#all[place] as number;
      if (goesOn[byte] === 0) break;
      if (opens[byte] === 1) first = place;
    }
    for (let place = first; place <= last; place += 1) this.unfinished |= kindOf[this.#all[place] as number] as number;
    return first > last ? length : (this.#from[first] as number);
  }

  #fold(): void {
    const { characters } = this;
    const [all, starts, ends, place, count, unfinishedAt] = [
      this.#all,
      this.#from,
      this.#to,
      this.#place,
      this.#count,
      this.unfinishedAt,
    ];
    let length = 0;
    let end = 0;
    this.wholeLength = 0;
    for (let at = 0; at < count; at += 1) {
      const character = folded[all[at] as number] as number;
      if (character === 0) continue;
      if ((starts[at] as number) - end > maxGapBytes && length > 0) {
        characters[length] = gap;
        place[length++] = at;
      }
      characters[length] = character;
      place[length++] = at;
      end = ends[at] as number;
      if (end <= unfinishedAt) this.wholeLength = length;
    }
    this.length = length;
  }
}

/** A half of a pair outside of the first plane stands for nothing that a secret holds. */
function utf8Of(value: number): Uint8Array {
  if (value >= 0xd800 && value <= 0xdfff) return Uint8Array.of(0xff);
  return Buffer.from(String.fromCodePoint(value));
}
