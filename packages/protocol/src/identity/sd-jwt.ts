// Selective disclosure (RFC 9901), spec/credential.md: claims of a signed payload that are there as digests only, and the disclosures that
// their holder shows or keeps. SHA-256 alone; anything that two readers could read in two ways is refused.

import { fromBase64url, toBase64url, utf8 } from '../codec/bytes.ts';
import { isObject, parseJson, type Json, type JsonObject } from '../codec/json.ts';
import { HoldfastError } from '../errors.ts';
import type { Primitives } from '../primitives/primitives.ts';

const maxDisclosures = 64;
const maxDisclosureBytes = 4 * 1024;
/** 128 bits, as RFC 9901 §9.3 recommends. */
const saltBytes = 16;

/** Wraps a claim's value, or an element of a list, that its holder may keep to itself. */
export class Hidden {
  readonly value: Marked;
  constructor(value: Marked) {
    this.value = value;
  }
}
export type Marked = null | boolean | number | string | Hidden | readonly Marked[] | { readonly [claim: string]: Marked };
export type MarkedClaims = { readonly [claim: string]: Marked };

/** A presentation or a credential, taken apart at its tildes. */
export interface SdJwtParts {
  /** The issuer's token. */
  readonly issuer: string;
  readonly disclosures: readonly string[];
  /** Tokens that hand it on to children, after the disclosures, and what stands before the first. */
  readonly delegations: readonly string[];
  readonly delegated: string;
  /** Undefined: nothing proves that its holder has the key. */
  readonly keyBinding: string | undefined;
  /** What the key binding hashes: all up to and with the last tilde. */
  readonly hashed: string;
}

/** Throws `codec_shape`, `codec_limit`. */
export function splitSdJwt(text: string, maxBytes: number): SdJwtParts {
  if (text.length > maxBytes) throw new HoldfastError('codec_limit', `an SD-JWT of more than ${maxBytes} bytes`);
  if (!/^[\w.~-]+$/.test(text)) throw new HoldfastError('codec_shape', 'an SD-JWT expected');
  const parts = text.split('~');
  const [issuer = '', ...rest] = parts;
  const keyBinding = rest.pop();
  if (issuer === '' || keyBinding === undefined || rest.includes(''))
    throw new HoldfastError('codec_shape', 'an SD-JWT expected');
  // Tokens have points in them, disclosures have none.
  const first = rest.findIndex((part) => part.includes('.'));
  const disclosures = first < 0 ? rest : rest.slice(0, first);
  const delegations = rest.slice(disclosures.length);
  if (!delegations.every((part) => part.includes('.'))) throw new HoldfastError('codec_shape', 'an SD-JWT expected');
  if (rest.length > maxDisclosures) throw new HoldfastError('codec_limit', `more than ${maxDisclosures} disclosures`);
  return {
    issuer,
    disclosures,
    delegations,
    delegated: joinSdJwt(issuer, disclosures),
    keyBinding: keyBinding === '' ? undefined : keyBinding,
    hashed: text.slice(0, text.length - keyBinding.length),
  };
}

export function joinSdJwt(issuer: string, disclosures: readonly string[]): string {
  return [issuer, ...disclosures, ''].join('~');
}

/** The payload to sign, and the disclosures of all that is hidden in it. */
export function conceal(
  primitives: Primitives,
  claims: MarkedClaims,
): { readonly payload: JsonObject; readonly disclosures: readonly string[] } {
  const disclosures: string[] = [];
  const digestOf = (...said: Json[]): string => {
    const disclosure = toBase64url(utf8(JSON.stringify([toBase64url(primitives.random(saltBytes)), ...said])));
    disclosures.push(disclosure);
    return digest(primitives, disclosure);
  };
  const plain = (value: Marked): Json => {
    if (value instanceof Hidden) throw new HoldfastError('internal', 'only claims and elements of lists are hidden');
    if (Array.isArray(value))
      return value.map((each: Marked) => (each instanceof Hidden ? { '...': digestOf(plain(each.value)) } : plain(each)));
    return typeof value === 'object' && value !== null ? object(value as MarkedClaims) : value;
  };
  const object = (marked: MarkedClaims): JsonObject => {
    const digests: string[] = [];
    const shown: [string, Json][] = [];
    for (const [claim, value] of Object.entries(marked)) {
      if (value instanceof Hidden) digests.push(digestOf(claim, plain(value.value)));
      else shown.push([claim, plain(value)]);
    }
    if (digests.length > 0) shown.push(['_sd', digests.toSorted()]); // sorted: their order says nothing of the claims'
    return Object.fromEntries(shown);
  };
  const payload = object(claims);
  return { payload: disclosures.length > 0 ? { ...payload, _sd_alg: 'sha-256' } : payload, disclosures };
}

function digest(primitives: Primitives, disclosure: string): string {
  return toBase64url(primitives.sha256(utf8(disclosure)));
}

/** What a presentation's hash of itself must be. */
export function sdHashOf(primitives: Primitives, hashed: string): string {
  return digest(primitives, hashed);
}

function refuse(message: string, cause?: unknown): never {
  throw new HoldfastError('presentation_disclosure', message, { cause }); // [PRESENT-8]
}

interface Disclosure {
  /** Undefined: it holds an element of a list. */
  readonly claim: string | undefined;
  readonly value: Json;
}

/** Throws `presentation_disclosure`. */
export function readDisclosure(text: string): Disclosure {
  const bytes = fromBase64url(text);
  if (bytes === undefined) return refuse('a disclosure is not base64url');
  let said: Json;
  try {
    said = parseJson(bytes, maxDisclosureBytes);
  } catch (cause) {
    return refuse('a disclosure is not JSON', cause);
  }
  if (!Array.isArray(said)) return refuse('a disclosure is not a list');
  const [salt, first, second] = said as readonly Json[];
  if (typeof salt !== 'string' || said.length < 2 || said.length > 3) return refuse('a disclosure has another form');
  if (said.length === 2) return { claim: undefined, value: first ?? null };
  if (typeof first !== 'string' || first === '_sd' || first === '...')
    return refuse('a disclosure names what no claim is called');
  return { claim: first, value: second ?? null };
}

/**
 * The claims of a payload with everything in place that is disclosed, and nothing left of what is not. Each disclosure must have exactly one
 * place. Throws `presentation_disclosure`.
 */
export function reveal(primitives: Primitives, payload: JsonObject, disclosures: readonly string[]): JsonObject {
  const known = new Map<string, Disclosure>();
  for (const disclosure of disclosures) {
    const name = digest(primitives, disclosure);
    if (known.has(name)) refuse('a disclosure stands twice');
    known.set(name, readDisclosure(disclosure));
  }
  const met = new Set<string>();
  const find = (name: Json): Disclosure | undefined => {
    if (typeof name !== 'string') return refuse('a digest is not text');
    if (met.has(name)) return refuse('a digest stands twice');
    met.add(name);
    return known.get(name);
  };
  const value = (each: Json): Json => (Array.isArray(each) ? list(each) : isObject(each) ? object(each) : each);
  const list = (all: readonly Json[]): Json =>
    all.flatMap((each): Json[] => {
      if (!isObject(each) || !Object.hasOwn(each, '...')) return [value(each)];
      if (Object.keys(each).length !== 1) return refuse('a hidden element has other members');
      const found = find(each['...'] ?? null);
      if (found === undefined) return [];
      return found.claim === undefined ? [value(found.value)] : refuse('a claim is disclosed as an element of a list');
    });
  const object = (all: JsonObject): JsonObject => {
    const shown = new Map<string, Json>();
    const { _sd: digests = [] } = all;
    for (const [claim, each] of Object.entries(all)) {
      if (claim === '...' || claim === '_sd_alg') refuse(`there is no claim ${claim}`);
      if (claim !== '_sd') shown.set(claim, value(each));
    }
    if (!Array.isArray(digests)) return refuse('_sd is not a list');
    for (const name of digests as readonly Json[]) {
      const found = find(name);
      if (found === undefined) continue;
      if (found.claim === undefined) return refuse('an element of a list is disclosed as a claim');
      if (shown.has(found.claim)) return refuse(`${found.claim} is there twice`);
      shown.set(found.claim, value(found.value));
    }
    return Object.fromEntries(shown); // defines its members, so that none of them is a prototype
  };
  const { _sd_alg: algorithm = 'sha-256', ...rest } = payload;
  if (algorithm !== 'sha-256') refuse('digests are of another algorithm than SHA-256');
  const claims = object(rest);
  for (const name of known.keys()) if (!met.has(name)) refuse('a disclosure belongs to nothing');
  return claims;
}
