// When, where and how often a credential may be used, as a person types it: `20/h`, `2h`, `09:00-18:00 Europe/Berlin Mon-Fri`. Pure; every refusal is `usage`.

import { HoldfastError } from '../errors.ts';
import { concurrentUses, directories, hours, repositories, useLimits, type UseLimits } from './circumstances.ts';
import { dayNames, daysNamed, spanText, type Hours } from './hours.ts';

/** What spans of time are written in. [CLI-41] */
export const unitMs: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

function usage(message: string, next: string, cause?: unknown): never {
  throw new HoldfastError('usage', message, { next, cause });
}

/** `--max`: `20/h`, `3/10m`, of several windows; `--total`: `500`. Throws `usage`. */
export function parseUses(max: readonly string[], total: string | undefined): UseLimits {
  const windows = max.map((typed) => {
    const [, uses, spans = '1', unit = ''] = /^([0-9]{1,6})\/([0-9]{1,4})?(s|m|h|d)$/.exec(typed) ?? [];
    if (uses === undefined) usage(`not a number of uses in a time: ${typed}`, 'write 20/h, 3/10m or 100/d');
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

/** `--concurrent`: `4`. Throws `usage`. */
export function parseConcurrent(typed: string): number {
  try {
    return concurrentUses.parse(/^[1-9][0-9]{0,3}$/.test(typed) ? Number(typed) : 0, '--concurrent');
  } catch (cause) {
    return usage(`not a number of uses at once: ${typed}`, 'write --concurrent 4, of 1,024 at most', cause);
  }
}

const howHours = "write '09:00-18:00 Europe/Berlin Mon-Fri': a span, an IANA zone, days if not all";

/** `--hours`: a span and a zone, and days if not all, in any order. Throws `usage`. */
export function parseHours(typed: readonly string[]): readonly Hours[] {
  const read = typed.map((each) => {
    const words = each.split(' ');
    const spans = words.filter((word) => /^[0-9]/.test(word)).map(spanOf);
    const named = words.map(daysNamed).filter((days) => days !== undefined);
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
  const [from, to, ...more] = word.split('-').map((time) => {
    const [, hour, minute] = /^([01][0-9]|2[0-4]):([0-5][0-9])$/.exec(time) ?? [];
    return hour === undefined ? undefined : Number(hour) * 60 + Number(minute);
  });
  return from === undefined || to === undefined || more.length > 0
    ? usage(`not a span of hours: ${word}`, howHours)
    : { from, to };
}

function isZone(word: string): boolean {
  try {
    return /^[A-Z]/.test(word) && new Intl.DateTimeFormat('en', { timeZone: word }).format(0) !== '';
  } catch {
    return false;
  }
}

/** As it would be typed. */
export function hoursText({ days, zone, ...span }: Hours): string {
  const named = days.length === 7 ? '' : ` ${days.map((each) => dayNames[each]).join(',')}`;
  return `${spanText(span)} ${zone}${named}`;
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
