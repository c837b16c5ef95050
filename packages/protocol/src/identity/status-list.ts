// Which of a fleet's credentials are in force, spec/status-list.md: a Token Status List (draft-ietf-oauth-status-list) of two bits an agent, signed
// by an operator device. It is made anew with each pulse and lives as long, so that whoever withholds it stops what it would have told.

import { fromBase64url, toBase64url, toHex } from '../codec/bytes.ts';
import { integer, list, literal, optional, record, refine, text, type Infer } from '../codec/schema.ts';
import { HoldfastError } from '../errors.ts';
import { maxStatusListBytes } from '../blind/status-token.ts';
import { compactToken, tokenInput } from '../keys/jws.ts';
import type { KeyHolder } from '../keys/key-holder.ts';
import { urnOf } from '../keys/urn.ts';
import type { Primitives } from '../primitives/primitives.ts';
import { fleetOf, issuerOf, readHeader, verifyToken, type FleetRoot } from './token.ts';

/** Inflated: two bits for each of the first half million control positions. [STATUS-4] */
const maxInflatedBytes = 128 * 1024;
export const maxStatusIndex = 4 * maxInflatedBytes - 1;
/** Together with the longest list they fit the token. [STATUS-8] */
export const maxRevokedChildren = 512;
/** Where a relay serves a fleet's list; `relayUrl` as people type it, with or without a slash at its end. */
export function statusUriOf(relayUrl: string, fleet: Uint8Array): string {
  return `${relayUrl.replace(/^ws/, 'http').replace(/\/+$/, '')}/status/${toHex(fleet)}`;
}

/** As `ttl`: how long a verifier may go on with the list that it has. */
const statusTtlMs = 60_000;
const maxClockSkewMs = 5 * 60_000;

/** As the draft numbers them. */
const statusValues = { revoked: 1, suspended: 2 } as const;
export type Standing = 'in force' | keyof typeof statusValues;

const numericDate = integer({ max: 253_402_300_799 });
const childIds = list(text({ min: 32, max: 32, pattern: /^[0-9a-f]+$/ }), { min: 1, max: maxRevokedChildren });
const revokedChildrenShape = refine(childIds, (ids, path) => {
  if (ids.every((id, index) => index === 0 || (ids[index - 1] ?? id) < id)) return ids;
  throw new HoldfastError('codec_shape', `${path}: ids in ascending order expected`); // [STATUS-8]
});
const payloadShape = record({
  iss: text({ max: 128 }),
  sub: text({ min: 1, max: 2048 }),
  iat: numericDate,
  exp: numericDate,
  ttl: integer({ min: 1, max: 86_400 }),
  control: integer(),
  status_list: record({ bits: literal(2), lst: text({ max: maxStatusListBytes }) }),
  /** Absent: none. */
  revoked_children: optional(revokedChildrenShape),
});

export interface StatusListTerms {
  readonly fleet: Uint8Array;
  readonly device: Uint8Array;
  /** Where it will be, as credentials name it. */
  readonly uri: string;
  /** By index; what is not named is in force. */
  readonly standings: ReadonlyMap<number, Standing>;
  /** Ids of children that were ended alone, of those that could still present. */
  readonly revokedChildren?: readonly Uint8Array[];
  /** One more than the largest index in use. */
  readonly length: number;
  /** The position of the last control entry that its author has read: lists only go forward. */
  readonly control: number;
  readonly issuedAtMs: number;
  readonly livesMs: number;
}

/** The signed list, as it is served. */
export async function issueStatusList(
  holder: Pick<KeyHolder, 'sign'>,
  { fleet, device, uri, standings, revokedChildren = [], length, control, issuedAtMs, livesMs }: StatusListTerms,
  chain: readonly string[] = [],
): Promise<string> {
  const bytes = new Uint8Array(Math.ceil(Math.max(length, 1) / 4));
  for (const [index, standing] of standings) {
    if (standing !== 'in force') bytes[index >> 2] = (bytes[index >> 2] ?? 0) | (statusValues[standing] << (2 * (index & 3)));
  }
  const iat = Math.floor(issuedAtMs / 1000);
  const children = [...new Set(revokedChildren.map(toHex))].toSorted();
  const payload = {
    iss: urnOf('fleet', fleet),
    sub: uri,
    iat,
    exp: iat + Math.floor(livesMs / 1000),
    ttl: statusTtlMs / 1000,
    control,
    status_list: { bits: 2, lst: toBase64url(await through(new CompressionStream('deflate'), bytes, maxInflatedBytes)) },
    ...(children.length > 0 && { revoked_children: children }), // [STATUS-8]
  };
  const header = { kid: urnOf('device', device), ...(chain.length > 0 && { chain }) };
  const input = tokenInput('statuslist+jwt', header, payload);
  return compactToken(input, await holder.sign('statuslist+jwt', input));
}

/** A list whose signature and age were checked. */
export class StatusList {
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
  /** How long it may be used without asking anew. */
  readonly ttlMs: number;
  readonly #control: number;
  readonly #bytes: Uint8Array;
  readonly #revokedChildren: ReadonlySet<string>;

  private constructor(
    { iat, exp, ttl, control, revoked_children: children = [] }: Infer<typeof payloadShape>,
    bytes: Uint8Array,
  ) {
    this.issuedAtMs = iat * 1000;
    this.expiresAtMs = exp * 1000;
    this.ttlMs = ttl * 1000;
    this.#control = control;
    this.#bytes = bytes;
    this.#revokedChildren = new Set(children);
  }

  /** The list at `uri` of this fleet. Throws `status_forged`, `status_stale`. */
  static async verify(
    primitives: Primitives,
    token: string,
    { root, uri, nowMs }: { readonly root: FleetRoot; readonly uri: string; readonly nowMs: number },
  ): Promise<StatusList> {
    let payload: Infer<typeof payloadShape>;
    let bytes: Uint8Array;
    try {
      const { header } = readHeader('statuslist+jwt', token, maxStatusListBytes);
      const { key } = await issuerOf(primitives, root, header);
      const verified = await verifyToken('statuslist+jwt', token, { key, forged: 'status_forged', maxBytes: maxStatusListBytes }); // [STATUS-1]
      payload = payloadShape.parse(verified.payload, 'status list');
      const list = fromBase64url(payload.status_list.lst);
      if (payload.iss !== urnOf('fleet', fleetOf(root)) || payload.sub !== uri || list === undefined)
        throw new HoldfastError('status_forged', 'the status list is another one'); // [STATUS-2]
      if (payload.iat * 1000 > nowMs + maxClockSkewMs)
        throw new HoldfastError('status_forged', 'the status list is from the future'); // [STATUS-3]
      bytes = await through(new DecompressionStream('deflate'), list, maxInflatedBytes); // [STATUS-4]
    } catch (cause) {
      throw new HoldfastError('status_forged', "this is no status list of the fleet's operator", { cause });
    }
    const list = new StatusList(payload, bytes);
    list.assertFresh(nowMs);
    return list;
  }

  /** Made earlier than another one, or by somebody who had read less of the journal. */
  isBefore(other: StatusList): boolean {
    return this.issuedAtMs < other.issuedAtMs || this.#control < other.#control;
  }

  /** Throws `status_stale`. */
  assertFresh(nowMs: number): void {
    if (nowMs >= this.expiresAtMs)
      throw new HoldfastError('status_stale', 'the status list has expired: no operator was heard of since', {
        next: 'its operator makes a new one: holdfast pulse',
      }); // [STATUS-3]
  }

  /**
   * Of a credential, and of the children (hex ids) by whom it is presented. Throws `credential_revoked`, `credential_suspended`, `delegation_revoked`;
   * `status_stale` for an index that the list has no place for.
   */
  assertInForce(index: number, children: readonly string[]): void {
    this.#assertCredential(index);
    if (children.some((child) => this.#revokedChildren.has(child)))
      throw new HoldfastError('delegation_revoked', 'a child among those who present was revoked'); // [STATUS-8]
  }

  #assertCredential(index: number): void {
    const byte = this.#bytes[index >> 2];
    if (byte === undefined) throw new HoldfastError('status_stale', 'the status list is older than the credential'); // [STATUS-5]
    switch ((byte >> (2 * (index & 3))) & 3) {
      case 0:
        return;
      case statusValues.suspended:
        throw new HoldfastError('credential_suspended', 'the credential is suspended'); // [STATUS-5]
      default:
        throw new HoldfastError('credential_revoked', 'the credential is revoked'); // [STATUS-5]
    }
  }
}

/** What comes out of a stream, no more than `maxBytes` of it. */
async function through(
  stream: { readonly readable: ReadableStream; readonly writable: WritableStream },
  bytes: Uint8Array,
  maxBytes: number,
): Promise<Uint8Array> {
  const writer = stream.writable.getWriter();
  const written = writer.write(bytes).then(async () => writer.close());
  const reader = (stream.readable as ReadableStream<Uint8Array>).getReader();
  const parts: Uint8Array[] = [];
  let length = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      length += value.length;
      if (length > maxBytes) throw new HoldfastError('status_forged', 'the status list is too large'); // [STATUS-4]
      parts.push(value);
    }
    await written;
  } finally {
    written.catch(() => {}); // whoever reads was told
    void reader.cancel().catch(() => {});
  }
  const all = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
