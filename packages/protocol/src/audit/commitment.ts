// Salted commitments in the place of secrets and personal data, spec/commitments.md: their form in a text, and what they are made of.

import { concat, fromBase64url, toBase64url, toHex, utf8 } from '../codec/bytes.ts';
import { text } from '../codec/schema.ts';
import type { Primitives } from '../primitives/primitives.ts';
import { blot } from './act.ts';

export const subjectKeyBytes = 32;
export const nonceBytes = 16;

/** Of secrets that nobody declared. */
export const secretSubject = 'secret';
export const vaultSubject = (item: Uint8Array): string => `vault.${toHex(item)}`;

export interface Commitment {
  readonly subject: string;
  readonly nonce: Uint8Array;
  readonly value: Uint8Array;
}

const opening = '[committed:';
/** [COMMIT-1] */
const written = /\[committed:([a-z][a-z0-9-]{0,31}|vault\.[0-9a-f]{32}):([A-Za-z0-9_-]{64})\]/g;
const subjectPattern = /^(?:[a-z][a-z0-9-]{0,31}|vault\.[0-9a-f]{32})$/;
export const subjectName = text({ min: 1, max: 64, pattern: subjectPattern });
export const isSubject = (said: string): boolean => subjectPattern.test(said);

export function commitmentText({ subject, nonce, value }: Commitment): string {
  return `${opening}${subject}:${toBase64url(concat(nonce, value))}]`; // [COMMIT-1]
}

/** So that no text forges one. [COMMIT-1] */
export const withoutForged = (said: string): string => said.replaceAll(opening, blot);

/** Those that stand whole in a text, in order. */
export function commitmentsIn(said: string): Commitment[] {
  return [...said.matchAll(written)].flatMap(([, subject = '', encoded = '']) => {
    const bytes = fromBase64url(encoded);
    return bytes === undefined ? [] : [{ subject, nonce: bytes.slice(0, nonceBytes), value: bytes.slice(nonceBytes) }];
  });
}

/** Applies `change` to what stands between commitments. */
export function betweenCommitments(said: string, change: (between: string) => string): string {
  let changed = '';
  let at = 0;
  for (const found of said.matchAll(written)) {
    changed += change(said.slice(at, found.index)) + found[0];
    at = found.index + found[0].length;
  }
  return changed + change(said.slice(at));
}

/** At most `max` characters, without half a commitment at the end. */
export function cutText(said: string, max: number): string {
  if (said.length <= max) return said;
  const cut = said.slice(0, max);
  const begun = cut.lastIndexOf(opening);
  return begun >= 0 && !cut.includes(']', begun) ? cut.slice(0, begun) : cut;
}

/** What of a value goes into a commitment: kept in its place where the value itself may not be. */
export function committedDigest(primitives: Primitives, value: Uint8Array): Uint8Array {
  return primitives.sha256(utf8('holdfast/v1 committed value\0'), value); // [COMMIT-2]
}

export function saltOf(primitives: Primitives, key: Uint8Array, nonce: Uint8Array): Uint8Array {
  return primitives.hmacSha256(key, concat(utf8('holdfast/v1 salt\0'), nonce)); // [COMMIT-2]
}

/** `digest`: `committedDigest` of the value. */
export function commitmentValue(
  primitives: Primitives,
  { agent, subject, salt, digest }: { agent: Uint8Array; subject: string; salt: Uint8Array; digest: Uint8Array },
): Uint8Array {
  const name = utf8(subject);
  const about = concat(utf8('holdfast/v1 commitment\0'), agent, Uint8Array.of(name.length), name, digest);
  return primitives.hmacSha256(salt, about); // [COMMIT-2]
}

/** A digest that nobody without the keys can try guesses against. `keys`: of the subjects in order of name. [COMMIT-6] */
export function saltedDigest(primitives: Primitives, keys: readonly Uint8Array[], digest: Uint8Array): Uint8Array {
  return keys.reduce((before, key) => primitives.hmacSha256(key, concat(utf8('holdfast/v1 salted digest\0'), before)), digest);
}
