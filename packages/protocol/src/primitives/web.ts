// Primitives over WebCrypto and noble: for browsers, and it runs in Node as well. AES-GCM, verification and chance are the platform's;
// what WebCrypto lacks or takes only as JWK strings is noble's, in plain arrays (no claim of constant time: spec/hpke.md says where it counts).

import { ed25519 } from '@noble/curves/ed25519.js';
import { p256 } from '@noble/curves/nist.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { sha3_256, shake128, shake256 } from '@noble/hashes/sha3.js';
import { ml_kem768 } from '@noble/post-quantum/ml-kem.js';

import { HoldfastError } from '../errors.ts';
import { isScalar } from './p256-scalar.ts';
import type { Primitives } from './primitives.ts';

const { subtle } = crypto;
const tagBytes = 16;
const seedBytes = 64;
const ciphertextBytes = 1088;

/** WebCrypto's types exclude views of shared memory, which none of ours is. */
function view(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes as Uint8Array<ArrayBuffer>;
}

type AeadKey = Awaited<ReturnType<typeof subtle.importKey>>;

async function aeadKey(key: Uint8Array, use: 'encrypt' | 'decrypt'): Promise<AeadKey> {
  if (key.length !== 16 && key.length !== 32) throw new HoldfastError('key_invalid', 'AES key is not of 16 or 32 bytes');
  return subtle.importKey('raw', view(key), 'AES-GCM', false, [use]);
}

/** WebCrypto's AesGcmParams. */
function gcm(nonce: Uint8Array, associated: Uint8Array) {
  return { name: 'AES-GCM', iv: view(nonce), additionalData: view(associated), tagLength: 8 * tagBytes } as const;
}

function assertScalar(scalar: Uint8Array): void {
  if (!isScalar(scalar)) throw new HoldfastError('key_invalid', 'scalar is not a P-256 private key');
}

function assertSeed(seed: Uint8Array): void {
  if (seed.length !== 32) throw new HoldfastError('key_invalid', 'private key is not of 32 bytes');
}

/** Uncompressed only: the other SEC1 forms would be second names of one key. */
function isUncompressed(point: Uint8Array): boolean {
  return point.length === 65 && point[0] === 4;
}

/** The expanded key is overwritten after `use`. */
function withMlkemKey<T>(seed: Uint8Array, use: (pair: { publicKey: Uint8Array; secretKey: Uint8Array }) => T): T {
  if (seed.length !== seedBytes) throw new HoldfastError('key_invalid', `private key is not of ${seedBytes} bytes`);
  const pair = ml_kem768.keygen(seed);
  try {
    return use(pair);
  } finally {
    pair.secretKey.fill(0);
  }
}

/** With the chance that is given: the platform's, except where vectors and tests must come out the same again. */
export function webPrimitivesOver(random: (length: number) => Uint8Array): Primitives {
  return {
    sha256(...parts) {
      const hash = sha256.create();
      for (const part of parts) hash.update(part);
      return hash.digest();
    },
    hmacSha256: (key, message) => hmac(sha256, key, message),
    sha3: (message) => sha3_256(message),
    shake256: (message, length) => shake256(message, { dkLen: length }),
    shake128: (message, length) => shake128(message, { dkLen: length }),
    random,

    async aeadSeal(key, nonce, associated, plaintext) {
      return new Uint8Array(await subtle.encrypt(gcm(nonce, associated), await aeadKey(key, 'encrypt'), view(plaintext)));
    },

    async aeadOpen(key, nonce, associated, ciphertext) {
      const imported = await aeadKey(key, 'decrypt');
      try {
        return new Uint8Array(await subtle.decrypt(gcm(nonce, associated), imported, view(ciphertext)));
      } catch (cause) {
        throw new HoldfastError('open_failed', 'sealing does not open', { cause });
      }
    },

    async p256Verify(point, message, signature) {
      if (signature.length !== 64 || !isUncompressed(point)) return false;
      try {
        const key = await subtle.importKey('raw', view(point), { name: 'ECDSA', namedCurve: 'P-256' }, false, ['verify']);
        return await subtle.verify({ name: 'ECDSA', hash: 'SHA-256' }, key, view(signature), view(message));
      } catch {
        return false;
      }
    },

    async p256Sign(scalar, message) {
      assertScalar(scalar);
      return p256.sign(message, scalar, { prehash: true, lowS: true });
    },

    async p256PublicKey(scalar) {
      assertScalar(scalar);
      return p256.getPublicKey(scalar, false);
    },

    async p256SharedX(scalar, point) {
      assertScalar(scalar);
      if (!isUncompressed(point)) throw new HoldfastError('key_invalid', 'point is not in uncompressed form');
      try {
        const shared = p256.getSharedSecret(scalar, point, false);
        const x = shared.slice(1, 33);
        shared.fill(0);
        return x;
      } catch (cause) {
        throw new HoldfastError('key_invalid', 'point is not on the curve', { cause });
      }
    },

    async ed25519Verify(publicKey, message, signature) {
      try {
        return ed25519.verify(signature, message, publicKey, { zip215: false });
      } catch {
        return false;
      }
    },

    async ed25519Sign(seed, message) {
      assertSeed(seed);
      return ed25519.sign(message, seed);
    },

    async ed25519PublicKey(seed) {
      assertSeed(seed);
      return ed25519.getPublicKey(seed);
    },

    async mlkem768PublicKey(seed) {
      return withMlkemKey(seed, ({ publicKey }) => publicKey.slice());
    },

    async mlkem768Encapsulate(publicKey) {
      try {
        const { sharedSecret, cipherText } = ml_kem768.encapsulate(publicKey, random(32));
        return { sharedSecret, ciphertext: cipherText };
      } catch (cause) {
        throw new HoldfastError('key_invalid', 'public key is not usable', { cause });
      }
    },

    async mlkem768Decapsulate(seed, ciphertext) {
      if (ciphertext.length !== ciphertextBytes)
        throw new HoldfastError('key_invalid', 'ML-KEM ciphertext is not of 1,088 bytes');
      return withMlkemKey(seed, ({ secretKey }) => ml_kem768.decapsulate(ciphertext, secretKey));
    },
  };
}

export const webPrimitives: Primitives = webPrimitivesOver((length) => crypto.getRandomValues(new Uint8Array(length)));
