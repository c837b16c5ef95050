// An operator's leave to reach a host without a credential, spec/vault.md. Egress is denied by default: hosts of granted credentials are
// open to the requests that their fences allow, everything else needs one of these.

import { bool, bytes, optional, record, type Infer } from '../codec/schema.ts';
import { principalId } from '../keys/public-keys.ts';
import { caBundle, keyPins } from './fence.ts';
import { hostName, portNumber } from './host.ts';

export const egressId = bytes(16);

/** Body of `egress-allow` (audience `agent:<id>`). */
export const egressRule = record({
  id: egressId,
  agent: principalId,
  host: hostName,
  port: portNumber,
  allowPrivate: bool,
  ca: optional(caBundle),
  pins: optional(keyPins),
}); // [VAULT-8]
export type EgressRule = Infer<typeof egressRule>;

/** The rule that covers this host and port, if any; exact match only. */
export function egressFor(rules: readonly EgressRule[], host: string, port: number): EgressRule | undefined {
  return rules.find((rule) => rule.host === host && rule.port === port); // [VAULT-9]
}
