// Signals, spec/signal.md: short sealed messages that expire and are not chained: approval requests and answers, presence, hints.
// A relay passes them on and forgets them; a reader trusts one only by its signature.

import { equalBytes } from '../codec/bytes.ts';
import { bytes, bytesUpTo, decode, encode, integer, literal, optional, record, type Infer } from '../codec/schema.ts';
import { HoldfastError } from '../errors.ts';
import { verifySignature } from '../keys/domain.ts';
import type { KeyHolder } from '../keys/key-holder.ts';
import { fleetId, principalId, signature, wallClockMs } from '../keys/public-keys.ts';
import type { Primitives } from '../primitives/primitives.ts';
import { audienceName, type Verified } from './entry.ts';
import { verifySessionKey } from './session-key.ts';

export const maxSignalBytes = 16 * 1024;
/** The longest life of a signal: what must last longer is an entry. */
export const maxSignalLifeMs = 15 * 60_000;

export const signalStatement = record({
  v: literal(1),
  fleet: fleetId,
  id: bytes(16),
  from: principalId,
  /** One principal; absent: all members of the audience. */
  to: optional(principalId),
  audience: audienceName,
  epoch: integer({ max: 2 ** 32 }),
  expiresAtMs: integer(wallClockMs),
  /** Somebody has to look: a relay may wake devices that are away. [SIGNAL-10] */
  urgent: optional(literal(true)),
  /** Only the newest of its sender matters: a relay keeps no older one. [SIGNAL-11] */
  latest: optional(literal(true)),
  sealed: bytesUpTo(maxSignalBytes - 1024),
});
export type SignalStatement = Infer<typeof signalStatement>;

/** `session`: the certificate of the session key that signed, for senders who do not sign with their own key. */
const signedSignal = record({ statement: bytesUpTo(maxSignalBytes), signature, session: optional(bytesUpTo(1024)) });

/** A signal whose shape is right and whose signature is still to be checked. */
export interface Signal {
  readonly statement: SignalStatement;
  /** The exact bytes that were received. */
  readonly wire: Uint8Array;
  readonly statementBytes: Uint8Array;
  readonly signature: Uint8Array;
  readonly session: Uint8Array | undefined;
}

/** Throws `codec_*`. [SIGNAL-1] */
export function parseSignal(wire: Uint8Array): Signal {
  const outer = decode(signedSignal, wire, maxSignalBytes + 2048);
  const statement = decode(signalStatement, outer.statement, maxSignalBytes);
  return { statement, wire, statementBytes: outer.statement, signature: outer.signature, session: outer.session };
}

/** Signs with the sender's own key, or with a session key whose certificate travels along. */
export async function signSignal(
  holder: Pick<KeyHolder, 'sign'>,
  statement: SignalStatement,
  session?: Uint8Array,
): Promise<Signal> {
  const statementBytes = encode(signalStatement, statement);
  const signed = { statement: statementBytes, signature: await holder.sign('signal', statementBytes), session };
  return parseSignal(
    encode(
      signedSignal,
      session === undefined ? { statement: statementBytes, signature: signed.signature } : { ...signed, session },
    ),
  );
}

/**
 * Checks a signal before it is opened. `senderKey` is the sender's own signing key, or the session key of its certificate after the
 * caller has verified that. Throws `signal_forged` or `signal_expired`.
 */
export async function verifySignal(
  primitives: Primitives,
  signal: Signal,
  known: { fleet: Uint8Array; reader: Uint8Array; senderKey: Uint8Array; nowMs: number },
): Promise<Verified<Signal>> {
  const { statement } = signal;
  if (!equalBytes(statement.fleet, known.fleet)) throw new HoldfastError('signal_forged', 'the signal is of another fleet'); // [SIGNAL-3]
  if (statement.to !== undefined && !equalBytes(statement.to, known.reader))
    throw new HoldfastError('signal_forged', 'the signal is for somebody else'); // [SIGNAL-4]
  try {
    await verifySignature(primitives, {
      domain: 'signal',
      statement: signal.statementBytes,
      signature: signal.signature,
      publicKey: known.senderKey,
    });
  } catch (cause) {
    throw new HoldfastError('signal_forged', 'the signature of the signal does not verify', { cause }); // [SIGNAL-2]
  }
  assertSignalLife(statement, known.nowMs);
  return signal as Verified<Signal>;
}

/**
 * The same for a sender whose own key is known: a certificate that travels along must be by that key and still good when the signal
 * expires, so that a session key that was copied signs nothing that outlives it. Throws `signal_forged`, `signal_expired`.
 */
export async function verifySignalFrom(
  primitives: Primitives,
  signal: Signal,
  known: { fleet: Uint8Array; reader: Uint8Array; ownKey: Uint8Array; nowMs: number },
): Promise<Verified<Signal>> {
  const { fleet, ownKey } = known;
  const { from: agent, expiresAtMs: atMs } = signal.statement;
  let senderKey = ownKey;
  try {
    if (signal.session !== undefined)
      senderKey = (await verifySessionKey(primitives, signal.session, { fleet, agent, agentKey: ownKey, atMs })).key; // [SIGNAL-9]
  } catch (cause) {
    throw new HoldfastError('signal_forged', 'the certificate of the signal does not verify', { cause }); // [SIGNAL-9]
  }
  return verifySignal(primitives, signal, { ...known, senderKey });
}

/** Throws `signal_expired` for a signal that is past, or that would live longer than signals may. */
export function assertSignalLife({ expiresAtMs }: SignalStatement, nowMs: number): void {
  if (expiresAtMs <= nowMs) throw new HoldfastError('signal_expired', 'the signal has expired'); // [SIGNAL-5]
  if (expiresAtMs > nowMs + maxSignalLifeMs) throw new HoldfastError('signal_expired', 'the signal would live too long'); // [SIGNAL-6]
}
