// The group order of P-256 (SP 800-186) and what depends on it: which scalars are private keys, and which of the two signatures is ours.

const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const orderBytes = bigEndian(order);

function bigEndian(value: bigint): Uint8Array {
  const bytes = new Uint8Array(32);
  for (let index = 31, rest = value; index >= 0; index -= 1, rest >>= 8n) bytes[index] = Number(rest & 0xffn);
  return bytes;
}

function fromBigEndian(bytes: Uint8Array): bigint {
  let value = 0n;
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  return value;
}

/** [KEYS-2] 32 bytes that are a private key: not 0, below the order. Takes the same steps for every scalar: it is a secret. */
export function isScalar(scalar: Uint8Array): boolean {
  if (scalar.length !== 32) return false;
  let borrow = 0;
  let any = 0;
  for (let index = 31; index >= 0; index -= 1) {
    const byte = scalar[index] ?? 0;
    any |= byte;
    borrow = byte - (orderBytes[index] ?? 0) - borrow < 0 ? 1 : 0;
  }
  return borrow === 1 && any !== 0;
}

/** True for signatures r‖s whose s is at most half the order: the other one would make a second valid encoding. */
export function isLowS(signature: Uint8Array): boolean {
  return fromBigEndian(signature.subarray(32)) <= order >> 1n;
}

/** The same signature with its smaller s, as a new array. A signature is public, so bigints may hold it. */
export function lowS(signature: Uint8Array): Uint8Array {
  const normal = signature.slice();
  if (!isLowS(signature)) normal.set(bigEndian(order - fromBigEndian(signature.subarray(32))), 32);
  return normal;
}
