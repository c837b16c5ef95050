// What of a request stands in a record, spec/audit.md: enough to see what happened, never a query string, nothing that a terminal would obey.
// The digest covers the request as it was, so a record can be held against a claim.

import { maxRecordedPath, type RecordedRequest } from '@holdfast/protocol/audit/event';
import type { Primitives } from '@holdfast/protocol/primitives/primitives';
import type { RequestFacts } from '@holdfast/protocol/vault/fence';
import { requestDigest } from '@holdfast/protocol/vault/handle';

/** `omit` where paths themselves are sensitive; the digest stays. */
export interface RecordPolicy {
  readonly paths: 'keep' | 'omit';
}

const printable = (text: string, max: number) => text.slice(0, max).replaceAll(/[^\x20-\x7e]/g, '.');

/** Total for facts of any content, up to the digest's bounds (64 KiB of path); throws `codec_*` past them. */
export function recordedRequest(primitives: Primitives, facts: RequestFacts, { paths }: RecordPolicy): RecordedRequest {
  const [path = ''] = facts.path.split(/[?#]/, 1); // [AUDIT-3]
  return {
    method: printable(facts.method, 64),
    host: printable(facts.host, 256),
    port: facts.port,
    ...(paths === 'keep' && {
      path: printable(path, maxRecordedPath),
      ...(path.length > maxRecordedPath && { pathCut: true as const }),
    }), // [AUDIT-4]
    digest: requestDigest(primitives, facts),
  };
}
