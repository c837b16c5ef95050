// A small HTTPS service with a certificate of its own, as an upstream that the operator knows by its CA: what it saw is the outside evidence.

import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import 'reflect-metadata'; // x509's container asks for it
import * as x509 from '@peculiar/x509';

export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly body: Buffer;
}

export interface Service {
  readonly port: number;
  readonly host: string;
  /** The authority that signed its certificate, PEM. */
  readonly caPem: string;
  close(): Promise<void>;
}

export interface Origin extends Service {
  /** Every request, in order of arrival. */
  readonly seen: readonly Seen[];
  /** When each one's head was there, by this process's wall clock. */
  readonly seenAtMs: readonly number[];
  /** Every connection, also one over which nothing was asked. */
  readonly connections: number;
}

/** Answers once the whole request has arrived. */
export type Answer = (seen: Seen, request: IncomingMessage, response: ServerResponse) => void;

/** Says who is asking without repeating the credential. */
const discreetAnswer: Answer = (seen, _request, response) => {
  response.setHeader('content-type', 'application/json');
  response.end(
    `${JSON.stringify({ ok: true, method: seen.method, path: seen.url.split('?')[0], authenticated: 'authorization' in seen.headers })}\n`,
  );
};

/** Repeats everything it got, in several encodings: the reply that a scrubber must clean. */
export const echoAnswer: Answer = (seen, _request, response) => {
  const echoed = JSON.stringify({ url: seen.url, headers: seen.headers });
  response.setHeader('content-type', 'text/plain');
  response.setHeader('x-echo', String(seen.headers['authorization'] ?? ''));
  response.end(
    [echoed, Buffer.from(echoed).toString('base64'), Buffer.from(echoed).toString('hex'), encodeURIComponent(echoed)].join('\n'),
  );
};

/** Sends one line at once and then another every few milliseconds for as long as somebody listens. */
export const streamAnswer: Answer = (_seen, _request, response) => {
  response.setHeader('content-type', 'text/event-stream');
  let count = 0;
  const send = (): void => void response.write(`data: ${(count += 1)}\n\n`);
  send();
  const timer = setInterval(send, 20);
  response.once('close', () => clearInterval(timer));
};

const signing = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const dayMs = 86_400_000;

export interface Certificate {
  readonly caPem: string;
  readonly certPem: string;
  readonly keyPem: string;
}

/** A fresh authority and one certificate of it for `hosts` (names or IP addresses), valid from yesterday for a week. */
export async function makeCertificate(hosts: readonly string[]): Promise<Certificate> {
  const { subtle } = globalThis.crypto;
  const [authority, leaf] = await Promise.all([
    subtle.generateKey(signing, true, ['sign', 'verify']),
    subtle.generateKey(signing, true, ['sign', 'verify']),
  ]);
  const notBefore = new Date(Date.now() - dayMs);
  const notAfter = new Date(Date.now() + 7 * dayMs);
  const ca = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=Test authority',
    keys: authority,
    notBefore,
    notAfter,
    signingAlgorithm: signing,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
      await x509.SubjectKeyIdentifierExtension.create(authority.publicKey),
    ],
  });
  const certificate = await x509.X509CertificateGenerator.create({
    subject: `CN=${hosts[0] ?? 'localhost'}`,
    issuer: ca.subject,
    publicKey: leaf.publicKey,
    signingKey: authority.privateKey,
    notBefore,
    notAfter,
    signingAlgorithm: signing,
    extensions: [
      new x509.SubjectAlternativeNameExtension(
        hosts.map((host) => ({ type: /^[\d.]+$|:/.test(host) ? ('ip' as const) : ('dns' as const), value: host })),
      ),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      await x509.AuthorityKeyIdentifierExtension.create(authority.publicKey),
    ],
  });
  const pkcs8 = Buffer.from(await subtle.exportKey('pkcs8', leaf.privateKey)).toString('base64');
  return {
    caPem: ca.toString('pem'),
    certPem: certificate.toString('pem'),
    keyPem: `-----BEGIN PRIVATE KEY-----\n${pkcs8}\n-----END PRIVATE KEY-----\n`,
  };
}

/** Listens on a free port of 127.0.0.1; its certificate is for `host`, of several for all, and for its address. */
export async function startService(
  listener: RequestListener,
  host: string | readonly string[] = 'localhost',
): Promise<Service & { readonly server: Server }> {
  const hosts = [host].flat();
  const { caPem, certPem, keyPem } = await makeCertificate([...hosts, '127.0.0.1']);
  const server = createServer({ cert: certPem, key: keyPem }, listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    host: hosts[0] ?? '',
    caPem,
    server,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** A service that keeps what it saw and answers each request once it is whole. */
export async function startOrigin(
  answer: Answer = discreetAnswer,
  host: string | readonly string[] = 'localhost',
): Promise<Origin> {
  const seen: Seen[] = [];
  const seenAtMs: number[] = [];
  const { server, ...service } = await startService((request, response) => {
    const atMs = Date.now();
    const chunks: Buffer[] = [];
    request.on('error', () => response.destroy());
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      const one = { method, url, headers, body: Buffer.concat(chunks) };
      seenAtMs.push(atMs);
      seen.push(one);
      answer(one, request, response);
    });
  }, host);
  let connections = 0;
  server.on('connection', () => (connections += 1));
  return {
    ...service,
    seen,
    seenAtMs,
    get connections() {
      return connections;
    },
  };
}
