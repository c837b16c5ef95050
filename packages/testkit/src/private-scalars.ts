// Looking for private keys in a living process: every number in its memory that could be a P-256 scalar, at each multiple of eight bytes and in
// both byte orders, with the public point that belongs to it. Whoever knows the public keys sees whether a private one lay there.

import { createECDH } from 'node:crypto';
import { readMemory } from './memory.ts';

const scalarBytes = 32;
const step = 8;
/**
 * What 32 random bytes show less often than once in a million: fewer different ones, more zeros, more letters of ASCII, more that equal the one
 * four or eight before (pointers, tables and code have such rows).
 */
const limits = { leastDifferent: 23, mostZeros: 4, mostText: 25, mostInRows: 4 } as const;

/** The public points (uncompressed, in hex) of all numbers in the memory of `pid` that could be scalars, and how many there were. */
export async function publicPointsIn(pid: number): Promise<ReadonlySet<string>> {
  const numbers = new Set<string>();
  await readMemory(pid, { overlap: scalarBytes - step, fixed: false }, (piece) => {
    for (let at = 0; at + scalarBytes <= piece.length; at += step) {
      const number = piece.subarray(at, at + scalarBytes);
      if (looksRandom(number)) numbers.add(number.toString('latin1'));
    }
  });
  const points = new Set<string>();
  for (const number of numbers) {
    const bytes = Buffer.from(number, 'latin1');
    for (const scalar of [bytes, Buffer.from(bytes).reverse()]) {
      const point = pointOf(scalar);
      if (point !== undefined) points.add(point);
      scalar.fill(0);
    }
  }
  return points;
}

const seen = new Uint32Array(256);
let round = 0;

function looksRandom(number: Buffer): boolean {
  round += 1;
  let [different, zeros, text, byFour, byEight] = [0, 0, 0, 0, 0];
  for (let at = 0; at < scalarBytes; at += 1) {
    const byte = number[at] ?? 0;
    if (seen[byte] !== round) different += 1;
    seen[byte] = round;
    if (byte === 0) zeros += 1;
    if (byte >= 0x20 && byte < 0x7f) text += 1;
    if (at >= 4 && byte === number[at - 4]) byFour += 1;
    if (at >= 8 && byte === number[at - 8]) byEight += 1;
    if (zeros > limits.mostZeros || byFour > limits.mostInRows || byEight > limits.mostInRows) return false;
  }
  return different >= limits.leastDifferent && text <= limits.mostText;
}

const curve = createECDH('prime256v1');

/** Undefined: no scalar of the curve. */
function pointOf(scalar: Buffer): string | undefined {
  try {
    curve.setPrivateKey(scalar);
    return curve.getPublicKey('hex');
  } catch {
    return undefined;
  }
}
