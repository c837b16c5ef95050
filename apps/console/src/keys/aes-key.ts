// AES-256-GCM under keys that script can use and not read. What they are made of is overwritten here.

import type { Primitives } from '@holdfast/protocol/primitives/primitives';

const { subtle } = crypto;

/** WebCrypto's handle of a key; the ones of this folder are not extractable. [BKEY-2] */
export type KeyHandle = Awaited<ReturnType<typeof subtle.importKey>>;
export type AesKey = KeyHandle;

const uses = ['encrypt', 'decrypt'] as const;

/** WebCrypto's types exclude views of shared memory, which none of ours is. */
export function view(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes as Uint8Array<ArrayBuffer>;
}

/** Overwrites `secret`, 32 bytes. */
export async function aesKey(secret: Uint8Array): Promise<AesKey> {
  try {
    return await subtle.importKey('raw', view(secret), 'AES-GCM', false, uses);
  } finally {
    secret.fill(0);
  }
}

/** HKDF-SHA-256 with no salt; overwrites `secret`. */
export async function aesKeyFrom(secret: Uint8Array, info: Uint8Array): Promise<AesKey> {
  try {
    const source = await subtle.importKey('raw', view(secret), 'HKDF', false, ['deriveKey']);
    const hkdf = { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(0), info: view(info) };
    return await subtle.deriveKey(hkdf, source, { name: 'AES-GCM', length: 256 }, false, uses);
  } finally {
    secret.fill(0);
  }
}

/** One that nobody has seen: it lives as long as its handle. */
export function freshAesKey(primitives: Primitives): Promise<AesKey> {
  return aesKey(primitives.random(32));
}

const gcm = (nonce: Uint8Array, associated: Uint8Array) =>
  ({ name: 'AES-GCM', iv: view(nonce), additionalData: view(associated), tagLength: 128 }) as const;

export async function sealWith(
  key: AesKey,
  nonce: Uint8Array,
  associated: Uint8Array,
  plaintext: Uint8Array,
): Promise<Uint8Array> {
  return new Uint8Array(await subtle.encrypt(gcm(nonce, associated), key, view(plaintext)));
}

/** The plaintext, which the caller overwrites. Rejects when it does not authenticate: the caller says what that means. */
export async function openWith(
  key: AesKey,
  nonce: Uint8Array,
  associated: Uint8Array,
  ciphertext: Uint8Array,
): Promise<Uint8Array> {
  return new Uint8Array(await subtle.decrypt(gcm(nonce, associated), key, view(ciphertext)));
}
