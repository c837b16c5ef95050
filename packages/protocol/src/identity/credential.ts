// An agent's credential, spec/credential.md: an SD-JWT VC by which an operator's device states whose key this is and what its holder may
// claim to be. Whoever has the fleet's root can check it, offline and without reading the journal.

import { equalBytes, fromBase64url, toBase64url, utf8 } from '../codec/bytes.ts';
import type { JsonObject } from '../codec/json.ts';
import { integer, list, literal, oneOf, optional, record, text, type Infer } from '../codec/schema.ts';
import { HoldfastError } from '../errors.ts';
import { capability, custodyLevel, machineName, scopeName, type CustodyLevel } from '../blind/pairing-offer.ts';
import { compactToken, jwkOf, keyOfJwk, readToken, tokenInput, type PublicJwk } from '../keys/jws.ts';
import type { KeyHolder } from '../keys/key-holder.ts';
import type { PublicKeys } from '../keys/public-keys.ts';
import { idOfUrn, urnOf } from '../keys/urn.ts';
import type { Primitives } from '../primitives/primitives.ts';
import { conceal, Hidden, joinSdJwt, readDisclosure, reveal, splitSdJwt, type SdJwtParts } from './sd-jwt.ts';
import { maxStatusIndex } from './status-list.ts';
import { fleetOf, issuerOf, maxTokenBytes, readHeader, verifyToken, type FleetRoot } from './token.ts';

/** DESIGN §4: 30 days of life. */
export const credentialLifeMs = 30 * 24 * 3_600_000;
export const maxCredentialBytes = 16 * 1024;
/** Issuer and verifier are different machines; a pulse may be as far ahead. */
const maxClockSkewMs = 5 * 60_000;

/** What kind of credential this is, and the hash of the document that describes it: spec/credential-type.json. [CREDENTIAL-11] */
export const credentialType = 'urn:holdfast:agent:1';
export const credentialTypeIntegrity = 'sha256-W03tC93Yu/W+lovjsqTBMVCnIRdxlk/VgrC/+JvKhzw=';

/** `attested`: the key store proved itself to a root that the operator installed; otherwise the machine says so. */
export const custodyEvidence = oneOf('claimed', 'attested');
export type CustodyEvidence = Infer<typeof custodyEvidence>;

/** Claims that the holder may keep to itself; the elements of `capabilities` as well. */
const hideable: ReadonlySet<string> = new Set(['machine', 'scope']);

const numericDate = integer({ max: 253_402_300_799 });
const claims = record({
  iss: text({ max: 128 }),
  sub: text({ max: 128 }),
  vct: literal(credentialType),
  'vct#integrity': literal(credentialTypeIntegrity),
  iat: numericDate,
  exp: numericDate,
  /** The agent's signing key. */
  cnf: record({ jwk: record({ kty: literal('EC'), crv: literal('P-256'), x: text({ max: 43 }), y: text({ max: 43 }) }) }),
  /** Of its sealing key: SHA-256, base64url. */
  seal_hash: text({ min: 43, max: 43 }),
  /** The device that issued it. */
  operator: text({ max: 128 }),
  custody: record({ level: custodyLevel, evidence: custodyEvidence }),
  capabilities: list(capability, { max: 32 }),
  status: record({ status_list: record({ idx: integer({ max: maxStatusIndex }), uri: text({ min: 1, max: 2048 }) }) }),
  scope: optional(scopeName),
  machine: optional(machineName),
});

/** What a credential says, in our terms. `scope`, `machine` and each capability only as far as they are disclosed. */
export interface CredentialStatement {
  readonly fleet: Uint8Array;
  readonly agent: Uint8Array;
  /** The device that issued it. */
  readonly device: Uint8Array;
  readonly confirm: { readonly sign: Uint8Array; readonly seal: Uint8Array };
  readonly scope: string | undefined;
  readonly machine: string | undefined;
  readonly custody: { readonly level: CustodyLevel; readonly evidence: CustodyEvidence };
  readonly capabilities: readonly string[];
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
  /** The agent's place in the fleet's status list (the control position of its enrolment), and where that list is. */
  readonly status: { readonly index: number; readonly uri: string };
}

function invalid(message: string, cause?: unknown): never {
  throw new HoldfastError('credential_invalid', message, { cause });
}

/** What `confirm` says of an agent's keys. */
export function confirmationOf(primitives: Primitives, keys: PublicKeys): CredentialStatement['confirm'] {
  return { sign: keys.sign, seal: primitives.sha256(keys.seal) };
}

/**
 * Signs a credential as the device `holder`, everything hidden that may be; times count in whole seconds. `chain`: from the fleet's root to
 * this device, empty for the root itself. Throws `credential_invalid` for what no verifier would accept.
 */
export async function issueCredential(
  primitives: Primitives,
  holder: Pick<KeyHolder, 'sign'>,
  statement: CredentialStatement,
  chain: readonly string[] = [],
): Promise<Uint8Array> {
  const { fleet, agent, device, confirm, scope, machine, custody, capabilities, status } = statement;
  const shown = {
    iss: urnOf('fleet', fleet),
    sub: urnOf('agent', agent),
    vct: credentialType,
    'vct#integrity': credentialTypeIntegrity,
    iat: Math.floor(statement.issuedAtMs / 1000),
    exp: Math.floor(statement.expiresAtMs / 1000),
    cnf: { jwk: { ...jwkOf(confirm.sign) } },
    seal_hash: toBase64url(confirm.seal),
    operator: urnOf('device', device),
    custody,
    status: { status_list: { idx: status.index, uri: status.uri } },
  };
  const { payload, disclosures } = conceal(primitives, {
    ...shown,
    capabilities: capabilities.map((each) => new Hidden(each)),
    ...(scope !== undefined && { scope: new Hidden(scope) }),
    ...(machine !== undefined && { machine: new Hidden(machine) }),
  });
  statementOf(reveal(primitives, payload, disclosures)); // nothing is signed that no reader would accept
  const header = { kid: urnOf('device', device), ...(chain.length > 0 && { chain }) };
  const input = tokenInput('dc+sd-jwt', header, payload);
  const token = compactToken(input, await holder.sign('dc+sd-jwt', input));
  return utf8(joinSdJwt(token, disclosures));
}

/**
 * What a credential says, unverified, its disclosures taken at their word: for comparing, never for believing. Throws `credential_invalid`.
 */
export function readCredential(wire: Uint8Array): CredentialStatement {
  try {
    const { issuer, disclosures, delegations, keyBinding } = splitCredential(wire);
    if (keyBinding !== undefined || delegations.length > 0) invalid('a credential is no presentation');
    const { _sd: _digests, _sd_alg: _algorithm, ...shown } = readToken(issuer, maxTokenBytes).payload;
    const disclosed = disclosures.map(readDisclosure);
    const hidden = disclosed.flatMap(({ claim, value }) => (claim === undefined ? [] : [[claim, value] as const]));
    const capabilities = disclosed.flatMap(({ claim, value }) => (claim === undefined ? [value] : []));
    return statementOf({ ...Object.fromEntries(hidden), ...shown, capabilities });
  } catch (cause) {
    return invalid('credential is malformed', cause); // [CREDENTIAL-1]
  }
}

function splitCredential(wire: Uint8Array): SdJwtParts {
  return splitSdJwt(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(wire), maxCredentialBytes);
}

/** Throws `credential_invalid`. */
function statementOf(said: JsonObject): CredentialStatement {
  let parsed: Infer<typeof claims>;
  try {
    parsed = claims.parse(said, 'credential');
    const { iss, sub, operator, cnf, seal_hash: seal, status } = parsed;
    const lifeS = parsed.exp - parsed.iat;
    if (lifeS <= 0 || lifeS * 1000 > credentialLifeMs) invalid('a credential lives for more than 0 and at most 30 days'); // [CREDENTIAL-2]
    return {
      fleet: idOfUrn('fleet', iss),
      agent: idOfUrn('agent', sub),
      device: idOfUrn('device', operator),
      confirm: { sign: keyOfJwk(cnf.jwk), seal: fromBase64url(seal) ?? invalid('the hash of the sealing key is none') },
      scope: parsed.scope,
      machine: parsed.machine,
      custody: parsed.custody,
      capabilities: parsed.capabilities,
      issuedAtMs: parsed.iat * 1000,
      expiresAtMs: parsed.exp * 1000,
      status: { index: status.status_list.idx, uri: status.status_list.uri },
    };
  } catch (cause) {
    return invalid('credential is malformed', cause); // [CREDENTIAL-1]
  }
}

/**
 * What the issuer's token and these disclosures say, verified up to the fleet's root and in force at `nowMs`. Whether it was revoked is asked
 * of the status list. Throws `presentation_*`, `credential_unbound`, `credential_foreign`, `credential_expired`, `credential_invalid`.
 */
export async function verifyIssued(
  primitives: Primitives,
  { issuer: token, disclosures }: Pick<SdJwtParts, 'issuer' | 'disclosures'>,
  { root, nowMs }: { readonly root: FleetRoot; readonly nowMs: number },
): Promise<CredentialStatement> {
  const { header, payload: unverified } = readHeader('dc+sd-jwt', token);
  if (unverified['iss'] !== urnOf('fleet', fleetOf(root)))
    throw new HoldfastError('credential_foreign', 'the credential is of another fleet'); // [CREDENTIAL-5]
  const { device, key } = await issuerOf(primitives, root, header);
  const { payload } = await verifyToken('dc+sd-jwt', token, { key, forged: 'credential_invalid' }); // [CREDENTIAL-6]
  if (payload['cnf'] === undefined) throw new HoldfastError('credential_unbound', 'the credential names no key'); // [CREDENTIAL-7]
  const said = reveal(primitives, payload, disclosures);
  for (const claim of Object.keys(said)) {
    if (!Object.hasOwn(payload, claim) && !hideable.has(claim)) invalid(`${claim} must not be hidden`); // [CREDENTIAL-10]
  }
  const statement = statementOf(said);
  if (!equalBytes(statement.device, device)) invalid('another device issued the credential than it says'); // [CREDENTIAL-9]
  if (nowMs < statement.issuedAtMs - maxClockSkewMs) invalid('credential is from the future'); // [CREDENTIAL-8]
  if (nowMs >= statement.expiresAtMs) {
    throw new HoldfastError('credential_expired', 'credential has expired', { next: 'its operator renews it: holdfast pulse' }); // [CREDENTIAL-8]
  }
  return statement;
}

/**
 * A whole credential, as its holder keeps it, for the keys that the holder has. Throws as `verifyIssued`, and `credential_invalid` when it is
 * for other keys.
 */
export async function verifyCredential(
  primitives: Primitives,
  wire: Uint8Array,
  expected: { readonly root: FleetRoot; readonly keys: PublicKeys; readonly nowMs: number },
): Promise<CredentialStatement> {
  readCredential(wire); // [CREDENTIAL-1]
  const statement = await verifyIssued(primitives, splitCredential(wire), expected);
  const held = confirmationOf(primitives, expected.keys);
  const { sign, seal } = statement.confirm;
  if (!equalBytes(sign, held.sign) || !equalBytes(seal, held.seal)) invalid('credential is for other keys'); // [CREDENTIAL-7]
  return statement;
}

/** The name of what a disclosure holds: a claim's, or `capability:` and a capability. */
function nameOf(disclosure: string): string {
  const { claim, value } = readDisclosure(disclosure);
  return claim ?? `capability:${typeof value === 'string' ? value : ''}`;
}

/** The credential with the disclosures that its holder chose by their names, ready to be bound to one presentation. Throws `credential_invalid`. */
export function disclose(wire: Uint8Array, shows: (name: string) => boolean): string {
  try {
    const { issuer, disclosures } = splitCredential(wire);
    return joinSdJwt(
      issuer,
      disclosures.filter((each) => shows(nameOf(each))),
    );
  } catch (cause) {
    return invalid('credential is malformed', cause);
  }
}

/** The names of what `disclose` left in. */
export function disclosedIn(credential: string): readonly string[] {
  return splitSdJwt(credential, maxCredentialBytes).disclosures.map(nameOf);
}

/** The root by which a fleet's credentials are verified. */
export function rootOf(fleet: string, deviceKey: Uint8Array): FleetRoot {
  return { fleet, key: jwkOf(deviceKey) };
}

/** The key that a credential is bound to, as a verifier takes it. */
export function boundKey({ confirm }: CredentialStatement): PublicJwk {
  return jwkOf(confirm.sign);
}
