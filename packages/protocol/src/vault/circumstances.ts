// When and how often a credential may be used, spec/fence.md: limits that are held against what the daemon knows, not against what a request says.

import { integer, list, optional, record, refine, type Infer } from '../codec/schema.ts';
import { HoldfastError } from '../errors.ts';
import { wallClockMs } from '../keys/public-keys.ts';

export const maxWindowMs = 31 * 24 * 3_600_000;
/** Of one window: each use of it is remembered. */
export const maxWindowUses = 10_000;

const useWindow = record({ max: integer({ min: 1, max: maxWindowUses }), windowMs: integer({ min: 1000, max: maxWindowMs }) });
const fields = record({
  /** As long as the grant lasts. */
  total: optional(integer({ min: 1, max: 1_000_000_000 })),
  /** Sliding: so many within any span of that length. */
  windows: list(useWindow, { max: 4 }),
});
export const useLimits = refine(fields, (value, path) => {
  const spans = new Set(value.windows.map(({ windowMs }) => windowMs));
  if (spans.size < value.windows.length || (spans.size === 0 && value.total === undefined))
    throw new HoldfastError('codec_shape', `${path}: a total, or windows of different spans, expected`); // [FENCE-29]
  return value;
});
export type UseLimits = Infer<typeof useLimits>;

/** The last moment, by the wall clock. */
export const untilMs = integer(wallClockMs);

export interface Circumstances {
  /** No earlier than the daemon can prove. */
  readonly nowMs: number;
}

/** Throws `fence_time`. */
export function assertCircumstances(
  { untilMs: last }: { readonly untilMs?: number | undefined },
  { nowMs }: Circumstances,
): void {
  if (last !== undefined && !(nowMs <= last))
    throw new HoldfastError('fence_time', 'this credential is not for now', { next: 'ask the operator for another grant' }); // [FENCE-30]
}
