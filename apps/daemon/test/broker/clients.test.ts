import { test } from 'node:test';
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { createServer as createPlainServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { share } from '@holdfast/testkit/shares';
import { codeIn, headerOf, nextChunk, placeholder, readReply, secretText, world } from './world.ts';

const get = (host: string, headers = ''): string => `GET /v1/me HTTP/1.1\r\nHost: ${host}\r\n${headers}\r\n`;

/** Everything that comes until the connection ends. */
async function rest(socket: Socket): Promise<string> {
  let all = '';
  for (let chunk = await nextChunk(socket); chunk !== undefined; chunk = await nextChunk(socket)) all += chunk.toString('latin1');
  return all;
}

// [BROKER-51]
test(
  'a client that does not trust the session is recorded as such, and not one that does',
  { skip: spawnSync('curl', ['--version']).error === undefined ? false : 'no curl on this machine' },
  async () => {
    await using it = await world();
    const origin = await it.origin();
    it.grant(origin);
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-curl-'));
    it.defer(() => rm(folder, { recursive: true }));
    await writeFile(join(folder, 'other.pem'), origin.ca);
    const host = `localhost:${origin.port}`;
    const words = ['-sS', '--noproxy', '', '-x', `http://127.0.0.1:${it.port}`, '--cacert', join(folder, 'other.pem')];
    await assert.rejects(promisify(execFile)('curl', [...words, `https://${host}/v1/me`]), { code: 60 });
    assert.equal((await it.ask(host, get(host))).status, 200);
    assert.deepEqual(
      it.records.flatMap(({ kind, code, facts }) => (kind === 'refused' ? [[code, facts?.host, facts?.port]] : [])),
      [['authority_untrusted', 'localhost', origin.port]],
    );
    assert.equal(origin.seen.length, 1);
  },
);

// [BROKER-1]
test(
  'curl, as people run it: with the placeholder, without, with a body, over plain http',
  { skip: spawnSync('curl', ['--version']).error === undefined ? false : 'no curl on this machine' },
  async () => {
    await using it = await world();
    const origin = await it.origin((seen, response) => response.end(`${seen.method} ${headerOf(seen, 'authorization')}`));
    it.grant(origin);
    const plain = createPlainServer((request, response) => response.end(`plain ${request.url}`));
    await new Promise<void>((done) => plain.listen(0, '127.0.0.1', done));
    it.defer(() => void plain.close());
    const plainPort = (plain.address() as AddressInfo).port;
    it.egress.set(`http://localhost:${plainPort}`, { allowPrivate: true, ca: undefined, pins: undefined });
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-curl-'));
    it.defer(() => rm(folder, { recursive: true }));
    await writeFile(join(folder, 'ca.pem'), it.broker.caPem);
    const curl = async (...args: string[]): Promise<string> => {
      const proxy = `http://127.0.0.1:${it.port}`;
      const { stdout } = await promisify(execFile)('curl', [
        '-sS',
        '--max-time',
        '20',
        '--noproxy',
        '',
        '-x',
        proxy,
        '--cacert',
        join(folder, 'ca.pem'),
        ...args,
      ]);
      return stdout;
    };
    const url = `https://localhost:${origin.port}/v1/me`;
    const scrubbed = '*'.repeat(secretText.length);
    assert.equal(await curl(url), `GET Bearer ${scrubbed}`);
    assert.equal(await curl('-H', `Authorization: Bearer ${placeholder}`, url), `GET Bearer ${scrubbed}`);
    assert.equal(await curl('--data', 'x'.repeat(100_000), url), `POST Bearer ${scrubbed}`);
    assert.match(await curl('-H', 'Authorization: Bearer mine', url), /client_auth_refused/);
    assert.equal(await curl(`http://localhost:${plainPort}/a?b`), 'plain /a?b');
    assert.ok(origin.seen.every((seen) => headerOf(seen, 'authorization') === `Bearer ${secretText}`));
  },
);

test('Node, by hand: CONNECT, then https over the tunnel', async () => {
  await using it = await world();
  const origin = await it.origin((seen, response) => response.end(headerOf(seen, 'authorization')));
  it.grant(origin);
  const connect = httpRequest({ host: '127.0.0.1', port: it.port, method: 'CONNECT', path: `localhost:${origin.port}` });
  connect.end();
  const [reply, socket] = (await once(connect, 'connect')) as [{ statusCode: number }, Socket];
  assert.equal(reply.statusCode, 200);
  const request = httpsRequest({
    host: 'localhost',
    port: origin.port,
    path: '/v1/me',
    createConnection: () => connectTls({ socket, ca: it.broker.caPem, servername: 'localhost' }),
  });
  request.end();
  const [answer] = (await once(request, 'response')) as [NodeJS.ReadableStream];
  assert.equal(await text(answer), `Bearer ${'*'.repeat(secretText.length)}`);
  socket.destroy();
});

// [BROKER-3]
test('the TLS server name must be the CONNECT target', async () => {
  await using it = await world();
  const origin = await it.origin();
  it.grant(origin);
  for (const servername of ['other.example', 'localhost.evil.example', '']) {
    const socket = await it.open();
    socket.write(`CONNECT localhost:${origin.port} HTTP/1.1\r\nHost: localhost:${origin.port}\r\n\r\n`);
    await readReply(socket, { headOnly: true });
    const tls = connectTls({ socket, rejectUnauthorized: false, ...(servername === '' ? {} : { servername }) });
    tls.on('error', () => {});
    tls.write(get(`localhost:${origin.port}`));
    assert.equal(await rest(tls), '', `server name ${servername}`);
  }
  assert.deepEqual(
    it.records.map(({ kind, code }) => `${kind}:${code}`),
    Array.from({ length: 3 }, () => 'refused:target_mismatch'),
  );
  assert.equal(origin.connections(), 0);
});

// [BROKER-4] [BROKER-1]
test('the Host header must be the CONNECT target; only origin form passes inside', async () => {
  await using it = await world();
  const origin = await it.origin();
  it.grant(origin);
  const host = `localhost:${origin.port}`;
  for (const other of ['localhost', `evil.example:${origin.port}`, 'localhost:443', `localhost:${origin.port}@evil.example`, ''])
    assert.equal(codeIn(await it.ask(host, get(other))), 'target_mismatch', other);
  for (const line of [`GET https://${host}/v1/me`, 'GET http://evil.example/v1/me', 'OPTIONS *', 'GET v1/me']) {
    const reply = await it.ask(host, `${line} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    assert.ok(['request_malformed', 'target_mismatch'].includes(codeIn(reply) ?? ''), `${line}: ${reply.head}`);
  }
  const nested = await it.ask(host, `CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n`);
  assert.equal(codeIn(nested), 'request_malformed');
  assert.equal(origin.connections(), 0);
  assert.deepEqual(it.resolved, []);
});

// [BROKER-1] [BROKER-6]
test('the front door: only CONNECT, absolute http and the own port', async () => {
  await using it = await world();
  const ask = async (request: string): Promise<{ code: string | undefined; body: string }> => {
    const socket = await it.open();
    socket.write(request);
    const reply = await readReply(socket);
    socket.destroy();
    return { code: codeIn(reply), body: reply.body.toString() };
  };
  for (const name of ['127.0.0.1', 'localhost', '[::1]'])
    assert.equal((await ask(`GET /x HTTP/1.1\r\nHost: ${name}:${it.port}\r\n\r\n`)).body, 'door /x');
  for (const host of ['evil.example', '127.0.0.1', `localhost:${it.port + 1}`, `evil.example:${it.port}`])
    assert.equal((await ask(`GET /x HTTP/1.1\r\nHost: ${host}\r\n\r\n`)).code, 'request_malformed', host);
  for (const url of [
    'https://example.com/',
    'ftp://example.com/',
    'http://user@example.com/',
    'http://example.com/#x',
    'http://',
    '*',
    'http://exa%6Dple.com/',
  ]) {
    assert.equal((await ask(`GET ${url} HTTP/1.1\r\nHost: example.com\r\n\r\n`)).code, 'request_malformed', url);
  }
  assert.equal((await ask('GET http://example.com/ HTTP/1.1\r\nHost: evil.example\r\n\r\n')).code, 'target_mismatch');
  assert.equal((await ask('GET http://example.com/ HTTP/1.1\r\nHost: example.com\r\n\r\n')).code, 'egress_denied');
  assert.equal(
    (await ask(`GET http://localhost:${it.port}/y HTTP/1.1\r\nHost: localhost:${it.port}\r\n\r\n`)).body,
    'door /y',
    'clients that send all to the proxy',
  );
  assert.equal(
    (await ask(`GET http://evil.example:${it.port}/y HTTP/1.1\r\nHost: localhost:${it.port}\r\n\r\n`)).code,
    'target_mismatch',
  );
  assert.equal((await ask(`GET http://localhost:${it.port}/y HTTP/1.1\r\nHost: evil.example\r\n\r\n`)).code, 'target_mismatch');
  for (const target of ['example.com', 'example.com:0', 'user@example.com:443', 'example.com:443/x', '[::1', 'exa mple.com:443'])
    assert.match((await ask(`CONNECT ${target} HTTP/1.1\r\nHost: x:1\r\n\r\n`)).code ?? '', /request_malformed/, target);
  assert.equal((await ask('CONNECT example.com:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n')).code, 'target_mismatch');
  assert.equal((await ask('CONNECT 0x7f.1:443 HTTP/1.1\r\nHost: 0x7f.1:443\r\n\r\n')).code, 'egress_denied');
});

// [BROKER-11] [BROKER-12]
test('requests that two parsers could read differently are refused before anything leaves', async () => {
  await using it = await world();
  const origin = await it.origin();
  it.grant(origin);
  const host = `localhost:${origin.port}`;
  const line = 'POST /v1/me HTTP/1.1\r\n';
  const own = `Host: ${host}\r\n`;
  const requests: Record<string, string> = {
    'CL.TE': `${line}${own}Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG`,
    'TE.CL': `${line}${own}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\nGET`,
    'TE.TE': `${line}${own}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n`,
    'an obscured TE': `${line}${own}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`,
    'TE with a list': `${line}${own}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
    'TE with a space before the colon': `${line}${own}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n`,
    'two lengths': `${line}${own}Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx`,
    'the same length twice': `${line}${own}Content-Length: 1\r\nContent-Length: 1\r\n\r\nx`,
    'a list of lengths': `${line}${own}Content-Length: 1, 1\r\n\r\nx`,
    'a hexadecimal length': `${line}${own}Content-Length: 0x1\r\n\r\nx`,
    'an endless length': `${line}${own}Content-Length: 99999999999999999999\r\n\r\nx`,
    'the same coding twice': `${line}${own}Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n`,
    'a coding behind a tab': `${line}${own}Transfer-Encoding:\tchunked\x0b\r\n\r\n0\r\n\r\n`,
    'a signed length': `${line}${own}Content-Length: +1\r\n\r\nx`,
    'two hosts': `${line}${own}Host: evil.example\r\nContent-Length: 0\r\n\r\n`,
    'no host': `${line}Content-Length: 0\r\n\r\n`,
    'a folded header': `${line}${own}X-A: b\r\n c\r\nContent-Length: 0\r\n\r\n`,
    'bare line feeds': `POST /v1/me HTTP/1.1\nHost: ${host}\nContent-Length: 0\n\n`,
    'a bare carriage return': `${line}${own}X-A: b\rX-B: c\r\n\r\n`,
    'a NUL': `${line}${own}X-A: b\0c\r\n\r\n`,
    'HTTP/1.0': `GET /v1/me HTTP/1.0\r\n${own}\r\n`,
    'HTTP/2 in the clear': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    'Connection: authorization': `${line}${own}Connection: close, authorization\r\nContent-Length: 0\r\n\r\n`,
    'Connection: host': `${line}${own}Connection: host\r\nContent-Length: 0\r\n\r\n`,
    'too many headers': `${line}${own}${'X: y\r\n'.repeat(200)}\r\n`,
    'a huge header': `${line}${own}X: ${'y'.repeat(70_000)}\r\n\r\n`,
    'bytes beyond ASCII in the path': `GET /v1/\xe9 HTTP/1.1\r\n${own}\r\n`,
  };
  for (const [what, request] of Object.entries(requests)) {
    const tls = await it.tunnel(host);
    tls.write(Buffer.from(request, 'latin1'));
    const reply = await readReply(tls);
    tls.destroy();
    assert.ok(reply.status >= 400 && reply.status < 500, `${what}: ${reply.head}`);
  }
  assert.equal(origin.connections(), 0);
  assert.ok(!it.records.some(({ kind }) => kind === 'use'));
});

test('chunk extensions and trailers do not go upstream; pipelined requests are judged one by one', async () => {
  await using it = await world();
  const origin = await it.origin((seen, response) => response.end(seen.url));
  it.grant(origin);
  const host = `localhost:${origin.port}`;
  const tls = await it.tunnel(host);
  tls.write(
    `POST /v1/a HTTP/1.1\r\nHost: ${host}\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\nTE: trailers\r\n\r\n3;ext=1\r\nabc\r\n0\r\nX-T: smuggled\r\n\r\n` +
      `GET /v2/b HTTP/1.1\r\nHost: ${host}\r\n\r\n` +
      `GET /v1/c HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`,
  );
  const all = await rest(tls);
  assert.match(all, /\/v1\/a[^]*egress_denied[^]*\/v1\/c/);
  assert.deepEqual(
    origin.seen.map(({ url, body }) => `${url} ${body.toString()}`),
    ['/v1/a abc', '/v1/c '],
  );
  assert.deepEqual([headerOf(origin.seen[0], 'trailer'), headerOf(origin.seen[0], 'te')], [undefined, undefined]);
});

// [BROKER-11]
test('a body in broken chunks is never taken for the whole, nor its end for another request', async () => {
  await using it = await world({ limits: { headTimeoutMs: 20_000 } });
  const origin = await it.origin((seen, response) => response.end(seen.url));
  it.grant(origin);
  const host = `localhost:${origin.port}`;
  const smuggled = `GET /v1/smuggled HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
  const bodies: Record<string, string> = {
    'a size that is none': `xyz\r\nabc\r\n0\r\n\r\n${smuggled}`,
    'a negative size': `-1\r\nabc\r\n0\r\n\r\n${smuggled}`,
    'a size with a sign of its base': `0x3\r\nabc\r\n0\r\n\r\n${smuggled}`,
    'a size beyond numbers': `fffffffffffffffff\r\nabc\r\n0\r\n\r\n${smuggled}`,
    'a size behind a space': ` 3\r\nabc\r\n0\r\n\r\n${smuggled}`,
    'a bare line feed after the size': `3\nabc\r\n0\r\n\r\n${smuggled}`,
    'a bare line feed after the chunk': `3\r\nabc\n0\r\n\r\n${smuggled}`,
    'a chunk that is longer than its size': `3\r\nabcdef\r\n0\r\n\r\n${smuggled}`,
    'a bare line feed in an extension': `3;a\nb\r\nabc\r\n0\r\n\r\n${smuggled}`,
    'a bare carriage return in an extension': `3;a\rb\r\nabc\r\n0\r\n\r\n${smuggled}`,
    'an end with a bare line feed': `3\r\nabc\r\n0\n\n${smuggled}`,
  };
  for (const [what, body] of Object.entries(bodies)) {
    const tls = await it.tunnel(host);
    tls.end(Buffer.from(`POST /v1/x HTTP/1.1\r\nHost: ${host}\r\nTransfer-Encoding: chunked\r\n\r\n${body}`, 'latin1'));
    const answers = await rest(tls);
    assert.ok(!answers.includes('/v1/smuggled'), `${what}: ${answers}`);
    assert.deepEqual(
      origin.seen.splice(0).map(({ url }) => url),
      [],
      what,
    );
  }
});

// [BROKER-28]
test('a client that stops in its body is cut off, and its request is no whole one', async () => {
  await using it = await world({ limits: { quietTimeoutMs: 150 } });
  const origin = await it.origin();
  it.grant(origin);
  const host = `localhost:${origin.port}`;
  const tls = await it.tunnel(host);
  tls.write(`POST /v1/x HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 100\r\n\r\nhalf`);
  const reply = await readReply(tls);
  assert.deepEqual([reply.status, codeIn(reply)], [504, 'upstream_timeout']);
  assert.equal(await nextChunk(tls), undefined);
  assert.equal(origin.seen.length, 0);
});

test('other expectations are not met, and a target with a line end is none', async () => {
  await using it = await world();
  const origin = await it.origin();
  it.grant(origin);
  const host = `localhost:${origin.port}`;
  const reply = await it.ask(host, get(host, 'Expect: 200-perhaps\r\n'));
  assert.equal(reply.status, 417);
  for (const target of [`${host}\r\nX: y`, `${host}%0d%0aX:y`, `${host}\tx`, `${host}#x`, `//${host}`, `https://${host}`]) {
    const socket = await it.open();
    socket.write(`CONNECT ${target} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    assert.ok((await readReply(socket)).status >= 400, target);
  }
  assert.equal(origin.connections(), 0);
});

test('Expect is answered here; upgrades but to WebSocket are refused; an offer of h2c is ignored', async () => {
  await using it = await world();
  const origin = await it.origin((seen, response) => response.end(seen.body));
  it.grant(origin);
  const host = `localhost:${origin.port}`;
  const tls = await it.tunnel(host);
  tls.write(`POST /v1/a HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n`);
  assert.match(String(await nextChunk(tls)), /^HTTP\/1\.1 100 /);
  tls.write('abc');
  assert.equal((await readReply(tls)).body.toString(), 'abc');
  tls.destroy();
  assert.equal(headerOf(origin.seen[0], 'expect'), undefined);
  for (const expect of ['Expect: 100-continue\r\n', '']) {
    const denied = await it.tunnel(host);
    denied.write(`POST /v2/a HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 3\r\n${expect}\r\n`);
    const refused = await readReply(denied);
    assert.deepEqual([codeIn(refused), refused.headers.get('connection')], ['egress_denied', 'close'], 'nobody reads the body');
  }
  for (const upgrade of ['TLS/1.0', 'websocket, TLS/1.0', 'websocket\r\nUpgrade: websocket', 'connect-udp', ''])
    assert.equal(
      codeIn(await it.ask(host, get(host, `Connection: Upgrade\r\nUpgrade: ${upgrade}\r\n`))),
      'upgrade_refused',
      upgrade,
    );
  assert.equal(
    (await it.ask(host, get(host, 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n'))).status,
    200,
  );
  assert.equal(headerOf(origin.seen.at(-1), 'upgrade'), undefined);
});

// [BROKER-28]
test('slow senders are cut off, long replies are not', async () => {
  await using it = await world({ limits: { headTimeoutMs: 5_000, handshakeTimeoutMs: 60_000 } });
  const asked = Promise.withResolvers<void>();
  const cut = Promise.withResolvers<void>();
  const origin = await it.origin((_seen, response) => {
    response.write('first ');
    asked.resolve();
    void cut.promise.then(() => response.end('last'));
  });
  it.grant(origin);
  const host = `localhost:${origin.port}`;
  const long = it.ask(host, get(host));
  await Promise.race([asked.promise, long]);
  const slow = await it.open();
  slow.write('GET /x HT');
  const drip = setInterval(() => slow.write('T'), 20);
  await rest(slow);
  clearInterval(drip);
  const inside = await it.tunnel(host);
  inside.write('GET /v1/me HTTP/1.1\r\nHost:');
  assert.equal(await rest(inside), '');
  cut.resolve(); // it has lasted longer than both
  assert.equal((await long).body.toString(), 'first last');
});

// [BROKER-28]
test('a tunnel without a handshake ends, and so does what comes beyond the crowd', async () => {
  await using it = await world({ limits: { headTimeoutMs: 60_000, handshakeTimeoutMs: 120, maxClientConnections: 3 } });
  const origin = await it.origin();
  it.grant(origin);
  const host = `localhost:${origin.port}`;
  const silent = await it.open();
  silent.write(`CONNECT ${host} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  assert.match(await rest(silent), /^HTTP\/1\.1 200/);
  const crowd = [await it.open(), await it.open(), await it.open()];
  const beyond = await it.open();
  beyond.write(`GET /x HTTP/1.1\r\nHost: localhost:${it.port}\r\nConnection: close\r\n\r\n`);
  assert.equal(await rest(beyond), '');
  const [first] = crowd;
  first?.write(`GET /x HTTP/1.1\r\nHost: localhost:${it.port}\r\n\r\n`);
  assert.equal((await readReply(first ?? assert.fail())).body.toString(), 'door /x');
});

// [BROKER-52]
test('what comes and is no request is counted by code; a client that rests between two requests is not', async () => {
  const turnedAway: string[] = [];
  const heard = new EventEmitter();
  await using it = await world({
    limits: { headTimeoutMs: 4_000, handshakeTimeoutMs: 120, maxClientConnections: 2 },
    turnedAway: (code) => {
      turnedAway.push(code);
      heard.emit('one');
    },
  });
  const origin = await it.origin();
  it.grant(origin);
  const host = `localhost:${origin.port}`;
  const next = async (act: () => Promise<unknown>): Promise<string | undefined> => {
    const told = once(heard, 'one');
    await act();
    await told;
    return turnedAway.splice(0).join(' ');
  };
  const connect = `CONNECT ${host} HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
  const begun = async (text: string): Promise<Socket> => {
    const socket = await it.open();
    socket.write(text);
    return socket;
  };
  assert.equal(await next(() => begun('GET /x HT')), 'request_malformed', 'half a head');
  assert.equal(await next(() => begun(connect)), 'request_malformed', 'no handshake');
  assert.equal(await next(() => begun(`${connect}no TLS at all, and more than a record's head`)), 'request_malformed', 'none');
  const resting = await begun(`GET /x HTTP/1.1\r\nHost: localhost:${it.port}\r\n\r\n`);
  assert.match(await rest(resting), /door \/x/, 'cut off after its rest');
  assert.deepEqual(turnedAway, []);
  const crowd = [await it.open(), await it.open()];
  assert.equal(await next(() => it.open()), 'limit_exceeded', 'beyond the crowd');
  for (const socket of crowd) socket.destroy();
});

// [BROKER-26] [BROKER-27]
for (const way of ['cut', 'abandoned'] as const) {
  test(`${way} before anything left: nothing leaves, also not on a kept connection, and the use says so`, async () => {
    let hold = false;
    const asked = Promise.withResolvers<void>();
    const go = Promise.withResolvers<void>();
    await using it = await world({
      use: async () => {
        if (!hold) return;
        asked.resolve();
        await go.promise;
      },
    });
    const origin = await it.origin();
    it.grant(origin);
    const host = `localhost:${origin.port}`;
    await it.ask(host, get(host));
    hold = true;
    it.records.length = 0;
    const tls = await it.tunnel(host);
    tls.write(get(host));
    tls.resume();
    await asked.promise;
    const closed = once(tls, 'close');
    if (way === 'cut') it.broker.cutCredentialed();
    else tls.destroy();
    await closed;
    while (it.records.length === 0) await new Promise((done) => setImmediate(done));
    go.resolve();
    while (it.records.length < 3) await new Promise((done) => setImmediate(done));
    await new Promise((done) => setTimeout(done, 50));
    assert.equal(origin.seen.length, 1);
    assert.deepEqual(
      it.records.map(({ kind, code }) => [kind, code].filter(Boolean).join(':')),
      ['refused:request_cut', 'use', 'failed:request_cut'],
    );
  });
}

test('a session outlives its authority no longer: each broker signs for itself alone', async () => {
  await using one = await world();
  await using two = await world();
  assert.notEqual(one.broker.caPem, two.broker.caPem);
  const origin = await one.origin();
  one.grant(origin);
  const socket = await one.open();
  socket.write(`CONNECT localhost:${origin.port} HTTP/1.1\r\nHost: localhost:${origin.port}\r\n\r\n`);
  await readReply(socket, { headOnly: true });
  const tls = connectTls({ socket, ca: two.broker.caPem, servername: 'localhost' });
  // [BROKER-5]
  await assert.rejects(once(tls, 'secureConnect'), /self-signed|unable to|signature/i);
});

const vectors = resolve(process.env['HOLDFAST_VECTORS'] ?? '../shared/vectors', 'llhttp/request');
const withoutVectors = existsSync(vectors) ? false : `no ${vectors}: set HOLDFAST_VECTORS`;

interface ParserCase {
  readonly file: string;
  readonly strict: boolean;
  readonly input: Buffer;
  readonly fails: boolean;
}

/** As the vectors' README says: drop the last line end, join continued lines, CRLF, then decode the escapes. */
function parserCases(): ParserCase[] {
  return globSync(join(vectors, '*.md')).flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(/<!-- meta=(\{.*?\}) -->\s*```http\n([^]*?)```\s*```log\n([^]*?)```/g)].map(
      ([, meta = '{}', http = '', log = '']) => {
        const { type } = JSON.parse(meta) as { type: string };
        const joined = http.replace(/\n$/, '').replaceAll('\\\n', '').replaceAll('\n', '\r\n');
        const escapes: Record<string, string> = { r: '\r', n: '\n', t: '\t', f: '\f' };
        const bytes = joined.replaceAll(
          /\\(?:([rntf])|x([0-9A-Fa-f]{2})|([0-7]{1,3}))/g,
          (_all, letter: string | undefined, hex: string | undefined, octal: string | undefined) =>
            letter !== undefined
              ? (escapes[letter] ?? '')
              : String.fromCharCode(hex === undefined ? Number.parseInt(octal ?? '0', 8) : Number.parseInt(hex, 16)),
        );
        return { file, strict: type === 'request', input: Buffer.from(bytes, 'latin1'), fails: /error code=/.test(log) };
      },
    ),
  );
}

test(
  "the parser's own vectors: what strict mode rejects never reaches the origin, and nothing crashes",
  { skip: withoutVectors },
  async () => {
    await using it = await world({ limits: { headTimeoutMs: 10_000 } });
    const origin = await it.origin((seen, response) => response.end(seen.url));
    it.grant(origin, { matches: () => true });
    const host = `localhost:${origin.port}`;
    const cases = parserCases();
    assert.ok(cases.length > 100, `${cases.length} cases`);
    for (const { input, strict, fails, file } of cases) {
      // The Host header is the target's, as an attacker would have it.
      const raw = input.toString('latin1');
      const aimed = Buffer.from(
        /^host:/im.test(raw)
          ? raw.replaceAll(/^(host:) *[^\r\n]*/gim, `$1 ${host}`)
          : raw.replace(/\r\n/, `\r\nHost: ${host}\r\n`),
        'latin1',
      );
      const before = origin.seen.length;
      const tls = await it.tunnel(host);
      tls.end(aimed);
      const answer = await rest(tls);
      const arrived = origin.seen.slice(before);
      for (const seen of arrived) assert.equal(headerOf(seen, 'host'), host);
      // A case that fails may hold good requests before the bad one, never one more than the answers say.
      if (strict && fails && arrived.length > 0) assert.ok(answer.includes('HTTP/1.1 200'), `${file}: ${raw}`);
      if (strict && fails && !/\r\n\r\n[^]*\r\n\r\n/.test(raw))
        assert.equal(arrived.filter(({ body }) => body.length === 0).length <= 1 ? arrived.length <= 1 : false, true, raw);
    }
    const alive = await it.ask(host, get(host));
    assert.equal(alive.status, 200);
  },
);

test('random bytes at the port and inside a tunnel: no crash, nothing at the origin', async () => {
  await using it = await world({ limits: { headTimeoutMs: 10_000, handshakeTimeoutMs: 10_000 } });
  const origin = await it.origin();
  it.grant(origin);
  const host = `localhost:${origin.port}`;
  let state = 0x2545f491;
  const random = (below: number): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
  const words = [
    'GET ',
    'CONNECT ',
    'POST ',
    '/v2/me',
    ` HTTP/1.1\r\n`,
    `Host: ${host}\r\n`,
    'Content-Length: 5\r\n',
    'Transfer-Encoding: chunked\r\n',
    '\r\n',
    '\n',
    '\0',
    'http://',
    host,
    ':',
    ' ',
    '%2e',
    ';',
    '0\r\n\r\n',
    `Authorization: Bearer ${placeholder}\r\n`,
  ];
  for (let round = 0; round < share({ ci: 60, soak: 5_000 }); round += 1) {
    const parts = Array.from({ length: 1 + random(14) }, () =>
      random(4) === 0
        ? Buffer.from(Array.from({ length: random(40) }, () => random(256)))
        : Buffer.from(words[random(words.length)] ?? '', 'latin1'),
    );
    const socket = round % 2 === 0 ? await it.open() : await it.tunnel(host);
    socket.end(Buffer.concat(parts));
    await rest(socket);
  }
  assert.equal(origin.connections(), 0);
  assert.equal((await it.ask(host, get(host))).status, 200);
});
