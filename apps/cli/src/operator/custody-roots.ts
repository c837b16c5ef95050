// The authorities whose word about key stores this operator takes, spec/attestation.md: a file of the operator folder, signed with the operator key, so that
// nobody who merely can write there makes a machine's claim count as attested.

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { bytesUpTo, decode, encode, list, literal, record, type Infer } from '@holdfast/protocol/codec/schema';
import { HoldfastError } from '@holdfast/protocol/errors';
import { verifySignature } from '@holdfast/protocol/keys/domain';
import type { KeyHolder } from '@holdfast/protocol/keys/key-holder';
import { fleetId, signature } from '@holdfast/protocol/keys/public-keys';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';
import { equalBytes } from '@holdfast/protocol/codec/bytes';
import { isAbsent, writeAtomically } from './key-file.ts';

const maxRoots = 64;
const maxFileBytes = 320 * 1024;

const statement = record({ v: literal(1), fleet: fleetId, roots: list(bytesUpTo(4096), { max: maxRoots }) });
const file = record({ statement: bytesUpTo(maxFileBytes), signature });

export interface Owner {
  readonly folder: string;
  readonly fleet: Uint8Array;
  readonly holder: KeyHolder;
}

const pathIn = (folder: string) => path.join(folder, 'custody-roots');

/** Certificates in DER; none before the first was installed. Throws `key_invalid` for a file that this operator did not sign. [ATTEST-8] */
export async function readRoots({ folder, fleet, holder }: Owner): Promise<readonly Uint8Array[]> {
  let content: Uint8Array;
  try {
    content = readFileSync(pathIn(folder));
  } catch (cause) {
    if (isAbsent(cause)) return [];
    throw new HoldfastError('store_failed', `${pathIn(folder)} cannot be read`, { cause, next: 'check its permissions' });
  }
  try {
    const signed: Infer<typeof file> = decode(file, content, maxFileBytes);
    const publicKey = holder.publicKeys.sign;
    await verifySignature(nodePrimitives, { domain: 'custody-roots', ...signed, publicKey });
    const read = decode(statement, signed.statement, maxFileBytes);
    if (!equalBytes(read.fleet, fleet)) throw new HoldfastError('entry_foreign', 'the roots are of another fleet');
    return read.roots;
  } catch (cause) {
    throw new HoldfastError('key_invalid', `${pathIn(folder)} is not as this operator wrote it`, {
      cause,
      next: 'remove it, and install the roots again that you trust: holdfast roots add FILE',
    });
  }
}

/** Throws `limit_exceeded`, `store_failed`. */
export async function writeRoots({ folder, fleet, holder }: Owner, roots: readonly Uint8Array[]): Promise<void> {
  if (roots.length > maxRoots) throw new HoldfastError('limit_exceeded', `there may be ${maxRoots} roots`);
  const signed = encode(statement, { v: 1, fleet, roots: [...roots] });
  const content = encode(file, { statement: signed, signature: await holder.sign('custody-roots', signed) });
  writeAtomically(pathIn(folder), content);
}
