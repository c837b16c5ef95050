// Until when a grant lasts, as a person types it. Pure; every refusal is `usage`.

import { HoldfastError } from '../errors.ts';
import { unitMs } from './circumstance-terms.ts';

/** A moment with its zone (`2026-12-01T18:00+01:00`), or a span from `nowMs` on (`30m`, `2h`, `7d`). Throws `usage`. [CLI-41] */
export function parseUntil(typed: string, nowMs: number): number {
  const usage = (message: string, next: string): never => {
    throw new HoldfastError('usage', message, { next });
  };
  const [, spans, unit = ''] = /^([1-9][0-9]{0,4})(s|m|h|d)$/.exec(typed) ?? [];
  // oxlint-disable-next-line no-restricted-globals -- asks no clock: a moment is written with its zone
  const moment = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d)?(?:Z|[+-]\d\d:\d\d)$/.test(typed) ? Date.parse(typed) : Number.NaN;
  const untilMs = spans === undefined ? moment : nowMs + Number(spans) * (unitMs[unit] ?? 0);
  if (!Number.isInteger(untilMs)) usage(`not a time: ${typed}`, 'write 2h, 7d, or a moment with its zone like 2026-12-01T18:00Z');
  if (untilMs <= nowMs) usage(`that time is over: ${typed}`, 'write one that lies ahead');
  return untilMs;
}
