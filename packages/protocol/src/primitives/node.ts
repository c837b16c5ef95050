// Primitives over node:crypto (Node 24: OpenSSL 3.5, ML-KEM native). The only file of the core that imports from node:.
// Private keys pass through DER buffers that are overwritten here, never through JWK, whose strings could not be.

import {
  createCipheriv,
  createDecipheriv,
  createECDH,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  decapsulate,
  encapsulate,
  hash,
  randomFillSync,
  sign,
  verify,
  type DecipherGCM,
  type KeyObject,
} from 'node:crypto';

import { HoldfastError } from '../errors.ts';
import { isScalar, lowS } from './p256-scalar.ts';
import type { Primitives } from './primitives.ts';

const tagBytes = 16;

// What stands before the raw key in its DER form: RFC 5915 in PKCS#8, SPKI of RFC 5480, RFC 8410, draft-ietf-lamps-kyber-certificates (seed form).
const p256Pkcs8 = Buffer.from('3041020100301306072a8648ce3d020106082a8648ce3d030107042730250201010420', 'hex');
const p256Spki = Buffer.from('3059301306072a8648ce3d020106082a8648ce3d030107034200', 'hex');
const ed25519Pkcs8 = Buffer.from('302e020100300506032b657004220420', 'hex');
const ed25519Spki = Buffer.from('302a300506032b6570032100', 'hex');
const mlkem768Pkcs8 = Buffer.from('3054020100300b060960864801650304040204428040', 'hex');
const mlkem768Spki = Buffer.from('308204b2300b0609608648016503040402038204a100', 'hex');

/** A plain Uint8Array over the same memory; Node's crypto gives each result an allocation of its own. */
function plain(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}

function digest(algorithm: string, parts: readonly Uint8Array[], outputLength?: number): Uint8Array {
  const hashing = createHash(algorithm, outputLength === undefined ? {} : { outputLength });
  for (const part of parts) hashing.update(part);
  return plain(hashing.digest());
}

function cipherOf(key: Uint8Array): 'aes-128-gcm' | 'aes-256-gcm' {
  if (key.length === 16) return 'aes-128-gcm';
  if (key.length === 32) return 'aes-256-gcm';
  throw new HoldfastError('key_invalid', 'AES key is not of 16 or 32 bytes');
}

/** `raw` stays the caller's; the joined DER is overwritten. */
function privateKey(prefix: Buffer, raw: Uint8Array, length: number): KeyObject {
  const key = Buffer.alloc(prefix.length + length);
  try {
    if (raw.length !== length) throw new HoldfastError('key_invalid', `private key is not of ${length} bytes`);
    key.set(prefix);
    key.set(raw, prefix.length);
    return createPrivateKey({ key, format: 'der', type: 'pkcs8' });
  } catch (cause) {
    throw new HoldfastError('key_invalid', 'private key is not usable', { cause });
  } finally {
    key.fill(0);
  }
}

/** The length is checked here: OpenSSL ignores what follows a DER structure. */
function publicKey(prefix: Buffer, raw: Uint8Array, length: number): KeyObject {
  try {
    if (raw.length !== length) throw new HoldfastError('key_invalid', `public key is not of ${length} bytes`);
    return createPublicKey({ key: Buffer.concat([prefix, raw]), format: 'der', type: 'spki' });
  } catch (cause) {
    throw new HoldfastError('key_invalid', 'public key is not usable', { cause });
  }
}

/** Few keys sign most of what a process verifies, and making a key costs half as much as using it. Public keys only; the oldest gives way. */
const maxVerifyKeys = 256;
const verifyKeys = new Map<string, KeyObject>();

/** By the key's bytes, all of them: another key is another entry. Throws `key_invalid`, and keeps nothing then. */
function verifyKey(point: Uint8Array): KeyObject {
  const name = Buffer.from(point.buffer, point.byteOffset, point.length).toString('hex');
  const known = verifyKeys.get(name);
  if (known !== undefined) return known;
  const key = publicKey(p256Spki, point, 65);
  const [oldest] = verifyKeys.size < maxVerifyKeys ? [] : verifyKeys.keys();
  if (oldest !== undefined) verifyKeys.delete(oldest);
  verifyKeys.set(name, key);
  return key;
}

/** Uncompressed only: the other SEC1 forms would be second names of one key. */
function isUncompressed(point: Uint8Array): boolean {
  return point.length === 65 && point[0] === 4;
}

function assertScalar(scalar: Uint8Array): void {
  if (!isScalar(scalar)) throw new HoldfastError('key_invalid', 'scalar is not a P-256 private key');
}

function agreement(scalar: Uint8Array): ReturnType<typeof createECDH> {
  assertScalar(scalar);
  const ecdh = createECDH('prime256v1');
  ecdh.setPrivateKey(scalar);
  return ecdh;
}

/** Small enough that what is freed is what is allocated next. */
const pieceBytes = 512;

/**
 * Node deciphers into memory that is a byte too long, copies it into some that fits, and frees the first as it is: a plaintext would stay there. So it is
 * done by pieces, each in the place of the one before, and the last ones are written over with what says nothing.
 */
function deciphered(decipher: DecipherGCM, ciphertext: Uint8Array): Uint8Array {
  const opened = new Uint8Array(new ArrayBuffer(ciphertext.length));
  for (let at = 0; at < ciphertext.length; at += pieceBytes) {
    const piece = decipher.update(ciphertext.subarray(at, at + pieceBytes));
    opened.set(piece, at);
    piece.fill(0);
  }
  const over = createCipheriv('aes-256-gcm', zeros.subarray(0, 32), zeros.subarray(0, 12));
  for (const length of [Math.min(pieceBytes, ciphertext.length), ciphertext.length % pieceBytes])
    if (length > 0) over.update(zeros.subarray(0, length));
  return opened;
}
const zeros = new Uint8Array(pieceBytes);

export const nodePrimitives: Primitives = {
  sha256: (...parts) =>
    parts.length === 1 && parts[0] !== undefined ? plain(hash('sha256', parts[0], 'buffer')) : digest('sha256', parts),
  hmacSha256: (key, message) => plain(createHmac('sha256', key).update(message).digest()),
  sha3: (message) => digest('sha3-256', [message]),
  shake256: (message, length) => digest('shake256', [message], length),
  shake128: (message, length) => digest('shake128', [message], length),
  random: (length) => randomFillSync(new Uint8Array(length)),

  async aeadSeal(key, nonce, associated, plaintext) {
    const cipher = createCipheriv(cipherOf(key), key, nonce, { authTagLength: tagBytes });
    cipher.setAAD(associated);
    const sealed = new Uint8Array(plaintext.length + tagBytes);
    sealed.set(cipher.update(plaintext));
    cipher.final();
    sealed.set(cipher.getAuthTag(), plaintext.length);
    return sealed;
  },

  async aeadOpen(key, nonce, associated, ciphertext) {
    if (ciphertext.length < tagBytes) throw new HoldfastError('open_failed', 'sealing does not open');
    const decipher = createDecipheriv(cipherOf(key), key, nonce, { authTagLength: tagBytes });
    decipher.setAAD(associated);
    decipher.setAuthTag(ciphertext.subarray(-tagBytes));
    const opened = deciphered(decipher, ciphertext.subarray(0, -tagBytes));
    try {
      decipher.final();
    } catch (cause) {
      opened.fill(0);
      throw new HoldfastError('open_failed', 'sealing does not open', { cause });
    }
    return opened;
  },

  async p256Verify(point, message, signature) {
    if (signature.length !== 64 || !isUncompressed(point)) return false;
    try {
      return verify('sha256', message, { key: verifyKey(point), dsaEncoding: 'ieee-p1363' }, signature);
    } catch {
      return false;
    }
  },

  async p256Sign(scalar, message) {
    assertScalar(scalar);
    const key = privateKey(p256Pkcs8, scalar, 32);
    return lowS(plain(sign('sha256', message, { key, dsaEncoding: 'ieee-p1363' })));
  },

  async p256PublicKey(scalar) {
    return plain(agreement(scalar).getPublicKey());
  },

  async p256SharedX(scalar, point) {
    const ecdh = agreement(scalar);
    if (!isUncompressed(point)) throw new HoldfastError('key_invalid', 'point is not in uncompressed form');
    try {
      return plain(ecdh.computeSecret(point));
    } catch (cause) {
      throw new HoldfastError('key_invalid', 'point is not on the curve', { cause });
    }
  },

  async ed25519Verify(point, message, signature) {
    if (signature.length !== 64) return false;
    try {
      return verify(null, message, publicKey(ed25519Spki, point, 32), signature);
    } catch {
      return false;
    }
  },

  async ed25519Sign(seed, message) {
    return plain(sign(null, message, privateKey(ed25519Pkcs8, seed, 32)));
  },

  async ed25519PublicKey(seed) {
    const spki = createPublicKey(privateKey(ed25519Pkcs8, seed, 32)).export({ format: 'der', type: 'spki' });
    return plain(spki.subarray(ed25519Spki.length)).slice();
  },

  async mlkem768PublicKey(seed) {
    const spki = createPublicKey(privateKey(mlkem768Pkcs8, seed, 64)).export({ format: 'der', type: 'spki' });
    return plain(spki.subarray(mlkem768Spki.length)).slice();
  },

  async mlkem768Encapsulate(encapsulationKey) {
    const { sharedKey, ciphertext } = encapsulate(publicKey(mlkem768Spki, encapsulationKey, 1184));
    return { sharedSecret: plain(sharedKey), ciphertext: plain(ciphertext) };
  },

  async mlkem768Decapsulate(seed, ciphertext) {
    if (ciphertext.length !== 1088) throw new HoldfastError('key_invalid', 'ML-KEM ciphertext is not of 1,088 bytes');
    return plain(decapsulate(privateKey(mlkem768Pkcs8, seed, 64), ciphertext));
  },
};
