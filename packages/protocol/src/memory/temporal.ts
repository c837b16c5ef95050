// What a query says of time, spec/memory-search.md: spans of days, and whether the newest or the oldest is wanted. Days are UTC's, and now
// is an argument.

const dayMs = 86_400_000;

export interface Span {
  readonly fromMs: number;
  /** Not part of it. */
  readonly untilMs: number;
}

export interface Temporal {
  readonly spans: readonly Span[];
  readonly wants: 'newest' | 'oldest' | undefined;
  /** The query without words that only tell a time; dates and names of months stay, since texts say them too. */
  readonly rest: string;
}

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const weekdays = ['thu', 'fri', 'sat', 'sun', 'mon', 'tue', 'wed'];
const numbers = ['zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten', 'eleven', 'twelve'];

const month =
  '(jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)';
const dayOfMonth = '(\\d{1,2})(?:st|nd|rd|th)?';
const orYear = '(?:,? ((?:19|20)\\d\\d))?';
const bound = '(?:\\b(since|after|before|until|till|by)\\b[a-z ]{0,16}?)?';
const unit = '(day|week|month|quarter|year)s?';

/** The first day of a month that may lie outside of its year, as days since 1970. */
function firstDay(year: number, monthIndex: number): number {
  const y = year + Math.floor(monthIndex / 12) - (((monthIndex % 12) + 12) % 12 < 2 ? 1 : 0);
  const m = (((monthIndex - 2) % 12) + 12) % 12;
  const era = Math.floor(y / 400);
  const ofEra = y - era * 400;
  return era * 146_097 + ofEra * 365 + Math.floor(ofEra / 4) - Math.floor(ofEra / 100) + Math.floor((153 * m + 2) / 5) - 719_468;
}

function yearAndMonth(today: number): readonly [number, number] {
  let year = 1970 + Math.floor(today / 365.2425);
  if (firstDay(year, 0) > today) year -= 1;
  if (firstDay(year + 1, 0) <= today) year += 1;
  let index = 11;
  while (firstDay(year, index) > today) index -= 1;
  return [year, index];
}

/** Days since 1970, the second not part of it. */
type Days = readonly [number, number];
type Read = (found: readonly (string | undefined)[], today: number) => Days | undefined;

const monthOf = (name: string | undefined): number => months.indexOf((name ?? '').slice(0, 3));

/** Without a year the newest that is not to come. */
function ofMonth(name: string | undefined, yearText: string | undefined, today: number): Days {
  const [thisYear, thisMonth] = yearAndMonth(today);
  const index = monthOf(name);
  const year = yearText === undefined ? thisYear - (index > thisMonth ? 1 : 0) : Number(yearText);
  return [firstDay(year, index), firstDay(year, index + 1)];
}

function ofDay(
  name: string | undefined,
  dayText: string | undefined,
  yearText: string | undefined,
  today: number,
): Days | undefined {
  const number = Number(dayText);
  const [from, until] = ofMonth(name, yearText, today);
  if (number < 1 || number > until - from) return undefined;
  const day = from + number - 1;
  if (yearText !== undefined || day <= today) return [day, day + 1];
  const [earlier] = ofMonth(name, String(yearAndMonth(today)[0] - 1), today);
  return [earlier + number - 1, earlier + number];
}

/** The calendar's unit that a day is in, moved by so many. Weeks begin on Mondays. */
function unitAt(name: string | undefined, by: number, today: number): Days {
  const [year, index] = yearAndMonth(today);
  if (name === 'year') return [firstDay(year + by, 0), firstDay(year + by + 1, 0)];
  if (name === 'quarter') {
    const first = index - (index % 3) + by * 3;
    return [firstDay(year, first), firstDay(year, first + 3)];
  }
  if (name === 'month') return [firstDay(year, index + by), firstDay(year, index + by + 1)];
  if (name === 'week') {
    const monday = today - ((((today + 3) % 7) + 7) % 7) + by * 7;
    return [monday, monday + 7];
  }
  return [today + by, today + by + 1];
}

const lengths: Readonly<Record<string, number>> = { day: 1, week: 7, month: 30, quarter: 91, year: 365 };

function countOf(text: string | undefined): number {
  if (text === undefined || /^an?$/.test(text)) return 1;
  if (/^(?:couple|few)/.test(text)) return text.startsWith('few') ? 3 : 2;
  const named = numbers.indexOf(text);
  return named >= 0 ? named : Number(text);
}

const howMany = `(an?|couple of|few|\\d{1,3}|${numbers.slice(1).join('|')})`;

/** [RECALL-13] In this order; a word is read once. `takes`: the words tell a time and nothing else. */
const readings: readonly { readonly pattern: string; readonly takes: boolean; readonly read: Read }[] = [
  {
    pattern: '((?:19|20)\\d\\d)-(\\d\\d)-(\\d\\d)',
    takes: false,
    read: ([y, m, d], today) => ofDay(months[Number(m) - 1], Number(m) < 1 || Number(m) > 12 ? '0' : d, y, today),
  },
  {
    pattern: '((?:19|20)\\d\\d)-(0[1-9]|1[0-2])(?!-\\d)',
    takes: false,
    read: ([y, m], today) => ofMonth(months[Number(m) - 1], y, today),
  },
  { pattern: `${dayOfMonth} (?:of )?${month}${orYear}`, takes: false, read: ([d, m, y], today) => ofDay(m, d, y, today) },
  { pattern: `${month} ${dayOfMonth}(?!\\d)${orYear}`, takes: false, read: ([m, d, y], today) => ofDay(m, d, y, today) },
  {
    pattern: `(?:(?:in|last|during|of|from|early|late|mid|around|back in|this|since|after|before|until|till|by)[ -])${month}${orYear}`,
    takes: false,
    read: ([m, y], today) => ofMonth(m, y, today),
  },
  { pattern: `${month},? ((?:19|20)\\d\\d)`, takes: false, read: ([m, y], today) => ofMonth(m, y, today) },
  {
    pattern: '(january|february|april|june|july|august|september|october|november|december)',
    takes: false,
    read: ([m], today) => ofMonth(m, undefined, today),
  },
  {
    pattern: 'q([1-4])(?: (?:of )?((?:19|20)\\d\\d))?',
    takes: false,
    read: ([q, y], today) => {
      const [thisYear, thisMonth] = yearAndMonth(today);
      const first = (Number(q) - 1) * 3;
      const year = y === undefined ? thisYear - (first > thisMonth ? 1 : 0) : Number(y);
      return [firstDay(year, first), firstDay(year, first + 3)];
    },
  },
  {
    pattern: '(?:in|since|after|before|during|of|from|until|till|by|late|early) ((?:19|20)\\d\\d)',
    takes: false,
    read: ([y]) => [firstDay(Number(y), 0), firstDay(Number(y) + 1, 0)],
  },
  { pattern: '(today|yesterday)', takes: true, read: ([word], today) => unitAt('day', word === 'today' ? 0 : -1, today) },
  {
    pattern: `${howMany} ${unit} ago`,
    takes: true,
    read: ([count, name], today) => {
      // So long ago, give or take half a unit.
      const length = lengths[name ?? ''] ?? 1;
      const day = today - countOf(count) * length;
      const slack = name === 'day' ? 0 : Math.ceil(length / 2);
      return [day - slack, day + slack + 1];
    },
  },
  {
    pattern: `(?:last|past|previous) ${howMany} ${unit}`,
    takes: true,
    read: ([count, name], today) => [today - countOf(count) * (lengths[name ?? ''] ?? 1), today + 1],
  },
  {
    pattern: `(last|past|previous|this) ${unit}`,
    takes: true,
    read: ([which, name], today) => unitAt(name, which === 'this' ? 0 : -1, today),
  },
  {
    pattern: '(?:on |last |this |since |by )(mon|tues|wednes|thurs|fri|satur|sun)day',
    takes: true,
    read: ([name], today) => {
      const wanted = weekdays.indexOf((name ?? '').slice(0, 3));
      const back = (((today - wanted) % 7) + 7) % 7 || 7;
      return [today - back, today - back + 1];
    },
  },
];

const compiled = readings.map(({ pattern, takes, read }) => ({
  takes,
  read,
  pattern: new RegExp(`${bound}\\b${pattern}\\b`, 'gi'),
}));

/** [RECALL-14] */
const newest =
  /\b(?:latest|newest|most recent(?:ly)?|recent(?:ly)?|current(?:ly)?|now(?:adays)?|these days|as of today|up to date)\b/gi;
const oldest =
  /\b(?:original(?:ly)?|initial(?:ly)?|earliest|oldest|at first|first|used to|formerly|back then|in the beginning)\b/gi;

export function readTemporal(query: string, nowMs: number): Temporal {
  const today = Number.isFinite(nowMs) ? Math.floor(nowMs / dayMs) : 0;
  const spans: Span[] = [];
  let unread = query;
  let rest = query;
  for (const { pattern, takes, read } of compiled) {
    unread = unread.replaceAll(pattern, (text: string, ...groups: unknown[]) => {
      const [leads, ...found] = (groups.slice(0, -2) as (string | undefined)[]).map((group) => group?.toLowerCase());
      const days = read(found, today);
      if (days === undefined) return text;
      const lead = leads ?? /^(since|after|before|until|till|by)\b/.exec(text.toLowerCase())?.[1];
      spans.push(inMs(bounded(lead, days, today)));
      if (takes) rest = rest.replace(text, ' ');
      return '\u0000'.repeat(text.length);
    });
  }
  const wants = newest.test(unread) ? 'newest' : oldest.test(unread) ? 'oldest' : undefined;
  newest.lastIndex = 0;
  oldest.lastIndex = 0;
  if (wants !== undefined) rest = rest.replaceAll(wants === 'newest' ? newest : oldest, ' ');
  return { spans, wants, rest };
}

function bounded(lead: string | undefined, [from, until]: Days, today: number): Days {
  if (lead === 'since') return [from, Math.max(until, today + 1)];
  if (lead === 'after') return [until, Math.max(until, today + 1)];
  if (lead === 'before') return [Number.NEGATIVE_INFINITY, from];
  return lead === undefined ? [from, until] : [Number.NEGATIVE_INFINITY, until];
}

function inMs([from, until]: Days): Span {
  return { fromMs: from * dayMs, untilMs: until * dayMs };
}

export function isWithin(atMs: number, spans: readonly Span[]): boolean {
  return spans.some(({ fromMs, untilMs }) => fromMs <= atMs && atMs < untilMs);
}
