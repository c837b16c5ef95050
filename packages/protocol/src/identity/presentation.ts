// Proving who one is, spec/presentation.md: a credential, what its holder shows of it, and a fresh token by the key that it names. The verifier
// has no lenient path: what it compares with is never optional.

import { equalBytes, fromBase64url, toBase64url, toHex, utf8 } from '../codec/bytes.ts';
import { integer, optional, record, text, type Infer } from '../codec/schema.ts';
import { HoldfastError } from '../errors.ts';
import type { Verified } from '../blind/entry.ts';
import type { CustodyLevel } from '../blind/pairing-offer.ts';
import { audienceName, presentationNonce } from '../custody/key-binding.ts';
import { readToken } from '../keys/jws.ts';
import type { Primitives } from '../primitives/primitives.ts';
import { verifyIssued, type CredentialStatement, type CustodyEvidence } from './credential.ts';
import { followDelegations, type Presenter } from './delegation.ts';
import { sdHashOf, splitSdJwt, type SdJwtParts } from './sd-jwt.ts';
import { readHeader, verifyToken, type FleetRoot } from './token.ts';

const maxPresentationBytes = 32 * 1024;
/** How far its time may be from the verifier's, either way. */
const presentationAgeS = 60;

const keyBinding = record({
  iat: integer({ max: 253_402_300_799 }),
  aud: audienceName,
  nonce: presentationNonce,
  sd_hash: text({ min: 43, max: 43 }),
  harness: optional(text({ min: 43, max: 43 })),
});

/** What a verifier holds a presentation against. */
export interface Expected {
  readonly root: FleetRoot;
  /** What this verifier calls itself. */
  readonly audience: string;
  /** The nonce that it gave out for this one presentation; null: the presenter made one up, and `firstUse` alone tells a replay. */
  readonly challenge: string | null;
  /** Asked again when all else was: what took long is judged by the time at which it is taken. */
  nowMs(): number;
  /** True once for each name, until at least `untilMs`; in one step, also where many ask at once. */
  firstUse(name: string, untilMs: number): boolean | Promise<boolean>;
  /**
   * Throws `credential_revoked`, `credential_suspended`, `delegation_revoked`, `status_*` where the credential, or one of these children (hex ids), is not
   * in force by the fleet's status list.
   */
  assertInForce(statement: CredentialStatement, children: readonly string[]): Promise<void>;
}

/** Who has proved to be there. Only what was disclosed stands in it. */
export interface Presented {
  /** Hex of the ids. */
  readonly fleet: string;
  readonly agent: string;
  /** Who of its children presents, from its own child down; empty: the agent itself. */
  readonly children: readonly string[];
  /** What whoever presents may do. */
  readonly capabilities: readonly string[];
  readonly custody: { readonly level: CustodyLevel; readonly evidence: CustodyEvidence };
  readonly scope: string | undefined;
  readonly machine: string | undefined;
  /** SHA-256, hex, of the program that the session was started with: the word of the agent's machine, not its operator's. */
  readonly harness: string | undefined;
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
  readonly presentedAtMs: number;
}

/** Verifies a presentation whole, or throws: each fault has its own code, spec/presentation.md. */
export async function verifyPresentation(
  primitives: Primitives,
  presentation: string,
  expected: Expected,
): Promise<Verified<Presented>> {
  const parts = split(presentation);
  if (parts.keyBinding === undefined)
    throw new HoldfastError('presentation_unbound', 'nothing proves that the presenter has the key'); // [PRESENT-5]
  const statement = await verifyIssued(primitives, parts, { root: expected.root, nowMs: expected.nowMs() });
  const by = await followDelegations(
    primitives,
    { statement, before: parts.delegated, tokens: parts.delegations },
    expected.nowMs(),
  );
  const bound = await verifyBinding(primitives, parts, parts.keyBinding, { by, expected });
  await expected.assertInForce(statement, by.children); // [PRESENT-11] [DELEGATE-10]
  const untilMs = (bound.iat + presentationAgeS + 1) * 1000;
  // By what is signed, not by the signature, of which a second valid form can be made. [PRESENT-10]
  const name = toBase64url(primitives.sha256(readToken(parts.keyBinding, maxPresentationBytes).input));
  if (!(await expected.firstUse(name, untilMs)))
    throw new HoldfastError('presentation_replayed', 'this presentation was taken before'); // [PRESENT-10]
  // Whoever serves the list chooses how long that takes: the memory may have forgotten meanwhile that it was taken. [PRESENT-10]
  assertOfNow(bound.iat, expected);
  const { fleet, agent, custody, scope, machine, issuedAtMs } = statement;
  const { capabilities, expiresAtMs, children } = by;
  return {
    fleet: toHex(fleet),
    agent: toHex(agent),
    children,
    capabilities,
    custody,
    scope,
    machine,
    harness: bound.harness === undefined ? undefined : toHex(harnessOf(bound.harness)),
    issuedAtMs,
    expiresAtMs,
    presentedAtMs: bound.iat * 1000,
  } as Verified<Presented>;
}

/** The nonce that a presentation answers with; believed by nobody yet. Throws `presentation_malformed`, `presentation_unbound`. */
export function nonceOf(presentation: string): string {
  const { keyBinding: proof } = split(presentation);
  if (proof === undefined) throw new HoldfastError('presentation_unbound', 'nothing proves that the presenter has the key'); // [PRESENT-5]
  const { nonce } = readHeader('kb+jwt', proof, maxPresentationBytes).payload;
  return typeof nonce === 'string' ? nonce : '';
}

function split(presentation: string): SdJwtParts {
  try {
    return splitSdJwt(presentation, maxPresentationBytes);
  } catch (cause) {
    throw new HoldfastError('presentation_malformed', 'the presentation cannot be read', { cause }); // [PRESENT-1]
  }
}

async function verifyBinding(
  primitives: Primitives,
  { hashed }: SdJwtParts,
  token: string,
  { by, expected }: { readonly by: Presenter; readonly expected: Expected },
): Promise<Infer<typeof keyBinding>> {
  const { payload } = await verifyToken('kb+jwt', token, { key: by.key, forged: 'presentation_forged' }); // [PRESENT-6]
  let bound: Infer<typeof keyBinding>;
  try {
    bound = keyBinding.parse(payload, 'key binding');
  } catch (cause) {
    throw new HoldfastError('presentation_malformed', 'the proof of the key has another form', { cause }); // [PRESENT-1]
  }
  if (bound.harness !== undefined) harnessOf(bound.harness); // [PRESENT-1]
  if (!sameText(bound.sd_hash, sdHashOf(primitives, hashed)))
    throw new HoldfastError('presentation_hash', 'the proof of the key is for another presentation'); // [PRESENT-7]
  if (!sameText(bound.aud, expected.audience))
    throw new HoldfastError('presentation_audience', 'the presentation is for somebody else'); // [PRESENT-9]
  if (by.audiences?.includes(expected.audience) === false)
    throw new HoldfastError('delegation_exceeded', 'this child may not present here'); // [DELEGATE-6]
  if (expected.challenge !== null && !sameText(bound.nonce, expected.challenge))
    throw new HoldfastError('presentation_nonce', 'the presentation answers another challenge'); // [PRESENT-9]
  assertOfNow(bound.iat, expected); // [PRESENT-9]
  return bound;
}

function harnessOf(said: string): Uint8Array {
  const digest = fromBase64url(said);
  if (digest?.length === 32) return digest;
  throw new HoldfastError('presentation_malformed', 'the proof of the key has another form');
}

function assertOfNow(iat: number, { nowMs }: Pick<Expected, 'nowMs'>): void {
  if (Math.abs(Math.floor(nowMs() / 1000) - iat) > presentationAgeS)
    throw new HoldfastError('presentation_time', 'the presentation is not of now');
}

function sameText(a: string, b: string): boolean {
  return equalBytes(utf8(a), utf8(b));
}
