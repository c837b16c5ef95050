// What a machine says of itself when it asks to be enrolled, spec/pairing.md: signed by the new agent's key, which proves that
// it has it. It travels sealed; it stands here because custody signs it, and custody sees nothing of how pairing goes on.

import { bytes, list, literal, oneOf, record, text, type Infer } from '../codec/schema.ts';
import { principalId, publicKeys } from '../keys/public-keys.ts';

/** Where an agent's long-term keys live, from worst to best; shown wherever the agent is shown. */
export const custodyLevel = oneOf('software, unsealed', 'software', 'tpm', 'pkcs11', 'secure-enclave');
export type CustodyLevel = Infer<typeof custodyLevel>;

/** One of possibly several agents of a machine, for example `main`. */
export const scopeName = text({ min: 1, max: 64, pattern: /^[a-z0-9][a-z0-9._-]*$/ });
/** What the machine calls itself: shown to the operator, never decided by. No control characters, it ends in terminals. */
export const machineName = text({ min: 1, max: 64, pattern: /^[^\p{C}]+$/u });
export const capability = text({ min: 1, max: 64, pattern: /^[a-z0-9][a-z0-9._:-]*$/ });

export const pairingOffer = record({
  v: literal(1),
  agent: principalId,
  scope: scopeName,
  machine: machineName,
  keys: publicKeys,
  custody: custodyLevel,
  capabilities: list(capability, { max: 32 }),
  /** Random: two offers are never the same. */
  nonce: bytes(16),
});
export type PairingOffer = Infer<typeof pairingOffer>;

/** Longest encoded statement: two public keys, 32 capabilities and room for the rest. */
export const maxPairingOfferBytes = 4608;
