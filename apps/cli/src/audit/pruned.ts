// What was pruned from a log, told to people. spec/audit.md "Pruning"

import { decodeEvent } from '@holdfast/protocol/audit/event';
import { Pruning, type Pruned } from '@holdfast/protocol/audit/pruning';
import type { Log } from './log.ts';

/** As the log says itself; nothing of it is verified. Throws `audit_gap` where it does not say so. */
export function prunedOf({ leaves, events }: Pick<Log, 'leaves' | 'events'>): Pruned | undefined {
  if (leaves.length === 0) return undefined;
  const pruning = new Pruning();
  for (const wire of events) pruning.take(decodeEvent(wire));
  return pruning.of(leaves.length);
}

export function prunedLines(pruned: Pruned | undefined): readonly string[] {
  if (pruned === undefined) return [];
  const { records, version, retentionDays } = pruned;
  return [
    `${records} events were pruned by policy ${version}, which keeps them for ${retentionDays} days; their hashes are left`,
  ];
}
