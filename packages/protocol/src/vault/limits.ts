// The limits of a grant beyond its place, as a person types them on a command line or into a form, and as they are shown again. Pure; every refusal is
// `usage`.

import { argumentTexts, parseBodyLimits, parseFormLimits, parseQueryLimits } from './argument-terms.ts';
import {
  bytesText,
  byteWindowText,
  hoursText,
  parseApproveWithin,
  parseBytes,
  parseConcurrent,
  parseDirectories,
  parseHours,
  parseRepositories,
  parseUses,
  timeText,
  windowText,
} from './circumstance-terms.ts';
import type { BudgetLimits } from './budget.ts';
import type { FenceLimits } from './fence.ts';
import { parsePins, pinText } from './terms.ts';
import { HoldfastError } from '../errors.ts';
import { parseUntil } from './until.ts';

export interface LimitOptions {
  readonly query?: readonly string[];
  readonly body?: readonly string[];
  readonly form?: readonly string[];
  readonly max?: readonly string[];
  readonly total?: string;
  readonly bytes?: readonly string[];
  readonly bytesTotal?: string;
  readonly concurrent?: string;
  readonly until?: string;
  readonly approveWithin?: string;
  readonly hours?: readonly string[];
  readonly dir?: readonly string[];
  readonly repo?: readonly string[];
  readonly pin?: readonly string[];
}

export type AmountOptions = Pick<LimitOptions, 'max' | 'total' | 'bytes' | 'bytesTotal' | 'concurrent'>;

/** How much, and how much at once. Throws `usage`. */
export function amountsOf({ max, total, bytes, bytesTotal, concurrent }: AmountOptions): BudgetLimits {
  return {
    ...((max ?? total) !== undefined && { uses: parseUses(max ?? [], total) }),
    ...((bytes ?? bytesTotal) !== undefined && { bytes: parseBytes(bytes ?? [], bytesTotal) }),
    ...(concurrent !== undefined && { concurrent: parseConcurrent(concurrent) }),
  };
}

/** `dir`: absolute, and resolved by whoever knows the machine. Throws `usage`. */
export function limitsOf(options: LimitOptions, nowMs: number): FenceLimits {
  const { query, body, form, until, approveWithin, hours, dir, repo, pin } = options;
  if (body !== undefined && form !== undefined)
    throw new HoldfastError('usage', 'a body is JSON or a form', { next: 'leave one of the two out' });
  return {
    ...(query && { query: parseQueryLimits(query) }),
    ...(body && { body: parseBodyLimits(body) }),
    ...(form && { body: parseFormLimits(form) }),
    ...amountsOf(options),
    ...(until !== undefined && { untilMs: parseUntil(until, nowMs) }),
    ...(approveWithin !== undefined && { approveWithinMs: parseApproveWithin(approveWithin) }),
    ...(hours && { hours: parseHours(hours) }),
    ...(dir && { directories: parseDirectories(dir) }),
    ...(repo && { repositories: parseRepositories(repo) }),
    ...(pin && { pins: parsePins(pin) }),
  };
}

/** As `--json` has them: what was typed, in its one spelling. */
export interface ShownLimits {
  readonly query?: readonly string[];
  readonly body?: readonly string[];
  readonly form?: readonly string[];
  readonly max?: readonly string[];
  readonly total?: number;
  readonly bytes?: readonly string[];
  readonly bytesTotal?: string;
  readonly concurrent?: number;
  readonly untilMs?: number;
  readonly approveWithin?: string;
  readonly hours?: readonly string[];
  readonly dir?: readonly string[];
  readonly repo?: readonly string[];
  readonly pin?: readonly string[];
}

export function shownLimits(fence: FenceLimits): ShownLimits {
  const { query, body, uses, bytes, concurrent, untilMs, approveWithinMs, hours, directories, repositories, pins } = fence;
  return {
    ...(query && { query: argumentTexts(query) }),
    ...(body && { [body.format === 'json' ? 'body' : 'form']: argumentTexts(body) }),
    ...(uses && uses.windows.length > 0 && { max: uses.windows.map(windowText) }),
    ...(uses?.total !== undefined && { total: uses.total }),
    ...(bytes && bytes.windows.length > 0 && { bytes: bytes.windows.map(byteWindowText) }),
    ...(bytes?.total !== undefined && { bytesTotal: bytesText(bytes.total) }),
    ...(concurrent !== undefined && { concurrent }),
    ...(untilMs !== undefined && { untilMs }),
    ...(approveWithinMs !== undefined && { approveWithin: timeText(approveWithinMs) }),
    ...(hours && { hours: hours.map(hoursText) }),
    ...(directories && { dir: directories }),
    ...(repositories && { repo: repositories }),
    ...(pins && { pin: pins.map(pinText) }),
  };
}
