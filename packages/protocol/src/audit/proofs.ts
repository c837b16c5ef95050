// What comes with a log so that its uses can be judged elsewhere, spec/authority.md: the fleet's devices, the agent's credentials and the warrants that
// the log names. Nothing of it is believed but what leads to the fleet's root.

import { equalBytes, fromBase64url, fromHex, toBase64url, toHex, utf8 } from '../codec/bytes.ts';
import type { Json, JsonObject } from '../codec/json.ts';
import { HoldfastError, type ErrorCode } from '../errors.ts';
import { readCredential, verifyIssued } from '../identity/credential.ts';
import { deviceIdOf } from '../identity/genesis-device.ts';
import { splitSdJwt } from '../identity/sd-jwt.ts';
import { issuerOf, maxTokenBytes, readHeader, type FleetRoot } from '../identity/token.ts';
import { keyOfJwk, readToken, type PublicJwk } from '../keys/jws.ts';
import { idOfUrn } from '../keys/urn.ts';
import type { Primitives } from '../primitives/primitives.ts';
import { readWarrant, verifyWarrant, type Warrant } from '../vault/warrant.ts';

/** A device that signs no more: what it dates later, or what the log shows later, counts for nothing. */
export interface EndedDevice {
  readonly device: Uint8Array;
  readonly atMs: number;
}

/** What an auditor knows of a fleet from its operator. [AUTHORITY-8] */
export interface TrustedRoot {
  readonly root: FleetRoot;
  readonly removed: readonly EndedDevice[];
}

export interface Proofs extends TrustedRoot {
  /** The links from the root to each device; of the root itself none is needed. */
  readonly chains: readonly (readonly string[])[];
  /** Without disclosures, newest last. */
  readonly credentials: readonly string[];
  /** Of grants and rule sets. */
  readonly warrants: readonly Uint8Array[];
}

const fault = (why: string): never => {
  throw new HoldfastError('bundle_shape', `no proofs of authority: ${why}`);
};

const textsOf = (value: Json | undefined, name: string): readonly string[] =>
  Array.isArray(value) && value.every((each) => typeof each === 'string') ? value : fault(name);

/** As the first line of a bundle holds them. [AUTHORITY-7] */
export function proofsJson({ root, removed, chains, credentials, warrants }: Proofs): JsonObject {
  return {
    root: { ...rootJson({ root, removed }) },
    chains: chains.map((chain) => [...chain]),
    credentials: [...credentials],
    warrants: warrants.map(toBase64url),
  };
}

/** What `holdfast root` prints, for auditors. */
export function rootJson({ root, removed }: TrustedRoot): JsonObject {
  const ended = removed.map(({ device, atMs }) => ({ device: toHex(device), atMs }));
  return { fleet: root.fleet, key: { ...root.key }, ...(ended.length > 0 && { removed: ended }) };
}

/** Throws `bundle_shape`. */
export function trustedRootIn(value: Json | undefined): TrustedRoot {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return fault('the root is missing');
  const { fleet, key, removed = [] } = value as JsonObject;
  if (typeof fleet !== 'string' || fromHex(fleet)?.length !== 32 || !Array.isArray(removed)) return fault('the root is none');
  const ended = (removed as readonly Json[]).map((each) => {
    const { device, atMs } = (each ?? {}) as { readonly device?: Json; readonly atMs?: Json };
    const id = typeof device === 'string' ? fromHex(device) : undefined;
    return id?.length === 16 && Number.isSafeInteger(atMs)
      ? { device: id, atMs: Number(atMs) }
      : fault('a removed device is none');
  });
  try {
    keyOfJwk(key);
  } catch {
    return fault('the root has no key');
  }
  return { root: { fleet, key: key as unknown as PublicJwk }, removed: ended };
}

/** Throws `bundle_shape`. */
export function proofsIn(value: Json | undefined): Proofs {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return fault('there are none');
  const { root, chains, credentials, warrants } = value as JsonObject;
  if (!Array.isArray(chains)) return fault('the devices are missing');
  return {
    ...trustedRootIn(root),
    chains: (chains as readonly Json[]).map((chain) => textsOf(chain, 'a chain is none')),
    credentials: textsOf(credentials, 'the credentials are missing'),
    warrants: textsOf(warrants, 'the warrants are missing').map((each) => fromBase64url(each) ?? fault('a warrant is none')),
  };
}

/** A warrant whose device and signature hold; or why not. */
export type Checked =
  | { readonly warrant: Warrant; readonly code?: undefined }
  | { readonly code: ErrorCode; readonly warrant?: undefined };

/** What of the proofs holds. */
export class VerifiedProofs {
  readonly #primitives: Primitives;
  readonly #fleet: string;
  readonly #removed: readonly EndedDevice[];
  readonly #keys = new Map<string, Uint8Array>();
  readonly #warrants = new Map<string, Checked>();
  readonly #bound: { readonly sign: Uint8Array; readonly expiresAtMs: number }[] = [];

  private constructor(primitives: Primitives, { root, removed }: TrustedRoot) {
    this.#primitives = primitives;
    this.#fleet = root.fleet;
    this.#removed = removed;
  }

  static async of(primitives: Primitives, proofs: Proofs, agent: Uint8Array): Promise<VerifiedProofs> {
    const made = new VerifiedProofs(primitives, proofs);
    for (const chain of [[], ...proofs.chains]) await made.#admit(proofs.root, { chain: [...chain] }).catch(() => undefined); // who is not reached is nobody
    for (const credential of proofs.credentials) await made.#bind(proofs.root, credential, agent);
    for (const wire of proofs.warrants) {
      const warrant = readWarrant(primitives, wire);
      made.#warrants.set(toHex(warrant.digest), await made.check(warrant, warrant.said.atMs));
    }
    return made;
  }

  /** Whether one of these keys is not the agent's, or none of its credentials was in force then. [AUTHORITY-9] */
  faultOfAgent(keys: readonly Uint8Array[], atMs: number): ErrorCode | undefined {
    const known = keys.every((key) => this.#bound.some(({ sign }) => equalBytes(sign, key)));
    if (!known) return 'credential_invalid';
    return this.#bound.some(({ expiresAtMs }) => atMs < expiresAtMs) ? undefined : 'credential_expired';
  }

  /** By the digest that an event names, as the log first showed it at `shownAtMs`. */
  warrant(digest: Uint8Array | undefined, shownAtMs: number): Checked {
    const found = digest && this.#warrants.get(toHex(digest));
    if (found === undefined) return { code: 'warrant_missing' };
    return found.code === undefined && this.#hadEnded(found.warrant.said.device, found.warrant.said.atMs, shownAtMs)
      ? { code: 'device_unknown' }
      : found;
  }

  /** Of a rule set that the log has not told of yet. */
  ofRules(version: number): Uint8Array | undefined {
    for (const { warrant } of this.#warrants.values())
      if (warrant?.said.kind === 'rules' && warrant.said.version === version) return warrant.digest;
    return undefined;
  }

  /** One that stands in the log. [AUTHORITY-10] */
  async check(warrant: Warrant, shownAtMs: number): Promise<Checked> {
    const { fleet, device, atMs } = warrant.said;
    const key = this.#keys.get(toHex(device));
    if (toHex(fleet) !== this.#fleet) return { code: 'warrant_invalid' };
    if (key === undefined || this.#hadEnded(device, atMs, shownAtMs)) return { code: 'device_unknown' };
    try {
      await verifyWarrant(this.#primitives, warrant, key);
      return { warrant };
    } catch {
      return { code: 'warrant_invalid' };
    }
  }

  /** Whether the device had been removed by any of these times. */
  #hadEnded(device: Uint8Array, ...timesMs: readonly number[]): boolean {
    return this.#removed.some((each) => equalBytes(each.device, device) && !(Math.max(...timesMs) < each.atMs));
  }

  /** The device at the end of a chain in which each is named by its key, and was added by one that had not been removed. [AUTHORITY-10] */
  async #admit(root: FleetRoot, header: JsonObject): Promise<void> {
    const { device, key } = await issuerOf(this.#primitives, root, header);
    let by = deviceIdOf(this.#primitives, keyOfJwk(root.key));
    for (const link of (header['chain'] ?? []) as readonly string[]) {
      const { sub, iat, cnf } = readToken(link, maxTokenBytes).payload;
      const id = deviceIdOf(this.#primitives, keyOfJwk((cnf as JsonObject)['jwk']));
      if (!equalBytes(id, idOfUrn('device', sub)) || this.#hadEnded(by, 1000 * Number(iat)))
        throw new HoldfastError('device_unknown', 'a link of the chain is none');
      by = id;
    }
    this.#keys.set(toHex(device), keyOfJwk(key));
  }

  async #bind(root: FleetRoot, credential: string, agent: Uint8Array): Promise<void> {
    try {
      const parts = splitSdJwt(credential, maxTokenBytes);
      const { issuedAtMs } = readCredential(utf8(credential));
      await this.#admit(root, readHeader('dc+sd-jwt', parts.issuer).header);
      const said = await verifyIssued(this.#primitives, parts, { root, nowMs: issuedAtMs });
      if (!this.#hadEnded(said.device, issuedAtMs) && equalBytes(said.agent, agent))
        this.#bound.push({ sign: said.confirm.sign, expiresAtMs: said.expiresAtMs });
    } catch {
      // it binds nothing
    }
  }
}
