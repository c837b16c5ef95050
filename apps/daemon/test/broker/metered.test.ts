// What passes of a use whose bytes are limited, counted by an origin that speaks in plain bytes: all of it counts, nothing passes beyond.

import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { createServer, type TLSSocket } from 'node:tls';
import { gzipSync } from 'node:zlib';
import { ByteCounts, ByteFlow, type ByteRecord } from '../../src/vault/byte-counts.ts';
import { openSocket, socketFrame, socketOrigin } from './socket-frames.ts';
import { certificateFor, codeIn, nextChunk, readReply, world, type World, type WorldOptions } from './world.ts';

const grant = new Uint8Array(16).fill(1);

/** One grant's bytes; each use is one flow. */
function budget(total: number, record: Partial<ByteRecord> = {}) {
  const counts = new ByteCounts({ nowMs: () => 0, monotonicMs: () => 0 });
  const limits = { total, windows: [] };
  const flows: ByteFlow[] = [];
  const open = (): ByteFlow => {
    const handle = new Uint8Array(16).fill(flows.length);
    const purse = counts.purse({ kind: 'grant', id: grant }, handle, () => limits);
    const flow = new ByteFlow([purse], { reserved: async () => {}, returned: () => {}, ...record });
    flows.push(flow);
    return flow;
  };
  let over = 0;
  const areOver = (uses: number): boolean => over >= uses;
  const until = async (uses: number): Promise<void> => {
    while (!areOver(uses)) await new Promise((done) => setImmediate(done));
  };
  const options: WorldOptions = {
    meter: open,
    over: () => {
      flows[over]?.end();
      over += 1;
    },
  };
  return { options, until, passed: () => counts.usedOf(grant, limits).total };
}

/** `answer` gets what has come of a request so far, and says what goes back now. */
async function rawOrigin(it: World, answer: (request: string, socket: TLSSocket) => string | Buffer | undefined) {
  const { certPem, keyPem, caPem } = await certificateFor('localhost', '127.0.0.1');
  const moved = { received: 0, sent: 0 };
  const server = createServer({ cert: certPem, key: keyPem }, (socket) => {
    let request = '';
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      moved.received += chunk.length;
      request += chunk.toString('latin1');
      const reply = answer(request, socket);
      if (reply === undefined) return;
      request = '';
      moved.sent += reply.length;
      socket.write(reply);
    });
    it.defer(() => void socket.destroy());
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  it.defer(() => void server.close());
  const { port } = server.address() as AddressInfo;
  it.grant({ port, ca: caPem, seen: [], connections: () => 0, answer: () => {}, started: () => {} });
  return { host: `localhost:${port}`, moved };
}

const requestOf = (host: string, line: string, body = ''): string => `${line} HTTP/1.1\r\nHost: ${host}\r\n${body || '\r\n'}`;
const chunked = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n';

// [BROKER-44]
test('every byte that goes to a service or comes from it counts, and nothing else', async () => {
  const { options, until, passed } = budget(10_000_000);
  await using it = await world(options);
  const packed = gzipSync(Buffer.alloc(100_000));
  const replies: Readonly<Record<string, string | Buffer>> = {
    'GET /v1/plain': 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello',
    'HEAD /v1/head': 'HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n',
    'GET /v1/interim': 'HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n',
    'GET /v1/trailers': `${chunked}Trailer: X-End\r\n\r\n5;ext=${'x'.repeat(500)}\r\nhello\r\n0\r\nX-End: ${'y'.repeat(500)}\r\n\r\n`,
    'GET /v1/packed': Buffer.concat([
      Buffer.from(`HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: ${packed.length}\r\n\r\n`),
      packed,
    ]),
    'POST /v1/chunks': 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
    'GET /v1/large': Buffer.concat([
      Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n'),
      Buffer.alloc(3_000_000, 'a'),
    ]),
  };
  const { host, moved } = await rawOrigin(it, (request) => {
    if (request.startsWith('POST') && !request.endsWith('0\r\n\r\n')) return undefined;
    return replies[request.split(' ', 2).join(' ')];
  });
  let calls = 0;
  for (const line of Object.keys(replies)) {
    const body = line.startsWith('POST')
      ? `Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n${'2\r\nde\r\n'.repeat(100)}0\r\n\r\n`
      : '';
    await it.ask(host, requestOf(host, line, body));
    await until((calls += 1));
    assert.equal(passed(), moved.received + moved.sent, line);
  }
  assert.ok(moved.sent < 3_100_000, 'packed counts as it came');
  assert.deepEqual(
    it.records.filter(({ kind }) => kind === 'failed'),
    [],
  );
});

// [BROKER-44]
test('frames of a socket count both ways, and an endless one is cut', async () => {
  const { options, until, passed } = budget(100_000);
  await using it = await world(options);
  let received = 0;
  const origin = await socketOrigin(it, (socket) => {
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      received += chunk.length;
      socket.write(socketFrame(2, Buffer.alloc(1000)));
    });
  });
  it.grant(origin);
  const { socket } = await openSocket(it, `localhost:${origin.port}`);
  let heard = 0;
  socket.on('data', (chunk: Buffer) => {
    heard += chunk.length;
    if (heard < 300_000) socket.write(socketFrame(2, 'more', { masked: true }));
    else socket.destroy(); // far beyond
  });
  socket.on('error', () => {});
  const closed = new Promise<void>((done) => socket.once('close', () => done()));
  socket.write(socketFrame(2, 'more', { masked: true }));
  await closed;
  await until(1);
  assert.ok(heard > 50_000 && received > 100, `${heard} and ${received}`);
  assert.ok(heard + received < 100_000 && passed() <= 100_000, `${heard} and ${received}`);
  assert.deepEqual(it.records.at(-1), { kind: 'failed', code: 'fence_bytes' });
});

// [BROKER-44]
test('a reply that never ends is cut, one that does not fit is refused, an upload that nobody reads stops', async () => {
  const { options, until, passed } = budget(500_000);
  await using it = await world(options);
  const more = `1000\r\n${'z'.repeat(4096)}\r\n`;
  const { host } = await rawOrigin(it, (request, socket) => {
    if (request.startsWith('POST')) return void socket.pause();
    let pieces = 0;
    const flow = (): void => {
      while (!socket.destroyed && (pieces += 1) < 500 && socket.write(more));
      if (pieces >= 500) socket.end(); // far beyond
    };
    socket.on('drain', flow);
    setImmediate(flow);
    return `${chunked}\r\n`;
  });
  const tls = await it.tunnel(host);
  tls.write(requestOf(host, 'GET /v1/endless'));
  let heard = 0;
  for (let chunk = await nextChunk(tls); chunk !== undefined; chunk = await nextChunk(tls)) heard += chunk.length;
  await until(1);
  assert.ok(heard > 50_000 && heard < 500_000, `${heard}`);
  assert.ok(passed() <= 500_000, `${passed()}`);

  const upload = await it.tunnel(host);
  upload.write(requestOf(host, 'POST /v1/never-read', 'Transfer-Encoding: chunked\r\n\r\n'));
  const closed = new Promise<void>((done) => upload.once('close', () => done()));
  for (let pieces = 0; pieces < 200 && !upload.destroyed; pieces += 1) {
    if (!upload.write(more)) await Promise.race([new Promise<void>((done) => upload.once('drain', () => done())), closed]);
  }
  upload.destroy();
  await until(2);
  assert.ok(passed() <= 500_000, `${passed()}`);
  const full = await it.ask(host, requestOf(host, `GET /v1/${'x'.repeat(4000)}`));
  assert.ok(passed() <= 500_000, `${passed()}`);
  assert.deepEqual([full.status, codeIn(full)], [403, 'fence_bytes']);
  assert.deepEqual(
    it.records.filter(({ kind }) => kind === 'failed').map(({ code }) => code),
    ['fence_bytes', 'fence_bytes', 'fence_bytes'],
  );
});

// [FENCE-39]
test('nothing passes before it is written down that it may, and nothing at all where that fails', async () => {
  const first = Promise.withResolvers<void>();
  let asked = (): void => {};
  const waits = new Promise<void>((done) => (asked = done));
  let fails = false;
  const { options } = budget(100_000, {
    reserved: async () => {
      asked();
      await first.promise;
      if (fails) throw new Error('no disk');
    },
  });
  await using it = await world(options);
  const { host, moved } = await rawOrigin(it, () => 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  const tls = await it.tunnel(host);
  tls.write(requestOf(host, 'GET /v1/me'));
  await waits;
  for (let turn = 0; turn < 50; turn += 1) await new Promise((done) => setImmediate(done));
  assert.deepEqual([moved.received, it.records.map(({ kind }) => kind)], [0, ['use']], 'the secret is sealed still');
  first.resolve();
  assert.equal((await readReply(tls)).status, 200);
  fails = true;
  const before = moved.received;
  assert.notEqual((await it.ask(host, requestOf(host, 'GET /v1/me'))).status, 200);
  assert.equal(moved.received, before);
});

// [BROKER-20] [BROKER-44]
test('the end of a reply waits behind its last bytes, where those wait until it is written down that they may pass', async () => {
  let waits: Promise<void> | undefined;
  const { options, until } = budget(1_000_000, { reserved: async () => waits });
  await using it = await world(options);
  const first = 'a'.repeat(1000);
  const last = 'b'.repeat(16_000); // one record of TLS, and more than a use's first reservation has left
  const { host } = await rawOrigin(it, (request, socket) => {
    const late = Promise.withResolvers<void>();
    waits = late.promise;
    socket.once('close', () => setTimeout(late.resolve, 50));
    setImmediate(() => socket.end(last));
    const length = request.startsWith('GET /v1/counted') ? 'Content-Length: 17000\r\n' : '';
    return `HTTP/1.1 200 OK\r\n${length}Connection: close\r\n\r\n${first}`;
  });
  let calls = 0;
  for (const path of ['/v1/until-it-closes', '/v1/counted']) {
    waits = undefined;
    const reply = await it.ask(host, requestOf(host, `GET ${path}`));
    assert.deepEqual([reply.status, reply.body.length], [200, 17_000], path);
    await until((calls += 1));
  }
  assert.deepEqual(
    it.records.filter(({ kind }) => kind === 'failed'),
    [],
  );
});
