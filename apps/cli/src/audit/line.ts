// One event as a line of a terminal.

import type { AuditEvent } from '@holdfast/protocol/audit/event';
import { byWhom, partsOf, type Names } from '@holdfast/protocol/audit/sentence';
import { visible } from '../output.ts';

/** Number, time, kind, what it says and who did it. */
export function lineOf(event: AuditEvent, names: Names): string {
  const parts = partsOf(event, names);
  const { sequence, atMs, kind, what } = parts;
  return `${String(sequence).padStart(6)}  ${new Date(atMs).toISOString()}  ${kind.padEnd(15)} ${visible(what + byWhom(parts))}`;
}
