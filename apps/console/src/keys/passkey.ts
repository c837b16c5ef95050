// The browser's authenticator. Knows the DOM: no file that tests run in Node imports it.

import { HoldfastError } from '@holdfast/protocol/errors';
import { view } from './aes-key.ts';
import type { Authenticator, Page, PasskeyAsserted, PasskeyMade } from './authenticator.ts';

/** ES256, and RS256 for authenticators that have nothing else (COSE, RFC 9053). */
const algorithms = [
  [-7, 'ES256'],
  [-257, 'RS256'],
] as const;
const timeoutMs = 120_000;

/** Undefined where this browser has no passkeys, or not for this page: a host that is a number, or no secure context. */
export function browserAuthenticator(page: Page): Authenticator | undefined {
  if (typeof PublicKeyCredential !== 'function' || !isSecureContext || /^[\d.:[\]]+$/.test(page.host)) return undefined;
  return {
    async make({ userName, user, challenge, prfSalt, existing }) {
      const publicKey: PublicKeyCredentialCreationOptions = {
        rp: { id: page.host, name: 'Holdfast' }, // [BKEY-5]
        user: { id: view(user), name: userName, displayName: userName },
        challenge: view(challenge),
        pubKeyCredParams: algorithms.map(([alg]) => ({ type: 'public-key', alg })),
        excludeCredentials: existing.map((id) => ({ type: 'public-key', id: view(id) })),
        authenticatorSelection: { residentKey: 'preferred', userVerification: 'required' }, // [BKEY-5]
        attestation: 'none',
        extensions: { prf: { eval: { first: view(prfSalt) } } },
        timeout: timeoutMs,
      };
      return madeOf(await answerOf(() => navigator.credentials.create({ publicKey })));
    },

    async assert({ credentials, challenge, prfSalt }) {
      const publicKey: PublicKeyCredentialRequestOptions = {
        rpId: page.host,
        challenge: view(challenge),
        allowCredentials: credentials.map((id) => ({ type: 'public-key', id: view(id) })),
        userVerification: 'required', // [BKEY-5]
        ...(prfSalt !== undefined && { extensions: { prf: { eval: { first: view(prfSalt) } } } }),
        timeout: timeoutMs,
      };
      return assertedOf(await answerOf(() => navigator.credentials.get({ publicKey })));
    },
  };
}

/** A prompt ends in many ways that a page is not told apart, on purpose. */
async function answerOf(ask: () => Promise<Credential | null>): Promise<PublicKeyCredential> {
  let cause: unknown;
  try {
    const answer = await ask();
    if (answer instanceof PublicKeyCredential) return answer;
  } catch (thrown) {
    cause = thrown;
  }
  throw new HoldfastError('passkey_refused', 'no passkey answered', { cause, next: 'try again, or use the passphrase' }); // [BKEY-5]
}

function madeOf(answer: PublicKeyCredential): PasskeyMade {
  const response = answer.response as AuthenticatorAttestationResponse;
  const algorithm = algorithms.find(([alg]) => alg === response.getPublicKeyAlgorithm())?.[1];
  const publicKey = response.getPublicKey();
  if (algorithm === undefined || publicKey === null)
    throw new HoldfastError('passkey_unfit', 'this passkey has a kind of key that is not known here', {
      next: 'use a passphrase',
    });
  const { prf } = answer.getClientExtensionResults();
  return {
    credential: new Uint8Array(answer.rawId),
    algorithm,
    publicKey: new Uint8Array(publicKey),
    hasPrf: prf?.enabled === true || prf?.results !== undefined,
    ...outputOf(prf),
  };
}

function assertedOf(answer: PublicKeyCredential): PasskeyAsserted {
  const response = answer.response as AuthenticatorAssertionResponse;
  return {
    credential: new Uint8Array(answer.rawId),
    authenticatorData: new Uint8Array(response.authenticatorData),
    clientData: new Uint8Array(response.clientDataJSON),
    signature: new Uint8Array(response.signature),
    ...outputOf(answer.getClientExtensionResults().prf),
  };
}

function outputOf(prf: AuthenticationExtensionsPRFOutputs | undefined): { readonly prf?: Uint8Array } {
  const first = prf?.results?.first;
  if (first === undefined) return {};
  return {
    prf: ArrayBuffer.isView(first) ? new Uint8Array(first.buffer, first.byteOffset, first.byteLength) : new Uint8Array(first),
  };
}
