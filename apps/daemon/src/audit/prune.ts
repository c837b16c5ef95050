// Leaves the hashes of a closed segment and nothing else, spec/audit.md "Pruning". When that may be, its caller has asked.

import { prunedSegment, segmentName, type SegmentSecrets } from '@holdfast/protocol/audit/segment';
import type { AuditFiles } from './files.ts';
import type { ClosedSegment } from './reader.ts';
import { readClosedSegment } from './stored-log.ts';

/** Whatever ends it, the segment is there, whole: as it was, or pruned. Throws `audit_corrupt` for one that is damaged, and what the disk says. [AUDIT-66] */
export async function pruneSegment(files: AuditFiles, secrets: SegmentSecrets, segment: ClosedSegment): Promise<void> {
  const opened = await readClosedSegment(files, secrets, segment, segment.next);
  if (!opened.pruned) await files.replace(segmentName(segment), await prunedSegment(secrets, segment, opened));
}
