// A log's checkpoint as it is published, spec/witness.md: a signed note (c2sp.org/tlog-checkpoint) with the agent's own signature, and under it the
// timestamped ones of witnesses (c2sp.org/tlog-cosignature). It names a log by a hash, so that whoever keeps it learns nothing of fleet and agent.

import { concat, equalBytes, fromBase64, toBase64, toHex, utf8 } from '../codec/bytes.ts';
import { HoldfastError } from '../errors.ts';
import {
  derOf,
  ecdsaKeyId,
  isSignedBy,
  parseNote,
  parseSignature,
  signatureLine,
  signaturesBy,
  type Note,
  type NoteSignature,
} from '../keys/note.ts';
import type { KeyHolder } from '../keys/key-holder.ts';
import type { Primitives } from '../primitives/primitives.ts';

/** What a log says of itself at one size. */
export interface LogHead {
  /** `logName` of it. */
  readonly origin: string;
  /** At least 1: a log begins with a record. */
  readonly size: number;
  /** 32 bytes. */
  readonly root: Uint8Array;
}

/** [WITNESS-2] The same for whoever knows both ids, and nothing to whoever does not: an agent's is 128 random bits. */
export function logName(primitives: Primitives, fleet: Uint8Array, agent: Uint8Array): string {
  return `holdfast/log/${toHex(primitives.sha256(utf8('holdfast/v1 log\0'), fleet, agent))}`;
}

/** [WITNESS-3] The text of a checkpoint, with its last line feed. */
export function logText({ origin, size, root }: LogHead): string {
  return `${origin}\n${size}\n${toBase64(root)}\n`;
}

/** [WITNESS-3] Throws `codec_shape` for a text that `logText` does not write. */
export function readLogText(text: string): LogHead {
  const [origin = '', digits = '', encoded = ''] = text.split('\n');
  const root = fromBase64(encoded);
  const head = { origin, size: Number(digits), root: root ?? new Uint8Array() };
  const known = /^holdfast\/log\/[0-9a-f]{64}$/.test(origin) && Number.isSafeInteger(head.size) && head.size > 0;
  if (!known || root?.length !== 32 || logText(head) !== text)
    throw new HoldfastError('codec_shape', 'the note is no checkpoint of a log');
  return head;
}

/** The line with which the agent's key publishes a checkpoint. */
export function logLine(primitives: Primitives, origin: string, key: Uint8Array, signature: Uint8Array): string {
  return signatureLine(origin, ecdsaKeyId(primitives, key), derOf(signature));
}

/** The agent's signature over the checkpoint's text, r‖s, 64 bytes. Throws what the holder throws. */
export function signLogHead(holder: Pick<KeyHolder, 'sign'>, head: LogHead): Promise<Uint8Array> {
  return holder.sign('log-note', utf8(logText(head)));
}

export interface PublishedNote extends LogHead {
  readonly note: Note;
  /** The one of the keys, in the order in which they were given, that published it; none where it could be either of two. */
  readonly by: readonly number[];
}

/** A checkpoint that one of the agent's keys published under the log's name. Throws `codec_*`; `audit_forged` for one of another key or log. [WITNESS-4] */
export async function verifyLogNote(
  primitives: Primitives,
  wire: string,
  { origin, keys }: { readonly origin: string; readonly keys: readonly Uint8Array[] },
): Promise<PublishedNote> {
  const note = parseNote(wire);
  const head = readLogText(note.text);
  if (head.origin !== origin) throw new HoldfastError('audit_forged', 'the checkpoint is of another log');
  const signers: number[] = [];
  try {
    for (const [nth, key] of keys.entries()) if (await isSignedBy(primitives, note, origin, key)) signers.push(nth); // [WITNESS-4]
  } catch (cause) {
    throw new HoldfastError('audit_forged', 'the signature of a checkpoint does not verify', { cause });
  }
  if (signers.length === 0) throw new HoldfastError('audit_forged', 'no key of this agent signed the checkpoint');
  return { ...head, note, by: signers.length === 1 ? signers : [] };
}

/** Whose Ed25519 signature says that a log only grew, as far as it saw. */
export interface Witness {
  readonly name: string;
  /** Ed25519, 32 bytes (RFC 8032). */
  readonly key: Uint8Array;
}

const cosignatureType = 4;
const timestampBytes = 8;
/** No calendar of ours has more. */
const maxTimeS = 8.64e12;

function cosignatureKeyId(primitives: Primitives, { name, key }: Witness): Uint8Array {
  return primitives.sha256(utf8(`${name}\n`), Uint8Array.of(cosignatureType), key).slice(0, 4);
}

/** [WITNESS-6] What a witness signs. */
export function cosignedBytes(text: string, atS: number): Uint8Array {
  return utf8(`cosignature/v1\ntime ${atS}\n${text}`);
}

/** `signature`: 64 bytes over `cosignedBytes`. */
export function cosignatureLine(primitives: Primitives, witness: Witness, atS: number, signature: Uint8Array): string {
  const time = new Uint8Array(timestampBytes);
  new DataView(time.buffer).setBigUint64(0, BigInt(atS));
  return signatureLine(witness.name, cosignatureKeyId(primitives, witness), concat(time, signature));
}

/** What of a note is signed with this witness's key, by name and id; nothing of it is verified. */
export function cosignaturesBy(primitives: Primitives, note: Note, witness: Witness): readonly NoteSignature[] {
  return signaturesBy(note, witness.name, cosignatureKeyId(primitives, witness));
}

/**
 * When this witness saw the checkpoint, the newest time of several, or undefined when it did not. Throws `signature_invalid` for a line of its name
 * and id that does not verify. [WITNESS-6]
 */
export async function witnessedAt(primitives: Primitives, note: Note, witness: Witness): Promise<number | undefined> {
  let newest: number | undefined;
  for (const { signature } of cosignaturesBy(primitives, note, witness)) {
    const atS =
      signature.length === timestampBytes + 64
        ? Number(new DataView(signature.buffer, signature.byteOffset).getBigUint64(0))
        : Number.NaN;
    const signed = atS > 0 && atS <= maxTimeS ? cosignedBytes(note.text, atS) : undefined;
    if (signed === undefined || !(await primitives.ed25519Verify(witness.key, signed, signature.subarray(timestampBytes))))
      throw new HoldfastError('signature_invalid', `the cosignature of ${witness.name} does not verify`);
    newest = Math.max(newest ?? 0, atS);
  }
  return newest;
}

export interface Seen {
  readonly name: string;
  readonly atMs: number;
}

/** When each of these saw the checkpoint, in their order. Throws `witness_missing` for one that did not, `signature_invalid`. [WITNESS-14] */
export async function seenBy(primitives: Primitives, note: Note, witnesses: readonly Witness[]): Promise<readonly Seen[]> {
  const seen: Seen[] = [];
  for (const witness of witnesses) {
    const atS = await witnessedAt(primitives, note, witness);
    if (atS === undefined)
      throw new HoldfastError('witness_missing', `${witness.name} has not cosigned the published checkpoint`, {
        next: 'take a newer one: holdfast audit checkpoint --note',
      });
    seen.push({ name: witness.name, atMs: 1000 * atS });
  }
  return seen;
}

/** One line alone, as a witness answers it. Throws `codec_shape`, `signature_invalid`. */
export async function cosignedAt(primitives: Primitives, text: string, line: string, witness: Witness): Promise<number> {
  const atS = await witnessedAt(primitives, { text, signatures: [parseSignature(line)] }, witness);
  if (atS === undefined) throw new HoldfastError('signature_invalid', `no cosignature of ${witness.name}`);
  return atS;
}

/** The verifier key of a witness as people hand it on: `name+id+key` (c2sp.org/signed-note). */
export function witnessKeyText(primitives: Primitives, witness: Witness): string {
  const key = toBase64(concat(Uint8Array.of(cosignatureType), witness.key));
  return `${witness.name}+${toHex(cosignatureKeyId(primitives, witness))}+${key}`;
}

/** Throws `codec_shape`. */
export function parseWitnessKey(primitives: Primitives, text: string): Witness {
  const [, name = '', keyText = ''] = /^([^\s+]+)\+[0-9a-f]{8}\+([A-Za-z0-9+/]+=*)$/u.exec(text) ?? [];
  const key = fromBase64(keyText);
  const witness = { name, key: key?.subarray(1) ?? new Uint8Array() };
  if (witness.key.length !== 32 || !equalBytes(utf8(witnessKeyText(primitives, witness)), utf8(text)))
    throw new HoldfastError('codec_shape', 'no verifier key of a witness');
  return witness;
}
