// The pulse, spec/pulse.md: an operator device says "I am here, and this was the control head". A relay that withholds a revocation
// must withhold the pulse as well, so revocation is bounded by the pulse's age. The relay keeps the newest and pushes it.

import { equalBytes } from '../codec/bytes.ts';
import { bytes, bytesUpTo, decode, encode, integer, literal, record, type Infer } from '../codec/schema.ts';
import { HoldfastError } from '../errors.ts';
import { verifySignature } from '../keys/domain.ts';
import type { KeyHolder } from '../keys/key-holder.ts';
import { fleetId, principalId, signature, wallClockMs } from '../keys/public-keys.ts';
import type { Primitives } from '../primitives/primitives.ts';
import { head, type Verified } from './entry.ts';

export const maxPulseBytes = 1024;
/** A pulse may be this far ahead of the reader's clock; more would stretch its life and block honest ones. */
export const maxPulseAheadMs = 5 * 60_000;

export const pulseStatement = record({
  v: literal(1),
  fleet: fleetId,
  id: bytes(16),
  device: principalId,
  atMs: integer(wallClockMs),
  control: head,
});
export type PulseStatement = Infer<typeof pulseStatement>;

const signedPulse = record({ statement: bytesUpTo(maxPulseBytes), signature });

/** A pulse whose shape is right and whose signature is still to be checked. */
export interface Pulse {
  readonly statement: PulseStatement;
  /** The exact bytes that were received. */
  readonly wire: Uint8Array;
  readonly statementBytes: Uint8Array;
  readonly signature: Uint8Array;
}

/** Throws `codec_*`. [PULSE-1] */
export function parsePulse(wire: Uint8Array): Pulse {
  const outer = decode(signedPulse, wire, maxPulseBytes);
  return {
    statement: decode(pulseStatement, outer.statement, maxPulseBytes),
    wire,
    statementBytes: outer.statement,
    signature: outer.signature,
  };
}

export async function signPulse(holder: Pick<KeyHolder, 'sign'>, statement: PulseStatement): Promise<Pulse> {
  const statementBytes = encode(pulseStatement, statement);
  return parsePulse(encode(signedPulse, { statement: statementBytes, signature: await holder.sign('pulse', statementBytes) }));
}

/**
 * Checks that the device of `deviceKey` (looked up by the caller under `statement.device`) made this pulse for this fleet, and that
 * it is not behind `newest`. Throws `pulse_forged`, `pulse_stale`, or `pulse_time` when it is from the future of `nowMs`.
 */
export async function verifyPulse(
  primitives: Primitives,
  pulse: Pulse,
  known: { fleet: Uint8Array; deviceKey: Uint8Array; newest: Verified<Pulse> | undefined; nowMs: number },
): Promise<Verified<Pulse>> {
  const { statement } = pulse;
  if (!equalBytes(statement.fleet, known.fleet)) throw new HoldfastError('pulse_forged', 'the pulse is of another fleet'); // [PULSE-3]
  if (statement.atMs > known.nowMs + maxPulseAheadMs) throw new HoldfastError('pulse_time', 'the pulse is from the future'); // [PULSE-5]
  try {
    await verifySignature(primitives, {
      domain: 'pulse',
      statement: pulse.statementBytes,
      signature: pulse.signature,
      publicKey: known.deviceKey,
    });
  } catch (cause) {
    throw new HoldfastError('pulse_forged', 'the signature of the pulse does not verify', { cause }); // [PULSE-2]
  }
  const newest = known.newest?.statement;
  if (newest !== undefined && (statement.atMs < newest.atMs || statement.control.position < newest.control.position)) {
    throw new HoldfastError('pulse_stale', 'a newer pulse is known'); // [PULSE-4]
  }
  return pulse as Verified<Pulse>;
}

/** Throws `pulse_stale` once the pulse is older than the fleet allows. */
export function assertPulseAge(pulse: Verified<Pulse>, { nowMs, maxAgeMs }: { nowMs: number; maxAgeMs: number }): void {
  if (nowMs - pulse.statement.atMs > maxAgeMs) {
    throw new HoldfastError('pulse_stale', 'no operator has been heard of for longer than the fleet allows', {
      next: 'run: holdfast pulse',
    }); // [PULSE-6]
  }
}
