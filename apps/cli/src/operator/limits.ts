// The limits of a grant beyond its place, as `vault grant` takes them and `vault list` shows them.

import { existsSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { argumentTexts, parseBodyLimits, parseFormLimits, parseQueryLimits } from '@holdfast/protocol/vault/argument-terms';
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
} from '@holdfast/protocol/vault/circumstance-terms';
import type { BudgetLimits } from '@holdfast/protocol/vault/budget';
import type { FenceLimits } from '@holdfast/protocol/vault/fence';
import { parsePins, pinText } from '@holdfast/protocol/vault/terms';
import { usage, visible } from '../output.ts';
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

/** Throws `usage`. */
export function limitsOf(options: LimitOptions, nowMs: number): FenceLimits {
  const { query, body, form, until, approveWithin, hours, dir, repo, pin } = options;
  if (body !== undefined && form !== undefined) throw usage('a body is JSON or a form', 'leave --body or --form out');
  return {
    ...(query && { query: parseQueryLimits(query) }),
    ...(body && { body: parseBodyLimits(body) }),
    ...(form && { body: parseFormLimits(form) }),
    ...amountsOf(options),
    ...(until !== undefined && { untilMs: parseUntil(until, nowMs) }),
    ...(approveWithin !== undefined && { approveWithinMs: parseApproveWithin(approveWithin) }),
    ...(hours && { hours: parseHours(hours) }),
    ...(dir && { directories: parseDirectories(dir.map(realPath)) }),
    ...(repo && { repositories: parseRepositories(repo) }),
    ...(pin && { pins: parsePins(pin) }),
  };
}

/** The daemon compares real paths; a folder of another machine is taken as it is typed. */
function realPath(typed: string): string {
  const absolute = path.resolve(typed);
  return existsSync(absolute) ? realpathSync(absolute) : absolute;
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

/** The same for people; empty where there are none. */
export function limitText(limits: ShownLimits): string {
  const { query, body, form, max, total, bytes, bytesTotal, concurrent, untilMs, approveWithin, hours, dir, repo, pin } = limits;
  const until = untilMs === undefined ? undefined : new Date(untilMs).toISOString();
  const inAll = { 'bytes in all': bytesTotal };
  return Object.entries({
    query,
    body,
    form,
    max,
    total,
    bytes,
    ...inAll,
    concurrent,
    until,
    'an answer': approveWithin,
    hours,
    dir,
    repo,
    pin,
  })
    .flatMap(([name, value]) => (value === undefined ? [] : [visible(`${name} ${[value].flat().join(' ')}`)]))
    .join('; ');
}
