// Public keys and the ids of their owners, spec/keys.md. Each owner (operator device, agent, recovery code) has two: one to sign, one to agree.

import { bytes, record, type Infer } from '../codec/schema.ts';

/** [KEYS-1] P-256, SEC1 uncompressed. */
export const signPublicKey = bytes(65);
/** ML-KEM-768 encapsulation key ‖ P-256 point, as HPKE KEM 0x0050 serialises it. */
export const sealPublicKey = bytes(1184 + 65);

export const publicKeys = record({ sign: signPublicKey, seal: sealPublicKey });
export type PublicKeys = Infer<typeof publicKeys>;

/** Random id of an operator device or an agent, 16 bytes; text form is lower-case hex. */
export const principalId = bytes(16);
/** Hash of the genesis entry, 32 bytes; text form is lower-case hex. */
export const fleetId = bytes(32);
export const signature = bytes(64);
export const digest = bytes(32);
export const wallClockMs = { max: 253_402_300_799_999 } as const; // 9999-12-31, what every date library can show
