// Key stores in people's words, and what to do about one that cannot be used, is slow, or could be better.

import { accessSync, constants, existsSync } from 'node:fs';
import { userInfo } from 'node:os';
import type { KeyStoreView } from '@holdfast/protocol/door/wire';

const names: Readonly<Record<string, string>> = { tpm: 'TPM 2.0', pkcs11: 'PKCS#11', 'secure-enclave': 'Secure Enclave' };

/** `level` as machines and credentials have it; `label` is what the hardware calls itself. */
export function keyStoreName(level: string, label?: string): string {
  const name = names[level] ?? level;
  return label === undefined || label === '' ? name : `${name}: ${label}`;
}

export const isSoftware = ({ level }: Pick<KeyStoreView, 'level'>): boolean => level.startsWith('software');

/** Where the kernel shows a TPM; the first has a resource manager. */
export interface TpmDevices {
  readonly managed: string;
  readonly raw: string;
}
export const kernelDevices: TpmDevices = { managed: '/dev/tpmrm0', raw: '/dev/tpm0' };

/** How a machine whose best store is software gets a better one. */
export function betterStore({ managed, raw }: TpmDevices = kernelDevices): string {
  if (existsSync(managed) && !mayUse(managed))
    return `let this user use its TPM: sudo usermod -aG tss ${userInfo().username}; log in again, then: npm start`;
  if (existsSync(managed)) return 'it has a TPM: npm start again, then enrol a scope anew: holdfast enroll --scope NAME';
  if (existsSync(raw))
    return `its TPM has no resource manager: load the kernel's (${managed}), or name it: npm start -- --tpm ${raw}`;
  return 'switch on the TPM in its firmware settings, or use a PKCS#11 token: npm run addon:pkcs11, then npm start -- --pkcs11-module PATH --pkcs11-pin-file FILE';
}

function mayUse(device: string): boolean {
  try {
    accessSync(device, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
