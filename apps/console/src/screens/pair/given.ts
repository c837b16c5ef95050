// What a person pasted, scanned or followed: a code as a terminal shows it, the relay's address with the code behind it, or this console's own with
// either behind it. Of which kind it is, an agent's or a device's, the code itself says.

import { HoldfastError } from '@holdfast/protocol/errors';
import { parsePairingCode } from '@holdfast/protocol/identity/pairing';
import { agentPairing, devicePairing } from '@holdfast/protocol/identity/pairing-kind';
import type { Primitives } from '@holdfast/protocol/primitives/primitives';

export interface Given {
  readonly kind: 'agent' | 'device';
  /** The caller overwrites it. */
  readonly code: Uint8Array;
  readonly relayUrl: string | undefined;
}

/** Longer than any address with a code in it. */
const maxTyped = 2048;

/** Throws `pairing_code_invalid`. */
export function readGiven(primitives: Primitives, typed: string): Given {
  const text = unwrapped(typed);
  for (const [kind, pairing] of [
    ['agent', agentPairing],
    ['device', devicePairing],
  ] as const) {
    try {
      return { kind, ...parsePairingCode(primitives, pairing, text) };
    } catch (thrown) {
      if (!(thrown instanceof HoldfastError)) throw thrown;
    }
  }
  throw new HoldfastError('pairing_code_invalid', 'this is no pairing code', {
    next: 'compare it with the screen that shows it: seven groups of four letters and digits, or the address that its QR code has',
  });
}

/** What stands behind `/pair#` or `/join#` of a console's own address, or behind a bare `#`; anything else is as it is. */
function unwrapped(typed: string): string {
  const text = typed.trim().slice(0, maxTyped);
  const behind = /^(?:https?:\/\/[^\s#]+\/pair)?#(.+)$/i.exec(text)?.[1];
  if (behind === undefined) return text;
  try {
    return decodeURIComponent(behind);
  } catch {
    return behind;
  }
}
