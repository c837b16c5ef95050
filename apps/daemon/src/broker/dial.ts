// One connection to an upstream, spec/broker.md §5: to an address that was judged, with a certificate that verifies.

import { connect as connectPlain, isIP, type LookupFunction, type Socket } from 'node:net';
import { connect as connectTls, createSecureContext, getCACertificates, type SecureContext } from 'node:tls';
import { allowedAddresses, literalAddress, type Resolve } from './addresses.ts';
import { isPinned } from './pins.ts';
import { refusal } from './refusal.ts';
import type { Target } from './target.ts';

/** SSL_OP_CLEANSE_PLAINTEXT of OpenSSL 3, which Node does not name: overwrite received plaintext once it was handed over. */
const cleansePlaintext = 2;

/** Contexts are costly to make and depend on the trusted authorities alone. [BROKER-8] */
export class Trust {
  readonly #contexts = new Map<string, SecureContext>();

  /** `ca` alone when given, else what Node and the system trust. */
  contextFor(ca: string | undefined): SecureContext {
    const key = ca ?? '';
    const known = this.#contexts.get(key);
    if (known !== undefined) return known;
    const made = createSecureContext({
      ca: ca ?? [...new Set([...getCACertificates('default'), ...getCACertificates('system')])],
      minVersion: 'TLSv1.2',
      secureOptions: cleansePlaintext,
    });
    this.#contexts.set(key, made);
    return made;
  }
}

export interface Dial {
  readonly target: Target;
  readonly allowPrivate: boolean;
  readonly ca: string | undefined;
  readonly pins: readonly Uint8Array[] | undefined;
}

interface DialPorts {
  readonly resolve: Resolve;
  readonly trust: Trust;
  readonly timeoutMs: number;
}

const certificateFault =
  /^(?:ERR_TLS_|ERR_SSL_|CERT_|CRL_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|INVALID_|HOSTNAME_|PATH_LENGTH_|AKID_|EE_|CA_|UNSUPPORTED_|EPROTO)/;

function faultOf(thrown: unknown): Error {
  const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : '';
  return refusal(certificateFault.test(code) ? 'upstream_untrusted' : 'upstream_unreachable', thrown);
}

/** Resolves to a connected (for https: verified) socket. Throws `address_refused`, `upstream_unpinned`, `upstream_unreachable`, `upstream_untrusted`, `upstream_timeout`, `request_cut`. */
export async function dial(
  { target, allowPrivate, ca, pins }: Dial,
  { resolve, trust, timeoutMs }: DialPorts,
  signal: AbortSignal,
): Promise<Socket> {
  const late = AbortSignal.timeout(timeoutMs);
  const ended = AbortSignal.any([signal, late]);
  const cut = (): Error => refusal(late.aborted ? 'upstream_timeout' : 'request_cut');
  const addresses = await raced(allowedAddresses(target, allowPrivate, resolve), ended, cut);
  if (ended.aborted) throw cut();
  const socket = open(target, addresses, trust, ca);
  const ready = target.scheme === 'https' ? 'secureConnect' : 'connect';
  return new Promise<Socket>((done, fail) => {
    const stop = (error: Error): void => {
      ended.removeEventListener('abort', onAbort);
      socket.destroy();
      fail(error);
    };
    const onAbort = (): void => stop(cut());
    const onClose = (): void => stop(refusal('upstream_unreachable'));
    socket.once('error', (error) => stop(faultOf(error)));
    socket.once('close', onClose);
    ended.addEventListener('abort', onAbort, { once: true });
    socket.once(ready, () => {
      // The name was resolved before; a peer beyond the judged addresses would be a second resolution. [BROKER-7]
      if (!addresses.some((address) => sameAddress(address, socket.remoteAddress))) return stop(refusal('address_refused'));
      if (pins !== undefined && !isPinned(socket, pins)) return stop(refusal('upstream_unpinned')); // [FENCE-51] [BROKER-50]
      ended.removeEventListener('abort', onAbort);
      socket.removeListener('close', onClose);
      socket.removeAllListeners('error');
      done(socket);
    });
  });
}

/** Waiting ends with the signal; the work behind it may go on unheard. */
async function raced<T>(work: Promise<T>, signal: AbortSignal, error: () => Error): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(error());
  if (signal.aborted) onAbort();
  else signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

function open(target: Target, addresses: readonly string[], trust: Trust, ca: string | undefined): Socket {
  const lookup: LookupFunction = (_host, _options, found) =>
    found(
      null,
      addresses.map((address) => ({ address, family: isIP(address) })),
    );
  const literal = literalAddress(target.host);
  const to = { host: literal ?? target.host, port: target.port, lookup, autoSelectFamily: true, noDelay: true };
  if (target.scheme === 'http') return connectPlain(to);
  return connectTls({
    ...to,
    // By default Node takes this from the environment.
    rejectUnauthorized: true,
    secureContext: trust.contextFor(ca),
    ALPNProtocols: ['http/1.1'],
    ...(literal === undefined ? { servername: target.host } : {}),
  });
}

function sameAddress(judged: string, peer: string | undefined): boolean {
  return peer !== undefined && (peer === judged || peer === `::ffff:${judged}`);
}
