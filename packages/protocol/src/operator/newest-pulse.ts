// The newest pulse that the relay has, by whichever device: believed by its signature, and never an older one than was seen.

import type { Verified } from '../blind/entry.ts';
import { parsePulse, verifyPulse, type Pulse } from '../blind/pulse.ts';
import { toHex } from '../codec/bytes.ts';
import { HoldfastError } from '../errors.ts';
import type { OperatorSession } from './session.ts';

/** Throws `pulse_forged` (also for a device that the fleet does not have), `pulse_stale`, `pulse_time`, `codec_*`. */
export async function readPulse(
  { ports, state, facts }: Pick<OperatorSession, 'ports' | 'state' | 'facts'>,
  wire: Uint8Array,
  newest: Verified<Pulse> | undefined,
): Promise<Verified<Pulse>> {
  const pulse = parsePulse(wire);
  const device = state.devices.get(toHex(pulse.statement.device));
  if (device === undefined) throw new HoldfastError('pulse_forged', 'the pulse is by no device of this fleet');
  const known = { fleet: facts.fleet, deviceKey: device.keys.sign, newest, nowMs: ports.nowMs() };
  return verifyPulse(ports.primitives, pulse, known);
}
