// What this machine brings along to read logs at the relay, packages/protocol/src/operator/shipped.ts: its clock, and the newest checkpoints that it saw,
// a file each in the operator folder.

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as later } from 'node:timers/promises';
import { maxCheckpointBytes } from '@holdfast/protocol/audit/checkpoint';
import { HoldfastError } from '@holdfast/protocol/errors';
import { readShipped as readLog, type Patience, type VerifiedLog } from '@holdfast/protocol/operator/shipped';
import type { SeenCheckpoints } from '@holdfast/protocol/operator/log-anchors';
import { isAbsent, writeAtomically } from '../operator/key-file.ts';
import type { LocalOperator } from '../operator/session.ts';

const patience: Patience = {
  monotonicMs: () => performance.now(),
  wait: async (ms) => {
    await later(ms);
  },
};

/** Read, opened and verified. Throws what [SHIP-7] to [SHIP-9] name, and `audit_unavailable` where nothing was shipped. */
export const readShipped = (session: LocalOperator, name: string): Promise<VerifiedLog> =>
  readLog(session, name, { ...patience, seen: seenCheckpoints(session) });

export function seenCheckpoints({ paths }: LocalOperator): SeenCheckpoints {
  const fileOf = (agent: string): string => path.join(paths.operator, `audit-${agent}`);
  return {
    get: async (agent) => seenBefore(fileOf(agent)),
    keep: async (agent, checkpoint) => writeAtomically(fileOf(agent), checkpoint),
  };
}

function seenBefore(file: string): Uint8Array | undefined {
  try {
    const wire = readFileSync(file);
    if (wire.length <= maxCheckpointBytes) return new Uint8Array(wire);
  } catch (thrown) {
    if (isAbsent(thrown)) return undefined;
    throw new HoldfastError('store_failed', `${file} cannot be read`, { cause: thrown, next: 'check its permissions' });
  }
  throw new HoldfastError('key_invalid', `${file} is damaged`, { next: 'remove it, if you know why' });
}
