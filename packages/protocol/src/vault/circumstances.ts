// When, where and how often a credential may be used, spec/fence.md: limits that are held against what the daemon knows, not against what a request says.

import { integer, list, optional, record, refine, text, type Infer } from '../codec/schema.ts';
import { HoldfastError } from '../errors.ts';
import { wallClockMs } from '../keys/public-keys.ts';
import { insideHours, type Hours } from './hours.ts';

export const maxWindowMs = 31 * 24 * 3_600_000;
/** Of one window: each use of it is remembered. */
export const maxWindowUses = 10_000;
/** A petabyte: beyond it a number is a slip of the pen. */
const maxBytes = 1_000_000_000_000_000;

/** `most`: of the total, and of one window. */
const limitsOfAmounts = (most: { readonly total: number; readonly window: number }) =>
  refine(
    record({
      /** As long as the grant lasts. */
      total: optional(integer({ min: 1, max: most.total })),
      /** Sliding: so many within any span of that length. */
      windows: list(record({ max: integer({ min: 1, max: most.window }), windowMs: integer({ min: 1000, max: maxWindowMs }) }), {
        max: 4,
      }),
    }),
    (value, path) => {
      const spans = new Set(value.windows.map(({ windowMs }) => windowMs));
      if (spans.size < value.windows.length || (spans.size === 0 && value.total === undefined))
        throw new HoldfastError('codec_shape', `${path}: a total, or windows of different spans, expected`); // [FENCE-29]
      return value;
    },
  );
export const useLimits = limitsOfAmounts({ total: 1_000_000_000, window: maxWindowUses });
/** How much of something, in all and within spans of time. */
export type AmountLimits = Infer<typeof useLimits>;
/** Bytes of requests and of replies together. [FENCE-38] */
export const byteLimits = limitsOfAmounts({ total: maxBytes, window: maxBytes });

/** How many may be open at once. */
export const concurrentUses = integer({ min: 1, max: 1024 });

/** How long a use that is approved waits for its answer. [APPROVAL-7] */
export const approveWithinMs = integer({ min: 1000, max: 9 * 60_000 });

/** The last moment, by the wall clock. */
export const untilMs = integer(wallClockMs);

const day = integer({ max: 6 });
const openHours = record({
  /** Ascending; 0 is Sunday. */
  days: list(day, { min: 1, max: 7 }),
  from: integer({ max: 24 * 60 - 1 }),
  to: integer({ min: 0, max: 24 * 60 }),
  zone: text({ max: 64, pattern: /^[A-Z][A-Za-z_]*(?:\/[A-Za-z0-9_+-]+)*$/ }),
});
/** One of these. */
export const hours = list(
  refine(openHours, (value, path) => {
    if (value.days.some((each, index) => each <= (value.days[index - 1] ?? -1)))
      throw new HoldfastError('codec_shape', `${path}: ascending days expected`); // [FENCE-33]
    return value;
  }),
  { min: 1, max: 8 },
);

/** One spelling of a folder of the agent's machine. */
const directory = text({ min: 2, max: 1024, pattern: /^(?:\/(?!\.{1,2}(?:\/|$))[^/\0]+)+$/ });
export const directories = list(directory, { min: 1, max: 16 }); // [FENCE-34]
/** `host/path`, without scheme, user, port and `.git`. */
export const repositories = list(text({ min: 3, max: 512, pattern: /^[a-z0-9.-]+(?:\/[^/\s]+)+$/ }), { min: 1, max: 16 }); // [FENCE-35]

export interface Circumstances {
  /** No earlier than the daemon can prove. */
  readonly nowMs: number;
  /** The session's working tree by its real path, and the repository that it was when the session began; none: unknown. */
  readonly directory: string | undefined;
  readonly repository: string | undefined;
}

interface Limits {
  readonly untilMs?: number | undefined;
  readonly hours?: readonly Hours[] | undefined;
  readonly directories?: readonly string[] | undefined;
  readonly repositories?: readonly string[] | undefined;
}

/** Throws `fence_time`, `fence_place`. */
export function assertCircumstances(limits: Limits, { nowMs, directory: tree, repository }: Circumstances): void {
  const { untilMs: last, hours: open, directories: folders, repositories: named } = limits;
  if (last !== undefined && !(nowMs <= last))
    throw new HoldfastError('fence_time', 'the time of this credential is over', { next: 'ask the operator for another grant' }); // [FENCE-30]
  if (open !== undefined && !open.some((each) => isOpen(each, nowMs)))
    throw new HoldfastError('fence_time', 'this credential is not for this hour', { next: 'wait for its hours' }); // [FENCE-33]
  const isInside = (folder: string): boolean => tree === folder || tree?.startsWith(`${folder}/`) === true;
  if (folders?.some(isInside) === false) throw misplaced(); // [FENCE-34]
  if (named !== undefined && (repository === undefined || !named.includes(repository))) throw misplaced(); // [FENCE-35]
}

const misplaced = (): HoldfastError =>
  new HoldfastError('fence_place', 'this credential is not for this working tree', {
    next: 'start the session in the folder of the project that it is for',
  });

/** A zone that this platform does not know is never open. */
function isOpen(open: Hours, nowMs: number): boolean {
  try {
    return insideHours(open, nowMs);
  } catch {
    return false;
  }
}
