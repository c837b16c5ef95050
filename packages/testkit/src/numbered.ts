// Records of an audit log that tests tell apart by a number, and a log of the daemon's own that says nothing.

import type { AuditEvent, AuditReport } from '@holdfast/protocol/audit/event';

export const quiet = { info: () => {}, warn: () => {} };

/** Its number stands in `credentialedUs`. */
export const numbered = (number: number): AuditReport => ({
  kind: 'credentialed',
  session: new Uint8Array(16),
  handle: new Uint8Array(16),
  grant: new Uint8Array(16),
  item: new Uint8Array(16),
  credentialedUs: number,
  sent: true,
});
export const numberOf = (event: AuditEvent): number => (event.kind === 'credentialed' ? event.credentialedUs : -1);
