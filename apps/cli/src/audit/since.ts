// How long ago, as people type it.

import { unitMs } from '@holdfast/protocol/vault/circumstance-terms';
import { usage } from '../output.ts';

/** `90s`, `30m`, `12h`, `7d` in milliseconds. Throws `usage`. */
export function agoMs(typed: string): number {
  const [, count, unit = ''] = /^([1-9]\d{0,4})([smhd])$/.exec(typed) ?? [];
  const ms = Number(count) * (unitMs[unit] ?? 0);
  if (!(ms > 0)) throw usage(`--since takes a time such as 30m, 12h or 7d, not ${typed}`, 'for example --since 1h');
  return ms;
}
