// Verifying tokens, spec/credential.md: the signature by `jose`, under a key that the verifier has from elsewhere, and nothing that a header
// could talk it into. And how the key of whoever issued one follows from the fleet's root.

import { compactVerify, importJWK } from 'jose';
import { fromHex } from '../codec/bytes.ts';
import type { Json, JsonObject } from '../codec/json.ts';
import { HoldfastError, type ErrorCode } from '../errors.ts';
import { compactToken, keyOfJwk, readToken, tokenInput, type PublicJwk, type TokenType } from '../keys/jws.ts';
import type { KeyHolder } from '../keys/key-holder.ts';
import { idOfUrn, urnOf } from '../keys/urn.ts';
import type { Primitives } from '../primitives/primitives.ts';
import { deviceIdOf } from './genesis-device.ts';

/** What a verifier has to know of a fleet, from its operator: id (hex) and the key of the device that made it. */
export interface FleetRoot {
  readonly fleet: string;
  readonly key: PublicJwk;
}

export const maxTokenBytes = 16 * 1024;
/** Devices between the fleet's root and an issuer. */
const maxChain = 8;
/** What a header may hold. A verifier that takes a key or an address of one from there trusts whoever wrote it. */
const headerMembers: ReadonlySet<string> = new Set(['alg', 'typ', 'kid', 'chain']);
const keyMembers = ['jwk', 'jku', 'x5u', 'x5c', 'x5t', 'x5t#S256'];

export interface VerifiedToken {
  readonly header: JsonObject;
  readonly payload: JsonObject;
}

/**
 * A token of this type whose signature is by `key`. `forged`: the code of a signature that does not verify. Throws it,
 * `presentation_malformed`, `presentation_algorithm`, `presentation_key`, `presentation_critical`.
 */
export async function verifyToken(
  type: TokenType,
  token: string,
  { key, forged, maxBytes = maxTokenBytes }: { readonly key: PublicJwk; readonly forged: ErrorCode; readonly maxBytes?: number },
): Promise<VerifiedToken> {
  const { header, payload } = readHeader(type, token, maxBytes);
  try {
    await assertSigned(token, key);
  } catch (cause) {
    throw new HoldfastError(forged, `the signature of the ${type} does not verify`, { cause });
  }
  return { header, payload };
}

/** That `key` signed the token, by ES256. Throws for whatever else, with whatever the library throws. */
export async function assertSigned(token: string, key: PublicJwk): Promise<void> {
  keyOfJwk(key); // one form of a key, and no member that would tell the library what to do with it
  await compactVerify(token, await importJWK({ ...key }, 'ES256'), { algorithms: ['ES256'] }); // [CREDENTIAL-6]
}

/** What a token says, once its header holds nothing that is refused. Not verified. */
export function readHeader(type: TokenType, token: string, maxBytes = maxTokenBytes): VerifiedToken {
  let read: VerifiedToken;
  try {
    read = readToken(token, maxBytes);
  } catch (cause) {
    throw new HoldfastError('presentation_malformed', `the ${type} cannot be read`, { cause }); // [PRESENT-1]
  }
  const { header } = read;
  const refuse = (code: ErrorCode, why: string): never => {
    throw new HoldfastError(code, `the ${type} ${why}`);
  };
  if (header['alg'] !== 'ES256') refuse('presentation_algorithm', 'is not signed by ES256'); // [PRESENT-2]
  if (keyMembers.some((member) => Object.hasOwn(header, member))) refuse('presentation_key', 'brings a key of its own'); // [PRESENT-3]
  if (Object.hasOwn(header, 'crit')) refuse('presentation_critical', 'asks for what this verifier does not know'); // [PRESENT-4]
  if (header['typ'] !== type) refuse('presentation_malformed', 'is a token of another type'); // [PRESENT-1]
  if (Object.keys(header).some((member) => !headerMembers.has(member))) refuse('presentation_malformed', 'has an unknown header'); // [PRESENT-1]
  return read;
}

export interface Issuer {
  /** The id of the device. */
  readonly device: Uint8Array;
  readonly key: PublicJwk;
}

/** A device's word for another one, a link of the chain that a token's header carries. */
export async function certifyDevice(
  holder: Pick<KeyHolder, 'sign'>,
  {
    fleet,
    device,
    key,
    atMs,
  }: { readonly fleet: Uint8Array; readonly device: Uint8Array; readonly key: PublicJwk; readonly atMs: number },
): Promise<string> {
  const payload = {
    iss: urnOf('fleet', fleet),
    sub: urnOf('device', device),
    iat: Math.floor(atMs / 1000),
    cnf: { jwk: { ...key } },
  };
  const input = tokenInput('device+jwt', {}, payload);
  return compactToken(input, await holder.sign('device+jwt', input));
}

/** The key at the end of a chain that begins with the fleet's root. Throws `credential_invalid` and what `verifyToken` throws. */
export async function issuerOf(primitives: Primitives, root: FleetRoot, header: JsonObject): Promise<Issuer> {
  const chain: Json = header['chain'] ?? [];
  if (!Array.isArray(chain) || chain.length > maxChain || chain.some((link) => typeof link !== 'string'))
    throw new HoldfastError('credential_invalid', 'the chain to the issuer is none'); // [CREDENTIAL-9]
  let issuer: Issuer = { device: deviceIdOf(primitives, rootKey(root)), key: root.key }; // [CREDENTIAL-3]
  for (const link of chain as readonly string[]) {
    const { payload } = await verifyToken('device+jwt', link, { key: issuer.key, forged: 'credential_invalid' }); // [CREDENTIAL-9]
    try {
      if (payload['iss'] !== urnOf('fleet', fleetOf(root)))
        throw new HoldfastError('credential_invalid', 'a device of another fleet');
      const { jwk } = payload['cnf'] as { readonly jwk?: unknown };
      keyOfJwk(jwk);
      issuer = { device: idOfUrn('device', payload['sub']), key: jwk as PublicJwk };
    } catch (cause) {
      throw new HoldfastError('credential_invalid', 'the chain to the issuer does not hold', { cause }); // [CREDENTIAL-9]
    }
  }
  return issuer;
}

function rootKey({ key }: FleetRoot): Uint8Array {
  try {
    return keyOfJwk(key);
  } catch (cause) {
    throw new HoldfastError('credential_invalid', 'the root has no key', { cause });
  }
}

/** The id of the root's fleet. Throws `credential_invalid`. */
export function fleetOf(root: FleetRoot): Uint8Array {
  const fleet = fromHex(root.fleet);
  if (fleet?.length === 32) return fleet;
  throw new HoldfastError('credential_invalid', 'the root names no fleet');
}
