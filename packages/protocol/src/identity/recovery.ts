// The recovery code, spec/recovery.md: the operator's way back when every device is lost. It is a key pair named in the genesis entry; the
// code is shown once, when the fleet is made, and is kept nowhere.

import { utf8 } from '../codec/bytes.ts';
import { HoldfastError } from '../errors.ts';
import type { Primitives } from '../primitives/primitives.ts';
import { SoftwareKeyHolder } from '../seal/software-key-holder.ts';
import { formatCode, parseCode, type CodeKind } from './code.ts';

/** 160 bits and 20 bits of checksum: nine groups of four. */
const recoveryCode: CodeKind = { name: 'recovery', bytes: 20, checksumCharacters: 4 };

/** [RECOVERY-3] Who has the code has its id: nothing else has to be written down to find its place. */
export function recoveryIdOf(primitives: Primitives, signKey: Uint8Array): Uint8Array {
  return primitives.sha256(utf8('holdfast/v1 recovery id\0'), signKey).slice(0, 16);
}

/** A new code as text and its keys. The code is for the person alone; the caller wipes the keys once their public half is in genesis. */
export async function makeRecoveryCode(
  primitives: Primitives,
): Promise<{ readonly code: string; readonly keys: SoftwareKeyHolder }> {
  const random = primitives.random(recoveryCode.bytes);
  try {
    return {
      code: formatCode(primitives, recoveryCode, random),
      keys: await SoftwareKeyHolder.fromRecoveryCode(primitives, random),
    }; // [RECOVERY-1]
  } finally {
    random.fill(0);
  }
}

/** The keys of a code as a person typed it. Throws `recovery_code_invalid`. */
export async function recoveryKeys(primitives: Primitives, typed: string): Promise<SoftwareKeyHolder> {
  const random = parseCode(primitives, recoveryCode, typed);
  if (random === undefined)
    throw new HoldfastError('recovery_code_invalid', 'this is no recovery code', {
      next: 'compare it with the paper, group by group',
    }); // [RECOVERY-2]
  try {
    return await SoftwareKeyHolder.fromRecoveryCode(primitives, random);
  } finally {
    random.fill(0);
  }
}
