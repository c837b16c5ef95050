// The operator folder as what an operator device keeps, packages/protocol/src/operator/ports.ts. A device and a recovery code at the same home have
// a file each for what was not sent yet: only its author can send an entry.

import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { HoldfastError } from '@holdfast/protocol/errors';
import type { OperatorStore } from '@holdfast/protocol/operator/ports';
import { forgetSeen, isAbsent, rememberSeen, seenBefore, writeAtomically } from './key-file.ts';
import { takeOperatorTurn } from './turn.ts';

type Author = 'device' | 'code';

const unsentFile = (folder: string, author: Author) => path.join(folder, author === 'device' ? 'unsent' : 'unsent-code');

export function fileStore(folder: string, author: Author): OperatorStore {
  const unsent = unsentFile(folder, author);
  const approved = path.join(folder, 'approved-before');
  return {
    seen: async () => seenBefore(folder),
    remember: async (seen) => rememberSeen(folder, seen),
    forgetSeen: async () => forgetSeen(folder),
    unsent: async () => read(unsent),
    keepUnsent: async (entries) => writeAtomically(unsent, entries),
    forgetUnsent: async () => rmSync(unsent, { force: true }),
    approvedBefore: async () => {
      try {
        return new Uint8Array(readFileSync(approved));
      } catch {
        return undefined;
      }
    },
    keepApproved: async (tags) => writeAtomically(approved, tags),
    takeTurn: () => takeOperatorTurn(folder),
  };
}

/** Of a home that begins anew. */
export function forgetAllUnsent(folder: string): void {
  for (const author of ['device', 'code'] as const) rmSync(unsentFile(folder, author), { force: true });
}

function read(file: string): Uint8Array | undefined {
  try {
    return new Uint8Array(readFileSync(file));
  } catch (cause) {
    if (isAbsent(cause)) return undefined;
    throw new HoldfastError('store_failed', `${file} cannot be read`, { cause, next: 'check its permissions' });
  }
}
