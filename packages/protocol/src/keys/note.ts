// Signed notes (c2sp.org/signed-note), spec/witness.md: a text and lines of signatures under it. Here is what every note has: its shape, how a key
// is named, and the P-256 signature of type 0x02. What a text says is for whoever reads it, once a signature of a key that they know has verified.

import { concat, equalBytes, fromBase64, fromHex, toBase64, toHex, utf8 } from '../codec/bytes.ts';
import { HoldfastError } from '../errors.ts';
import { isLowS } from '../primitives/p256-scalar.ts';
import type { Primitives } from '../primitives/primitives.ts';

/** Room for sixteen of the largest signatures that the standard knows. */
const maxNoteChars = 96 * 1024;
const maxSignatures = 64;
const dash = '\u2014';

export interface NoteSignature {
  readonly name: string;
  /** 4 bytes. */
  readonly keyId: Uint8Array;
  readonly signature: Uint8Array;
  /** As it stands in the note, without its line feed. */
  readonly line: string;
}

/** Nothing of it is verified. */
export interface Note {
  /** With its last line feed: what is signed. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

function fault(why: string): never {
  throw new HoldfastError('codec_shape', `no signed note: ${why}`);
}

/** Takes a note apart, believing nothing of it. Throws `codec_shape`, `codec_limit`. [WITNESS-1] */
export function parseNote(note: string): Note {
  if (note.length > maxNoteChars) throw new HoldfastError('codec_limit', `note of more than ${maxNoteChars} characters`);
  if (/[^\P{Cc}\n]|\ufffd/u.test(note)) fault('it holds control characters');
  const end = note.lastIndexOf('\n\n');
  if (end < 1 || !note.endsWith('\n')) fault('no blank line before its signatures');
  const lines = note.slice(end + 2, -1).split('\n');
  if (lines.length > maxSignatures) fault(`more than ${maxSignatures} signatures`);
  return { text: note.slice(0, end + 1), signatures: lines.map(parseSignature) };
}

/** Throws `codec_shape`. */
export function parseSignature(line: string): NoteSignature {
  const [, name = '', encoded = ''] = /^\u2014 ([^\s+]+) ([A-Za-z0-9+/=]+)$/u.exec(line) ?? [];
  const bytes = fromBase64(encoded);
  if (bytes === undefined || bytes.length < 5) return fault('a line is no signature');
  return { name, keyId: bytes.slice(0, 4), signature: bytes.slice(4), line };
}

/** The note with these lines under it. */
export function joinNote(text: string, lines: readonly string[]): string {
  return `${text}\n${lines.map((line) => `${line}\n`).join('')}`;
}

/** A line, from which `parseSignature` gets it back. */
export function signatureLine(name: string, keyId: Uint8Array, signature: Uint8Array): string {
  return `${dash} ${name} ${toBase64(concat(keyId, signature))}`;
}

/** What of a note is signed with this key: by name and id, as the standard finds it. */
export function signaturesBy({ signatures }: Note, name: string, keyId: Uint8Array): readonly NoteSignature[] {
  return signatures.filter((each) => each.name === name && equalBytes(each.keyId, keyId));
}

/** What stands before an uncompressed point in its SubjectPublicKeyInfo (RFC 5480). */
const spkiPrefix = fromHex('3059301306072a8648ce3d020106082a8648ce3d030107034200') ?? new Uint8Array();

/** Type 0x02: of the key's SPKI alone. `point`: 65 bytes. */
export function ecdsaKeyId(primitives: Primitives, point: Uint8Array): Uint8Array {
  return primitives.sha256(spkiPrefix, point).slice(0, 4);
}

/** DER (SEC 1 C.5) of r‖s. */
export function derOf(signature: Uint8Array): Uint8Array {
  const integers = [signature.subarray(0, 32), signature.subarray(32)].map((half) => {
    const first = half.findIndex((byte) => byte !== 0);
    const digits = half.subarray(first < 0 ? 31 : first);
    const positive = (digits[0] ?? 0) < 0x80 ? digits : concat(Uint8Array.of(0), digits);
    return concat(Uint8Array.of(2, positive.length), positive);
  });
  const body = concat(...integers);
  return concat(Uint8Array.of(0x30, body.length), body);
}

/** r‖s of such a DER, or undefined: one DER for each. */
function rawOf(der: Uint8Array): Uint8Array | undefined {
  const raw = new Uint8Array(64);
  let at = 2;
  for (const end of [32, 64]) {
    const length = der[at + 1] ?? 0;
    const digits = der.subarray(at + 2, at + 2 + length);
    const short = digits[0] === 0 ? digits.subarray(1) : digits;
    if (short.length > 32) return undefined;
    raw.set(short, end - short.length);
    at += 2 + length;
  }
  return equalBytes(derOf(raw), der) ? raw : undefined;
}

/**
 * Whether the key of `point` signed the note under that name. A line of its name and id that does not verify makes the whole note one to refuse:
 * throws `signature_invalid`. [WITNESS-4]
 */
export async function isSignedBy(primitives: Primitives, note: Note, name: string, point: Uint8Array): Promise<boolean> {
  const lines = signaturesBy(note, name, ecdsaKeyId(primitives, point));
  for (const { signature } of lines) {
    const raw = rawOf(signature);
    if (raw === undefined || !isLowS(raw) || !(await primitives.p256Verify(point, utf8(note.text), raw)))
      throw new HoldfastError(
        'signature_invalid',
        `signature of ${name} (${toHex(ecdsaKeyId(primitives, point))}) does not verify`,
      );
  }
  return lines.length > 0;
}
