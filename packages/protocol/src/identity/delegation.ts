// Children of an agent, as a verifier sees them, spec/delegation.md: from the agent's own credential each hop gives less, signed by the key before it.
// Checked offline, up to the operator's root; shaped as draft-ietf-oauth-delegate-sd-jwt.

import { toHex } from '../codec/bytes.ts';
import type { Infer } from '../codec/schema.ts';
import { HoldfastError } from '../errors.ts';
import { assertWithin, delegation, maxDelegationDepth, maxDelegationMs, type Leave } from '../custody/delegation.ts';
import { keyOfJwk, type PublicJwk } from '../keys/jws.ts';
import { idOfUrn } from '../keys/urn.ts';
import type { Primitives } from '../primitives/primitives.ts';
import { boundKey, type CredentialStatement } from './credential.ts';
import { sdHashOf } from './sd-jwt.ts';
import { verifyToken } from './token.ts';

const maxClockSkewS = 300;

/** Who presents in the end, and with what. */
export interface Presenter extends Leave {
  readonly key: PublicJwk;
  /** Hex ids, from the agent's child down; empty: the agent itself. */
  readonly children: readonly string[];
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
  let hop: Presenter = {
    key: boundKey(statement),
    capabilities: statement.capabilities,
    expiresAtMs: statement.expiresAtMs,
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
  parent: Presenter,
  { token, hashed, nowMs }: { readonly token: string; readonly hashed: string; readonly nowMs: number },
): Promise<Presenter> {
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
  const { iat, exp, cnf, sub: _sub, sd_hash: hash, ...leave } = given;
  if (hash !== sdHashOf(primitives, hashed))
    throw new HoldfastError('delegation_invalid', 'a delegation is of something else than what is presented'); // [DELEGATE-2]
  const hop = { ...leave, expiresAtMs: exp * 1000 };
  assertWithin(hop, parent);
  if ((exp - iat) * 1000 > maxDelegationMs) throw new HoldfastError('delegation_exceeded', 'a child lives an hour at most'); // [DELEGATE-4]
  const nowS = Math.floor(nowMs / 1000);
  if (iat > nowS + maxClockSkewS || exp <= iat) throw new HoldfastError('delegation_invalid', 'a delegation is of no time'); // [DELEGATE-4]
  if (nowS >= exp) throw new HoldfastError('delegation_expired', 'a delegation is over'); // [DELEGATE-4]
  return { ...hop, key: cnf.jwk, children: [...parent.children, child] };
}
