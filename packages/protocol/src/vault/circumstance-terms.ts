// When and how often a credential may be used, as a person types it: `20/h`, `2026-12-01T18:00Z`, `2h`. Pure; every refusal is `usage`.

import { HoldfastError } from '../errors.ts';
import { useLimits, type UseLimits } from './circumstances.ts';

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

/** `--until`: a moment with its zone (`2026-12-01T18:00+01:00`), or a span from `nowMs` on (`30min`, `2h`, `7d`). Throws `usage`. */
export function parseUntil(typed: string, nowMs: number): number {
  const [, spans, unit = ''] = /^([1-9][0-9]{0,4})(s|min|h|d)$/.exec(typed) ?? [];
  const moment = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d)?(?:Z|[+-]\d\d:\d\d)$/.test(typed) ? Date.parse(typed) : Number.NaN;
  const untilMs = spans === undefined ? moment : nowMs + Number(spans) * (unitMs[unit] ?? 0);
  if (!Number.isInteger(untilMs)) usage(`not a time: ${typed}`, 'write 2h, 7d, or a moment with its zone like 2026-12-01T18:00Z');
  if (untilMs <= nowMs) usage(`that time is over: ${typed}`, 'write one that lies ahead');
  return untilMs;
}

/** As it would be typed. */
export function windowText({ max, windowMs }: UseLimits['windows'][number]): string {
  const [unit = 's', each = 1000] = Object.entries(unitMs).findLast(([, ms]) => windowMs % ms === 0) ?? [];
  return `${max}/${windowMs === each ? '' : windowMs / each}${unit}`;
}
