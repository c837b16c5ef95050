// Codes that people read, carry and type: random bytes in Crockford's base 32 with a checksum, in groups of four, spec/pairing.md.
// A code is a secret; it is text because people handle it, and lives only as long as they do.

import { concat, utf8 } from '../codec/bytes.ts';
import type { Primitives } from '../primitives/primitives.ts';

/** Without I, L, O and U. */
const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const groupCharacters = 4;

/** One kind of code: how many random bytes, and how many characters guard against typing errors. */
export interface CodeKind {
  readonly name: 'pairing' | 'device' | 'recovery';
  readonly bytes: number;
  readonly checksumCharacters: number;
}

/** Bits from the left, five a character; the last one is filled up with zeros. */
function toBase32(bytes: Uint8Array, characters: number): string {
  let code = '';
  for (let at = 0; at < characters; at += 1) {
    let value = 0;
    for (let bit = 5 * at; bit < 5 * at + 5; bit += 1) value = (value << 1) | (((bytes[bit >> 3] ?? 0) >> (7 - (bit & 7))) & 1);
    code += alphabet[value] ?? '';
  }
  return code;
}

function fromBase32(code: string, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let bit = 0; bit < 8 * length; bit += 1) {
    const value = alphabet.indexOf(code[Math.floor(bit / 5)] ?? '');
    const set = (value >> (4 - (bit % 5))) & 1;
    bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) | (set << (7 - (bit & 7)));
  }
  return bytes;
}

/** Of the random bytes alone, and different for each kind: a code of one kind is no code of another. */
function checksum(primitives: Primitives, { name, checksumCharacters }: CodeKind, random: Uint8Array): string {
  return toBase32(primitives.sha256(concat(utf8(`holdfast/v1 code ${name}\0`), random)), checksumCharacters); // [PAIRING-2]
}

/** `XXXX-XXXX-…`; `random` (of `kind.bytes`) stays the caller's. */
export function formatCode(primitives: Primitives, kind: CodeKind, random: Uint8Array): string {
  const plain = toBase32(random, Math.ceil((8 * kind.bytes) / 5)) + checksum(primitives, kind, random);
  return plain.match(new RegExp(`.{1,${groupCharacters}}`, 'g'))?.join('-') ?? plain; // [PAIRING-1]
}

/** The random bytes of a code as a person may have typed it, or undefined: the caller names the error. [PAIRING-1] */
export function parseCode(primitives: Primitives, kind: CodeKind, typed: string): Uint8Array | undefined {
  const plain = typed
    .toUpperCase()
    .replace(/[\s\p{Pd}]/gu, '')
    .replaceAll('O', '0')
    .replace(/[IL]/g, '1');
  const characters = Math.ceil((8 * kind.bytes) / 5);
  if (plain.length !== characters + kind.checksumCharacters || ![...plain].every((each) => alphabet.includes(each)))
    return undefined;
  const random = fromBase32(plain, kind.bytes);
  const right = toBase32(random, characters) + checksum(primitives, kind, random);
  return right === plain ? random : undefined; // [PAIRING-2]
}
