// What stands in a `.env` file, as bytes, spec/cli.md [CLI-50]. Programs read such files differently: an assignment that two of them could read in
// two ways has no value here, and neither have the lines that one of them would take for a part of it.

export interface EnvEntry {
  /** Of its first line, from 1. */
  readonly line: number;
  readonly name: string;
  /** All of its lines, with the end of the last. */
  readonly from: number;
  readonly to: number;
  /** Where the value stands in the file; undefined where programs would disagree about it. */
  readonly value: { readonly from: number; readonly to: number } | undefined;
}

const [lineFeed, carriageReturn, space, tab, hash, equals, backslash] = [0x0a, 0x0d, 0x20, 0x09, 0x23, 0x3d, 0x5c] as const;
const byteOrderMark = Buffer.from([0xef, 0xbb, 0xbf]);
const quotes: ReadonlySet<number | undefined> = new Set(Buffer.from(`'"\``));
const isBlank = (byte: number | undefined): boolean => byte === space || byte === tab;
/** What some reader would expand, unescape or cut. */
const isPlain = (byte: number): boolean => byte > space && byte < 0x7f && !`'"\`$\\#`.includes(String.fromCharCode(byte));
/** The same between quotes; in double ones a shell runs what stands in backticks. */
const isQuotable = (byte: number, quote: number): boolean =>
  byte === lineFeed || (byte >= space && byte < 0x7f && !(quote === 0x22 ? '$\\`' : '$\\').includes(String.fromCharCode(byte)));

/** In order. `unclosed` is called, to throw, with the number of the line where a quote begins that never ends. */
export function entriesIn(bytes: Buffer, unclosed: (line: number) => never): readonly EnvEntry[] {
  const entries: EnvEntry[] = [];
  let from = bytes.subarray(0, 3).equals(byteOrderMark) ? 3 : 0;
  for (let line = 1; from < bytes.length;) {
    const assigned = assignmentAt(bytes, from);
    const said = assigned && valueAt(bytes, assigned.valueFrom);
    if (said === 'unclosed') return unclosed(line);
    const to = lineAfter(bytes, said?.end ?? from);
    // Names that are no variable's own are read for where they end.
    if (assigned !== undefined && /^[A-Za-z_][A-Za-z0-9_]*$/.test(assigned.name))
      entries.push({ line, name: assigned.name, from, to, value: said?.value });
    for (let at = from; at < to; at += 1) if (bytes[at] === lineFeed) line += 1;
    from = to;
  }
  const twice = (name: string): boolean => entries.filter((each) => each.name === name).length > 1;
  return entries.map((each) => (twice(each.name) ? { ...each, value: undefined } : each));
}

/** Where the next line begins. */
function lineAfter(bytes: Buffer, at: number): number {
  const feed = bytes.indexOf(lineFeed, at);
  return feed < 0 ? bytes.length : feed + 1;
}

/** Without its end, of one or two characters. */
function lineEnd(bytes: Buffer, at: number): number {
  const feed = bytes.indexOf(lineFeed, at);
  const end = feed < 0 ? bytes.length : feed;
  return end > at && bytes[end - 1] === carriageReturn ? end - 1 : end;
}

/** `NAME=`, `export NAME=`, `NAME = `, indented or not. The name alone becomes text. */
function assignmentAt(bytes: Buffer, from: number): { readonly name: string; readonly valueFrom: number } | undefined {
  const end = lineEnd(bytes, from);
  const at = bytes.subarray(from, end).indexOf(equals);
  if (at < 0) return undefined;
  const name = /^[ \t]*(?:export[ \t]+)?([\w.-]+)[ \t]*$/.exec(bytes.toString('latin1', from, from + at))?.[1];
  let valueFrom = from + at + 1;
  while (isBlank(bytes[valueFrom])) valueFrom += 1;
  return name === undefined ? undefined : { name, valueFrom };
}

/** `end` lies in the last of its lines. */
interface Said {
  readonly end: number;
  readonly value: EnvEntry['value'];
}

function valueAt(bytes: Buffer, from: number): Said | 'unclosed' {
  const quote = bytes[from];
  if (quote !== undefined && quotes.has(quote)) return quotedAt(bytes, from, quote);
  const end = lineEnd(bytes, from);
  const to = trimmed(bytes, from, commentAt(bytes, from, end) ?? end);
  return { end, value: to > from && bytes.subarray(from, to).every(isPlain) ? { from, to } : undefined };
}

/** Over as many lines as it takes. A quote behind a backslash is none, to most: what has one is unclear, up to where they see the end. */
function quotedAt(bytes: Buffer, from: number, quote: number): Said | 'unclosed' {
  let close = from + 1;
  while (close < bytes.length && bytes[close] !== quote) close += bytes[close] === backslash ? 2 : 1;
  if (close >= bytes.length) return 'unclosed';
  const end = lineEnd(bytes, close);
  const rest = commentAt(bytes, close + 1, end) ?? end;
  const isWhole = trimmed(bytes, close + 1, rest) === close + 1;
  const inner = bytes.subarray(from + 1, close);
  const isClear = isWhole && inner.length > 0 && inner.every((byte) => isQuotable(byte, quote));
  return { end, value: isClear ? { from: from + 1, to: close } : undefined };
}

/** Where a `#` stands behind a blank. */
function commentAt(bytes: Buffer, from: number, end: number): number | undefined {
  for (let at = from; at < end; at += 1) if (bytes[at] === hash && isBlank(bytes[at - 1])) return at;
  return undefined;
}

/** Where it ends without the blanks at its end. */
function trimmed(bytes: Buffer, from: number, to: number): number {
  let end = to;
  while (end > from && isBlank(bytes[end - 1])) end -= 1;
  return end;
}
