// An agent's credential, spec/credential.md: an operator device states whose keys these are and what the agent may claim to be.
// Self-contained: whoever knows the fleet's id can check it, offline and without reading the journal.

import { concat, equalBytes, utf8 } from '../codec/bytes.ts';
import { bytesUpTo, decode, encode, integer, list, literal, record, refine, type Infer } from '../codec/schema.ts';
import { HoldfastError } from '../errors.ts';
import { controlTopic, entryStatement, maxEntryBytes, noHash, type EntryStatement } from '../blind/entry.ts';
import { capability, custodyLevel, machineName, scopeName } from '../blind/pairing-offer.ts';
import { statementHash, verifySignature } from '../keys/domain.ts';
import type { KeyHolder } from '../keys/key-holder.ts';
import { digest, fleetId, principalId, signature, signPublicKey, wallClockMs, type PublicKeys } from '../keys/public-keys.ts';
import type { Primitives } from '../primitives/primitives.ts';

/** DESIGN §4: 30 days of life. */
export const credentialLifeMs = 30 * 24 * 3_600_000;
export const maxCredentialBytes = 16 * 1024;
/** The genesis statement: names, two pairs of public keys, and room for the rest. */
const maxGenesisBytes = 8 * 1024;

export const credentialStatement = refine(
  record({
    v: literal(1),
    fleet: fleetId,
    agent: principalId,
    /** The keys that the agent must prove to have: the signing key itself, the sealing key by its SHA-256. */
    confirm: record({ sign: signPublicKey, seal: digest }),
    scope: scopeName,
    machine: machineName,
    custody: custodyLevel,
    capabilities: list(capability, { max: 32 }),
    issuedAtMs: integer(wallClockMs),
    expiresAtMs: integer(wallClockMs),
    /** The agent's place in the fleet's status list: the control position of its enrolment. */
    statusIndex: integer({ max: 2 ** 48 }),
    issuer: record({ device: principalId, sign: signPublicKey }),
    /** From the fleet's root to the issuer: the statement of the genesis entry, whose hash is the fleet's id and which names the device. */
    genesis: bytesUpTo(maxGenesisBytes),
  }),
  (statement, path) => {
    const lifeMs = statement.expiresAtMs - statement.issuedAtMs;
    if (lifeMs > 0 && lifeMs <= credentialLifeMs) return statement;
    throw new HoldfastError('codec_shape', `${path || 'credential'}: life of up to 30 days expected`); // [CREDENTIAL-2]
  },
);
export type CredentialStatement = Infer<typeof credentialStatement>;

const signedCredential = record({ statement: bytesUpTo(maxCredentialBytes), signature });

/** [CREDENTIAL-3] The id of the device that makes a fleet: it follows from the device's key, so the genesis entry's hash binds both. */
export function deviceIdOf(primitives: Primitives, signKey: Uint8Array): Uint8Array {
  return primitives.sha256(utf8('holdfast/v1 device\0'), signKey).slice(0, 16);
}

/** What `confirm` says of an agent's keys. */
export function confirmationOf(primitives: Primitives, keys: PublicKeys): CredentialStatement['confirm'] {
  return { sign: keys.sign, seal: primitives.sha256(keys.seal) };
}

/** Signs a credential as the device `holder`. Throws `codec_*` for what no verifier would accept. */
export async function issueCredential(holder: Pick<KeyHolder, 'sign'>, statement: CredentialStatement): Promise<Uint8Array> {
  const statementBytes = encode(credentialStatement, statement);
  return encode(signedCredential, { statement: statementBytes, signature: await holder.sign('credential', statementBytes) });
}

/** What a credential says, unverified: for comparing, never for believing. Throws `codec_*`. */
export function readCredential(wire: Uint8Array): CredentialStatement {
  return decode(credentialStatement, decode(signedCredential, wire, maxCredentialBytes).statement, maxCredentialBytes);
}

function invalid(message: string, cause?: unknown): never {
  throw new HoldfastError('credential_invalid', message, { cause });
}

/**
 * Checks a genesis statement against the fleet's id and a device: only the device whose key made the fleet fits.
 * Throws `credential_invalid`.
 */
export function assertGenesisDevice(
  primitives: Primitives,
  genesis: Uint8Array,
  { fleet, device, sign }: { fleet: Uint8Array; device: Uint8Array; sign: Uint8Array },
): void {
  if (!equalBytes(statementHash(primitives, 'entry', genesis), fleet)) invalid("the genesis entry is not this fleet's"); // [CREDENTIAL-4]
  let statement: EntryStatement;
  try {
    statement = decode(entryStatement, genesis, maxEntryBytes);
  } catch (cause) {
    return invalid('the genesis entry is none', cause);
  }
  const first = statement.position === 0 && equalBytes(concat(statement.fleet, statement.previous), concat(noHash, noHash));
  if (!first || !equalBytes(statement.topic, controlTopic)) invalid('the genesis entry is none'); // [CREDENTIAL-4]
  if (!equalBytes(statement.author, device) || !equalBytes(deviceIdOf(primitives, sign), device)) {
    invalid('the device did not make this fleet'); // [CREDENTIAL-3]
  }
}

/**
 * The statement of a credential that is in force at `nowMs` for the fleet that the verifier trusts and the keys that the holder proved
 * to have; none of them is optional. Whether it was revoked is asked of the status list. Throws `credential_invalid`, `credential_expired`.
 */
export async function verifyCredential(
  primitives: Primitives,
  wire: Uint8Array,
  expected: { fleet: Uint8Array; keys: PublicKeys; nowMs: number },
): Promise<CredentialStatement> {
  let outer: Infer<typeof signedCredential>;
  let statement: CredentialStatement;
  try {
    outer = decode(signedCredential, wire, maxCredentialBytes); // [CREDENTIAL-1]
    statement = decode(credentialStatement, outer.statement, maxCredentialBytes);
  } catch (cause) {
    return invalid('credential is malformed', cause);
  }
  if (!equalBytes(statement.fleet, expected.fleet)) invalid('credential is of another fleet'); // [CREDENTIAL-5]
  const { issuer, confirm } = statement;
  assertGenesisDevice(primitives, statement.genesis, { fleet: expected.fleet, device: issuer.device, sign: issuer.sign });
  try {
    await verifySignature(primitives, { domain: 'credential', ...outer, publicKey: issuer.sign });
  } catch (cause) {
    return invalid('credential is not signed by its issuer', cause); // [CREDENTIAL-6]
  }
  const held = confirmationOf(primitives, expected.keys);
  if (!equalBytes(confirm.sign, held.sign) || !equalBytes(confirm.seal, held.seal)) invalid('credential is for other keys'); // [CREDENTIAL-7]
  if (expected.nowMs < statement.issuedAtMs - maxClockSkewMs) invalid('credential is from the future'); // [CREDENTIAL-8]
  if (expected.nowMs >= statement.expiresAtMs) {
    throw new HoldfastError('credential_expired', 'credential has expired', { next: 'enroll the agent again' }); // [CREDENTIAL-8]
  }
  return statement;
}

/** Issuer and verifier are different machines; a pulse may be as far ahead. */
const maxClockSkewMs = 5 * 60_000;
