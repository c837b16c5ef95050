// The limits of a grant, packages/protocol/src/vault/limits.ts, as a person types them on this machine and reads them here.

import { existsSync, realpathSync } from 'node:fs';
import path from 'node:path';
import type { FenceLimits } from '@holdfast/protocol/vault/fence';
import { limitsOf, type LimitOptions, type ShownLimits } from '@holdfast/protocol/vault/limits';
import { visible } from '../output.ts';

/** Throws `usage`. */
export function limitsHere({ dir, ...options }: LimitOptions, nowMs: number): FenceLimits {
  return limitsOf({ ...options, ...(dir && { dir: dir.map(realPath) }) }, nowMs);
}

/** The daemon compares real paths; a folder of another machine is taken as it is typed. */
function realPath(typed: string): string {
  const absolute = path.resolve(typed);
  return existsSync(absolute) ? realpathSync(absolute) : absolute;
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
