// A session key, spec/session-key.md: custody's key certifies a key in the daemon's memory, for ten minutes at most, so that audit
// checkpoints and signals need no hardware signature each. It names one fleet and one agent, and does nothing else.

import { equalBytes } from '../codec/bytes.ts';
import { bytesUpTo, decode, encode, integer, literal, record, refine, type Infer } from '../codec/schema.ts';
import { HoldfastError } from '../errors.ts';
import { verifySignature } from '../keys/domain.ts';
import type { KeyHolder } from '../keys/key-holder.ts';
import { fleetId, principalId, signature, signPublicKey, wallClockMs } from '../keys/public-keys.ts';
import type { Primitives } from '../primitives/primitives.ts';

/** What a copy of the daemon's memory is worth, at most. */
export const maxSessionKeyMs = 10 * 60 * 1000;
export const maxSessionKeyBytes = 512;

/** [SESSION-KEY-1] */
export const sessionKeyStatement = refine(
  record({
    v: literal(1),
    fleet: fleetId,
    agent: principalId,
    key: signPublicKey,
    notBeforeMs: integer(wallClockMs),
    notAfterMs: integer(wallClockMs),
  }),
  (statement, path) => {
    const lifeMs = statement.notAfterMs - statement.notBeforeMs;
    if (lifeMs > 0 && lifeMs <= maxSessionKeyMs) return statement;
    throw new HoldfastError('codec_shape', `${path || 'session key'}: life of up to ten minutes expected`); // [SESSION-KEY-2]
  },
);
export type SessionKeyStatement = Infer<typeof sessionKeyStatement>;

const certificate = record({ statement: bytesUpTo(maxSessionKeyBytes), signature });
const maxCertificateBytes = maxSessionKeyBytes + 128;

/** The certificate as it travels. Throws `codec_*` for a life that no reader would accept. */
export async function certifySessionKey(holder: KeyHolder, statement: SessionKeyStatement): Promise<Uint8Array> {
  const bytes = encode(sessionKeyStatement, statement);
  return encode(certificate, { statement: bytes, signature: await holder.sign('session-key', bytes) });
}

/**
 * The statement of a certificate that `agentKey` signed for this fleet and agent. `atMs` is the time in what the session key
 * signed, not the reader's. Throws `codec_*`, `signature_invalid`, `session_key_expired`.
 */
export async function verifySessionKey(
  primitives: Primitives,
  wire: Uint8Array,
  { fleet, agent, agentKey, atMs }: { fleet: Uint8Array; agent: Uint8Array; agentKey: Uint8Array; atMs: number },
): Promise<SessionKeyStatement> {
  const outer = decode(certificate, wire, maxCertificateBytes);
  const statement = decode(sessionKeyStatement, outer.statement, maxSessionKeyBytes);
  await verifySignature(primitives, { domain: 'session-key', ...outer, publicKey: agentKey }); // [SESSION-KEY-3]
  if (!equalBytes(statement.fleet, fleet) || !equalBytes(statement.agent, agent)) {
    throw new HoldfastError('signature_invalid', 'session key is of another agent'); // [SESSION-KEY-4]
  }
  if (atMs < statement.notBeforeMs || atMs > statement.notAfterMs) {
    throw new HoldfastError('session_key_expired', 'session key was not valid at that time'); // [SESSION-KEY-5]
  }
  return statement;
}
