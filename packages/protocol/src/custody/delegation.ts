// An agent gives a child less than it has, spec/delegation.md: a token by the parent's key that names the child's key and what is left of the
// parent's leave. Custody builds it from typed fields, and refuses what no verifier would accept.

import { fromBase64url, toBase64url, utf8 } from '../codec/bytes.ts';
import { parseJson, type Json } from '../codec/json.ts';
import { integer, list, optional, record, type Infer } from '../codec/schema.ts';
import { HoldfastError } from '../errors.ts';
import { capability } from '../blind/pairing-offer.ts';
import { compactToken, jwkOf, readToken, tokenInput } from '../keys/jws.ts';
import type { KeyHolder } from '../keys/key-holder.ts';
import { principalId, signPublicKey } from '../keys/public-keys.ts';
import { urnOf } from '../keys/urn.ts';
import type { Primitives } from '../primitives/primitives.ts';
import { audienceName } from './key-binding.ts';

/** How far below an agent there may be children. [DELEGATE-5] */
export const maxDelegationDepth = 3;
/** A child that is not renewed ends by itself. [DELEGATE-4] */
export const maxDelegationMs = 3_600_000;

/** What a child gets. */
export const delegationTerms = record({
  child: principalId,
  /** The child's signing key. */
  key: signPublicKey,
  capabilities: list(capability, { max: 32 }),
  /** The services that it may present to; absent: all that its parent may. */
  audiences: optional(list(audienceName, { min: 1, max: 16 })),
  /** How many more children may stand below it. */
  depth: integer({ max: maxDelegationDepth - 1 }),
  lifeS: integer({ min: 1, max: maxDelegationMs / 1000 }),
});
export type DelegationTerms = Infer<typeof delegationTerms>;

/** The capabilities that a credential's disclosures show. Not verified. Throws `codec_*`. */
function capabilitiesShown(credential: string): readonly string[] {
  return credential
    .split('~')
    .slice(1, -1)
    .flatMap((disclosure): string[] => {
      const said: Json = parseJson(fromBase64url(disclosure) ?? new Uint8Array(), 4096);
      const [, value] = Array.isArray(said) && said.length === 2 ? (said as readonly Json[]) : [];
      return typeof value === 'string' ? [value] : [];
    });
}

/**
 * The token by which the holder of `credential` (an issuer's token and disclosures) lets a child go by it. Throws `delegation_exceeded` when the
 * child would get more than its parent has, `codec_*`.
 */
export async function delegate(
  primitives: Primitives,
  holder: Pick<KeyHolder, 'sign'>,
  { credential, ...terms }: DelegationTerms & { readonly credential: string },
  nowMs: number,
): Promise<string> {
  const { child, key, capabilities, audiences, depth, lifeS } = delegationTerms.parse(terms, 'delegation');
  const { exp } = readToken(credential.slice(0, credential.indexOf('~')), 16 * 1024).payload;
  const shown = capabilitiesShown(credential);
  const iat = Math.floor(nowMs / 1000);
  if (!capabilities.every((each) => shown.includes(each)) || iat + lifeS > Number(exp))
    throw new HoldfastError('delegation_exceeded', 'a child gets no more than its parent has'); // [DELEGATE-3] [DELEGATE-4] [CUSTODY-32]
  const payload = {
    iat,
    exp: iat + lifeS,
    sub: urnOf('child', child),
    cnf: { jwk: { ...jwkOf(key) } },
    capabilities,
    depth,
    ...(audiences !== undefined && { audiences }),
    sd_hash: toBase64url(primitives.sha256(utf8(credential))),
  };
  const input = tokenInput('kb+sd-jwt', {}, payload);
  return compactToken(input, await holder.sign('kb+sd-jwt', input));
}
