// A checkpoint, spec/audit.md: an agent's word on its whole log so far, as size and Merkle root. Signed by the daemon's session key, whose
// certificate by custody travels with it, so that it needs nothing but the agent's public key to check.

import { toHex } from '../codec/bytes.ts';
import { bytesUpTo, decode, encode, integer, literal, optional, record, text, type Infer } from '../codec/schema.ts';
import { codeOf, HoldfastError } from '../errors.ts';
import { verifySessionKey } from '../blind/session-key.ts';
import { statementHash, verifySignature } from '../keys/domain.ts';
import type { KeyHolder } from '../keys/key-holder.ts';
import { digest, fleetId, principalId, signature, wallClockMs } from '../keys/public-keys.ts';
import type { Primitives } from '../primitives/primitives.ts';

export const checkpointStatement = record({
  v: literal(1),
  fleet: fleetId,
  agent: principalId,
  /** `logOrigin` of the two: the name of this log where checkpoints of many are kept. */
  origin: text({ max: 160 }),
  size: integer({ min: 1 }),
  root: digest,
  atMs: integer(wallClockMs),
  /** Hash of the checkpoint before this one; absent in a log's first. */
  previous: optional(digest),
});
export type CheckpointStatement = Infer<typeof checkpointStatement>;

export const maxCheckpointBytes = 2048;
const signedCheckpoint = record({ statement: bytesUpTo(512), signature, certificate: bytesUpTo(1024) });

export function logOrigin(fleet: Uint8Array, agent: Uint8Array): string {
  return `holdfast/${toHex(fleet)}/${toHex(agent)}`;
}

/** The daemon's session key as it signs checkpoints: `sign` over the domain's input, and custody's certificate of the key. */
export interface SessionSigner extends Pick<KeyHolder, 'sign'> {
  readonly certificate: Uint8Array;
}

/** The checkpoint as it is stored and sent. Throws `codec_*`, or what the signer throws. */
export async function signCheckpoint(signer: SessionSigner, statement: CheckpointStatement): Promise<Uint8Array> {
  const bytes = encode(checkpointStatement, statement);
  return encode(signedCheckpoint, {
    statement: bytes,
    signature: await signer.sign('audit-checkpoint', bytes),
    certificate: signer.certificate,
  });
}

/** A checkpoint read without any proof: for the writer, which opens its own sealed files. Throws `codec_*`. */
export function readCheckpoint(
  primitives: Primitives,
  wire: Uint8Array,
): { readonly statement: CheckpointStatement; readonly hash: Uint8Array } {
  const { statement } = decode(signedCheckpoint, wire, maxCheckpointBytes);
  return {
    statement: decode(checkpointStatement, statement, maxCheckpointBytes),
    hash: statementHash(primitives, 'audit-checkpoint', statement),
  };
}

export interface LogIdentity {
  readonly fleet: Uint8Array;
  readonly agent: Uint8Array;
  /** The agent's public signing key, from its roster entry. */
  readonly agentKey: Uint8Array;
  /** Those that it had before, in that order. */
  readonly earlierKeys?: readonly Uint8Array[];
}

/** By whichever of the agent's keys signed the certificate, and which in the order in which it had them. Throws what they throw. */
async function certifiedBy(
  primitives: Primitives,
  certificate: Uint8Array,
  log: LogIdentity,
  atMs: number,
): Promise<{ readonly key: Uint8Array; readonly nth: number }> {
  const { fleet, agent, earlierKeys = [] } = log;
  let why: unknown;
  for (const [nth, agentKey] of [...earlierKeys, log.agentKey].entries()) {
    try {
      const { key } = await verifySessionKey(primitives, certificate, { fleet, agent, agentKey, atMs });
      return { key, nth };
    } catch (thrown) {
      if (codeOf(why) !== 'session_key_expired') why = thrown;
    }
  }
  throw why;
}

/**
 * `nth`: by which of the agent's keys, in the order in which it had them; what a whole log makes of it is [ROTATE-7]. Throws `codec_*`, `audit_forged`
 * (signature, certificate, or another log's), `audit_time` (outside its certificate's window).
 */
export async function verifyCheckpoint(
  primitives: Primitives,
  wire: Uint8Array,
  log: LogIdentity,
): Promise<{ readonly statement: CheckpointStatement; readonly hash: Uint8Array; readonly nth: number }> {
  const outer = decode(signedCheckpoint, wire, maxCheckpointBytes);
  const read = readCheckpoint(primitives, wire);
  const { fleet, agent } = log;
  const { atMs, origin } = read.statement;
  let nth: number;
  try {
    const by = await certifiedBy(primitives, outer.certificate, log, atMs); // [AUDIT-9] [AUDIT-10]
    nth = by.nth;
    await verifySignature(primitives, { domain: 'audit-checkpoint', ...outer, publicKey: by.key }); // [AUDIT-8]
  } catch (cause) {
    if (codeOf(cause) === 'session_key_expired')
      throw new HoldfastError('audit_time', 'checkpoint is dated outside its certificate', { cause }); // [AUDIT-10]
    throw new HoldfastError('audit_forged', 'checkpoint is not signed by a session key of this agent', { cause }); // [AUDIT-8] [AUDIT-9]
  }
  // The origin names fleet and agent, so one comparison covers all three.
  if (origin !== logOrigin(fleet, agent) || logOrigin(read.statement.fleet, read.statement.agent) !== origin) {
    throw new HoldfastError('audit_forged', 'checkpoint is of another log'); // [AUDIT-11]
  }
  return { ...read, nth };
}
