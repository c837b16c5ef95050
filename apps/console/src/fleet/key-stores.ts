// Where an agent's keys live, in people's words.

import type { CustodyLevel } from '@holdfast/protocol/blind/pairing-offer';

const names: Readonly<Record<CustodyLevel, string>> = {
  'software, unsealed': 'a file, not sealed',
  software: 'a file, sealed to this machine',
  tpm: 'TPM 2.0',
  pkcs11: 'PKCS#11 token',
  'secure-enclave': 'Secure Enclave',
};

export const keyStoreName = (level: CustodyLevel): string => names[level];

export const isHardware = (level: CustodyLevel): boolean => !level.startsWith('software');
