// WebSocket through the broker: the credential in the handshake, frames both ways, and nothing of the secret in what comes back.

import { test } from 'node:test';
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createPlainServer, type IncomingMessage } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { namesProtocols } from '../../src/broker/authentication.ts';
import {
  acceptance,
  acceptFor,
  FrameReader,
  handshake,
  handshakeKey,
  opcode,
  openSocket,
  socketFrame,
  socketOrigin,
  type FrameOptions,
} from './socket-frames.ts';
import { codeIn, nextChunk, placeholder, readReply, secretText, world } from './world.ts';

const masked = (kind: number, payload: Buffer | string, options: FrameOptions = {}): Buffer =>
  socketFrame(kind, payload, { masked: true, ...options });

/** Sends every message back as it came. */
async function echo(socket: Socket): Promise<void> {
  const frames = new FrameReader(socket);
  for (let frame = await frames.next(); frame !== undefined; frame = await frames.next())
    socket.write(socketFrame(frame.opcode === opcode.ping ? opcode.pong : frame.opcode, frame.payload, { final: frame.final }));
}

// [BROKER-31] [BROKER-16] [BROKER-19]
test('the handshake carries the credential, once and on record; then frames go both ways', async () => {
  await using it = await world();
  const origin = await socketOrigin(it, (socket) => void echo(socket));
  it.grant(origin);
  const host = `localhost:${origin.port}`;
  for (const own of ['', `Authorization: Bearer ${placeholder}\r\n`, 'Content-Length: 0\r\n']) {
    it.records.length = 0;
    const { socket, reply, frames } = await openSocket(it, host, `${own}Sec-WebSocket-Extensions: permessage-deflate\r\n`);
    assert.equal(reply.status, 101);
    assert.equal(reply.headers.get('sec-websocket-accept'), acceptFor(handshakeKey));
    const seen = origin.handshakes.at(-1) ?? assert.fail('no handshake');
    assert.equal(seen.headers.authorization, `Bearer ${secretText}`);
    assert.equal(seen.headers['sec-websocket-extensions'], undefined, 'no extension is offered');
    assert.equal(seen.headers['content-length'], undefined);
    assert.deepEqual(
      it.records.map(({ kind }) => kind),
      ['use', 'opened', 'wiped'],
    );
    socket.write(masked(opcode.text, 'hello'));
    assert.equal(await frames.message(), 'hello');
    socket.write(
      Buffer.concat([masked(opcode.binary, Buffer.alloc(70_000, 1), { final: false }), masked(opcode.continuation, 'end')]),
    );
    assert.equal((await frames.message())?.length, 70_003);
    socket.write(masked(opcode.ping, 'there?'));
    const pong = await frames.next();
    assert.deepEqual([pong?.opcode, pong?.payload.toString()], [opcode.pong, 'there?']);
    socket.write(masked(opcode.close, Buffer.from([3, 232])));
    assert.equal((await frames.next())?.opcode, opcode.close);
    socket.destroy();
  }
  assert.equal(origin.connections(), 3, 'its connection serves nothing else');
});

test('[APPROVAL-18]: a credential that is approved per use opens no connection whose frames nobody could look at', async () => {
  await using it = await world();
  const origin = await socketOrigin(it, (socket) => void echo(socket));
  it.grant(origin, { approve: true, judgesBody: true });
  const { socket, reply } = await openSocket(it, `localhost:${origin.port}`);
  socket.destroy();
  assert.equal(codeIn(reply), 'upgrade_refused');
  assert.deepEqual([origin.connections(), it.records.map(({ kind }) => kind)], [0, ['refused']]);
});

test('frames that come with the handshake, either way, wait for it and are not lost', async () => {
  await using it = await world();
  const origin = await socketOrigin(
    it,
    (socket) => void echo(socket),
    (request) => `${acceptance(request)}${socketFrame(opcode.text, `first ${secretText}`).toString('latin1')}`,
  );
  it.grant(origin);
  const host = `localhost:${origin.port}`;
  const socket = await it.tunnel(host);
  socket.write(Buffer.concat([Buffer.from(handshake(host)), masked(opcode.text, 'early')]));
  const reply = await readReply(socket, { headOnly: true });
  assert.equal(reply.status, 101);
  const frames = new FrameReader(socket);
  assert.equal(await frames.message(), `first ${'*'.repeat(secretText.length)}`);
  assert.equal(await frames.message(), 'early');
});

/** How a secret may be laid over frames. */
const layouts: Record<string, (bytes: Buffer) => Buffer[]> = {
  'one frame': (bytes) => [socketFrame(opcode.text, bytes)],
  'one binary frame': (bytes) => [socketFrame(opcode.binary, bytes)],
  'fragments of one byte': (bytes) =>
    [...bytes].map((byte, index) =>
      socketFrame(index === 0 ? opcode.text : opcode.continuation, Buffer.from([byte]), { final: index === bytes.length - 1 }),
    ),
  'fragments of nine bytes with pings between': (bytes) => {
    const frames: Buffer[] = [];
    for (let at = 0; at < bytes.length; at += 9)
      frames.push(
        socketFrame(at === 0 ? opcode.binary : opcode.continuation, bytes.subarray(at, at + 9), {
          final: at + 9 >= bytes.length,
        }),
        socketFrame(opcode.ping, 'x'),
      );
    return frames;
  },
  'empty fragments between': (bytes) => [
    socketFrame(opcode.text, bytes.subarray(0, 30), { final: false }),
    socketFrame(opcode.continuation, '', { final: false }),
    socketFrame(opcode.continuation, bytes.subarray(30), { final: false }),
    socketFrame(opcode.continuation, ''),
  ],
};

// [BROKER-32] [BROKER-21]
test('what the service repeats is overwritten: in every form, across chunks, frames and fragments, messages as they were', async () => {
  const forms = [
    secretText,
    Buffer.from(`x${secretText}`).toString('base64'),
    Buffer.from(secretText).toString('hex'),
    encodeURIComponent(secretText),
    JSON.stringify(secretText),
  ];
  const content = `before ${forms.join(' | ')} after`;
  for (const [what, layout] of Object.entries(layouts)) {
    for (const size of [1, 5, 100_000]) {
      await using it = await world();
      const bytes = Buffer.concat(layout(Buffer.from(content)));
      const origin = await socketOrigin(it, (socket) => {
        const send = (at: number): void => {
          if (at >= bytes.length) socket.write(socketFrame(opcode.text, 'the next message'));
          else socket.write(bytes.subarray(at, at + size), () => send(at + size));
        };
        send(0);
      });
      it.grant(origin);
      const { frames } = await openSocket(it, `localhost:${origin.port}`);
      const message = (await frames.message()) ?? assert.fail('ended');
      assert.equal(message.length, content.length, what);
      for (const form of forms) assert.ok(!message.includes(form), `${what}: ${message}`);
      assert.match(message, new RegExp(`^before \\*{${secretText.length}} \\|.*after$`, 's'), what);
      assert.equal(await frames.message(), 'the next message');
      if (process.env['HOLDFAST_SOAK'] === undefined && size === 1) break;
    }
  }
});

test('a secret over several messages: no message waits for the next, and of the secret at most its first seven bytes go out', async () => {
  for (const size of [1, 3, 7, 8, 9, 20]) {
    await using it = await world();
    const pieces: string[] = [];
    for (let at = 0; at < secretText.length; at += size) pieces.push(secretText.slice(at, at + size));
    let next = (): void => {};
    const origin = await socketOrigin(it, (socket) => {
      const parts = [`ready `, ...pieces, ' done'];
      next = () => void socket.write(socketFrame(opcode.text, parts.shift() ?? 'over'));
      next();
    });
    it.grant(origin);
    const { frames } = await openSocket(it, `localhost:${origin.port}`);
    const got: string[] = [];
    // Each is asked for only when the one before has come.
    for (let count = 0; count < pieces.length + 2; count += 1) {
      got.push((await frames.message()) ?? assert.fail('ended'));
      next();
    }
    assert.deepEqual(
      got.map(({ length }) => length),
      ['ready ', ...pieces, ' done'].map(({ length }) => length),
    );
    const shown = got.slice(1, -1).join('');
    assert.match(shown.slice(7), /^\*+$/, `in pieces of ${size}: ${shown}`);
    assert.equal(got.at(-1), ' done');
  }
});

test('what only looks like the beginning of a secret comes back as it was', async () => {
  await using it = await world();
  const origin = await socketOrigin(it, (socket) => void echo(socket));
  it.grant(origin);
  const { socket, frames } = await openSocket(it, `localhost:${origin.port}`);
  for (const message of [
    secretText.slice(0, 7),
    'and more',
    'abc',
    secretText.slice(0, 3),
    secretText.slice(0, 7),
    'x'.repeat(50),
  ]) {
    socket.write(masked(opcode.text, message));
    assert.equal(await frames.message(), message);
  }
});

test('control frames are scrubbed as well', async () => {
  await using it = await world();
  const origin = await socketOrigin(it, (socket) => {
    socket.write(socketFrame(opcode.pong, `pong ${secretText}`));
    socket.write(socketFrame(opcode.close, Buffer.concat([Buffer.from([3, 232]), Buffer.from(`why: ${secretText}`)])));
  });
  it.grant(origin);
  const { frames } = await openSocket(it, `localhost:${origin.port}`);
  const stars = '*'.repeat(secretText.length);
  assert.equal((await frames.next())?.payload.toString(), `pong ${stars}`);
  assert.equal((await frames.next())?.payload.toString('latin1').slice(2), `why: ${stars}`);
});

test('an allowed host without a grant: frames pass as they are, and so does a plain one', async () => {
  await using it = await world();
  const origin = await socketOrigin(it, (socket) => void echo(socket));
  it.egress.set(`https://localhost:${origin.port}`, { allowPrivate: true, ca: origin.ca, pins: undefined });
  const { socket, frames } = await openSocket(
    it,
    `localhost:${origin.port}`,
    'Authorization: Bearer mine\r\nSec-WebSocket-Protocol: eyJhbGciOiJIUzI1NiJ9.e30.abc\r\n',
  );
  socket.write(masked(opcode.text, secretText));
  assert.equal(await frames.message(), secretText);
  assert.equal(origin.handshakes[0]?.headers.authorization, 'Bearer mine');
  assert.deepEqual(
    it.records.map(({ kind }) => kind),
    ['passed'],
  );

  const plain = createPlainServer();
  plain.on('upgrade', (request: IncomingMessage, own: Socket) => {
    own.write(acceptance(request));
    void echo(own);
    it.defer(() => void own.destroy());
  });
  await new Promise<void>((done) => plain.listen(0, '127.0.0.1', done));
  it.defer(() => void plain.close());
  const target = `localhost:${(plain.address() as AddressInfo).port}`;
  it.egress.set(`http://${target}`, { allowPrivate: true, ca: undefined, pins: undefined });
  const proxied = await it.open();
  proxied.write(handshake(target, '', `http://${target}/x`));
  assert.equal((await readReply(proxied, { headOnly: true })).status, 101);
  proxied.write(masked(opcode.text, 'hello'));
  assert.equal(await new FrameReader(proxied).message(), 'hello');
});

// [BROKER-31] [BROKER-13] [BROKER-14] [BROKER-17]
test('handshakes that are refused: nothing reaches the service', async () => {
  await using it = await world();
  const origin = await socketOrigin(it, () => {});
  it.grant(origin);
  const host = `localhost:${origin.port}`;
  const good = handshake(host);
  const cases: Record<string, [request: string, code: string]> = {
    'a fenced path': [handshake(host, '', '/v2/socket'), 'egress_denied'],
    'another host': [handshake('evil.example'), 'target_mismatch'],
    'an account of its own': [handshake(host, 'Authorization: Bearer mine\r\n'), 'client_auth_refused'],
    'a cookie': [handshake(host, 'Cookie: session=mine\r\n'), 'client_auth_refused'],
    'a token as a protocol': [
      handshake(host, 'Sec-WebSocket-Protocol: realtime, openai-insecure-api-key.sk-abc123def456\r\n'),
      'client_auth_refused',
    ],
    'a token in the second header': [
      handshake(host, 'Sec-WebSocket-Protocol: json\r\nSec-WebSocket-Protocol: base64url.bearer.authorization.k8s.io.bWluZQ\r\n'),
      'client_auth_refused',
    ],
    'a bare token as a protocol': [
      handshake(host, 'Sec-WebSocket-Protocol: ghp16C7e42F292c6912E7710c838347Ae178B4a\r\n'),
      'client_auth_refused',
    ],
    'the placeholder as a protocol': [
      handshake(host, `Sec-WebSocket-Protocol: bearer, ${placeholder}\r\n`),
      'placeholder_misplaced',
    ],
    POST: [good.replace('GET', 'POST'), 'request_malformed'],
    'a body': [handshake(host, 'Content-Length: 3\r\n') + 'abc', 'request_malformed'],
    'a chunked body': [handshake(host, 'Transfer-Encoding: chunked\r\n') + '0\r\n\r\n', 'request_malformed'],
    'no key': [good.replace(/Sec-WebSocket-Key.*\r\n/, ''), 'request_malformed'],
    'two keys': [handshake(host, `Sec-WebSocket-Key: ${handshakeKey}\r\n`), 'request_malformed'],
    'a key of another length': [good.replace(handshakeKey, 'c2hvcnQ='), 'request_malformed'],
    'another version': [good.replace('Version: 13', 'Version: 8'), 'request_malformed'],
    'no version': [good.replace(/Sec-WebSocket-Version.*\r\n/, ''), 'request_malformed'],
    'two upgrades': [handshake(host, 'Upgrade: h2c\r\nUpgrade: TLS/1.0\r\n'), 'upgrade_refused'],
    'no Connection': [good.replace('Connection: Upgrade\r\n', ''), 'upgrade_refused'],
    'HTTP/1.0': [good.replace('HTTP/1.1', 'HTTP/1.0'), 'request_malformed'],
  };
  for (const [what, [request, code]] of Object.entries(cases)) {
    it.records.length = 0;
    const socket = await it.tunnel(host);
    socket.write(request);
    const reply = await readReply(socket);
    assert.equal(codeIn(reply), code, `${what}: ${reply.head}`);
    // Where it was to become a socket, what follows is never taken for another request.
    if (/^Upgrade: websocket\r$/m.test(request) && /^Connection: Upgrade/m.test(request) && code !== 'upgrade_refused')
      assert.equal(await nextChunk(socket), undefined, `${what}: the connection ends`);
    socket.destroy();
    assert.deepEqual(
      it.records.map((record) => [record.kind, record.code]),
      [['refused', code]],
      what,
    );
  }
  assert.equal(origin.connections(), 0);
});

test('protocol names are told from tokens', () => {
  for (const names of [
    'graphql-ws',
    'graphql-transport-ws, graphql-ws',
    'mqtt',
    'mqttv3.1',
    'wamp.2.json',
    'v12.stomp',
    'v4.channel.k8s.io',
    'base64.channel.k8s.io',
    'actioncable-v1-json',
    'ocpp1.6',
    'realtime',
    'vite-hmr',
    'json',
  ])
    assert.ok(namesProtocols(names), names);
  for (const tokens of [
    'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln',
    '550e8400-e29b-41d4-a716-446655440000',
    'sk-abc123def456',
    'x-api-key.abc',
    'json, 9f86d081884c7d659a2feaa0c55ad015',
    'a'.repeat(41),
    'Bearer',
    'auth',
  ])
    assert.ok(!namesProtocols(tokens), tokens);
});

// [BROKER-31]
test('an answer that switches to something else is refused, and its connection ends', async () => {
  const extra = (more: string) => (request: IncomingMessage) => acceptance(request, more);
  const answers: Record<string, (request: IncomingMessage) => string> = {
    'another accept': (request) => acceptance(request).replace(/Accept: .*/, `Accept: ${acceptFor('x')}`),
    'no accept': (request) => acceptance(request).replace(/Sec-WebSocket-Accept.*\r\n/, ''),
    'another protocol': (request) => acceptance(request).replace('Upgrade: websocket', 'Upgrade: tls'),
    'two accepts': (request) => acceptance(request, `Sec-WebSocket-Accept: ${acceptFor(handshakeKey)}\r\n`),
    'no Connection: Upgrade': (request) => acceptance(request).replace('Connection: Upgrade', 'Connection: keep-alive'),
    'an extension': extra('Sec-WebSocket-Extensions: permessage-deflate\r\n'),
    'a protocol that nobody offered': extra('Sec-WebSocket-Protocol: other\r\n'),
    'two protocols': extra('Sec-WebSocket-Protocol: json\r\nSec-WebSocket-Protocol: json\r\n'),
  };
  for (const [what, answer] of Object.entries(answers)) {
    await using it = await world();
    const closed = Promise.withResolvers<void>();
    const origin = await socketOrigin(it, (socket) => void socket.once('close', () => closed.resolve()).resume(), answer);
    it.grant(origin);
    const { reply } = await openSocket(it, `localhost:${origin.port}`, 'Sec-WebSocket-Protocol: json\r\n');
    assert.deepEqual([reply.status, codeIn(reply)], [502, 'reply_refused'], what);
    await closed.promise;
  }
  await using it = await world();
  const origin = await socketOrigin(
    it,
    (socket) => void echo(socket),
    extra('Sec-WebSocket-Protocol: json\r\nSet-Cookie: a=1\r\n'),
  );
  it.grant(origin);
  const { reply } = await openSocket(it, `localhost:${origin.port}`, 'Sec-WebSocket-Protocol: xml, json\r\n');
  assert.deepEqual(
    [reply.status, reply.headers.get('sec-websocket-protocol'), reply.headers.get('set-cookie')],
    [101, 'json', undefined],
  );
});

test('a service that does not switch answers as any other', async () => {
  await using it = await world();
  const origin = await it.origin((seen, response) => response.writeHead(401, { 'x-echo': seen.rawHeaders.join() }).end('no'));
  it.grant(origin);
  const host = `localhost:${origin.port}`;
  const socket = await it.tunnel(host);
  socket.write(Buffer.concat([Buffer.from(handshake(host)), masked(opcode.text, 'never sent')]));
  const reply = await readReply(socket);
  assert.deepEqual([reply.status, reply.body.toString()], [401, 'no']);
  assert.ok(!reply.head.includes(secretText));
  assert.equal(await nextChunk(socket), undefined);
  assert.equal(origin.seen.length, 1);
  assert.equal((await it.ask(host, `GET /v1/me HTTP/1.1\r\nHost: ${host}\r\n\r\n`)).status, 401);
});

// [BROKER-32]
test('frames that break the protocol end the socket, whoever sends them', async () => {
  const server: Record<string, Buffer> = {
    'a masked frame': socketFrame(opcode.text, 'x', { masked: true }),
    'a reserved bit': socketFrame(opcode.text, 'x', { reserved: 0x40 }),
    'another reserved bit': socketFrame(opcode.text, 'x', { reserved: 0x10 }),
    'an unknown opcode': socketFrame(3, 'x'),
    'an unknown control opcode': socketFrame(11, 'x'),
    'a fragmented ping': socketFrame(opcode.ping, 'x', { final: false }),
    'a long ping': socketFrame(opcode.ping, Buffer.alloc(126)),
    'a continuation of nothing': socketFrame(opcode.continuation, 'x'),
    'a message within a message': Buffer.concat([socketFrame(opcode.text, 'x', { final: false }), socketFrame(opcode.text, 'x')]),
    'a length beyond numbers': Buffer.from([0x82, 127, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
    'a frame after the close': Buffer.concat([socketFrame(opcode.close, ''), socketFrame(opcode.text, 'x')]),
    'no frame at all': Buffer.from('HTTP/1.1 200 OK\r\n\r\n'),
  };
  for (const guarded of [true, false]) {
    for (const [what, bytes] of Object.entries(server)) {
      await using it = await world();
      const closed = Promise.withResolvers<void>();
      const origin = await socketOrigin(it, (socket) => {
        socket.once('close', () => closed.resolve()).resume();
        socket.write(Buffer.concat([bytes, socketFrame(opcode.text, `late ${secretText}`)]));
      });
      if (guarded) it.grant(origin);
      else it.egress.set(`https://localhost:${origin.port}`, { allowPrivate: true, ca: origin.ca, pins: undefined });
      const { socket, frames } = await openSocket(it, `localhost:${origin.port}`);
      for (let frame = await frames.next(); frame !== undefined; frame = await frames.next())
        assert.ok(!frame.payload.includes('late'), what);
      await closed.promise;
      assert.ok(socket.destroyed || socket.readableEnded, what);
    }
    const client: Record<string, Buffer> = {
      'a frame without a mask': socketFrame(opcode.text, 'x'),
      'a reserved bit': masked(opcode.text, 'x', { reserved: 0x40 }),
      'a continuation of nothing': masked(opcode.continuation, 'x'),
      'another request': Buffer.from('GET /v2/smuggled HTTP/1.1\r\nHost: x\r\n\r\n'),
    };
    for (const [what, bytes] of Object.entries(client)) {
      await using it = await world();
      const got: Buffer[] = [];
      const closed = Promise.withResolvers<void>();
      const origin = await socketOrigin(it, (socket) => {
        socket.on('data', (chunk: Buffer) => got.push(chunk));
        socket.once('close', () => closed.resolve());
      });
      if (guarded) it.grant(origin);
      else it.egress.set(`https://localhost:${origin.port}`, { allowPrivate: true, ca: origin.ca, pins: undefined });
      const { socket, frames } = await openSocket(it, `localhost:${origin.port}`);
      socket.write(bytes);
      assert.equal(await frames.next(), undefined, what);
      await closed.promise;
      assert.equal(Buffer.concat(got).length, 0, what);
    }
  }
});

// [BROKER-26]
test('a revocation cuts the sockets that carried the credential, at once, and no others', async () => {
  await using it = await world();
  const origin = await socketOrigin(it, (socket) => void echo(socket));
  it.grant(origin);
  it.egress.set(`https://localhost:${origin.port}`, { allowPrivate: true, ca: origin.ca, pins: undefined });
  const host = `localhost:${origin.port}`;
  const carrying = await openSocket(it, host);
  const free = await openSocket(it, host, '', '/free');
  for (const { socket, frames } of [carrying, free]) {
    socket.write(masked(opcode.text, 'hello'));
    assert.equal(await frames.message(), 'hello');
  }
  it.broker.cutCredentialed('g1');
  assert.equal(await carrying.frames.next(), undefined);
  free.socket.write(masked(opcode.text, 'still here'));
  assert.equal(await free.frames.message(), 'still here');
  assert.deepEqual(it.records.at(-1), { kind: 'failed', code: 'request_cut' });
});

// [BROKER-28]
test('a socket over which nothing goes ends; one over which something goes stays', async () => {
  await using it = await world({ limits: { quietTimeoutMs: 8_000, headTimeoutMs: 5_000 } });
  const origin = await socketOrigin(it, (socket) => void echo(socket));
  it.grant(origin);
  const host = `localhost:${origin.port}`;
  const busy = await openSocket(it, host);
  for (let round = 0; round < 5; round += 1) {
    busy.socket.write(masked(opcode.ping, 'x'));
    assert.equal((await busy.frames.next())?.opcode, opcode.pong);
    await new Promise((done) => setTimeout(done, 2_000));
  }
  assert.equal(await busy.frames.next(), undefined);
});

test('either side that leaves takes the other along', async () => {
  await using it = await world();
  const closed = Promise.withResolvers<void>();
  let leave = (): void => {};
  const origin = await socketOrigin(it, (socket) => {
    socket.once('close', () => closed.resolve()).resume();
    leave = () => void socket.destroy();
  });
  it.grant(origin);
  const host = `localhost:${origin.port}`;
  const first = await openSocket(it, host);
  first.socket.destroy();
  await closed.promise;
  const second = await openSocket(it, host);
  leave();
  assert.equal(await second.frames.next(), undefined);
});

// [BROKER-27]
test('back-pressure goes through a socket, both ways, and large messages arrive whole', async () => {
  await using it = await world();
  const size = 24 * 1024 * 1024;
  const piece = Buffer.alloc(1024 * 1024, 'x\n');
  let sent = 0;
  let got = 0;
  const mayRead = Promise.withResolvers<void>();
  const origin = await socketOrigin(it, (socket, { url }) => {
    if (url === '/v1/down') {
      const more = (): void => {
        while (sent < size) {
          const frame = socketFrame(sent === 0 ? opcode.binary : opcode.continuation, piece, {
            final: sent + piece.length >= size,
          });
          sent += piece.length;
          if (!socket.write(frame)) return void socket.once('drain', more);
        }
      };
      more();
      return;
    }
    void mayRead.promise.then(() => socket.on('data', (chunk: Buffer) => (got += chunk.length)));
  });
  it.grant(origin);
  const host = `localhost:${origin.port}`;
  const standstill = async (count: () => number): Promise<number> => {
    for (let last = -1; ; await new Promise((done) => setTimeout(done, 200))) {
      if (count() === last) return last;
      last = count();
    }
  };
  const down = await openSocket(it, host, '', '/v1/down');
  const ahead = await standstill(() => sent);
  assert.ok(ahead < size, `${ahead} bytes went to a client that does not read`);
  assert.equal((await down.frames.message())?.length, size);

  const up = await openSocket(it, host, '', '/v1/up');
  const whole = masked(opcode.binary, Buffer.alloc(size, 'y'));
  let taken = 0;
  const send = (at: number): void => {
    if (at < whole.length) up.socket.write(whole.subarray(at, at + 65_536), () => send((taken = at + 65_536)));
  };
  send(0);
  const before = await standstill(() => taken);
  assert.ok(before < size, `${before} bytes were taken`);
  mayRead.resolve();
  while (got < whole.length) await new Promise((done) => setTimeout(done, 20));
  assert.equal(got, whole.length);
});

test('not over HTTP/2: neither as an upgrade nor as an extended CONNECT', async () => {
  await using it = await world();
  const origin = await socketOrigin(it, () => {});
  it.grant(origin);
  const session = await it.http2(`localhost:${origin.port}`);
  await once(session, 'remoteSettings');
  assert.equal(session.remoteSettings.enableConnectProtocol, false);
});
