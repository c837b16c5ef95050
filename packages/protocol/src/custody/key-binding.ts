// The proof of a key in one presentation (RFC 9901 §4.3), spec/custody.md and spec/presentation.md. Custody builds it from typed fields: it
// hashes what is presented itself and takes the time from its own clock.

import { toBase64url, utf8 } from '../codec/bytes.ts';
import { isObject } from '../codec/json.ts';
import { text } from '../codec/schema.ts';
import { compactToken, keyOfJwk, readToken, tokenInput } from '../keys/jws.ts';
import type { KeyHolder } from '../keys/key-holder.ts';
import { digest } from '../keys/public-keys.ts';
import { idOfUrn } from '../keys/urn.ts';
import type { Primitives } from '../primitives/primitives.ts';

/** Who is to be convinced, as it calls itself: an address. Printable ASCII without spaces. */
export const audienceName = text({ min: 1, max: 512, pattern: /^[\x21-\x7e]+$/ });
/** What the verifier asked for, or the presenter made up; at least 16 characters, so that it can be 96 bits. */
export const presentationNonce = text({ min: 16, max: 256, pattern: /^[\x21-\x7e]+$/ });
/** An issuer's token and the disclosures that are shown, each followed by a tilde. */
export const presentedCredential = text({ min: 1, max: 32 * 1024, pattern: /^[\w-]+\.[\w-]+\.[\w-]+~(?:[\w-]+~)*$/ });

export interface KeyBindingTerms {
  readonly audience: string;
  readonly nonce: string;
  readonly credential: string;
  /** SHA-256 of the program that the session was started with, as whoever asks measured it. */
  readonly harness?: Uint8Array | undefined;
}

/** Whose credential this is and for which key. Not verified. Throws `codec_*`, `key_invalid`. */
export function holderOf(credential: string): {
  readonly fleet: Uint8Array;
  readonly agent: Uint8Array;
  readonly sign: Uint8Array;
} {
  const { payload } = readToken(credential.slice(0, credential.indexOf('~')), 16 * 1024);
  const { iss, sub, cnf } = payload;
  return { fleet: idOfUrn('fleet', iss), agent: idOfUrn('agent', sub), sign: keyOfJwk(isObject(cnf) ? cnf['jwk'] : undefined) };
}

/** The token that binds `terms.credential`, a credential for this key, to an audience and a moment. Throws `codec_*`. */
export async function bindKey(
  primitives: Primitives,
  holder: Pick<KeyHolder, 'sign'>,
  terms: KeyBindingTerms,
  nowMs: number,
): Promise<string> {
  presentedCredential.parse(terms.credential, 'credential');
  return proveKey(primitives, holder, terms, nowMs);
}

/** As `bindKey`, by whoever holds the last key of `terms.credential`, which may have delegations at its end. */
export async function proveKey(
  primitives: Primitives,
  holder: Pick<KeyHolder, 'sign'>,
  { audience, nonce, credential, harness }: KeyBindingTerms,
  nowMs: number,
): Promise<string> {
  const payload = {
    iat: Math.floor(nowMs / 1000), // [CUSTODY-31]
    aud: audienceName.parse(audience, 'audience'),
    nonce: presentationNonce.parse(nonce, 'nonce'),
    sd_hash: toBase64url(primitives.sha256(utf8(credential))), // [CUSTODY-31]
    ...(harness !== undefined && { harness: toBase64url(digest.parse(harness, 'harness')) }), // [PRESENT-13]
  };
  const input = tokenInput('kb+jwt', {}, payload);
  return compactToken(input, await holder.sign('kb+jwt', input));
}
