// The certificate authorities that a session's clients trust: the machine's own, and the broker's for this session.

import { readFileSync } from 'node:fs';
import { rootCertificates } from 'node:tls';

/** Where distributions keep theirs: Debian, Fedora, SUSE, Alpine. */
const systemBundles = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/ssl/cert.pem',
];

/** PEM text; the machine's bundle, or Node's own roots where there is none. */
export function trustBundle(sessionAuthorityPem: string): Uint8Array {
  let system: string | undefined;
  for (const file of systemBundles) {
    try {
      system = readFileSync(file, 'utf8');
      break;
    } catch {
      // not this distribution
    }
  }
  return Buffer.from(`${system ?? rootCertificates.join('\n')}\n${sessionAuthorityPem}\n`);
}
