import { test } from 'node:test';
import assert from 'node:assert/strict';
import { createServer as createTlsServer, getCACertificates, setDefaultCACertificates, type TLSSocket } from 'node:tls';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { webcrypto } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import 'reflect-metadata'; // x509's container asks for it
import * as x509 from '@peculiar/x509';
import {
  ownCopy,
  certificateFor,
  codeIn,
  nextChunk,
  headerOf,
  placeholder,
  readReply,
  secretText,
  world,
  type TestOrigin,
  type World,
} from './world.ts';

const get = (host: string, headers = ''): string => `GET /v1/me HTTP/1.1\r\nHost: ${host}\r\n${headers}\r\n`;

/** Whatever form of the secret a reply could show. */
function assertClean(text: string, what: string): void {
  const secret = Buffer.from(secretText);
  const forms = [
    secretText,
    secret.toString('hex'),
    secret.toString('base64').slice(0, -2),
    encodeURIComponent(secretText),
    JSON.stringify(secretText).slice(1, -1),
    [...secretText].reverse().join(''),
  ];
  for (const form of forms)
    assert.ok(!text.toLowerCase().includes(form.toLowerCase()), `${what} shows ${form} in ${text.slice(0, 400)}`);
  for (const offset of [0, 1, 2]) {
    const encoded = Buffer.from('x'.repeat(offset) + secretText).toString('base64');
    assert.ok(!text.includes(encoded.slice(offset === 0 ? 0 : offset + 1, -4)), `${what} shows base64 at ${offset}`);
  }
}

/** An origin that writes bytes as they are. */
async function rawOrigin(it: World, answer: (socket: TLSSocket, request: string, turn: number) => void): Promise<TestOrigin> {
  const certificate = await certificateFor('localhost', '127.0.0.1');
  let connections = 0;
  const server = createTlsServer({ cert: certificate.certPem, key: certificate.keyPem }, (socket) => {
    connections += 1;
    let turn = 0;
    let text = '';
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      if (!text.includes('\r\n\r\n')) return;
      const request = text;
      text = '';
      answer(socket, request, (turn += 1));
    });
    it.defer(() => void socket.destroy());
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  it.defer(() => void server.close());
  return {
    port: (server.address() as AddressInfo).port,
    ca: certificate.caPem,
    seen: [],
    connections: () => connections,
    answer: () => {},
    started: () => {},
  };
}

// [BROKER-21]
test('an echoing origin shows nothing: reason, headers, body, encodings, chunks of any size', async () => {
  await using it = await world();
  const origin = await rawOrigin(it, (socket, request, turn) => {
    const echoed = [
      request,
      JSON.stringify(request),
      Buffer.from(request).toString('base64'),
      Buffer.from(request).toString('base64url'),
      Buffer.from(request).toString('hex'),
      encodeURIComponent(request),
    ].join('\n');
    const size = [1, 3, 7, 64][turn - 1] ?? 1000;
    const body: string[] = [];
    for (let at = 0; at < echoed.length; at += size) {
      const piece = echoed.slice(at, at + size);
      body.push(`${piece.length.toString(16)};x="y"\r\n${piece}\r\n`);
    }
    socket.write(
      `HTTP/1.1 200 hello ${secretText}\r\nX-Echo: ${secretText}\r\nX-B64: ${Buffer.from(`Bearer ${secretText}`).toString('base64')}\r\nX-${Buffer.from(secretText).toString('hex')}: name\r\nTransfer-Encoding: chunked\r\n\r\n${body.join('')}0\r\nX-Trailer: ${secretText}\r\n\r\n`,
    );
  });
  it.grant(origin);
  const host = `localhost:${origin.port}`;
  for (const turn of [1, 2, 3, 4]) {
    const reply = await it.ask(host, get(host));
    assert.equal(reply.status, 200, reply.body.toString());
    assertClean(reply.head + reply.body.toString('latin1'), `turn ${turn}`);
    assert.equal(reply.headers.get('x-echo')?.length, secretText.length);
    assert.ok(!reply.head.includes('railer'), 'trailers are dropped');
  }
  assert.equal(origin.connections(), 1);
});

test('of a name and a password the password is found by itself', async () => {
  const password = 'a-password-of-some-length';
  await using it = await world({ open: async () => ownCopy(`somebody:${password}`) });
  const origin = await it.origin((_seen, response) => response.end(`somebody came with ${password}`));
  it.grant(origin, { attach: { kind: 'basic', username: '' } });
  const host = `localhost:${origin.port}`;
  assert.equal((await it.ask(host, get(host))).body.toString(), `somebody came with ${'*'.repeat(password.length)}`);
});

test('with a length the length stays true, and a secret across TLS records is found', async () => {
  await using it = await world();
  const origin = await rawOrigin(it, (socket) => {
    const body = `before ${secretText} after`;
    socket.write(`HTTP/1.1 200 OK\r\nX-Part: ${secretText.slice(0, 9)}`);
    setImmediate(() => {
      socket.write(`${secretText.slice(9)}\r\nContent-Length: ${body.length}\r\n\r\n${body.slice(0, 12)}`);
      setImmediate(() => socket.write(body.slice(12)));
    });
  });
  it.grant(origin);
  const host = `localhost:${origin.port}`;
  const reply = await it.ask(host, get(host));
  assert.equal(reply.body.toString(), `before ${'*'.repeat(secretText.length)} after`);
  assert.equal(reply.headers.get('x-part'), '*'.repeat(secretText.length));
});

// [BROKER-24]
test('compressed replies are decoded and scrubbed; identity is what the origin is asked for', async () => {
  await using it = await world();
  const origin = await it.origin();
  it.grant(origin);
  const host = `localhost:${origin.port}`;
  const codings: [coding: string, compress: (body: string) => Buffer][] = [
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['deflate', deflateRawSync],
    ['br', brotliCompressSync],
    ['zstd', zstdCompressSync],
    ['gzip, br', (body) => brotliCompressSync(gzipSync(body))],
    ['identity, zstd, deflate, br, x-gzip', (body) => gzipSync(brotliCompressSync(deflateRawSync(zstdCompressSync(body))))],
  ];
  for (const [coding, compress] of codings) {
    origin.answer = (seen, response) => {
      const body = compress(`you sent ${headerOf(seen, 'authorization')} thank you`);
      response.writeHead(200, { 'content-encoding': coding, 'content-length': body.length }).end(body);
    };
    const reply = await it.ask(host, get(host, 'Accept-Encoding: gzip, br\r\nRange: bytes=0-3\r\nIf-Range: "x"\r\n'));
    assert.equal(reply.body.toString(), `you sent Bearer ${'*'.repeat(secretText.length)} thank you`, coding);
    assert.equal(reply.headers.get('content-encoding'), undefined);
  }
  const [seen] = origin.seen;
  assert.deepEqual(
    [headerOf(seen, 'accept-encoding'), headerOf(seen, 'range'), headerOf(seen, 'if-range')],
    ['identity', undefined, undefined],
  );
});

// [BROKER-24]
test('a reply that unpacks to far more than it was ends; one that packs well arrives', async () => {
  await using it = await world();
  const bomb = gzipSync(gzipSync(Buffer.alloc(64 << 20)));
  const large = Buffer.alloc(1 << 20, 'x\n');
  const origin = await it.origin((seen, response) => {
    const [coding, body] = seen.url === '/v1/me' ? ['gzip, gzip', bomb] : ['gzip', gzipSync(large)];
    response.writeHead(200, { 'content-encoding': coding, 'content-length': body.length }).end(body);
  });
  it.grant(origin);
  const host = `localhost:${origin.port}`;
  const reply = await it.ask(host, `GET /v1/large HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  assert.ok(reply.body.equals(large));
  const tls = await it.tunnel(host);
  tls.write(get(host));
  let came = 0;
  for await (const chunk of tls) came += (chunk as Buffer).length;
  assert.ok(bomb.length < 4_000 && came < 24 << 20, `${bomb.length} bytes became ${came}`);
  assert.ok(it.records.some(({ kind }) => kind === 'failed'));
});

// [BROKER-20] [BROKER-24]
test('no client chooses the characters of a reply', async () => {
  await using it = await world();
  const origin = await it.origin();
  it.grant(origin);
  const host = `localhost:${origin.port}`;
  const asked = [
    'Accept: text/plain;charset=Cp037, a/b ; q=0.5; charset="utf-7";v=1',
    'Accept: text/plain; q=1',
    'Accept-Charset: utf-7\r\nA-IM: gzip',
  ];
  for (const types of ['text/plain', 'text/html; charset=UTF-8', 'text/html;charset="iso-8859-1"', 'a/b; charset=Shift_JIS']) {
    origin.answer = (_seen, response) => response.writeHead(200, { 'content-type': types }).end('ok');
    for (const header of asked) assert.equal((await it.ask(host, get(host, `${header}\r\n`))).status, 200, types);
  }
  assert.deepEqual(
    origin.seen.slice(0, 3).map((seen) => ['accept', 'accept-charset', 'a-im'].map((name) => headerOf(seen, name))),
    [
      ['text/plain, a/b ; q=0.5;v=1', undefined, undefined],
      ['text/plain; q=1', undefined, undefined],
      [undefined, undefined, undefined],
    ],
  );
});

test('replies that break HTTP or cannot be cleaned are refused, and their connection is not used again', async () => {
  const replies: Record<string, string> = {
    'a folded header': `HTTP/1.1 200 OK\r\nX-A: one\r\n two\r\nContent-Length: 0\r\n\r\n`,
    'an unknown coding': 'HTTP/1.1 200 OK\r\nContent-Encoding: secret-sauce\r\nContent-Length: 2\r\n\r\nok',
    'five codings': 'HTTP/1.1 200 OK\r\nContent-Encoding: gzip, br, gzip, br, gzip\r\nContent-Length: 2\r\n\r\nok',
    'one unknown coding of two': 'HTTP/1.1 200 OK\r\nContent-Encoding: gzip, compress\r\nContent-Length: 2\r\n\r\nok',
    'a transfer coding that hides the body': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n',
    'in UTF-7': 'HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-7\r\nContent-Length: 2\r\n\r\nok',
    'in EBCDIC': 'HTTP/1.1 200 OK\r\nContent-Type: text/plain;Charset = "Cp037"\r\nContent-Length: 2\r\n\r\nok',
    'in two tables': 'HTTP/1.1 200 OK\r\nContent-Type: a/b; charset=utf-8; charset=IBM1047\r\nContent-Length: 2\r\n\r\nok',
    'a delta': 'HTTP/1.1 226 IM Used\r\nIM: gzip\r\nContent-Length: 2\r\n\r\nok',
    'a part': 'HTTP/1.1 206 Partial\r\nContent-Length: 2\r\n\r\nok',
    'an upgrade': 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n',
    'half an upgrade': 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n',
    'two lengths': 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok',
    'length and chunks': 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'not HTTP': 'SSH-2.0-OpenSSH\r\n\r\n',
    'a head without end': `HTTP/1.1 200 OK\r\nX: ${'y'.repeat(70_000)}`,
  };
  for (const [what, text] of Object.entries(replies)) {
    await using it = await world();
    const origin = await rawOrigin(it, (socket) => socket.write(text));
    it.grant(origin);
    const host = `localhost:${origin.port}`;
    const reply = await it.ask(host, get(host));
    assert.deepEqual([reply.status, codeIn(reply)], [502, 'reply_refused'], what);
    assertClean(reply.head + reply.body.toString(), what);
    await it.ask(host, get(host));
    assert.equal(origin.connections(), 2, what);
    assert.deepEqual(
      it.records.map(({ kind, code }) => [kind, code].filter(Boolean).join(':')).slice(0, 4),
      ['use', 'opened', 'wiped', 'failed:reply_refused'],
      what,
    );
  }
});

test('a second reply that nobody asked for is never taken for the next request', async () => {
  const planted = 'HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nplanted';
  for (const late of [false, true]) {
    await using it = await world();
    let closed = Promise.withResolvers<void>();
    const origin = await rawOrigin(it, (socket, _request, turn) => {
      socket.once('close', () => closed.resolve());
      const own = `HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nown${turn}`;
      if (!late) socket.write(own + planted);
      else socket.write(own, () => setTimeout(() => socket.write(planted), 20));
    });
    it.grant(origin);
    const host = `localhost:${origin.port}`;
    for (let round = 1; round <= 3; round += 1) {
      closed = Promise.withResolvers<void>();
      const reply = await it.ask(host, get(host));
      assert.equal(reply.body.toString(), 'own1', `late: ${late}`);
      await closed.promise;
      assert.equal(origin.connections(), round);
    }
  }
});

// [BROKER-12] [BROKER-25]
test('redirects are not followed; cookies, hop-by-hop headers and ways around the broker are taken off', async () => {
  await using it = await world();
  const origin = await rawOrigin(it, (socket) =>
    socket.write(
      'HTTP/1.1 302 Found\r\nLocation: http://evil.example/\r\nSet-Cookie: session=1\r\nAlt-Svc: h3=":443"\r\nConnection: keep-alive, X-Gone\r\nKeep-Alive: timeout=9\r\nX-Gone: 1\r\nX-Stays: 1\r\nContent-Length: 0\r\n\r\n',
    ),
  );
  it.grant(origin);
  const host = `localhost:${origin.port}`;
  const reply = await it.ask(host, get(host));
  assert.equal(reply.status, 302);
  assert.deepEqual([...reply.headers.keys()].filter((name) => !['connection', 'date'].includes(name)).toSorted(), [
    'content-length',
    'location',
    'x-stays',
  ]);
  assert.equal(origin.connections(), 1);
});

test('interim replies are passed over, HEAD and 304 have no body', async () => {
  await using it = await world();
  const origin = await rawOrigin(it, (socket, request) => {
    const interim = `HTTP/1.1 103 Early Hints\r\nLink: <${secretText}>\r\n\r\n`;
    socket.write(
      request.startsWith('HEAD')
        ? `${interim}HTTP/1.1 200 OK\r\nContent-Length: 99\r\nContent-Encoding: gzip\r\n\r\n`
        : `${interim}HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n`,
    );
  });
  it.grant(origin);
  const host = `localhost:${origin.port}`;
  const head = await it.ask(host, `HEAD /v1/me HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  assert.deepEqual([head.status, head.headers.get('content-length')], [200, '99']);
  assert.equal((await it.ask(host, get(host))).status, 304);
  assert.equal(origin.connections(), 1);
});

// [BROKER-22]
test('an event stream does not stall: each event arrives when it was sent', async () => {
  await using it = await world();
  const origin = await it.origin((_seen, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write('data: {"delta": "one"}\n\n');
    it.defer(() => void response.end());
    origin.answer = () => {};
    next = () => response.write(`data: ${secretText}\n\n`);
  });
  let next = (): boolean => false;
  it.grant(origin);
  const host = `localhost:${origin.port}`;
  const tls = await it.tunnel(host);
  tls.write(get(host));
  let text = '';
  while (!text.includes('"one"}\n\n')) text += (await nextChunk(tls))?.toString('latin1') ?? assert.fail('ended');
  next();
  while (!/data: \*+\n\n/.test(text)) text += (await nextChunk(tls))?.toString('latin1') ?? assert.fail('ended');
  assertClean(text, 'stream');
});

// [BROKER-27]
test('back-pressure reaches the origin, both ways, and large bodies arrive whole', async () => {
  await using it = await world();
  const size = 24 * 1024 * 1024;
  const sent = { bytes: 0 };
  const origin = await it.origin((seen, response) => {
    if (seen.method === 'POST') return response.end(String(seen.body.length));
    response.writeHead(200, { 'content-length': size });
    const piece = Buffer.alloc(64 * 1024, 'x\n');
    const more = (): void => {
      while (sent.bytes < size) {
        sent.bytes += piece.length;
        if (!response.write(piece)) return void response.once('drain', more);
      }
      response.end();
    };
    more();
  });
  it.grant(origin);
  const host = `localhost:${origin.port}`;
  const tls = await it.tunnel(host);
  tls.write(get(host));
  await nextChunk(tls);
  tls.pause();
  let before = -1;
  while (before !== sent.bytes) {
    before = sent.bytes;
    await new Promise((done) => setTimeout(done, 150));
  }
  assert.ok(sent.bytes < size, `${sent.bytes} bytes went to a client that does not read`);
  tls.destroy();
  const posted = await it.ask(
    host,
    Buffer.concat([
      Buffer.from(`POST /v1/x HTTP/1.1\r\nHost: ${host}\r\nContent-Length: ${size}\r\n\r\n`),
      Buffer.alloc(size, 'y'),
    ]),
  );
  assert.equal(posted.body.toString(), String(size));
});

// [BROKER-27]
test('a reply whose connection ends with it arrives whole at a client that reads late', async () => {
  await using it = await world();
  const size = 3 * 1024 * 1024;
  const body = Buffer.alloc(size, 'x\n');
  const origin = await rawOrigin(it, (socket) => {
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\nConnection: close\r\n\r\n`);
    socket.end(body);
  });
  it.grant(origin);
  const host = `localhost:${origin.port}`;
  for (const ask of ['1.1', '2'] as const) {
    let got: Buffer;
    if (ask === '1.1') {
      const tls = await it.tunnel(host);
      tls.write(get(host));
      tls.pause();
      await new Promise((done) => setTimeout(done, 300));
      got = (await readReply(tls)).body;
    } else {
      const stream = (await it.http2(host)).request({ ':path': '/v1/me' });
      await new Promise((done) => setTimeout(done, 300));
      got = await buffer(stream);
    }
    assert.equal(got.length, size, `HTTP/${ask}`);
  }
});

// [BROKER-26] [BROKER-27]
test('revocation cuts open streams and kept connections; others go on', async () => {
  await using it = await world();
  const aborted: string[] = [];
  const stream = async (change: { grantId: string }): Promise<{ host: string; tls: TLSSocket; origin: TestOrigin }> => {
    const origin = await it.origin((_seen, response) => {
      response.write('data: open\n\n');
      response.on('close', () => aborted.push(change.grantId));
    });
    it.grant(origin, change);
    const host = `localhost:${origin.port}`;
    const tls = await it.tunnel(host);
    tls.write(get(host));
    await nextChunk(tls);
    tls.resume();
    return { host, tls, origin };
  };
  const kept = await it.origin();
  it.grant(kept);
  const keptHost = `localhost:${kept.port}`;
  await it.ask(keptHost, get(keptHost));
  it.broker.cutCredentialed();
  await it.ask(keptHost, get(keptHost));
  assert.equal(kept.connections(), 2, 'a connection that carried the credential is not kept');
  const one = await stream({ grantId: 'one' });
  const two = await stream({ grantId: 'two' });
  const closed = new Promise((done) => one.tls.once('close', done));
  it.broker.cutCredentialed('one');
  await closed;
  while (aborted.length === 0) await new Promise((done) => setTimeout(done, 5));
  assert.deepEqual(aborted, ['one']);
  assert.ok(!two.tls.destroyed);
  assert.ok(it.records.some(({ kind, code }) => kind === 'failed' && code === 'request_cut'));
  const second = new Promise((done) => two.tls.once('close', done));
  it.broker.cutCredentialed();
  await second;
});

// [BROKER-27]
test('a client that leaves ends the upstream request, an origin that leaves ends the client', async () => {
  await using it = await world();
  const left = Promise.withResolvers<void>();
  const origin = await it.origin((seen, response) => {
    response.write('data: open\n\n');
    if (seen.url === '/v1/me') response.on('close', () => left.resolve());
    else setImmediate(() => response.destroy());
  });
  it.grant(origin);
  const host = `localhost:${origin.port}`;
  const tls = await it.tunnel(host);
  tls.write(get(host));
  await nextChunk(tls);
  tls.destroy();
  await left.promise;
  const other = await it.tunnel(host);
  other.write(`GET /v1/cut HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  await assert.rejects(readReply(other), /ended in a reply/);
});

/** Signed for itself, by no other name than its own. */
async function selfSigned(endsInMs: number): Promise<{ caPem: string; certPem: string; keyPem: string }> {
  const signing = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await webcrypto.subtle.generateKey(signing, true, ['sign', 'verify']);
  const made = await x509.X509CertificateGenerator.createSelfSigned(
    {
      name: 'CN=localhost',
      keys,
      notBefore: new Date(Date.now() - 2 * 86_400_000),
      notAfter: new Date(Date.now() + endsInMs),
      signingAlgorithm: signing,
      extensions: [new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: 'localhost' }])],
    },
    webcrypto,
  );
  const key = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  return {
    caPem: made.toString('pem'),
    certPem: made.toString('pem'),
    keyPem: `-----BEGIN PRIVATE KEY-----\n${key}\n-----END PRIVATE KEY-----\n`,
  };
}

// [BROKER-8]
test('upstreams that do not verify get nothing', async () => {
  await using it = await world();
  const trusted = await certificateFor('localhost', '127.0.0.1');
  const wrongName = await certificateFor('other.example');
  const cases: [what: string, certificate: typeof trusted, ca: string | undefined][] = [
    ['an unknown authority', trusted, undefined],
    ["another item's authority", trusted, wrongName.caPem],
    ['a wrong name', wrongName, wrongName.caPem],
  ];
  for (const [what, certificate, ca] of cases) {
    const origin = await it.origin(undefined, certificate);
    it.grant(origin, { ca });
    const host = `localhost:${origin.port}`;
    const reply = await it.ask(host, get(host));
    assert.deepEqual([reply.status, codeIn(reply)], [502, 'upstream_untrusted'], what);
    assert.equal(origin.seen.length, 0);
  }
  const expired = await selfSigned(-86_400_000);
  const late = await it.origin(undefined, expired);
  it.grant(late);
  assert.equal(codeIn(await it.ask(`localhost:${late.port}`, get(`localhost:${late.port}`))), 'upstream_untrusted');
  assert.equal(late.seen.length, 0);
  const old = createHttpsServer(
    { cert: trusted.certPem, key: trusted.keyPem, minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' },
    (_request, response) => response.end(),
  );
  await new Promise<void>((done) => old.listen(0, '127.0.0.1', done));
  it.defer(() => void old.close());
  const oldPort = (old.address() as AddressInfo).port;
  it.grant({ port: oldPort, ca: trusted.caPem, seen: [], connections: () => 0, answer: () => {}, started: () => {} });
  assert.equal(codeIn(await it.ask(`localhost:${oldPort}`, get(`localhost:${oldPort}`))), 'upstream_untrusted');
  assert.ok(!it.records.some(({ kind }) => kind === 'opened'), 'no secret was opened for any of them');
});

test("an item's own authority is trusted alone; without one the machine's are", async () => {
  await using it = await world();
  const common = await selfSigned(86_400_000);
  const own = await certificateFor('other.example');
  const before = getCACertificates('default');
  setDefaultCACertificates([...before, common.caPem]);
  it.defer(() => setDefaultCACertificates(before));
  const origin = await it.origin(undefined, common);
  const host = `localhost:${origin.port}`;
  it.grant(origin, { ca: own.caPem });
  assert.equal(codeIn(await it.ask(host, get(host))), 'upstream_untrusted');
  it.grants.length = 0;
  it.grant(origin, { ca: undefined });
  assert.equal((await it.ask(host, get(host))).status, 200);
});

// [BROKER-7]
test('addresses that are not allowed are never connected to, whatever the name says', async () => {
  for (const answer of [
    ['127.0.0.1'],
    ['93.184.216.34', '127.0.0.1'],
    ['169.254.169.254'],
    ['::ffff:127.0.0.1'],
    ['64:ff9b::7f00:1'],
    ['0.0.0.0'],
  ]) {
    await using it = await world({ resolve: async () => answer });
    const origin = await it.origin();
    it.grant(origin, { allowPrivate: false });
    const host = `localhost:${origin.port}`;
    const reply = await it.ask(host, get(host));
    assert.equal(codeIn(reply), 'address_refused', answer.join());
    assert.equal(origin.connections(), 0);
    assert.ok(!it.records.some(({ kind }) => kind === 'opened'));
  }
});

test('a name is resolved once for a connection, and only its judged address is dialled', async () => {
  let times = 0;
  await using it = await world({
    resolve: async () => {
      times += 1;
      return times === 1 ? ['127.0.0.1'] : ['169.254.169.254'];
    },
  });
  const origin = await it.origin();
  it.grant(origin);
  const host = `localhost:${origin.port}`;
  assert.equal((await it.ask(host, get(host, `Authorization: Bearer ${placeholder}\r\n`))).status, 200);
  assert.equal(times, 1);
  // The origin is at 127.0.0.1, which is what the machine says of that name.
  await using other = await world({ resolve: async () => ['127.0.0.2'] });
  const unasked = await other.origin();
  other.grant(unasked);
  const name = `localhost:${unasked.port}`;
  assert.equal(codeIn(await other.ask(name, get(name))), 'upstream_unreachable');
});

// [BROKER-28]
test('an upstream that does not answer, or cannot be reached, is a coded error', async () => {
  await using it = await world({ limits: { quietTimeoutMs: 150, connectTimeoutMs: 10_000 } });
  const silent = await it.origin(() => {});
  it.grant(silent);
  const host = `localhost:${silent.port}`;
  const reply = await it.ask(host, get(host));
  assert.deepEqual([reply.status, codeIn(reply)], [504, 'upstream_timeout']);
  it.grant({ port: 1, ca: silent.ca, seen: [], connections: () => 0, answer: () => {}, started: () => {} });
  assert.equal(codeIn(await it.ask('localhost:1', get('localhost:1'))), 'upstream_unreachable');
  await using slow = await world({ limits: { connectTimeoutMs: 100 }, resolve: () => new Promise(() => {}) });
  slow.grant(silent);
  assert.equal(codeIn(await slow.ask(host, get(host))), 'upstream_timeout');
});
