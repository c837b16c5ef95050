// How far a grant or a budget is used up, in words: what the daemon counts, beside the limits that it is held against.

import { size } from '../codec/shown.ts';
import type { ShownLimits } from './limits.ts';

/** `windows`: in the order of the limits'. */
export interface Used {
  readonly total: number;
  readonly windows: readonly number[];
}

export interface Counted {
  readonly used?: Used | undefined;
  readonly usedBytes?: Used | undefined;
  readonly open?: number | undefined;
}

/** "used 7 in all, 2 of 20/h"; nothing where no limit counts. */
export function usedTexts({ used, usedBytes, open }: Counted, limits: Pick<ShownLimits, 'max' | 'bytes'>): readonly string[] {
  return [
    ...(used ? [`used ${countsText(used, limits.max)}`] : []),
    ...(usedBytes ? [`passed ${countsText(usedBytes, limits.bytes, size)}`] : []),
    ...(open === undefined ? [] : [`${open} open`]),
  ];
}

function countsText(
  { total, windows }: Used,
  limits: readonly string[] = [],
  amount: (count: number) => string = String,
): string {
  return [`${amount(total)} in all`, ...windows.map((count, index) => `${amount(count)} of ${limits[index]}`)].join(', ');
}
