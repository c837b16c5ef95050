// When, where and how often a credential may be used, as a person types it: `20/h`, `2h`, `09:00-18:00 Europe/Berlin Mon-Fri`. Pure; every refusal is `usage`.

import { HoldfastError } from '../errors.ts';
import { directories, hours, repositories, useLimits, type UseLimits } from './circumstances.ts';
import type { Hours } from './hours.ts';

/** [CLI-41] */
const unitMs: Readonly<Record<string, number>> = { s: 1000, min: 60_000, h: 3_600_000, d: 86_400_000 };

function usage(message: string, next: string, cause?: unknown): never {
  throw new HoldfastError('usage', message, { next, cause });
}

/** `--max`: `20/h`, `3/10min`, of several windows; `--total`: `500`. Throws `usage`. */
export function parseUses(max: readonly string[], total: string | undefined): UseLimits {
  const windows = max.map((typed) => {
    const [, uses, spans = '1', unit = ''] = /^([0-9]{1,6})\/([0-9]{1,4})?(s|min|h|d)$/.exec(typed) ?? [];
    if (uses === undefined) usage(`not a number of uses in a time: ${typed}`, 'write 20/h, 3/10min or 100/d');
    return { max: Number(uses), windowMs: Number(spans) * (unitMs[unit] ?? 0) };
  });
  if (total !== undefined && !/^[1-9][0-9]{0,8}$/.test(total)) usage(`not a number of uses: ${total}`, 'write --total 500');
  try {
    return useLimits.parse({ windows, ...(total !== undefined && { total: Number(total) }) }, '--max');
  } catch (cause) {
    return usage(
      `not a limit of uses: ${String(cause)}`,
      'write at most 4 windows of different spans, of 10,000 uses and 31 days at most',
      cause,
    );
  }
}

/** As it would be typed. */
export function windowText({ max, windowMs }: UseLimits['windows'][number]): string {
  const [unit = 's', each = 1000] = Object.entries(unitMs).findLast(([, ms]) => windowMs % ms === 0) ?? [];
  return `${max}/${windowMs === each ? '' : windowMs / each}${unit}`;
}

const dayNames = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const howHours = "write '09:00-18:00 Europe/Berlin Mon-Fri': a span, an IANA zone, days if not all";

/** `--hours`: a span and a zone, and days if not all, in any order. Throws `usage`. */
export function parseHours(typed: readonly string[]): readonly Hours[] {
  const read = typed.map((each) => {
    const words = each.split(' ');
    const spans = words.filter((word) => /^[0-9]/.test(word)).map(spanOf);
    const named = words.filter((word) => dayNames.includes(word.slice(0, 3)) && !word.includes('/')).map(daysOf);
    const zones = words.filter(isZone);
    const [[span], [zone], [days = [0, 1, 2, 3, 4, 5, 6]]] = [spans, zones, named];
    const single = [spans, zones, named].every(({ length }) => length <= 1);
    if (span === undefined || zone === undefined || !single || spans.length + zones.length + named.length < words.length)
      return usage(`not hours: ${each}`, howHours);
    return { days, ...span, zone };
  });
  try {
    return hours.parse(read, '--hours');
  } catch (cause) {
    return usage(`not hours: ${typed.join('; ')}`, howHours, cause);
  }
}

function spanOf(word: string): { readonly from: number; readonly to: number } {
  const [from = 0, to = 0] = word.split('-').map((time) => {
    const [, hour, minute] = /^([01][0-9]|2[0-4]):([0-5][0-9])$/.exec(time) ?? [];
    return hour === undefined ? usage(`not a span of hours: ${word}`, howHours) : Number(hour) * 60 + Number(minute);
  });
  return { from, to };
}

function daysOf(word: string): readonly number[] {
  const found = new Set<number>();
  for (const part of word.split(',')) {
    const [first = -1, last = first] = part.split('-').map((name) => dayNames.indexOf(name));
    if (first < 0 || last < 0) return usage(`no such days: ${word}`, howHours);
    for (let each = first; ; each = (each + 1) % 7) {
      found.add(each);
      if (each === last) break;
    }
  }
  return [...found].toSorted((left, right) => left - right);
}

function isZone(word: string): boolean {
  try {
    return /^[A-Z]/.test(word) && new Intl.DateTimeFormat('en', { timeZone: word }).format(0) !== '';
  } catch {
    return false;
  }
}

/** As it would be typed. */
export function hoursText({ days, from, to, zone }: Hours): string {
  const time = (minutes: number): string =>
    `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`;
  const named = days.length === 7 ? '' : ` ${days.map((each) => dayNames[each]).join(',')}`;
  return `${time(from)}-${time(to)} ${zone}${named}`;
}

/** `--dir`, absolute and resolved by whoever knows the machine. Throws `usage`. */
export function parseDirectories(typed: readonly string[]): readonly string[] {
  try {
    return directories.parse(typed, '--dir');
  } catch (cause) {
    return usage(`not folders: ${typed.join(', ')}`, 'write absolute paths without . and ..', cause);
  }
}

/** `--repo`: `github.com/me/app`. Throws `usage`. */
export function parseRepositories(typed: readonly string[]): readonly string[] {
  try {
    return repositories.parse(typed, '--repo');
  } catch (cause) {
    return usage(`not repositories: ${typed.join(', ')}`, 'write them like github.com/me/app', cause);
  }
}
