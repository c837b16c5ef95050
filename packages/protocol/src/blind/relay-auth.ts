// How a principal proves itself to a relay, spec/relay.md: its key signs the connection's nonce together with the relay's own key,
// so that one relay cannot use the proof at another.

import { bytes, encode, literal, record, type Infer } from '../codec/schema.ts';
import { HoldfastError } from '../errors.ts';
import { verifySignature } from '../keys/domain.ts';
import type { KeyHolder } from '../keys/key-holder.ts';
import { fleetId, principalId, signPublicKey } from '../keys/public-keys.ts';
import type { Primitives } from '../primitives/primitives.ts';

export const relayNonce = bytes(32);

export const relayAuthStatement = record({
  v: literal(1),
  fleet: fleetId,
  principal: principalId,
  nonce: relayNonce,
  relay: signPublicKey,
});

/** What is signed; both ends build it from what they know, so only the signature travels. */
export type RelayAuth = Omit<Infer<typeof relayAuthStatement>, 'v'>;

/** 64 bytes. `nonce` and `relay` are those of the connection's welcome. */
export async function signRelayAuth(holder: Pick<KeyHolder, 'sign'>, auth: RelayAuth): Promise<Uint8Array> {
  return holder.sign('relay-auth', encode(relayAuthStatement, { v: 1, ...auth }));
}

/** Throws `relay_refused`. */
export async function verifyRelayAuth(
  primitives: Primitives,
  auth: RelayAuth,
  signature: Uint8Array,
  publicKey: Uint8Array,
): Promise<void> {
  const statement = encode(relayAuthStatement, { v: 1, ...auth });
  try {
    await verifySignature(primitives, { domain: 'relay-auth', statement, signature, publicKey });
  } catch (cause) {
    throw new HoldfastError('relay_refused', 'the proof of identity does not verify', { cause }); // [RELAY-7]
  }
}
