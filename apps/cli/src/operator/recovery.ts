// A recovery code at this machine, spec/recovery.md: where it is read from, and where the new one goes.

import { existsSync } from 'node:fs';
import path from 'node:path';
import { toHex } from '@holdfast/protocol/codec/bytes';
import type { HomePaths } from '@holdfast/protocol/door/paths';
import { codeOf, type HoldfastError } from '@holdfast/protocol/errors';
import { recoveryKeys } from '@holdfast/protocol/identity/recovery';
import { assertOwnRelay, factsOfCode, replaceCode, type Replacement } from '@holdfast/protocol/operator/recovery';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';
import type { SoftwareKeyHolder } from '@holdfast/protocol/seal/software-key-holder';
import { keepRecoveryCode } from '../commands/init.ts';
import type { Output } from '../output.ts';
import { passphrase, secretFromStdin } from '../secrets-input.ts';
import { openRelay } from './relay.ts';
import { LocalOperator } from './session.ts';

/** The keys of a code from a file, or from standard input; the caller wipes them. Throws `recovery_code_invalid`, `usage`. */
export async function typedKeys(file: string | undefined, option: string): Promise<SoftwareKeyHolder> {
  const typed = file === undefined ? await secretFromStdin('Recovery code') : await passphrase(file, 'Recovery code', option);
  try {
    return await recoveryKeys(nodePrimitives, typed.toString('utf8'));
  } finally {
    typed.fill(0);
  }
}

/** The fleet as the recovery code reads it, from the genesis entry that hashes to the fleet's id. Throws `relay_impostor`, and what `refused` makes. */
export async function readAs(
  paths: HomePaths,
  named: { readonly fleet: Uint8Array; readonly relayUrl: string; readonly used: SoftwareKeyHolder },
  refused: () => HoldfastError,
): Promise<LocalOperator> {
  const facts = await factsOfCode({ primitives: nodePrimitives, connect: openRelay }, named);
  let session: LocalOperator;
  try {
    session = await LocalOperator.read(paths, facts, named.used);
  } catch (thrown) {
    throw codeOf(thrown) === 'relay_refused' ? refused() : thrown;
  }
  try {
    assertOwnRelay(session);
    return session;
  } catch (thrown) {
    session.disconnect();
    throw thrown;
  }
}

export interface Replaced {
  /** Where the new code is; undefined: a person was shown it, or an earlier command wrote it. */
  readonly file: string | undefined;
  /** Why the connection ended, if it did. */
  readonly cut: unknown;
}

/** Replaces the code; the new one goes to a file where nobody is there to read it. */
export async function replaceHere(
  output: Output,
  reader: LocalOperator,
  { recoveryFile, ...replacement }: Omit<Replacement, 'hand'> & { readonly recoveryFile: string | undefined },
): Promise<Replaced> {
  let file: string | undefined;
  const hand = async (code: string, id: Uint8Array): Promise<void> => {
    const unattended = output.json || !process.stdout.isTTY;
    const wanted = recoveryFile ?? (unattended ? fileOf(reader.paths.operator, id) : undefined);
    file = wanted === undefined ? undefined : keepRecoveryCode(code, path.resolve(wanted));
    if (file === undefined)
      output.say(
        `New recovery code, shown this once. Write it on paper; keep the old one until this command is done:\n\n    ${code}\n`,
      );
  };
  const { cut } = await replaceCode(reader, { ...replacement, hand });
  return { file, cut };
}

const fileOf = (folder: string, recovery: Uint8Array): string => path.join(folder, `recovery-${toHex(recovery).slice(0, 8)}`);

/** Where a command that had no terminal put the fleet's newest code, if it did. */
export function keptFile({ operator }: HomePaths, recovery: Uint8Array): string | undefined {
  const file = fileOf(operator, recovery);
  return existsSync(file) ? file : undefined;
}
