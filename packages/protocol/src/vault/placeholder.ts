// What a session holds in place of a secret, spec/vault.md: a text of fixed length, the same in all sessions of an agent so that tools may keep
// it in their home, and worthless outside them, because only their brokers know what it stands for.

import { concat, toBase64url, utf8 } from '../codec/bytes.ts';
import type { Primitives } from '../primitives/primitives.ts';

const prefix = 'hf_';
/** 32 bytes in base64url are 43 digits, the last of which has two bits to spare. */
const pattern = /^hf_[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/;

/** What an agent's placeholders are made with. `epochKey`: the first of the agent's own audience; it stays the caller's. */
export function placeholderSecret(primitives: Primitives, epochKey: Uint8Array): Uint8Array {
  return primitives.hmacSha256(epochKey, utf8('holdfast/v1 placeholders\0')); // [VAULT-12]
}

/** The same pair yields the same placeholder. */
export function placeholderFor(primitives: Primitives, secret: Uint8Array, grant: Uint8Array): string {
  return prefix + toBase64url(primitives.hmacSha256(secret, concat(utf8('holdfast/v1 placeholder\0'), grant))); // [VAULT-10]
}

/** True for texts of the right shape; whether one stands for anything, only its agent's brokers know. */
export function isPlaceholder(text: string): boolean {
  return pattern.test(text); // [VAULT-11]
}
