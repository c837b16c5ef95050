// The limits of a grant beyond its place, as `vault grant` takes them and `vault list` shows them.

import { argumentTexts, parseBodyLimits, parseFormLimits, parseQueryLimits } from '@holdfast/protocol/vault/argument-terms';
import type { Fence, FenceLimits } from '@holdfast/protocol/vault/fence';
import { usage, visible } from '../output.ts';

export interface LimitOptions {
  readonly query?: readonly string[];
  readonly body?: readonly string[];
  readonly form?: readonly string[];
}

/** Throws `usage`. */
export function limitsOf({ query, body, form }: LimitOptions): FenceLimits {
  if (body !== undefined && form !== undefined) throw usage('a body is JSON or a form', 'leave --body or --form out');
  return {
    ...(query && { query: parseQueryLimits(query) }),
    ...(body && { body: parseBodyLimits(body) }),
    ...(form && { body: parseFormLimits(form) }),
  };
}

/** As `--json` has them: what was typed, in its one spelling. */
export interface ShownLimits {
  readonly query?: readonly string[];
  readonly body?: readonly string[];
  readonly form?: readonly string[];
}

export function shownLimits({ query, body }: Fence): ShownLimits {
  return {
    ...(query && { query: argumentTexts(query) }),
    ...(body && { [body.format === 'json' ? 'body' : 'form']: argumentTexts(body) }),
  };
}

/** The same for people; empty where there are none. */
export function limitText({ query, body, form }: ShownLimits): string {
  return Object.entries({ query, body, form })
    .flatMap(([name, value]) => (value === undefined ? [] : [visible(`${name} ${value.join(' ')}`)]))
    .join('; ');
}
