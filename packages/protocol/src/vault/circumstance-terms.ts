// When, where and how often a credential may be used, as a person types it: `20/h`, `2h`, `09:00-18:00 Europe/Berlin Mon-Fri`. Pure; every refusal is `usage`.

import { HoldfastError } from '../errors.ts';
import {
  approveWithinMs,
  byteLimits,
  concurrentUses,
  directories,
  hours,
  repositories,
  useLimits,
  type AmountLimits,
} from './circumstances.ts';
import { dayNames, daysNamed, spanText, type Hours } from './hours.ts';

/** What spans of time are written in. [CLI-41] */
export const unitMs: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

function usage(message: string, next: string, cause?: unknown): never {
  throw new HoldfastError('usage', message, { next, cause });
}

type Window = AmountLimits['windows'][number];

/** What stands before the time is the caller's to read. Undefined for what is no such window. */
function windowOf(typed: string, amountOf: (text: string) => number | undefined): Window | undefined {
  const [, amount = '', spans = '1', unit = ''] = /^([^/]+)\/([0-9]{1,4})?(s|m|h|d)$/.exec(typed) ?? [];
  const max = amountOf(amount);
  return max === undefined ? undefined : { max, windowMs: Number(spans) * (unitMs[unit] ?? 0) };
}

const usesOf = (text: string): number | undefined => (/^[0-9]{1,6}$/.test(text) ? Number(text) : undefined);

/** `--max`: `20/h`, `3/10m`, of several windows; `--total`: `500`. Throws `usage`. */
export function parseUses(max: readonly string[], total: string | undefined): AmountLimits {
  const windows = max.map(
    (typed) => windowOf(typed, usesOf) ?? usage(`not a number of uses in a time: ${typed}`, 'write 20/h, 3/10m or 100/d'),
  );
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

export function timeText(windowMs: number): string {
  const [unit = 's', each = 1000] = Object.entries(unitMs).findLast(([, ms]) => windowMs % ms === 0) ?? [];
  return `${windowMs === each ? '' : windowMs / each}${unit}`;
}

/** As it would be typed. */
export const windowText = ({ max, windowMs }: Window): string => `${max}/${timeText(windowMs)}`;

/** What amounts of bytes are written in; one of a thousand as SI has it, or in the capitals that it is read back in. [CLI-41] */
const unitBytes: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1e3,
  KB: 1e3,
  KiB: 2 ** 10,
  MB: 1e6,
  MiB: 2 ** 20,
  GB: 1e9,
  GiB: 2 ** 30,
  TB: 1e12,
  TiB: 2 ** 40,
};

function bytesOf(text: string): number | undefined {
  const [, amount, unit = ''] = /^([1-9][0-9]{0,14})((?:k|[KMGT]i?)?B)$/.exec(text) ?? [];
  const each = unitBytes[unit];
  return amount === undefined || each === undefined ? undefined : Number(amount) * each;
}

/** `10MB`. `option`: which one says it. Throws `usage`. */
export const parseSize = (typed: string, option: string): number =>
  bytesOf(typed) ?? usage(`not an amount of bytes: ${typed}`, `write ${option} 1GB`);

/** As it would be typed: in the largest unit of which it is a multiple, by the thousand if it is one of a thousand. */
export function bytesText(bytes: number): string {
  const byThousand = bytes % 1000 === 0;
  const [unit = 'B', each = 1] =
    Object.entries(unitBytes).findLast(([name, size]) => bytes % size === 0 && name.includes('i') !== byThousand) ?? [];
  return `${bytes / each}${unit}`;
}

export const byteWindowText = ({ max, windowMs }: Window): string => `${bytesText(max)}/${timeText(windowMs)}`;

/** `--bytes`: `50MB/d`, of several windows; `--bytes-total`: `1GB`. Throws `usage`. */
export function parseBytes(windows: readonly string[], total: string | undefined): AmountLimits {
  const inAll = total === undefined ? undefined : parseSize(total, '--bytes-total');
  const within = windows.map(
    (typed) =>
      windowOf(typed, bytesOf) ?? usage(`not an amount of bytes in a time: ${typed}`, 'write 50MB/d, 1GiB/12h or 512kB/m'),
  );
  try {
    return byteLimits.parse({ windows: within, ...(inAll !== undefined && { total: inAll }) }, '--bytes');
  } catch (cause) {
    return usage(
      `not a limit of bytes: ${String(cause)}`,
      'write at most 4 windows of different spans, of 1000TB and 31 days at most',
      cause,
    );
  }
}

/** `--concurrent`: `4`. Throws `usage`. */
export function parseConcurrent(typed: string): number {
  try {
    return concurrentUses.parse(/^[1-9][0-9]{0,3}$/.test(typed) ? Number(typed) : 0, '--concurrent');
  } catch (cause) {
    return usage(`not a number of uses at once: ${typed}`, 'write --concurrent 4, of 1,024 at most', cause);
  }
}

/** `--approve-within`: `30s`, `5m`. Throws `usage`. */
export function parseApproveWithin(typed: string): number {
  const [, count = '', unit = ''] = /^([0-9]{1,3})(s|m)$/.exec(typed) ?? [];
  try {
    return approveWithinMs.parse(Number(count) * (unitMs[unit] ?? 0), '--approve-within');
  } catch (cause) {
    return usage(`not a time for an answer: ${typed}`, 'write --approve-within 30s or 5m, nine minutes at most', cause);
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
