// The two messages before a device is added, spec/devices.md: the operator's device asks whether the newcomer is still there, and tells which fleet it is of;
// the newcomer answers once its keys are on its disk. So nobody is added who has gone, and no crash leaves a device without keys.

import { bytes, decode, encode, literal, record, text, type Infer } from '../codec/schema.ts';
import { equalBytes } from '../codec/bytes.ts';
import { HoldfastError } from '../errors.ts';
import { digest, fleetId, signPublicKey } from '../keys/public-keys.ts';
import type { Primitives } from '../primitives/primitives.ts';

const maxBytes = 1024;

const deviceCall = record({
  v: literal(1),
  /** Hash of the offer that it is about. */
  offer: digest,
  fleet: fleetId,
  /** For people. */
  fleetName: text({ min: 1, max: 64, pattern: /^[^\p{C}]+$/u }),
  relay: signPublicKey,
  nonce: bytes(16),
});
export type DeviceCall = Infer<typeof deviceCall>;

const deviceHere = record({ v: literal(1), call: digest });

/** Goes as part `call`. */
export function encodeCall(primitives: Primitives, terms: Omit<DeviceCall, 'v' | 'nonce'>): Uint8Array {
  return encode(deviceCall, { v: 1, ...terms, nonce: primitives.random(16) });
}

/** Throws `codec_*`, and `pairing_answer_invalid` for a call about another offer. */
export function readCall(message: Uint8Array, offer: Uint8Array): DeviceCall {
  const call = decode(deviceCall, message, maxBytes);
  if (equalBytes(call.offer, offer)) return call;
  throw new HoldfastError('pairing_answer_invalid', 'the call is about another offer'); // [DEVICES-7]
}

/** Goes as part `here`: for this call alone, whose bytes are `call`. */
export function encodeHere(primitives: Primitives, call: Uint8Array): Uint8Array {
  return encode(deviceHere, { v: 1, call: primitives.sha256(call) });
}

/** Throws `codec_*`, and `pairing_offer_invalid` for the word of somebody who did not hear this call. */
export function assertHere(primitives: Primitives, message: Uint8Array, call: Uint8Array): void {
  if (equalBytes(decode(deviceHere, message, maxBytes).call, primitives.sha256(call))) return;
  throw new HoldfastError('pairing_offer_invalid', 'the device answered another call'); // [DEVICES-7]
}
