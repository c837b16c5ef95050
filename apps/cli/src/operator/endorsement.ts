// Who vouches for a TPM: the certificate of its endorsement key, X.509 (RFC 5280, TCG EK Credential Profile), against the authorities that the operator
// installed, spec/attestation.md. An authority counts as installed, not for who signed it in turn.

import { constants, createCipheriv, publicEncrypt, X509Certificate } from 'node:crypto';
import { HoldfastError } from '@holdfast/protocol/errors';
import type { Endorsed } from '@holdfast/protocol/identity/tpm-attestation';

/** tcg-kp-EKCertificate. */
const endorsementUse = '2.23.133.8.1';

/** `der` whole and nothing after it. Throws `attestation_invalid`. */
function parse(der: Uint8Array): X509Certificate {
  try {
    const certificate = new X509Certificate(der);
    if (certificate.raw.length !== der.length) throw new Error('there is more after it');
    return certificate;
  } catch (cause) {
    throw new HoldfastError('attestation_invalid', 'this is no certificate', { cause });
  }
}

/** The authorities in a file: PEM, one or several, or DER. Throws `usage` for one that may not sign certificates. */
export function readAuthorities(file: Uint8Array): readonly X509Certificate[] {
  const text = Buffer.from(file).toString('latin1');
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g);
  try {
    const found = blocks === null ? [parse(file)] : blocks.map((each) => new X509Certificate(each));
    for (const each of found) if (!each.ca) throw new Error(`${each.subject} is no authority`);
    return found;
  } catch (cause) {
    throw new HoldfastError(
      'usage',
      `the file has no certificates of authorities: ${cause instanceof Error ? cause.message : ''}`,
      {
        cause,
        next: "take the TPM maker's root, or its intermediate that signs endorsement keys, as PEM or DER",
      },
    );
  }
}

/**
 * The endorsement key of a certificate that an installed authority signed, and who that is. `roots` in DER.
 * Throws `attestation_untrusted`: nobody whom the operator installed vouches for it, or not now; `attestation_invalid` for what is no certificate.
 */
export function endorsedBy(
  endorsement: Uint8Array,
  roots: readonly Uint8Array[],
  nowMs: number,
): { readonly endorsed: Endorsed; readonly authority: string } {
  const certificate = parse(endorsement);
  const authority = roots.map(parse).find((each) => signed(each, certificate)); // [ATTEST-1]
  if (authority === undefined)
    throw untrusted(`no installed root vouches for this TPM, which names ${nameOf(certificate.issuer)}`);
  for (const each of [certificate, authority])
    if (nowMs < each.validFromDate.getTime() || nowMs > each.validToDate.getTime())
      throw untrusted(`the certificate of ${nameOf(each.subject) || 'this TPM'} is not valid now`); // [ATTEST-2]
  if (certificate.ca || !(certificate.keyUsage ?? []).includes(endorsementUse))
    throw untrusted('the certificate is not for an endorsement key'); // [ATTEST-2]
  const key = certificate.publicKey;
  const { n = '' } = key.export({ format: 'jwk' });
  const endorsed: Endorsed = {
    modulus: new Uint8Array(Buffer.from(n, 'base64url')),
    seal: async (label, secret) =>
      new Uint8Array(
        publicEncrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256', oaepLabel: label }, secret),
      ),
    cipher: async (aes, plaintext) => new Uint8Array(createCipheriv('aes-128-cfb', aes, new Uint8Array(16)).update(plaintext)),
  };
  return { endorsed, authority: nameOf(authority.subject) };
}

function signed(authority: X509Certificate, certificate: X509Certificate): boolean {
  return authority.ca && certificate.checkIssued(authority) && certificate.verify(authority.publicKey);
}

function untrusted(message: string): HoldfastError {
  return new HoldfastError('attestation_untrusted', message, { next: 'holdfast roots add FILE, if you trust its maker' });
}

/** One line of a name that somebody else wrote. */
export function nameOf(subject: string | undefined): string {
  return (subject ?? '').split('\n').join(', ');
}
