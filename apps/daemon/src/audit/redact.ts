// What of a request stands in a record, spec/audit.md: enough to see what happened, never a query string, nothing that a terminal would obey.
// The digest covers the request as it was, so a record can be held against a claim.

import { cutText } from '@holdfast/protocol/audit/commitment';
import { maxRecordedPath, type RecordedRequest } from '@holdfast/protocol/audit/event';
import type { Primitives } from '@holdfast/protocol/primitives/primitives';
import type { RequestFacts } from '@holdfast/protocol/vault/fence';
import { requestDigest } from '@holdfast/protocol/vault/handle';
import type { RecordedDigest, Redacting } from './redactor.ts';

/** `omit` where paths themselves are sensitive; the digest stays. */
export interface RecordPolicy {
  readonly paths: 'keep' | 'omit';
  readonly redacting: Redacting;
}

const printable = (text: string, max: number) => cutText(text.replaceAll(/[^\x20-\x7e]/g, '.'), max);

/** Total for facts of any content, up to the digest's bounds (64 KiB of path); throws `codec_*` past them. */
export function recordedRequest(
  primitives: Primitives,
  facts: RequestFacts,
  { paths, redacting }: RecordPolicy,
): RecordedRequest {
  const path = redacting.text(facts.path.split(/[?#]/, 1)[0] ?? ''); // [AUDIT-3]
  return {
    method: printable(redacting.text(facts.method), 64),
    host: printable(redacting.text(facts.host), 256),
    port: facts.port,
    ...(paths === 'keep' && {
      path: printable(path, maxRecordedPath),
      ...(path.length > maxRecordedPath && { pathCut: true as const }),
    }), // [AUDIT-4]
    ...recordedDigest(primitives, facts, redacting),
  };
}

/** Throws `codec_*` past the digest's bounds. */
export function recordedDigest(primitives: Primitives, facts: RequestFacts, redacting: Redacting): RecordedDigest {
  const { method, host, path } = facts;
  return redacting.digest(requestDigest(primitives, facts), `${method} ${host} ${path}`); // [COMMIT-6]
}
