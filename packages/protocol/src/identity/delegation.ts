// Children of an agent, as a verifier sees them, spec/delegation.md: from the agent's own credential each hop gives less, signed by the key before it.
// Checked offline, up to the operator's root; shaped as draft-ietf-oauth-delegate-sd-jwt.

import { toHex } from '../codec/bytes.ts';
import { integer, list, literal, optional, record, text, type Infer } from '../codec/schema.ts';
import { HoldfastError } from '../errors.ts';
import { capability } from '../blind/pairing-offer.ts';
import { maxDelegationDepth, maxDelegationMs } from '../custody/delegation.ts';
import { audienceName } from '../custody/key-binding.ts';
import { keyOfJwk, type PublicJwk } from '../keys/jws.ts';
import { idOfUrn } from '../keys/urn.ts';
import type { Primitives } from '../primitives/primitives.ts';
import { boundKey, type CredentialStatement } from './credential.ts';
import { sdHashOf } from './sd-jwt.ts';
import { verifyToken } from './token.ts';

const numericDate = integer({ max: 253_402_300_799 });
const maxClockSkewS = 300;
const delegation = record({
  iat: numericDate,
  exp: numericDate,
  sub: text({ max: 128 }),
  cnf: record({ jwk: record({ kty: literal('EC'), crv: literal('P-256'), x: text({ max: 43 }), y: text({ max: 43 }) }) }),
  capabilities: list(capability, { max: 32 }),
  depth: integer({ max: maxDelegationDepth }),
  audiences: optional(list(audienceName, { min: 1, max: 16 })),
  sd_hash: text({ min: 43, max: 43 }),
});

/** Who presents in the end, and with what. */
export interface Presenter {
  readonly key: PublicJwk;
  readonly capabilities: readonly string[];
  readonly expiresAtMs: number;
  /** Undefined: any. */
  readonly audiences: readonly string[] | undefined;
  /** Hex ids, from the agent's child down; empty: the agent itself. */
  readonly children: readonly string[];
}

interface Hop extends Presenter {
  readonly depth: number;
}

/**
 * Follows the tokens from the agent's credential to whoever holds the last key. `before`: what was presented in front of the first of them. Throws
 * `delegation_invalid`, `delegation_exceeded`, `delegation_expired`, and what `verifyToken` throws.
 */
export async function followDelegations(
  primitives: Primitives,
  {
    statement,
    before,
    tokens,
  }: { readonly statement: CredentialStatement; readonly before: string; readonly tokens: readonly string[] },
  nowMs: number,
): Promise<Presenter> {
  let hashed = before;
  let hop: Hop = {
    key: boundKey(statement),
    capabilities: statement.capabilities,
    expiresAtMs: statement.expiresAtMs,
    audiences: undefined,
    children: [],
    depth: maxDelegationDepth,
  };
  for (const token of tokens) {
    hop = await nextHop(primitives, hop, { token, hashed, nowMs });
    hashed += `${token}~`;
  }
  return hop;
}

async function nextHop(
  primitives: Primitives,
  parent: Hop,
  { token, hashed, nowMs }: { readonly token: string; readonly hashed: string; readonly nowMs: number },
): Promise<Hop> {
  const { payload } = await verifyToken('kb+sd-jwt', token, { key: parent.key, forged: 'delegation_invalid' }); // [DELEGATE-1]
  let given: Infer<typeof delegation>;
  let child: string;
  try {
    given = delegation.parse(payload, 'delegation');
    child = toHex(idOfUrn('child', given.sub));
    keyOfJwk(given.cnf.jwk);
  } catch (cause) {
    throw new HoldfastError('delegation_invalid', 'a delegation has another form', { cause }); // [DELEGATE-1]
  }
  const { iat, exp, capabilities, depth, audiences, cnf, sd_hash: hash } = given;
  if (hash !== sdHashOf(primitives, hashed))
    throw new HoldfastError('delegation_invalid', 'a delegation is of something else than what is presented'); // [DELEGATE-2]
  const exceeds =
    !capabilities.every((each) => parent.capabilities.includes(each)) || // [DELEGATE-3]
    exp * 1000 > parent.expiresAtMs || // [DELEGATE-4]
    (exp - iat) * 1000 > maxDelegationMs || // [DELEGATE-4]
    depth >= parent.depth || // [DELEGATE-5]
    (parent.audiences !== undefined && !(audiences ?? []).every((each) => parent.audiences?.includes(each))) || // [DELEGATE-6]
    (parent.audiences !== undefined && audiences === undefined); // [DELEGATE-6]
  if (exceeds) throw new HoldfastError('delegation_exceeded', 'a child has more than its parent');
  const nowS = Math.floor(nowMs / 1000);
  if (iat > nowS + maxClockSkewS || exp <= iat) throw new HoldfastError('delegation_invalid', 'a delegation is of no time'); // [DELEGATE-4]
  if (nowS >= exp) throw new HoldfastError('delegation_expired', 'a delegation is over'); // [DELEGATE-4]
  return { key: cnf.jwk, capabilities, expiresAtMs: exp * 1000, audiences, children: [...parent.children, child], depth };
}
