// The primitives that the core is given: hashes, AEAD, P-256, Ed25519, ML-KEM-768 and chance. The core has none of its own, so that
// browser and Node share one stack. Adapters: node.ts (node:crypto), web.ts (WebCrypto and noble); one suite tests both.

/** All byte strings are fresh arrays owned by the caller; none is retained. */
export interface Primitives {
  /** SHA-256 (FIPS 180-4) of the parts joined; 32 bytes. */
  sha256(...parts: readonly Uint8Array[]): Uint8Array;
  /** HMAC-SHA-256 (RFC 2104); 32 bytes. */
  hmacSha256(key: Uint8Array, message: Uint8Array): Uint8Array;
  /** SHA3-256 (FIPS 202); 32 bytes. */
  sha3(message: Uint8Array): Uint8Array;
  /** SHAKE256 (FIPS 202); `length` bytes. */
  shake256(message: Uint8Array, length: number): Uint8Array;
  /** SHAKE128 (FIPS 202); `length` bytes. */
  shake128(message: Uint8Array, length: number): Uint8Array;
  /** Cryptographically secure random bytes. */
  random(length: number): Uint8Array;
  /** AES-GCM (SP 800-38D): key 16 or 32 bytes, nonce 12; ciphertext with its 16-byte tag at the end. */
  aeadSeal(key: Uint8Array, nonce: Uint8Array, associated: Uint8Array, plaintext: Uint8Array): Promise<Uint8Array>;
  /** The plaintext; throws `open_failed`. */
  aeadOpen(key: Uint8Array, nonce: Uint8Array, associated: Uint8Array, ciphertext: Uint8Array): Promise<Uint8Array>;
  /** ES256 (RFC 7518 §3.4): `publicKey` SEC1 uncompressed, 65 bytes; `signature` r‖s, 64 bytes. Never throws; a malformed key is false. */
  p256Verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): Promise<boolean>;
  /** ES256 signature r‖s, 64 bytes, in low-S form; `privateKey` is the 32-byte scalar. Throws `key_invalid`. */
  p256Sign(privateKey: Uint8Array, message: Uint8Array): Promise<Uint8Array>;
  /** SEC1 uncompressed public key of a 32-byte scalar. Throws `key_invalid` for 0 and for scalars not below the group order. */
  p256PublicKey(privateKey: Uint8Array): Promise<Uint8Array>;
  /** x-coordinate of the shared point, 32 bytes. Throws `key_invalid` for points not on the curve. */
  p256SharedX(privateKey: Uint8Array, publicKey: Uint8Array): Promise<Uint8Array>;
  /** Ed25519 (RFC 8032): `publicKey` 32 bytes, `signature` 64. Never throws; a malformed key is false. */
  ed25519Verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): Promise<boolean>;
  /** 64 bytes; `seed` is the 32-byte private key. Throws `key_invalid`. */
  ed25519Sign(seed: Uint8Array, message: Uint8Array): Promise<Uint8Array>;
  /** 32 bytes. Throws `key_invalid`. */
  ed25519PublicKey(seed: Uint8Array): Promise<Uint8Array>;
  /** ML-KEM-768 (FIPS 203) encapsulation key, 1,184 bytes, of the 64-byte seed d‖z. */
  mlkem768PublicKey(seed: Uint8Array): Promise<Uint8Array>;
  /** Fresh shared secret (32 bytes) and its ciphertext (1,088 bytes). Throws `key_invalid`. */
  mlkem768Encapsulate(publicKey: Uint8Array): Promise<{ readonly sharedSecret: Uint8Array; readonly ciphertext: Uint8Array }>;
  /** Implicit rejection as FIPS 203: a wrong ciphertext of the right length yields an unrelated secret. */
  mlkem768Decapsulate(seed: Uint8Array, ciphertext: Uint8Array): Promise<Uint8Array>;
}
