// Tokens that people outside verify with a library of their own: JWS in compact form (RFC 7515), ES256 and nothing else, spec/keys.md.
// Their first part names their type, which is what separates them from each other; no statement of ours looks like one.

import { concat, fromBase64url, toBase64url, utf8 } from '../codec/bytes.ts';
import { parseJsonObject, type JsonObject } from '../codec/json.ts';
import { HoldfastError } from '../errors.ts';

/** An agent's credential, a device's word for another, the proof of an agent's key, a proof that hands on to a child, a list of what is in force. */
export type TokenType = 'dc+sd-jwt' | 'device+jwt' | 'kb+jwt' | 'kb+sd-jwt' | 'statuslist+jwt';

const maxHeaderBytes = 8 * 1024;

/** A P-256 public key as JWK (RFC 7518 §6.2.1), these four members and no other. */
export interface PublicJwk {
  readonly kty: 'EC';
  readonly crv: 'P-256';
  readonly x: string;
  readonly y: string;
}

/** `key`: 65 bytes, SEC1 uncompressed. */
export function jwkOf(key: Uint8Array): PublicJwk {
  return { kty: 'EC', crv: 'P-256', x: toBase64url(key.subarray(1, 33)), y: toBase64url(key.subarray(33)) };
}

/** The 65 bytes of such a key. That it is a point of the curve is for whoever uses it to find out. Throws `key_invalid`. */
export function keyOfJwk(jwk: unknown): Uint8Array {
  const members = typeof jwk === 'object' && jwk !== null ? Object.entries(jwk) : [];
  const { kty, crv, x, y } = Object.fromEntries(members) as Partial<Record<string, unknown>>;
  if (members.length !== 4 || kty !== 'EC' || crv !== 'P-256')
    throw new HoldfastError('key_invalid', 'a P-256 public key expected');
  const [left, right] = [x, y].map((half) => (typeof half === 'string' && half.length === 43 ? fromBase64url(half) : undefined));
  if (left?.length !== 32 || right?.length !== 32) throw new HoldfastError('key_invalid', 'a P-256 public key expected');
  return concat(Uint8Array.of(4), left, right);
}

/** What is signed of a token: its header, with `alg` and `typ` first, a point, its payload. */
export function tokenInput(type: TokenType, header: JsonObject, payload: JsonObject): Uint8Array {
  const part = (value: JsonObject) => toBase64url(utf8(JSON.stringify(value)));
  return utf8(`${part({ alg: 'ES256', typ: type, ...header })}.${part(payload)}`);
}

/** The token in compact form. */
export function compactToken(input: Uint8Array, signature: Uint8Array): string {
  return `${new TextDecoder().decode(input)}.${toBase64url(signature)}`;
}

export interface TokenParts {
  readonly header: JsonObject;
  readonly payload: JsonObject;
  /** What is signed. */
  readonly input: Uint8Array;
  readonly signature: Uint8Array;
}

/** Takes a compact token apart, believing nothing of it. Throws `codec_*`. */
export function readToken(token: string, maxBytes: number): TokenParts {
  if (token.length > maxBytes) throw new HoldfastError('codec_limit', `token of more than ${maxBytes} bytes`);
  const parts = token.split('.');
  const [header, payload, signature] = parts.map((part) => fromBase64url(part));
  if (parts.length !== 3 || header === undefined || payload === undefined || signature === undefined)
    throw new HoldfastError('codec_shape', 'a compact token expected');
  return {
    header: parseJsonObject(header, maxHeaderBytes),
    payload: parseJsonObject(payload, maxBytes),
    input: utf8(token.slice(0, token.lastIndexOf('.'))),
    signature,
  };
}

/** [KEYS-9] A key signs a token only as what its header says it is. Throws `signature_invalid`. */
export function assertTokenInput(type: TokenType, input: Uint8Array): void {
  const [header, payload, more] = new TextDecoder().decode(input).split('.');
  const bytes = fromBase64url(header ?? '');
  if (bytes !== undefined && payload !== undefined && more === undefined && fromBase64url(payload) !== undefined) {
    const { alg, typ } = parseJsonObject(bytes, maxHeaderBytes);
    if (alg === 'ES256' && typ === type) return;
  }
  throw new HoldfastError('signature_invalid', `this is no ${type}`);
}
