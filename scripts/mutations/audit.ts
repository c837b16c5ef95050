// Controls of the audit log: THREAT_MODEL.md, A. Those of its published checkpoints are in witness.ts.

import { onAuthority } from './audit/authority.ts';
import { onCommitments } from './audit/commitments.ts';
import { onDisk } from './audit/disk.ts';
import { onLeaving } from './audit/leaving.ts';
import { onPruning } from './audit/pruning.ts';
import { onRecord } from './audit/record.ts';
import { onVerifying } from './audit/verifying.ts';
import type { Area } from './mutation.ts';

export const audit: Area = {
  mutations: [...onVerifying, ...onDisk, ...onRecord, ...onLeaving, ...onPruning, ...onAuthority, ...onCommitments],
  exceptions: {},
};
