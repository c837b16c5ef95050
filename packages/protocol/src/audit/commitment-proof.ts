// The proof that a commitment in an event is of a value, spec/commitments.md. The value itself is in no file: who asks has it.

import { equalBytes, fromBase64url, fromHex, toBase64url, toHex, utf8 } from '../codec/bytes.ts';
import { parseJsonObject, type Json, type JsonObject } from '../codec/json.ts';
import { HoldfastError } from '../errors.ts';
import type { Primitives } from '../primitives/primitives.ts';
import { leafHash } from '../primitives/merkle.ts';
import { commitmentsIn, commitmentValue, committedDigest, isSubject } from './commitment.ts';
import { decodeEvent, maxEventBytes, type AuditEvent } from './event.ts';

/** All texts of an event. */
export function textsOf(event: AuditEvent): string[] {
  const within = (value: unknown): string[] => {
    if (typeof value === 'string') return [value];
    if (value instanceof Uint8Array || typeof value !== 'object' || value === null) return [];
    return Object.values(value).flatMap(within);
  };
  return within(event);
}

/** That one commitment of one event is of a value that is not in here. */
export interface Proof {
  readonly fleet: Uint8Array;
  readonly event: Uint8Array;
  readonly subject: string;
  readonly salt: Uint8Array;
}

const maxProofBytes = 4 * maxEventBytes;

export function proofFile({ fleet, event, subject, salt }: Proof): string {
  const said = { fleet: toHex(fleet), event: toBase64url(event), subject, salt: toBase64url(salt) };
  return `${JSON.stringify({ type: 'holdfast-audit-reveal', v: 1, ...said })}\n`;
}

const noProof = (): HoldfastError => new HoldfastError('bundle_shape', 'no proof of a commitment');

/** Throws `bundle_shape`. [COMMIT-10] */
export function readProof(file: string): Proof {
  let said: JsonObject;
  try {
    said = parseJsonObject(utf8(file), maxProofBytes);
  } catch {
    throw noProof();
  }
  const bytesOf = (value: Json | undefined, read: (text: string) => Uint8Array | undefined): Uint8Array => {
    const bytes = typeof value === 'string' ? read(value) : undefined;
    if (bytes === undefined) throw noProof();
    return bytes;
  };
  const { type, v, subject } = said;
  if (type !== 'holdfast-audit-reveal' || v !== 1 || typeof subject !== 'string' || !isSubject(subject)) throw noProof();
  const [fleet, salt] = [bytesOf(said['fleet'], fromHex), bytesOf(said['salt'], fromBase64url)];
  if (fleet.length !== 32 || salt.length !== 32) throw noProof();
  return { fleet, salt, subject, event: bytesOf(said['event'], fromBase64url) };
}

/** The event, whose leaf hash is to be found in the log. Throws `commitment_mismatch`, and `codec_*` for what is no event. [COMMIT-10] */
export function checkProof(
  primitives: Primitives,
  { event: wire, subject, salt }: Proof,
  value: Uint8Array,
): { readonly event: AuditEvent; readonly leaf: Uint8Array } {
  const event = decodeEvent(wire);
  const digest = committedDigest(primitives, value);
  const wanted = commitmentValue(primitives, { agent: event.agent, subject, salt, digest });
  const found = textsOf(event)
    .flatMap(commitmentsIn)
    .some((each) => each.subject === subject && equalBytes(each.value, wanted));
  if (!found) throw new HoldfastError('commitment_mismatch', 'no commitment in that event is of this value'); // [COMMIT-10]
  return { event, leaf: leafHash(primitives, wire) };
}
