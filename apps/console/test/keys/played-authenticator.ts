// An authenticator of tests: real signatures, a PRF of its own, and a person who says yes or doesn't. Each fault that one could have is a switch.

import { createHmac, generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';

import { concat, equalBytes, toBase64url, utf8 } from '@holdfast/protocol/codec/bytes';
import { HoldfastError } from '@holdfast/protocol/errors';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import type { Authenticator, Page, PasskeyAsserted, PasskeyMade } from '../../src/keys/authenticator.ts';

export const page: Page = { host: 'localhost', origin: 'http://localhost:7434' };

interface Passkey {
  readonly credential: Uint8Array;
  readonly privateKey: KeyObject;
  readonly publicKey: Uint8Array;
  readonly prfSecret: Uint8Array;
}

/** Faults of one assertion. */
export interface Faults {
  readonly host?: string;
  readonly origin?: string;
  readonly type?: string;
  readonly crossOrigin?: boolean;
  readonly flags?: number;
  /** Answers this challenge, whatever it was asked. */
  readonly challenge?: Uint8Array;
}

export class PlayedAuthenticator implements Authenticator {
  algorithm: 'ES256' | 'RS256' = 'ES256';
  hasPrf = true;
  prfAtOnce = true;
  says: 'yes' | 'no' = 'yes';
  faults: Faults = {};
  /** How often the person was asked. */
  asked = 0;
  readonly passkeys: Passkey[] = [];
  readonly challenges: Uint8Array[] = [];

  async make({ prfSalt, existing }: Parameters<Authenticator['make']>[0]): Promise<PasskeyMade> {
    this.#ask();
    if (this.passkeys.some((mine) => existing.some((id) => equalBytes(id, mine.credential)))) throw refused();
    const { privateKey, publicKey } =
      this.algorithm === 'ES256'
        ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
        : generateKeyPairSync('rsa', { modulusLength: 2048 });
    const passkey = {
      credential: new Uint8Array(randomBytes(20)),
      privateKey,
      publicKey: new Uint8Array(publicKey.export({ format: 'der', type: 'spki' })),
      prfSecret: new Uint8Array(randomBytes(32)),
    };
    this.passkeys.push(passkey);
    const { credential } = passkey;
    const prf = this.hasPrf && this.prfAtOnce ? { prf: prfOf(passkey, prfSalt) } : {};
    return { credential, algorithm: this.algorithm, publicKey: passkey.publicKey, hasPrf: this.hasPrf, ...prf };
  }

  async assert({ credentials, challenge, prfSalt }: Parameters<Authenticator['assert']>[0]): Promise<PasskeyAsserted> {
    this.#ask();
    this.challenges.push(challenge);
    const passkey = this.passkeys.find((mine) => credentials.some((id) => equalBytes(id, mine.credential)));
    if (passkey === undefined) throw refused();
    return {
      ...assertionOf(passkey, challenge, this.faults),
      ...(prfSalt !== undefined && this.hasPrf && { prf: prfOf(passkey, prfSalt) }),
    };
  }

  #ask(): void {
    this.asked += 1;
    if (this.says === 'no') throw refused();
  }
}

function assertionOf(passkey: Passkey, asked: Uint8Array, faults: Faults): PasskeyAsserted {
  const { host = page.host, origin = page.origin, type = 'webauthn.get', crossOrigin = false, flags = 0x05 } = faults;
  const challenge = toBase64url(faults.challenge ?? asked);
  const clientData = utf8(JSON.stringify({ type, challenge, origin, crossOrigin }));
  const authenticatorData = concat(primitives.sha256(utf8(host)), Uint8Array.of(flags, 0, 0, 0, 0));
  const signed = concat(authenticatorData, primitives.sha256(clientData));
  const signature = new Uint8Array(sign('sha256', signed, passkey.privateKey));
  return { credential: passkey.credential, authenticatorData, clientData, signature };
}

function prfOf({ prfSecret }: Passkey, salt: Uint8Array): Uint8Array {
  return new Uint8Array(createHmac('sha256', prfSecret).update(salt).digest());
}

function refused(): HoldfastError {
  return new HoldfastError('passkey_refused', 'no passkey answered');
}
