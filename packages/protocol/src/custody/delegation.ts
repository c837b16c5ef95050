// An agent gives a child less than it has, spec/delegation.md: a token by the parent's key that names the child's key and what is left of the
// parent's leave. Custody builds it from typed fields, and refuses what no verifier would accept.

import { fromBase64url, toBase64url, utf8 } from '../codec/bytes.ts';
import { parseJson, type Json } from '../codec/json.ts';
import { bytes, integer, list, literal, optional, record, refine, text, type Infer } from '../codec/schema.ts';
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

const capabilities = list(capability, { max: 32 });
const audiences = optional(list(audienceName, { min: 1, max: 16 }));
/** Where requests may go: a host as URLs have it, and a port. */
export const placeName = refine(
  text({ min: 3, max: 262, pattern: /^(?:[a-z0-9_.-]+|\[[0-9a-f:.]+\]):[1-9][0-9]{0,4}$/ }),
  (place, path) => {
    if (Number(place.slice(place.lastIndexOf(':') + 1)) <= 65_535) return place;
    throw new HoldfastError('codec_shape', `${path || 'place'}: a port up to 65535 expected`);
  },
);
const hosts = optional(list(placeName, { max: 64 }));
const uses = optional(integer({ min: 1, max: 1_000_000 }));
/** Of credentials: a petabyte at most, as a fence has it. */
export const byteShare = integer({ min: 1, max: 1_000_000_000_000_000 });

/** What a child gets. */
export const delegationTerms = record({
  child: principalId,
  /** The child's signing key. */
  key: signPublicKey,
  capabilities,
  /** The services that it may present to; absent, here and below: all that its parent may. */
  audiences,
  /** The grants whose credentials it may use. */
  grants: optional(list(bytes(16), { max: 64 })),
  /** Where its requests may go. */
  hosts,
  /** How often it may use a credential, all of them together. */
  uses,
  /** How much of requests and replies may pass with them. */
  bytes: optional(byteShare),
  /** How many more children may stand below it. */
  depth: integer({ max: maxDelegationDepth - 1 }),
  lifeS: integer({ min: 1, max: maxDelegationMs / 1000 }),
});
export type DelegationTerms = Infer<typeof delegationTerms>;

const numericDate = integer({ max: 253_402_300_799 });
/** A delegation's payload. */
export const delegation = record({
  iat: numericDate,
  exp: numericDate,
  sub: text({ max: 128 }),
  cnf: record({ jwk: record({ kty: literal('EC'), crv: literal('P-256'), x: text({ max: 43 }), y: text({ max: 43 }) }) }),
  capabilities,
  depth: integer({ max: maxDelegationDepth }),
  audiences,
  /** Ids, base64url. */
  grants: optional(list(text({ min: 22, max: 22, pattern: /^[\w-]+$/ }), { max: 64 })),
  hosts,
  uses,
  bytes: optional(byteShare),
  sd_hash: text({ min: 43, max: 43 }),
});

/** What an agent or a child has, and so may hand on. Undefined: nothing is held against it. */
export interface Leave {
  readonly capabilities: readonly string[];
  readonly audiences?: readonly string[] | undefined;
  /** Ids, base64url. */
  readonly grants?: readonly string[] | undefined;
  readonly hosts?: readonly string[] | undefined;
  readonly uses?: number | undefined;
  readonly bytes?: number | undefined;
  readonly depth: number;
  readonly expiresAtMs: number;
}

/** Throws `delegation_exceeded` where a child would have more than its parent on any one axis. */
export function assertWithin(child: Leave, parent: Leave): void {
  const more = (less: number | undefined, all: number | undefined): boolean =>
    all !== undefined && (less ?? Number.POSITIVE_INFINITY) > all;
  const among = (less: readonly string[] | undefined, all: readonly string[] | undefined): boolean =>
    all === undefined || less?.every((each) => all.includes(each)) === true;
  const axis = !among(child.capabilities, parent.capabilities)
    ? 'capabilities' // [DELEGATE-3]
    : child.expiresAtMs > parent.expiresAtMs
      ? 'life' // [DELEGATE-4]
      : child.depth >= parent.depth
        ? 'depth' // [DELEGATE-5]
        : !among(child.audiences, parent.audiences)
          ? 'services' // [DELEGATE-6]
          : !among(child.grants, parent.grants)
            ? 'credentials' // [DELEGATE-8]
            : !among(child.hosts, parent.hosts)
              ? 'hosts' // [DELEGATE-8]
              : more(child.uses, parent.uses)
                ? 'uses' // [DELEGATE-9]
                : more(child.bytes, parent.bytes)
                  ? 'bytes' // [DELEGATE-9]
                  : undefined;
  if (axis !== undefined) throw new HoldfastError('delegation_exceeded', `a child gets no more than its parent has: ${axis}`);
}

/** What the holder of a credential, or of a delegation of it, says that it has. Not verified. Throws `codec_*`. */
function leaveSaid(credential: string): Leave {
  const [issuer = '', ...rest] = credential.split('~').slice(0, -1);
  const last = rest.at(-1);
  if (last?.includes('.') === true) {
    const { exp, ...said } = delegation.parse(readToken(last, 16 * 1024).payload, 'delegation');
    return { ...said, expiresAtMs: exp * 1000 };
  }
  const capabilities = rest.flatMap((disclosure): string[] => {
    const said: Json = parseJson(fromBase64url(disclosure) ?? new Uint8Array(), 4096);
    const [, value] = Array.isArray(said) && said.length === 2 ? (said as readonly Json[]) : [];
    return typeof value === 'string' ? [value] : [];
  });
  return {
    capabilities,
    depth: maxDelegationDepth,
    expiresAtMs: numericDate.parse(readToken(issuer, 16 * 1024).payload['exp'] ?? null, 'exp') * 1000, // [CUSTODY-32]
  };
}

/**
 * The token by which the holder of `credential` (an issuer's token, disclosures, and the delegations down to this holder) lets a child go by it.
 * Throws `delegation_exceeded` when the child would get more than its parent has, `codec_*`.
 */
export async function delegate(
  primitives: Primitives,
  holder: Pick<KeyHolder, 'sign'>,
  { credential, ...terms }: DelegationTerms & { readonly credential: string },
  nowMs: number,
): Promise<string> {
  const {
    child,
    key,
    capabilities,
    audiences,
    grants,
    hosts,
    uses,
    bytes: share,
    depth,
    lifeS,
  } = delegationTerms.parse(terms, 'delegation');
  const iat = Math.floor(nowMs / 1000);
  const leave = {
    capabilities,
    depth,
    ...(audiences !== undefined && { audiences }),
    ...(grants !== undefined && { grants: grants.map(toBase64url) }),
    ...(hosts !== undefined && { hosts }),
    ...(uses !== undefined && { uses }),
    ...(share !== undefined && { bytes: share }),
  };
  assertWithin({ ...leave, expiresAtMs: (iat + lifeS) * 1000 }, leaveSaid(credential)); // [CUSTODY-32]
  const payload = {
    iat,
    exp: iat + lifeS,
    sub: urnOf('child', child),
    cnf: { jwk: { ...jwkOf(key) } },
    ...leave,
    sd_hash: toBase64url(primitives.sha256(utf8(credential))),
  };
  const input = tokenInput('kb+sd-jwt', {}, payload);
  return compactToken(input, await holder.sign('kb+sd-jwt', input));
}
