// Pinned keys at real TLS origins, spec/broker.md §2: who has a certificate that verifies and not the key gets nothing.

import assert from 'node:assert/strict';
import { createHash, webcrypto, X509Certificate } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import 'reflect-metadata'; // x509's container asks for it
import * as x509 from '@peculiar/x509';
import { makeCertificate } from '@holdfast/testkit/origin';
import { certificateFor, codeIn, headerOf, readReply, secretText, world, type TestOrigin, type World } from './world.ts';

const pinOf = (pem: string): Uint8Array =>
  createHash('sha256')
    .update(new X509Certificate(pem).publicKey.export({ type: 'spki', format: 'der' }))
    .digest();
const otherPin = new Uint8Array(32).fill(7);
const own = await certificateFor('localhost', '127.0.0.1');

const get = (host: string): string => `GET /v1/me HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
const askAt = (it: World, { port }: TestOrigin) => it.ask(`localhost:${port}`, get(`localhost:${port}`));

// [BROKER-50] [FENCE-51]
test('one pinned key in the chain that was verified is enough, wherever in it', async () => {
  for (const [what, pins] of [
    ["the service's own", [pinOf(own.certPem)]],
    ["its authority's, which it does not send", [pinOf(own.caPem)]],
    ['one of several', [otherPin, pinOf(own.certPem)]],
  ] as const) {
    await using it = await world();
    const origin = await it.origin();
    it.grant(origin, { pins });
    const reply = await askAt(it, origin);
    assert.equal(reply.status, 200, what);
    assert.equal(headerOf(origin.seen[0], 'authorization'), `Bearer ${secretText}`);
  }
});

/** With the key and a name of what it is not: anybody can make one. */
async function sentAlong(pinned: string, name: string): Promise<string> {
  const signing = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const anyKey = await webcrypto.subtle.generateKey(signing, true, ['sign', 'verify']);
  const made = await x509.X509CertificateGenerator.create(
    {
      subject: name,
      issuer: name,
      publicKey: new x509.PublicKey(new X509Certificate(pinned).publicKey.export({ type: 'spki', format: 'der' })),
      signingKey: anyKey.privateKey,
      notBefore: new Date(Date.now() - 86_400_000),
      notAfter: new Date(Date.now() + 86_400_000),
      signingAlgorithm: signing,
      extensions: [
        new x509.BasicConstraintsExtension(true, 0, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
      ],
    },
    webcrypto,
  );
  return made.toString('pem');
}

// [BROKER-50]
test('without one nothing leaves: no request, no secret opened', async () => {
  const pinned = await makeCertificate(['localhost']);
  const { certPem, keyPem, caPem } = own;
  const withAlong = async (name: string) => `${certPem}\n${await sentAlong(pinned.certPem, name)}`;
  const cases = [
    ['another key of the same authority', certPem],
    ['the pinned key in a certificate that is only sent along', await withAlong('CN=pinned')],
    ["the same by the authority's name", await withAlong(new X509Certificate(caPem).subject)],
    ['the pinned certificate itself sent along', `${certPem}\n${pinned.certPem}`],
  ] as const;
  for (const [what, chain] of cases) {
    await using it = await world();
    const origin = await it.origin(undefined, { certPem: chain, keyPem, caPem });
    it.grant(origin, { pins: [pinOf(pinned.certPem), otherPin] });
    const reply = await askAt(it, origin);
    assert.deepEqual([reply.status, codeIn(reply)], [502, 'upstream_unpinned'], what);
    assert.deepEqual(origin.seen, [], what);
    assert.deepEqual(
      it.records.map(({ kind, code }) => code ?? kind),
      ['use', 'upstream_unpinned'],
      what,
    );
  }
});

// [BROKER-20]
test('a connection that nobody checked for pins is not used where there are some', async () => {
  await using it = await world();
  const origin = await it.origin();
  const rule = { allowPrivate: true, ca: origin.ca };
  const at = `https://localhost:${origin.port}`;
  it.egress.set(at, { ...rule, pins: undefined });
  assert.equal((await askAt(it, origin)).status, 200);
  it.egress.set(at, { ...rule, pins: [otherPin] });
  assert.equal(codeIn(await askAt(it, origin)), 'upstream_unpinned');
  it.egress.set(at, { ...rule, pins: [pinOf(own.certPem)] });
  assert.equal((await askAt(it, origin)).status, 200);
  it.egress.set(at, { ...rule, pins: undefined });
  assert.equal((await askAt(it, origin)).status, 200);
  const [first, pinned, last] = origin.seen.map(({ connection }) => connection);
  assert.notEqual(pinned, first);
  assert.equal(last, first, 'the one without pins waits for its like');
});

// [BROKER-50]
test('where there is no certificate there is no pinned key', async () => {
  await using it = await world();
  let requests = 0;
  const plain = createServer((_request, response) => {
    requests += 1;
    response.end();
  });
  await new Promise<void>((done) => plain.listen(0, '127.0.0.1', done));
  it.defer(() => void plain.close());
  const host = `localhost:${(plain.address() as AddressInfo).port}`;
  it.egress.set(`http://${host}`, { allowPrivate: true, ca: undefined, pins: [pinOf(own.certPem)] });
  const socket = await it.open();
  socket.write(`GET http://${host}/ HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  assert.equal(codeIn(await readReply(socket)), 'upstream_unpinned');
  assert.equal(requests, 0);
});
