// The limits of a grant beyond its place, as `vault grant` takes them and `vault list` shows them.

import { argumentTexts, parseBodyLimits, parseFormLimits, parseQueryLimits } from '@holdfast/protocol/vault/argument-terms';
import { parseUntil, parseUses, windowText } from '@holdfast/protocol/vault/circumstance-terms';
import type { Fence, FenceLimits } from '@holdfast/protocol/vault/fence';
import { usage, visible } from '../output.ts';

export interface LimitOptions {
  readonly query?: readonly string[];
  readonly body?: readonly string[];
  readonly form?: readonly string[];
  readonly max?: readonly string[];
  readonly total?: string;
  readonly until?: string;
}

/** Throws `usage`. */
export function limitsOf({ query, body, form, max, total, until }: LimitOptions, nowMs: number): FenceLimits {
  if (body !== undefined && form !== undefined) throw usage('a body is JSON or a form', 'leave --body or --form out');
  return {
    ...(query && { query: parseQueryLimits(query) }),
    ...(body && { body: parseBodyLimits(body) }),
    ...(form && { body: parseFormLimits(form) }),
    ...((max ?? total) !== undefined && { uses: parseUses(max ?? [], total) }),
    ...(until !== undefined && { untilMs: parseUntil(until, nowMs) }),
  };
}

/** As `--json` has them: what was typed, in its one spelling. */
export interface ShownLimits {
  readonly query?: readonly string[];
  readonly body?: readonly string[];
  readonly form?: readonly string[];
  readonly max?: readonly string[];
  readonly total?: number;
  readonly untilMs?: number;
}

export function shownLimits({ query, body, uses, untilMs }: Fence): ShownLimits {
  return {
    ...(query && { query: argumentTexts(query) }),
    ...(body && { [body.format === 'json' ? 'body' : 'form']: argumentTexts(body) }),
    ...(uses && uses.windows.length > 0 && { max: uses.windows.map(windowText) }),
    ...(uses?.total !== undefined && { total: uses.total }),
    ...(untilMs !== undefined && { untilMs }),
  };
}

/** The same for people; empty where there are none. */
export function limitText({ query, body, form, max, total, untilMs }: ShownLimits): string {
  const until = untilMs === undefined ? undefined : new Date(untilMs).toISOString();
  return Object.entries({ query, body, form, max, total, until })
    .flatMap(([name, value]) => (value === undefined ? [] : [visible(`${name} ${[value].flat().join(' ')}`)]))
    .join('; ');
}
