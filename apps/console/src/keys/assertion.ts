// Whether a passkey confirmed an act, spec/console-key.md: every field of the assertion is looked at here, by the public key of the record.

import { concat, equalBytes, toBase64url, utf8 } from '@holdfast/protocol/codec/bytes';
import { HoldfastError } from '@holdfast/protocol/errors';
import type { Primitives } from '@holdfast/protocol/primitives/primitives';
import { view } from './aes-key.ts';
import type { Page, PasskeyAsserted } from './authenticator.ts';
import type { PasskeyUnlock } from './key-record.ts';

const { subtle } = crypto;

/** Flags of authenticator data (WebAuthn §6.1). */
const userPresent = 0x01;
const userVerified = 0x04;
const headBytes = 37;

/** [BKEY-9] `fresh`: 32 random bytes of this moment. */
export function stepUpChallenge(primitives: Primitives, fresh: Uint8Array, act: string): Uint8Array {
  return primitives.sha256(utf8('holdfast/v1 step-up\0'), fresh, utf8(act));
}

/** Throws `passkey_refused` for anything but a verified user's yes to this challenge on this page. [BKEY-9] */
export async function verifyAssertion(
  primitives: Primitives,
  page: Page,
  unlocks: readonly PasskeyUnlock[],
  challenge: Uint8Array,
  { credential, authenticatorData, clientData, signature }: PasskeyAsserted,
): Promise<void> {
  const known = unlocks.find((each) => equalBytes(each.credential, credential));
  if (known === undefined) throw refused('it is not one of this browser');
  const said = readClientData(clientData);
  if (said.type !== 'webauthn.get') throw refused('it is no assertion');
  if (said.challenge !== toBase64url(challenge)) throw refused('it confirms something else');
  if (said.origin !== page.origin || said.crossOrigin === true) throw refused('it was given to another page');
  if (authenticatorData.length < headBytes) throw refused('it is cut off');
  if (!equalBytes(authenticatorData.subarray(0, 32), primitives.sha256(utf8(page.host)))) throw refused('it is for another host');
  const flags = authenticatorData[32] ?? 0;
  if ((flags & userPresent) === 0 || (flags & userVerified) === 0) throw refused('it did not verify its user');
  const signed = concat(authenticatorData, primitives.sha256(clientData));
  if (!(await isSignedBy(known, signed, signature))) throw refused('its signature does not verify');
}

function refused(why: string): HoldfastError {
  return new HoldfastError('passkey_refused', `the passkey did not confirm this: ${why}`, {
    next: 'try again; nothing was signed',
  });
}

/** What the browser says it asked for (WebAuthn §5.8.1). Unknown members are its own affair. */
function readClientData(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    const read: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    if (typeof read === 'object' && read !== null) return read as Record<string, unknown>;
  } catch {
    // refused below
  }
  throw refused('what it signed is not readable');
}

async function isSignedBy(known: PasskeyUnlock, signed: Uint8Array, signature: Uint8Array): Promise<boolean> {
  try {
    if (known.algorithm === 'RS256') {
      const rsa = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
      const key = await subtle.importKey('spki', view(known.publicKey), rsa, false, ['verify']);
      return await subtle.verify(rsa, key, view(signature), view(signed));
    }
    const raw = rawOfDer(signature);
    if (raw === undefined) return false;
    const curve = { name: 'ECDSA', namedCurve: 'P-256' };
    const key = await subtle.importKey('spki', view(known.publicKey), curve, false, ['verify']);
    return await subtle.verify({ name: 'ECDSA', hash: 'SHA-256' }, key, view(raw), view(signed));
  } catch {
    return false;
  }
}

/** r‖s of a DER signature (SEC 1 C.5), either s: authenticators know nothing of ours. Undefined for another form. */
function rawOfDer(der: Uint8Array): Uint8Array | undefined {
  const raw = new Uint8Array(64);
  let at = 2;
  for (const end of [32, 64]) {
    const length = der[at + 1] ?? 0;
    const digits = der.subarray(at + 2, at + 2 + length);
    const short = digits[0] === 0 ? digits.subarray(1) : digits;
    if (der[at] !== 2 || digits.length !== length || short.length > 32) return undefined;
    raw.set(short, end - short.length);
    at += 2 + length;
  }
  return der[0] === 0x30 && der[1] === der.length - 2 && at === der.length ? raw : undefined;
}
