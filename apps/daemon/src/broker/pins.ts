// Pinned keys, spec/broker.md §2: whether the chain of certificates that was verified holds one, as RFC 7469 §2.6 has it.

import { createHash, X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import { TLSSocket, type DetailedPeerCertificate } from 'node:tls';

/** Longer chains than this are nobody's. */
const maxChain = 10;

/** `pins` are SHA-256 digests of SubjectPublicKeyInfo. Of a connection whose TLS was verified; false for one without. Never throws. */
export function isPinned(socket: Socket, pins: readonly Uint8Array[]): boolean {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return false;
  try {
    for (const { publicKey } of signedChain(socket.getPeerCertificate(true))) {
      const digest = createHash('sha256')
        .update(publicKey.export({ type: 'spki', format: 'der' }))
        .digest();
      if (pins.some((pin) => digest.equals(pin))) return true;
    }
  } catch {
    // a key that this platform cannot read is not known to be one of them
  }
  return false;
}

/**
 * From the service's own certificate upwards, each signed by the key of the next. Node puts its chain together by names: a certificate that is
 * only sent along, with the pinned key in it and a fitting name on it, has signed nothing and ends the chain.
 */
function* signedChain(own: DetailedPeerCertificate): Generator<X509Certificate> {
  let last = new X509Certificate(own.raw);
  yield last;
  let { issuerCertificate: next } = own;
  for (let length = 1; next !== undefined && length < maxChain; length += 1, next = next.issuerCertificate) {
    const issuer = new X509Certificate(next.raw);
    if (issuer.raw.equals(last.raw) || !last.verify(issuer.publicKey)) return;
    yield issuer;
    last = issuer;
  }
}
