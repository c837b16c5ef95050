// A fleet's status list as a relay sees it, spec/status-list.md: who signed it, when, and after which control entry. What it says of whom is for
// those who verify credentials.

import { HoldfastError } from '../errors.ts';
import { verifySignature } from '../keys/domain.ts';
import { readToken, type TokenParts } from '../keys/jws.ts';
import { idOfUrn } from '../keys/urn.ts';
import type { Primitives } from '../primitives/primitives.ts';
import { maxPulseAheadMs } from './pulse.ts';

/** A relay takes it in one request, a verifier in one answer. */
export const maxStatusListBytes = 256 * 1024;

export interface StatusToken {
  readonly fleet: Uint8Array;
  readonly device: Uint8Array;
  readonly issuedAtMs: number;
  /** The position of the control entry up to which its author had read. */
  readonly control: number;
  readonly parts: TokenParts;
}

/** Throws `status_forged`. */
export function readStatusToken(token: string): StatusToken {
  try {
    const parts = readToken(token, maxStatusListBytes);
    const { iss, iat, control } = parts.payload;
    if (!Number.isSafeInteger(iat) || !Number.isSafeInteger(control)) throw new HoldfastError('codec_shape', 'numbers expected');
    return {
      fleet: idOfUrn('fleet', iss),
      device: idOfUrn('device', parts.header['kid']),
      issuedAtMs: Number(iat) * 1000,
      control: Number(control),
      parts,
    };
  } catch (cause) {
    throw new HoldfastError('status_forged', 'this is no status list', { cause }); // [STATUS-1]
  }
}

/** That the device whose key this is signed the list, not in the future. Throws `status_forged`. [STATUS-6] */
export async function verifyStatusToken(
  primitives: Primitives,
  { parts, issuedAtMs }: StatusToken,
  { deviceKey, nowMs }: { readonly deviceKey: Uint8Array; readonly nowMs: number },
): Promise<void> {
  if (issuedAtMs > nowMs + maxPulseAheadMs) throw new HoldfastError('status_forged', 'the status list is from the future');
  try {
    await verifySignature(primitives, {
      domain: 'statuslist+jwt',
      statement: parts.input,
      signature: parts.signature,
      publicKey: deviceKey,
    });
  } catch (cause) {
    throw new HoldfastError('status_forged', 'the signature of the status list does not verify', { cause });
  }
}
