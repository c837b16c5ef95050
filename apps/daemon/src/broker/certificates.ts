// A session's own certificate authority, spec/broker.md §2: made with the broker, gone with it. Its key never leaves memory; one leaf key
// serves all hosts, and each host's TLS context is made once.

import { randomBytes, webcrypto } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';
import 'reflect-metadata'; // x509's container asks for it
import * as x509 from '@peculiar/x509';
import { literalAddress } from './addresses.ts';

const signing = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const hourMs = 3_600_000;
/** Clocks inside may lag; sessions rarely outlive a month. */
const backdatedMs = 24 * hourMs;
const authorityLifeMs = 30 * 24 * hourMs;
/** Contexts older than this are made anew, well before the leaf ends. */
const leafLifeMs = 7 * 24 * hourMs;
const leafReuseMs = 5 * 24 * hourMs;
const maxContexts = 512;

interface Cached {
  readonly context: Promise<SecureContext>;
  readonly madeAtMs: number;
}

export interface SessionAuthority {
  readonly caPem: string;
  /** The context that answers for this canonical host. */
  contextFor(host: string): Promise<SecureContext>;
}

const serialNumber = (): string => `4${randomBytes(15).toString('hex').slice(1)}`;

/** `nowMs` dates the certificates only. [BROKER-5] */
export async function createSessionAuthority(nowMs: () => number): Promise<SessionAuthority> {
  const { subtle } = webcrypto;
  const [authority, leaf] = await Promise.all([
    subtle.generateKey(signing, false, ['sign', 'verify']),
    subtle.generateKey(signing, true, ['sign', 'verify']),
  ]);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned(
    {
      serialNumber: serialNumber(),
      name: `CN=Holdfast session ${randomBytes(4).toString('hex')}`,
      keys: authority,
      notBefore: new Date(nowMs() - backdatedMs),
      notAfter: new Date(nowMs() + authorityLifeMs),
      signingAlgorithm: signing,
      extensions: [
        new x509.BasicConstraintsExtension(true, 0, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
        await x509.SubjectKeyIdentifierExtension.create(authority.publicKey, false, webcrypto),
      ],
    },
    webcrypto,
  );
  const leafKey = Buffer.from(await subtle.exportKey('pkcs8', leaf.privateKey)).toString('base64');
  const keyPem = `-----BEGIN PRIVATE KEY-----\n${leafKey}\n-----END PRIVATE KEY-----\n`;

  const makeContext = async (host: string): Promise<SecureContext> => {
    const address = literalAddress(host);
    const made = await x509.X509CertificateGenerator.create(
      {
        serialNumber: serialNumber(),
        // Names over 64 characters do not fit here; clients read the alternative name.
        subject: 'CN=Holdfast session leaf',
        issuer: certificate.subject,
        publicKey: leaf.publicKey,
        signingKey: authority.privateKey,
        notBefore: new Date(nowMs() - backdatedMs),
        notAfter: new Date(nowMs() + leafLifeMs),
        signingAlgorithm: signing,
        extensions: [
          new x509.BasicConstraintsExtension(false, undefined, true),
          new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
          new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
          new x509.SubjectAlternativeNameExtension([
            address === undefined ? { type: 'dns', value: host } : { type: 'ip', value: address },
          ]),
          await x509.SubjectKeyIdentifierExtension.create(leaf.publicKey, false, webcrypto),
          await x509.AuthorityKeyIdentifierExtension.create(authority.publicKey, false, webcrypto),
        ],
      },
      webcrypto,
    );
    return createSecureContext({ cert: made.toString('pem'), key: keyPem, minVersion: 'TLSv1.2' });
  };

  const contexts = new Map<string, Cached>();
  return {
    caPem: `${certificate.toString('pem')}\n`,
    contextFor(host) {
      const known = contexts.get(host);
      if (known !== undefined && nowMs() - known.madeAtMs < leafReuseMs) return known.context;
      const context = makeContext(host);
      contexts.delete(host);
      contexts.set(host, { context, madeAtMs: nowMs() });
      context.catch(() => contexts.delete(host));
      const [oldest] = contexts.keys();
      if (contexts.size > maxContexts && oldest !== undefined) contexts.delete(oldest);
      return context;
    },
  };
}
