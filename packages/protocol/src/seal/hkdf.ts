// HKDF-SHA256 (RFC 5869). Wherever one secret makes several keys, it goes through here with an `info` of its own.

import { concat } from '../codec/bytes.ts';
import { HoldfastError } from '../errors.ts';
import type { Primitives } from '../primitives/primitives.ts';

const hashBytes = 32;

/** RFC 5869 §2.2: the pseudorandom key, 32 bytes, owned by the caller. */
export function hkdfExtract(primitives: Primitives, salt: Uint8Array, secret: Uint8Array): Uint8Array {
  return primitives.hmacSha256(salt.length === 0 ? new Uint8Array(hashBytes) : salt, secret);
}

/** RFC 5869 §2.3: `length` ≤ 8,160 bytes, owned by the caller. Throws `usage` past that. */
export function hkdfExpand(primitives: Primitives, pseudorandomKey: Uint8Array, info: Uint8Array, length: number): Uint8Array {
  if (length > 255 * hashBytes) throw new HoldfastError('usage', 'HKDF cannot yield that many bytes');
  const output = new Uint8Array(length);
  let block: Uint8Array = new Uint8Array(0);
  for (let offset = 0, counter = 1; offset < length; offset += hashBytes, counter += 1) {
    const input = concat(block, info, Uint8Array.of(counter));
    block.fill(0);
    block = primitives.hmacSha256(pseudorandomKey, input);
    input.fill(0);
    output.set(block.subarray(0, Math.min(hashBytes, length - offset)), offset);
  }
  block.fill(0);
  return output;
}

/** Extract, then expand. `secret` stays the caller's; the result is the caller's. */
export function hkdf(
  primitives: Primitives,
  { secret, salt = new Uint8Array(0), info, length }: { secret: Uint8Array; salt?: Uint8Array; info: Uint8Array; length: number },
): Uint8Array {
  const pseudorandomKey = hkdfExtract(primitives, salt, secret);
  const output = hkdfExpand(primitives, pseudorandomKey, info, length);
  pseudorandomKey.fill(0);
  return output;
}
