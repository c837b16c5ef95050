// The operator key at rest, spec/operator-key.md: sealed by a passphrase in one file of the operator folder. Whoever has the file still
// needs the passphrase; whoever has both is the operator.

import { randomBytes, scrypt } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  existsSync,
  fchmodSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import {
  bytes,
  bytesUpTo,
  decode,
  encode,
  integer,
  literal,
  optional,
  record,
  text,
  type Infer,
} from '@holdfast/protocol/codec/schema';
import { HoldfastError } from '@holdfast/protocol/errors';
import { head } from '@holdfast/protocol/blind/entry';
import { fleetId, principalId } from '@holdfast/protocol/keys/public-keys';
import type { OperatorFacts, Seen } from '@holdfast/protocol/operator/ports';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';
import { SoftwareKeyHolder } from '@holdfast/protocol/seal/software-key-holder';

/** scrypt cost (RFC 7914): 128 MiB and about half a second, the most that a small machine bears for every operator command. [OPKEY-1] */
const writtenLogN = 17;
/** A file with more would only make us ask for memory that is not there. */
const maxLogN = 18;
const scryptTerms = { r: 8, p: 1, maxmem: 288 * 1024 * 1024 };
const maxKeyFileBytes = 8 * 1024;

const keyFile = record({
  v: literal(1),
  fleet: fleetId,
  fleetName: text({ max: 256 }),
  device: principalId,
  relayUrl: text({ max: 2048 }),
  relayKey: bytes(65),
  salt: bytes(16),
  nonce: bytes(12),
  logN: integer({ min: 14, max: maxLogN }), // [OPKEY-1]
  sealed: bytesUpTo(1024),
});
type KeyFile = Infer<typeof keyFile>;

/** Heads that this operator has seen; no command accepts an older history (spec/journal.md). */
const seenHeads = record({ v: literal(1), control: head, access: optional(integer({ min: 1, max: 2 ** 48 })) });

const keyPath = (folder: string) => path.join(folder, 'operator.key');
const headPath = (folder: string) => path.join(folder, 'heads');

export function hasOperator(folder: string): boolean {
  return existsSync(keyPath(folder));
}

export function operatorExists(folder: string): HoldfastError {
  return new HoldfastError('operator_exists', `an operator key lies in ${folder} already`, {
    next: 'use it, or choose another HOLDFAST_HOME',
  }); // [CLI-12]
}

/** The folder of what only this user reads. Throws `store_failed`. */
export function makeOperatorFolder(folder: string): void {
  stored(folder, () => {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    chmodSync(folder, 0o700);
  });
}

/** Written whole or not at all, and synced, before it counts. Throws `store_failed`; then the file is as it was. [OPKEY-2] */
export function writeAtomically(file: string, content: Uint8Array, mode = 0o600): void {
  const temporary = `${file}.${process.pid}.new`;
  stored(file, () => {
    try {
      rmSync(temporary, { force: true });
      const descriptor = openSync(temporary, 'wx', 0o600); // [OPKEY-2]
      try {
        if (mode !== 0o600) fchmodSync(descriptor, mode);
        writeFileSync(descriptor, content);
        fsyncSync(descriptor);
      } finally {
        closeSync(descriptor);
      }
      renameSync(temporary, file);
    } finally {
      rmSync(temporary, { force: true });
    }
    const folder = openSync(path.dirname(file), 'r');
    fsyncSync(folder);
    closeSync(folder);
  });
}

function stored<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw new HoldfastError('store_failed', `${file} could not be read or written`, {
      cause,
      next: 'free space and check its permissions; nothing was changed',
    });
  }
}

export const isAbsent = (thrown: unknown): boolean => thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT';

function stretch(passphrase: Uint8Array, salt: Uint8Array, logN: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(passphrase, salt, 32, { ...scryptTerms, N: 2 ** logN }, (failed, key) => (failed ? reject(failed) : resolve(key)));
  });
}

/** What the seal authenticates besides the key: a file edited by hand opens for nobody. */
function associated(file: Omit<KeyFile, 'sealed'>): Uint8Array {
  return encode(keyFile, { ...file, sealed: new Uint8Array(0) }); // [OPKEY-3]
}

/** Writes the key file; `passphrase` stays the caller's. */
export async function saveOperator(
  folder: string,
  facts: OperatorFacts,
  holder: SoftwareKeyHolder,
  passphrase: Uint8Array,
): Promise<void> {
  makeOperatorFolder(folder);
  const clear = { v: 1, ...facts, salt: randomBytes(16), nonce: randomBytes(12), logN: writtenLogN } as const;
  const key = await stretch(passphrase, clear.salt, clear.logN);
  const secret = holder.exportBytes();
  try {
    const sealed = await nodePrimitives.aeadSeal(key, clear.nonce, associated(clear), secret);
    writeAtomically(keyPath(folder), encode(keyFile, { ...clear, sealed }));
  } finally {
    key.fill(0);
    secret.fill(0);
  }
}

function read(folder: string): KeyFile {
  if (!hasOperator(folder))
    throw new HoldfastError('operator_absent', 'this machine has no operator key', { next: 'make a fleet with: holdfast init' });
  const content = stored(keyPath(folder), () => readFileSync(keyPath(folder)));
  try {
    return decode(keyFile, content, maxKeyFileBytes);
  } catch (cause) {
    throw new HoldfastError('key_invalid', `${keyPath(folder)} is damaged`, { cause, next: 'restore it from a backup' }); // [OPKEY-4]
  }
}

/** Throws `operator_absent`, `key_invalid`. */
export function operatorFacts(folder: string): OperatorFacts {
  return read(folder);
}

/** The key, for the length of one command: the caller wipes it. Throws `operator_absent`, `key_invalid`, `passphrase_wrong`. */
export async function unlockOperator(folder: string, passphrase: Uint8Array): Promise<SoftwareKeyHolder> {
  const { sealed, ...clear } = read(folder);
  const key = await stretch(passphrase, clear.salt, clear.logN);
  let secret: Uint8Array | undefined;
  try {
    secret = await nodePrimitives.aeadOpen(key, clear.nonce, associated(clear), sealed);
    return await SoftwareKeyHolder.fromBytes(nodePrimitives, secret);
  } catch (cause) {
    throw new HoldfastError('passphrase_wrong', 'the passphrase does not open the operator key', {
      cause,
      next: 'try again; nothing was changed',
    }); // [OPKEY-4]
  } finally {
    key.fill(0);
    secret?.fill(0);
  }
}

/**
 * Seals the same keys under another passphrase; both stay the caller's, who holds this machine's turn. Until this returns either may be the one
 * that opens the key, never neither. Throws as `unlockOperator`, and `store_failed`: then the old one opens it. [OPKEY-10]
 */
export async function changePassphrase(folder: string, old: Uint8Array, chosen: Uint8Array): Promise<void> {
  const holder = await unlockOperator(folder, old);
  try {
    const { fleet, fleetName, device, relayUrl, relayKey } = read(folder);
    dropUnfinished(folder);
    await saveOperator(folder, { fleet, fleetName, device, relayUrl, relayKey }, holder, chosen);
  } finally {
    holder.wipe();
  }
}

/** What a killed command was writing in place of the key file. */
function dropUnfinished(folder: string): void {
  stored(keyPath(folder), () => {
    for (const name of readdirSync(folder)) {
      if (/^operator\.key\.\d+\.new$/.test(name)) rmSync(path.join(folder, name), { force: true });
    }
  });
}

/** Undefined before the first command that reads the fleet. Throws `key_invalid` when the file is damaged: nothing is believed then. */
export function seenBefore(folder: string): Seen | undefined {
  let content: Uint8Array;
  try {
    content = readFileSync(headPath(folder));
  } catch (cause) {
    if (isAbsent(cause)) return undefined;
    throw new HoldfastError('store_failed', `${headPath(folder)} cannot be read`, { cause, next: 'check its permissions' });
  }
  try {
    return decode(seenHeads, content, 1024);
  } catch (cause) {
    throw new HoldfastError('key_invalid', `${headPath(folder)} is damaged`, { cause, next: 'restore it from a backup' }); // [OPKEY-6]
  }
}

/** What was seen by a command that never came to a key; it may be of another fleet. */
export function forgetSeen(folder: string): void {
  rmSync(headPath(folder), { force: true });
}

/** The key of a device that no fleet has. */
export function forgetKey(folder: string): void {
  rmSync(keyPath(folder), { force: true });
}

/** Never goes back: of two commands at once the one that saw less does not win. `access`: the newest list's version. [OPKEY-7] */
export function rememberSeen(folder: string, { control, access }: Seen): void {
  const before = seenBefore(folder);
  const newer = before === undefined || before.control.position < control.position ? control : before.control;
  const version = Math.max(access ?? 0, before?.access ?? 0);
  if (newer === before?.control && version === (before.access ?? 0)) return;
  writeAtomically(headPath(folder), encode(seenHeads, { v: 1, control: newer, ...(version > 0 && { access: version }) }));
}
