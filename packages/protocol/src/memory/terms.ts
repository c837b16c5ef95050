// What text is searched by, spec/memory-search.md: terms of prose and of code. Total for any text, of bounded length, the same on every
// machine. Trusts nothing.

import { stem } from './stem.ts';

/** Longer texts are searched by their beginning: [RECALL-1]. */
const maxTextUnits = 16_384;
const maxChunkUnits = 512;
const maxTermUnits = 64;
const maxPathSegments = 8;

/** Words that tell nothing apart. Negations are not among them: they stand for `not`. */
const stopWords = new Set(
  (
    'a about after all also am an and any are as at be because been before being both but by can could did do does doing done during each ' +
    'for from further get gets got had has have having he her here hers him his how i if in into is it its itself just let me might more ' +
    'most must my of off on once only or other our ours out over own same shall she should so some such than that the their theirs them ' +
    'then there these they this those through to too under until up us very was we were what when where which while who whom whose why ' +
    'will with would you your yours'
  ).split(' '),
);

/** [RECALL-6] */
const negations = new Set(['not', 'no', 'never', 'without', 'nor', 'neither', 'none', 'nothing', 'cannot', 'nobody', 'nowhere']);

const months = [
  'january',
  'february',
  'march',
  'april',
  'may',
  'june',
  'july',
  'august',
  'september',
  'october',
  'november',
  'december',
];

const chunks = /[\p{L}\p{N}\p{M}_]+(?:[./\\:@~+'’-]{1,3}[\p{L}\p{N}\p{M}_]+)*(?:\+\+|#)?/gu;
/** The same for ASCII, several times as fast. */
const plainChunks = /[A-Za-z0-9_]+(?:[./\\:@~+'-]{1,3}[A-Za-z0-9_]+)*(?:\+\+|#)?/g;
const unspaced =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;
const caseAndDigits = /(?<=\p{Ll})(?=\p{Lu})|(?<=\p{Lu})(?=\p{Lu}\p{Ll})|(?<=\p{L})(?=\p{N})|(?<=\p{N})(?=\p{L})|[-_'’]+/u;

/** Terms in their order, with repetitions. */
export function termsOf(text: string): string[] {
  return chunksOf(text).flatMap(termsOfChunk);
}

/** [RECALL-1, RECALL-2] The chunks of a text, each of which has terms for itself. Case is not folded yet: it divides words. */
export function chunksOf(text: string): readonly string[] {
  const bounded = text.slice(0, maxTextUnits);
  // oxlint-disable-next-line no-control-regex -- all of ASCII is meant
  if (/^[\u0000-\u007f]*$/.test(bounded)) return bounded.match(plainChunks) ?? [];
  const folded = bounded
    .normalize('NFKD')
    .replaceAll(/[\u0300-\u036f]/g, '')
    .normalize('NFC')
    .slice(0, maxTextUnits);
  return folded.match(chunks) ?? [];
}

const lower = (text: string): string => text.toLowerCase().replaceAll('ß', 'ss').replaceAll('ς', 'σ');

/** Of one chunk as `chunksOf` gives it. */
export function termsOfChunk(chunk: string): readonly string[] {
  const found: string[] = [];
  if (/^[a-z]{1,64}$/.test(chunk)) {
    addPart(found, chunk);
    return found;
  }
  const bounded = chunk.slice(0, maxChunkUnits);
  if (/^(?:c\+\+|[cf]#)$/i.test(bounded)) return [lower(bounded)];
  const segments = bounded.split(/[/\\]+/).filter((segment) => /[\p{L}\p{N}]/u.test(segment));
  // [RECALL-4] A path is found by each of its ends, the last name alone among them.
  for (let from = Math.max(0, segments.length - maxPathSegments); from < segments.length - 1; from += 1)
    push(found, lower(segments.slice(from).join('/')));
  for (const segment of segments) addName(found, segment);
  return found;
}

function push(found: string[], term: string): void {
  if (term !== '') found.push(term.slice(0, maxTermUnits));
}

/** [RECALL-5] Dotted names, versions and dates. */
function addName(found: string[], name: string): void {
  const version = /^v?(\d+(?:\.\d+)+)/i.exec(name)?.[1];
  if (version !== undefined) {
    const numbers = version.split('.').slice(0, 4);
    for (let count = 1; count <= numbers.length; count += 1) push(found, numbers.slice(0, count).join('.'));
    const rest = name.slice(name.indexOf(version) + version.length);
    if (rest !== '') addName(found, rest.replace(/^[.:@~+-]+/, ''));
    return;
  }
  const date = /^(\d{4})-(\d\d)(?:-(\d\d))?(?!\d)/.exec(name);
  const month = months[Number(date?.[2]) - 1];
  if (date !== null && month !== undefined) {
    push(found, date[1] ?? '');
    push(found, `${date[1]}-${date[2]}`);
    if (date[3] !== undefined) push(found, date[0]);
    push(found, stem(month));
    return;
  }
  const parts = name.split(/[.:@~+#]+/).filter((part) => part !== '');
  if (parts.length > 1) push(found, lower(parts.join('.')));
  for (const part of parts) addWord(found, part);
}

/** [RECALL-3] A compound is found whole, however it is written, and by its parts. */
function addWord(found: string[], word: string): void {
  const [plain, negated] = withoutContraction(word);
  if (/^(?=.*\d)(?=.*[a-f])[0-9a-f]{7,64}$/i.test(plain)) {
    push(found, lower(plain));
    if (plain.length > 7) push(found, lower(plain.slice(0, 7)));
    return;
  }
  const parts = plain.split(caseAndDigits).filter((part) => part !== '');
  if (parts.length > 1) {
    push(found, stem(lower(parts.join(''))));
    for (const part of parts) if (part.length > 1) addPart(found, part);
  } else addPart(found, parts[0] ?? '');
  if (negated) push(found, 'not');
}

function withoutContraction(word: string): readonly [string, boolean] {
  // can't, won't, shan't: what is left is no word.
  if (/n['’]t$/i.test(word)) return [word.slice(0, -3).replace(/^(?:ca|wo|sha)$/i, ''), true];
  return [word.replace(/['’](?:s|re|ve|ll|d|m)$/i, ''), false];
}

function addPart(found: string[], part: string): void {
  const term = lower(part);
  // oxlint-disable-next-line no-control-regex -- all of ASCII is meant
  if (!/^[\u0000-\u007f]*$/.test(term) && unspaced.test(term)) {
    const points = [...term];
    if (points.length === 1) push(found, term);
    for (let at = 0; at + 1 < points.length; at += 1) push(found, `${points[at]}${points[at + 1]}`);
  } else if (negations.has(term)) push(found, 'not');
  else if (!stopWords.has(term)) push(found, stem(term));
}
