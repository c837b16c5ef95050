// HTTP/2 on the client's side: the same decisions, refusals, scrubbing and limits, and what is possible in this protocol alone.

import { test } from 'node:test';
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { constants, type ClientHttp2Session, type ClientHttp2Stream, type OutgoingHttpHeaders } from 'node:http2';
import type { Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { share } from '@holdfast/testkit/shares';
import { attacks } from './attacks.ts';
import { block, flag, frame, headers, RawHttp2, type as frameType } from './frames.ts';
import { headerOf, placeholder, secretText, world, type World } from './world.ts';

interface Told {
  readonly status: number;
  readonly code: string | undefined;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

async function told(stream: ClientHttp2Stream): Promise<Told> {
  const [head] = (await once(stream, 'response')) as [Record<string, unknown>];
  const body = (await buffer(stream)).toString('latin1');
  return { status: Number(head[':status']), code: head['x-holdfast-error'] as string | undefined, headers: head, body };
}

function ask(session: ClientHttp2Session, request: OutgoingHttpHeaders, body?: string | Buffer): Promise<Told> {
  const stream = session.request(request, { endStream: body === undefined });
  stream.on('error', () => {});
  if (body !== undefined) stream.end(body);
  return told(stream);
}

const get = (path = '/v1/me', more: OutgoingHttpHeaders = {}): OutgoingHttpHeaders => ({ ':path': path, ...more });

async function raw(it: World, host: string): Promise<RawHttp2> {
  return new RawHttp2(await it.tunnel(host, undefined, ['h2']));
}

/** A whole request head by hand. */
const plainHead = (host: string): (readonly [string, string])[] => [
  [':method', 'GET'],
  [':scheme', 'https'],
  [':authority', host],
  [':path', '/v1/me'],
];

// [BROKER-30] [BROKER-15] [BROKER-16] [BROKER-21]
test('one connection, many requests: attached, recorded and scrubbed as any other', async () => {
  await using it = await world();
  const origin = await it.origin((seen, response) => {
    response.writeHead(200, [
      'X-Echo',
      headerOf(seen, 'authorization') ?? '',
      'X-Twice',
      'a',
      'X-Twice',
      'b',
      'Content-Type',
      'a/b',
    ]);
    response.end(`${seen.method} ${seen.url} ${headerOf(seen, 'authorization')} ${seen.body.toString()}`);
  });
  it.grant(origin);
  const host = `localhost:${origin.port}`;
  const session = await it.http2(host);
  const stars = '*'.repeat(secretText.length);
  const first = await ask(session, get('/v1/%6De?a=b'));
  assert.equal(first.body, `GET /v1/me?a=b Bearer ${stars} `);
  assert.deepEqual([first.headers['x-echo'], first.headers['x-twice']], [`Bearer ${stars}`, 'a, b']);
  const second = await ask(session, { ':method': 'POST', ':path': '/v1/x', authorization: `Bearer ${placeholder}` }, 'hello');
  assert.equal(second.body, `POST /v1/x Bearer ${stars} hello`);
  const counted = await ask(session, { ':method': 'POST', ':path': '/v1/x', 'content-length': 5 }, 'hello');
  assert.equal(counted.body, `POST /v1/x Bearer ${stars} hello`);
  assert.equal(headerOf(origin.seen.at(-1), 'content-length'), '5');
  assert.ok(origin.seen.every((seen) => headerOf(seen, 'authorization') === `Bearer ${secretText}`));
  assert.ok(origin.seen.every((seen) => headerOf(seen, 'host') === host));
  assert.deepEqual(
    it.records.map(({ kind }) => kind),
    ['use', 'opened', 'wiped', 'use', 'opened', 'wiped', 'use', 'opened', 'wiped'],
  );
  const crowd = await Promise.all(Array.from({ length: 50 }, (_, index) => ask(session, get(`/v1/${index}`))));
  assert.deepEqual(
    crowd.map(({ body }) => body),
    crowd.map((_, index) => `GET /v1/${index} Bearer ${stars} `),
  );
});

test('every request that is refused of HTTP/1.1 is refused of HTTP/2, with the same code', async () => {
  await using it = await world();
  const origin = await it.origin();
  it.grant(origin);
  const session = await it.http2(`localhost:${origin.port}`);
  for (const { what, line = 'GET /v1/me', headers: lines = '', code } of attacks) {
    it.records.length = 0;
    const [method = '', path = ''] = line.split(' ');
    const own: Record<string, string | string[]> = {};
    for (const each of lines.split('\r\n').filter(Boolean)) {
      const [, name = '', value = ''] = /^([^:]+): ?(.*)$/.exec(each) ?? [];
      const already = own[name.toLowerCase()];
      own[name.toLowerCase()] = already === undefined ? value : [String(already), value];
    }
    // Node's client lets a single authorization through only.
    if (Array.isArray(own['authorization'])) continue;
    const answer = await ask(session, { ':method': method, ':path': path, ...own }, method === 'TRACE' ? '' : undefined);
    assert.deepEqual([answer.status, answer.code], [403, code], what);
    assert.match(answer.body, new RegExp(code));
    assert.deepEqual(
      it.records.map((record) => [record.kind, record.code]),
      [['refused', code]],
      what,
    );
  }
  assert.equal(origin.connections(), 0);
  assert.deepEqual(it.resolved, [], 'no name was resolved');
});

test('allowed egress passes, with cookies in one line and an authentication of its own', async () => {
  await using it = await world();
  const origin = await it.origin();
  it.egress.set(`https://localhost:${origin.port}`, { allowPrivate: true, ca: origin.ca, pins: undefined });
  const session = await it.http2(`localhost:${origin.port}`);
  const answer = await ask(
    session,
    get('/@scope%2fname;x?token=mine', { cookie: ['a=1', 'b=2'], authorization: 'Bearer mine', te: 'trailers' }),
  );
  assert.equal(answer.status, 200);
  const [seen] = origin.seen;
  assert.equal(seen?.url, '/@scope%2fname;x?token=mine');
  assert.deepEqual(
    [headerOf(seen, 'cookie'), headerOf(seen, 'authorization'), headerOf(seen, 'te')],
    ['a=1; b=2', 'Bearer mine', undefined],
  );
});

// [BROKER-30] [BROKER-4]
test('heads that could be read in two ways, or belong to HTTP/1.1, reach nobody', async () => {
  await using it = await world();
  const origin = await it.origin();
  it.grant(origin);
  const host = `localhost:${origin.port}`;
  const own = plainHead(host);
  const without = (...names: string[]) => own.filter(([name]) => !names.includes(name));
  const heads: Record<string, readonly (readonly [string, string])[]> = {
    'two :authority': [...own.slice(0, 3), [':authority', 'evil.example'], [':path', '/v1/me']],
    'the same :authority twice': [...own, [':authority', host]],
    'no :authority and no Host': without(':authority'),
    ':authority of another host': [...without(':authority'), [':authority', 'evil.example']],
    ':authority without its port': [...without(':authority'), [':authority', 'localhost']],
    ':authority with user information': [...without(':authority'), [':authority', `me@${host}`]],
    ':authority against Host': [...own, ['host', 'evil.example']],
    'Host of another host alone': [...without(':authority'), ['host', 'evil.example']],
    'two Hosts': [...without(':authority'), ['host', host], ['host', host]],
    ':path in absolute form': [...without(':path'), [':path', `https://${host}/v1/me`]],
    ':path to another host': [...without(':path'), [':path', 'http://evil.example/v1/me']],
    ':path in asterisk form': [...without(':path'), [':path', '*']],
    'an empty :path': [...without(':path'), [':path', '']],
    'no :path': without(':path'),
    'two :path': [...own, [':path', '/v2']],
    ':path with a fragment': [...without(':path'), [':path', '/v1/me#x']],
    ':path with a space': [...without(':path'), [':path', '/v1/me HTTP/1.1']],
    ':path with a line end': [...without(':path'), [':path', '/v1/me HTTP/1.1\r\nX: y']],
    'the scheme http': [...without(':scheme'), [':scheme', 'http']],
    'no scheme': without(':scheme'),
    'two methods': [...own, [':method', 'DELETE']],
    'a method with a space': [...without(':method'), [':method', 'GET /v1/x HTTP/1.1']],
    'a pseudo-header after a header': [['x-a', 'b'], ...own],
    'an unknown pseudo-header': [...own, [':color', 'red']],
    'a :status in a request': [...own, [':status', '200']],
    Connection: [...own, ['connection', 'close']],
    'Connection: authorization': [...own, ['connection', 'authorization']],
    'Transfer-Encoding': [...own, ['transfer-encoding', 'chunked']],
    Upgrade: [...own, ['upgrade', 'websocket']],
    'Keep-Alive': [...own, ['keep-alive', 'timeout=5']],
    'Proxy-Connection': [...own, ['proxy-connection', 'keep-alive']],
    'TE of a coding': [...own, ['te', 'chunked']],
    'a length without a body': [...own, ['content-length', '5']],
    'two lengths': [...own, ['content-length', '0'], ['content-length', '5']],
    'a signed length': [...own, ['content-length', '+0']],
    'CONNECT to another host': [
      [':method', 'CONNECT'],
      [':authority', 'evil.example:443'],
    ],
    'CONNECT to the same host': [
      [':method', 'CONNECT'],
      [':authority', host],
    ],
    'CONNECT with a path': [...without(':method'), [':method', 'CONNECT']],
    'extended CONNECT': [...without(':method'), [':method', 'CONNECT'], [':protocol', 'websocket']],
    'a :protocol beside GET': [...own, [':protocol', 'websocket']],
    'a bodiless head of 200 headers': [...own, ...Array.from({ length: 200 }, () => ['x-a', 'b'] as const)],
    'a head of 80,000 bytes': [...own, ...Array.from({ length: 10 }, () => ['x-a', 'b'.repeat(8000)] as const)],
    'a head of 1,000 headers': [...own, ...Array.from({ length: 1000 }, () => ['x-a', 'b'] as const)],
  };
  for (const [what, pairs] of Object.entries(heads)) {
    it.records.length = 0;
    const client = await raw(it, host);
    client.socket.write(headers(1, pairs));
    const outcome = await client.outcome(1);
    client.socket.destroy();
    const answers = it.records.map(({ kind, code }) => `${kind} ${code}`);
    if (outcome === 'answered')
      assert.match(answers.join(), /^refused (?:request_malformed|target_mismatch|limit_exceeded)$/, what);
    else assert.deepEqual(answers, [], what);
  }
  assert.equal(origin.connections(), 0);
  const good = await raw(it, host);
  good.socket.write(headers(1, own));
  assert.equal(await good.outcome(1), 'answered');
  assert.equal(origin.seen.length, 1);
});

// [BROKER-30]
test('headers that HTTP/1.1 cannot carry never go further', async () => {
  await using it = await world();
  const origin = await it.origin();
  it.grant(origin);
  const host = `localhost:${origin.port}`;
  const bad: Record<string, readonly [string, string]> = {
    'an upper-case name': ['X-Note', 'b'],
    'a name with a space': ['x note', 'b'],
    'a name with a colon': ['x:note', 'b'],
    'a name with a line end': ['x\r\nx-note', 'b'],
    'an empty name': ['', 'b'],
    'a line end in a value': ['x-note', 'b\r\nx-injected: c'],
    'a bare line feed in a value': ['x-note', 'b\nc'],
    'a bare carriage return in a value': ['x-note', 'b\rc'],
    'a NUL in a value': ['x-note', 'b\0c'],
    'space around a value': ['x-note', ' b '],
  };
  for (const [what, header] of Object.entries(bad)) {
    const client = await raw(it, host);
    client.socket.write(headers(1, [...plainHead(host), header]));
    const outcome = await client.outcome(1);
    client.socket.destroy();
    const seen = origin.seen.splice(0);
    // nghttp2 resets the stream or leaves the header out.
    assert.equal(seen.length, outcome === 'answered' ? 1 : 0, what);
    assert.doesNotMatch(JSON.stringify(seen), /note|injected/i, what);
  }
});

test('a body that looks like another request, and trailers, stay one request', async () => {
  await using it = await world();
  const origin = await it.origin((seen, response) => response.end(seen.body));
  it.grant(origin);
  const session = await it.http2(`localhost:${origin.port}`);
  const body = `0\r\n\r\nGET /v2/smuggled HTTP/1.1\r\nHost: localhost:${origin.port}\r\n\r\n`;
  for (const length of [{}, { 'content-length': Buffer.byteLength(body) }])
    assert.equal((await ask(session, { ':method': 'POST', ':path': '/v1/x', ...length }, body)).body, body);
  const stream = session.request({ ':method': 'POST', ':path': '/v1/x' }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ authorization: 'Bearer mine', 'x-t': 'smuggled' }));
  stream.end('with trailers');
  assert.equal((await told(stream)).body, 'with trailers');
  assert.deepEqual(
    origin.seen.map(({ url }) => url),
    ['/v1/x', '/v1/x', '/v1/x'],
  );
  assert.ok(!JSON.stringify(origin.seen).includes('x-t'));
});

// [BROKER-27] [BROKER-30]
test('half an upload is never taken for the whole, however it ends', async () => {
  for (const code of [constants.NGHTTP2_NO_ERROR, constants.NGHTTP2_CANCEL, undefined]) {
    await using it = await world();
    const begun = Promise.withResolvers<void>();
    const left = Promise.withResolvers<void>();
    const origin = await it.origin();
    origin.started = (request) => {
      begun.resolve();
      request.once('close', () => left.resolve());
    };
    it.grant(origin);
    const host = `localhost:${origin.port}`;
    const client = await raw(it, host);
    client.socket.write(headers(1, [[':method', 'POST'], ...plainHead(host).slice(1)], 0));
    client.socket.write(frame(frameType.data, 0, 1, Buffer.from('half')));
    await begun.promise;
    if (code === undefined) client.socket.destroy();
    else client.socket.write(frame(frameType.reset, 0, 1, Buffer.from([0, 0, 0, code])));
    await left.promise;
    assert.equal(origin.seen.length, 0, `reset with ${code}`);
    while (!it.records.some(({ kind }) => kind === 'failed')) await new Promise((done) => setImmediate(done));
    assert.deepEqual(it.records.at(-1), { kind: 'failed', code: 'request_cut' });
  }
});

test('bodies that are longer or shorter than they said are no requests', async () => {
  await using it = await world();
  const origin = await it.origin();
  it.grant(origin);
  const host = `localhost:${origin.port}`;
  const post: (readonly [string, string])[] = [[':method', 'POST'], ...plainHead(host).slice(1), ['content-length', '5']];
  for (const sent of ['four', 'sixsix']) {
    const client = await raw(it, host);
    client.socket.write(headers(1, post, 0));
    client.socket.write(frame(frameType.data, flag.endStream, 1, Buffer.from(sent)));
    assert.notEqual(await client.outcome(1), 'answered', sent);
    client.socket.destroy();
  }
  assert.equal(origin.seen.length, 0);
});

test('HEAD, 204 and 304 have no body; Expect is answered; a late length stays', async () => {
  await using it = await world();
  const origin = await it.origin((seen, response) => {
    const status = Number(seen.url.slice(4)) || 200;
    response.writeHead(status, { etag: 'x', ...(seen.method === 'HEAD' && { 'content-length': 99 }) }).end();
  });
  it.grant(origin);
  const session = await it.http2(`localhost:${origin.port}`);
  const head = await ask(session, { ':method': 'HEAD', ':path': '/v1/200' });
  assert.deepEqual([head.status, head.headers['content-length'], head.body], [200, '99', '']);
  for (const status of [204, 304]) assert.deepEqual([(await ask(session, get(`/v1/${status}`))).status], [status]);
  const refused = await ask(session, { ':method': 'HEAD', ':path': '/v2' });
  assert.deepEqual([refused.status, refused.code, refused.body], [403, 'egress_denied', '']);
  const waiting = session.request({ ':method': 'POST', ':path': '/v1/200', expect: '100-continue' });
  await once(waiting, 'continue');
  waiting.end('abc');
  assert.equal((await told(waiting)).status, 200);
  assert.equal(origin.seen.at(-1)?.body.toString(), 'abc');
  assert.equal(origin.connections(), 1);
});

// [BROKER-28] [BROKER-29]
test('a refused upload is answered and not read on; the connection goes on', async () => {
  await using it = await world();
  const origin = await it.origin();
  it.grant(origin);
  const session = await it.http2(`localhost:${origin.port}`);
  const stream = session.request({ ':method': 'POST', ':path': '/v2/x' });
  stream.on('error', () => {});
  stream.write(Buffer.alloc(32 * 1024));
  assert.equal((await told(stream)).code, 'egress_denied');
  if (!stream.closed) await once(stream, 'close');
  assert.equal((await ask(session, get())).status, 200);
});

// [BROKER-26]
test('a revocation ends the streams that carry the credential, and no others of the connection', async () => {
  await using it = await world();
  const origin = await it.origin((seen, response) => {
    response.write('data: open\n\n');
    if (seen.url === '/free/x') it.defer(() => void response.end());
  });
  it.grant(origin);
  it.egress.set(`https://localhost:${origin.port}`, { allowPrivate: true, ca: origin.ca, pins: undefined });
  const session = await it.http2(`localhost:${origin.port}`);
  const open = async (path: string): Promise<ClientHttp2Stream> => {
    const stream = session.request(get(path));
    stream.on('error', () => {});
    await once(stream, 'data');
    return stream;
  };
  const [carrying, free] = [await open('/v1/x'), await open('/free/x')];
  it.broker.cutCredentialed();
  await new Promise((done) => carrying.once('close', done));
  assert.notEqual(carrying.rstCode, constants.NGHTTP2_NO_ERROR);
  assert.ok(!free.closed && !session.destroyed);
  assert.deepEqual(it.records.at(-1), { kind: 'failed', code: 'request_cut' });
});

test('an origin that breaks off in a reply ends the stream with an error', async () => {
  await using it = await world();
  const origin = await it.origin((_seen, response) => {
    response.write('part');
    setImmediate(() => response.destroy());
  });
  it.grant(origin);
  const session = await it.http2(`localhost:${origin.port}`);
  const stream = session.request(get());
  const failed = once(stream, 'error');
  stream.resume();
  await failed;
  assert.notEqual(stream.rstCode, constants.NGHTTP2_NO_ERROR);
});

// [BROKER-28]
test('streams count like connections, and one connection has at most its own share', async () => {
  const turnedAway: string[] = [];
  await using it = await world({
    limits: { maxClientConnections: 8, maxStreamsPerConnection: 5 },
    turnedAway: (code) => turnedAway.push(code),
  });
  const origin = await it.origin((_seen, response) => void response.write('open'));
  it.grant(origin);
  const host = `localhost:${origin.port}`;
  const client = await raw(it, host);
  for (let stream = 1; stream < 20; stream += 2) client.socket.write(headers(stream, plainHead(host)));
  const outcomes = async (of: RawHttp2, count: number): Promise<string[]> => {
    const all: string[] = [];
    while (all.length < count) {
      const one = (await of.next()) ?? assert.fail('the connection goes on');
      if (one.type === frameType.headers) all.push('answered');
      if (one.type === frameType.reset) all.push(`reset ${one.payload[3]}`);
    }
    return all.toSorted();
  };
  const refused = `reset ${constants.NGHTTP2_REFUSED_STREAM}`;
  assert.deepEqual(await outcomes(client, 10), [...Array<string>(5).fill('answered'), ...Array<string>(5).fill(refused)]);
  const second = await raw(it, host);
  for (let stream = 1; stream < 6; stream += 2) second.socket.write(headers(stream, plainHead(host)));
  assert.deepEqual(await outcomes(second, 3), ['answered', refused, refused], 'two connections and six streams are eight');
  assert.deepEqual(turnedAway, ['limit_exceeded', 'limit_exceeded']); // [BROKER-52]
});

// [BROKER-28]
test('an idle connection is told to go, an endless head is cut, a long reply is not', async () => {
  await using it = await world({ limits: { headTimeoutMs: 5_000 } });
  const asked = Promise.withResolvers<void>();
  const cut = Promise.withResolvers<void>();
  const origin = await it.origin((_seen, response) => {
    response.write('first ');
    asked.resolve();
    void cut.promise.then(() => response.end('last'));
  });
  it.grant(origin);
  const host = `localhost:${origin.port}`;
  const long = ask(await it.http2(host), get());
  await Promise.race([asked.promise, long]);
  const idle = await raw(it, host);
  let last: number | undefined;
  for (let one = await idle.next(); one !== undefined; one = await idle.next()) last = one.type;
  assert.equal(last, frameType.goAway);
  const slow = await raw(it, host);
  slow.socket.write(frame(frameType.headers, 0, 1, block(plainHead(host))));
  const drip = setInterval(() => slow.socket.write(frame(frameType.continuation, 0, 1, block([['x-a', 'b']]))), 40);
  assert.equal(await slow.outcome(1), 'ended');
  clearInterval(drip);
  cut.resolve(); // it has lasted longer than both
  assert.equal((await long).body, 'first last');
  assert.equal(origin.seen.length, 1);
});

interface Flood {
  /** Whether the broker ends the connection; otherwise what is sent costs it nothing that grows. `undefined`: that depends on how fast it is. */
  readonly ends: boolean | undefined;
  next(turn: number, host: string): Buffer;
}

const openPost = (host: string): Buffer => headers(1, [[':method', 'POST'], ...plainHead(host).slice(1)], 0);
const openHead = (stream: number, host: string): Buffer =>
  frame(frameType.headers, flag.endStream, stream, block(plainHead(host)));
const note = (size: number): Buffer => block([['x-note', 'b'.repeat(size)]]);

const floods: Readonly<Record<string, Flood>> = {
  'empty continuations': {
    ends: true,
    next: (turn, host) => (turn === 0 ? openHead(1, host) : frame(frameType.continuation, 0, 1)),
  },
  'continuations with headers': {
    ends: true,
    next: (turn, host) => (turn === 0 ? openHead(1, host) : frame(frameType.continuation, 0, 1, note(8000))),
  },
  'streams that are reset at once': {
    ends: true,
    next: (turn, host) =>
      Buffer.concat([
        headers(turn * 2 + 1, plainHead(host)),
        frame(frameType.reset, 0, turn * 2 + 1, Buffer.from([0, 0, 0, constants.NGHTTP2_CANCEL])),
      ]),
  },
  'malformed heads': {
    ends: true,
    next: (turn, host) => headers(turn * 2 + 1, [...plainHead(host), [':path', '/v1']]),
  },
  'heads that are too long': {
    ends: undefined,
    next: (turn, host) =>
      Buffer.concat([
        openHead(turn * 2 + 1, host),
        ...Array.from({ length: 6 }, () => frame(frameType.continuation, 0, turn * 2 + 1, note(16_000))),
        frame(frameType.continuation, flag.endHeaders, turn * 2 + 1),
      ]),
  },
  'heads that unpack to megabytes': {
    ends: undefined,
    // One header is put into the table, and named 12,000 times by a byte each.
    next: (turn, host) => {
      const [kind, ...literal] = note(3_900);
      const packed = Buffer.concat([Buffer.from([0x40 | (kind ?? 0), ...literal]), Buffer.alloc(12_000, 0xbe)]);
      const own = turn * 2 + 1;
      return Buffer.concat([openHead(own, host), frame(frameType.continuation, flag.endHeaders, own, packed)]);
    },
  },
  settings: { ends: false, next: () => frame(frameType.settings, 0, 0, Buffer.from([0, 4, 0, 0, 255, 255])) },
  'pings whose answers are not read': { ends: false, next: () => frame(frameType.ping, 0, 0, Buffer.alloc(8)) },
  'empty data': {
    ends: true,
    next: (turn, host) => (turn === 0 ? openPost(host) : frame(frameType.data, 0, 1)),
  },
  'data beyond its window': {
    ends: true,
    next: (turn, host) => (turn === 0 ? openPost(host) : frame(frameType.data, 0, 1, Buffer.alloc(16_000))),
  },
  'a window that overflows': {
    ends: true,
    next: () => frame(frameType.window, 0, 0, Buffer.from([0x7f, 0xff, 0xff, 0xff])),
  },
  'priorities of streams that are not there': {
    ends: false,
    next: (turn) => frame(frameType.priority, 0, turn * 2 + 1, Buffer.from([0, 0, 0, 0, 255])),
  },
  'frames that nobody knows': { ends: false, next: () => frame(0x77, 0, 0, Buffer.alloc(1000)) },
};
/** Reads until the last ping is answered, or the connection ends. */
async function lastPing(client: RawHttp2): Promise<'answered' | 'over'> {
  for (let one = await client.next(); one !== undefined; one = await client.next())
    if (one.type === frameType.ping && one.payload.toString() === 'the last') return 'answered';
  return 'over';
}

/** Resolves when the socket takes more, or never will. */
async function taken(socket: Socket): Promise<void> {
  await new Promise<void>((done) => {
    const heard = (): void => {
      for (const event of ['drain', 'close', 'end'] as const) socket.removeListener(event, heard);
      done();
    };
    for (const event of ['drain', 'close', 'end'] as const) socket.on(event, heard);
    if (socket.destroyed || socket.readableEnded) heard();
  });
}

const maxFloodBytes = 32 * 1024 * 1024;

// [BROKER-30] [BROKER-28]
test(
  'floods of frames end their own connection or cost nothing that grows; others are served',
  { timeout: 500_000 },
  async () => {
    await using it = await world();
    const origin = await it.origin();
    // Reads no upload, so that a window can be overrun.
    origin.started = (request) => void (request.method === 'POST' && request.pause());
    it.grant(origin);
    const host = `localhost:${origin.port}`;
    const turns = share({ ci: 3_000, soak: 10_000 });
    for (const [what, { ends, next }] of Object.entries(floods)) {
      const before = process.memoryUsage().rss;
      const client = await raw(it, host);
      const { socket } = client;
      const going = (): boolean => !socket.destroyed && !socket.readableEnded;
      const reading = what.includes('not read') ? undefined : lastPing(client);
      for (let turn = 0, left = maxFloodBytes; turn < turns && left > 0 && going(); turn += 1) {
        const bytes = next(turn, host);
        left -= bytes.length;
        if (!socket.write(bytes)) await taken(socket);
        if (turn % 100 === 99) await new Promise((done) => setImmediate(done));
      }
      if (going()) socket.write(frame(frameType.ping, 0, 0, Buffer.from('the last')));
      const outcome = await (reading ?? lastPing(client));
      if (ends !== undefined) assert.equal(outcome, ends ? 'over' : 'answered', what);
      const grownMiB = (process.memoryUsage().rss - before) / 1024 / 1024;
      assert.ok(grownMiB < 100, `${what}: ${grownMiB} MiB more`);
      assert.equal((await ask(await it.http2(host), get())).status, 200, what);
      socket.destroy();
    }
    assert.ok(origin.seen.every(({ method }) => method === 'GET'));
  },
);

// [BROKER-27]
test('a window that stays shut holds the origin back; once it opens all arrives', async () => {
  await using it = await world();
  const size = 16 * 1024 * 1024;
  let sent = 0;
  const origin = await it.origin((_seen, response) => {
    const piece = Buffer.alloc(64 * 1024, 'x\n');
    const more = (): void => {
      while (sent < size) {
        sent += piece.length;
        if (!response.write(piece)) return void response.once('drain', more);
      }
      response.end();
    };
    more();
  });
  it.grant(origin);
  const session = await it.http2(`localhost:${origin.port}`);
  const stream = session.request(get());
  await once(stream, 'response');
  let before = -1;
  while (before !== sent) {
    before = sent;
    await new Promise((done) => setTimeout(done, 150));
  }
  assert.ok(sent < size, `${sent} bytes went to a client that does not read`);
  assert.equal((await buffer(stream)).length, size);
});

test('an origin that does not read holds an upload back, at one stream and not at its neighbours', async () => {
  await using it = await world();
  const mayRead = Promise.withResolvers<void>();
  const origin = await it.origin((seen, response) => response.end(String(seen.body.length)));
  origin.started = (request) => {
    if (request.url !== '/v1/slow') return;
    request.pause();
    void mayRead.promise.then(() => request.resume());
  };
  it.grant(origin);
  const session = await it.http2(`localhost:${origin.port}`);
  const size = 16 * 1024 * 1024;
  const slow = session.request({ ':method': 'POST', ':path': '/v1/slow' });
  let taken = 0;
  const piece = Buffer.alloc(64 * 1024, 'y');
  const more = (): void => {
    if (taken >= size) return void slow.end();
    slow.write(piece, () => {
      taken += piece.length;
      more();
    });
  };
  more();
  let before = -1;
  while (before !== taken) {
    before = taken;
    await new Promise((done) => setTimeout(done, 150));
  }
  assert.ok(taken < size, `${taken} bytes were taken`);
  assert.equal((await ask(session, { ':method': 'POST', ':path': '/v1/x' }, 'abc')).body, '3');
  mayRead.resolve();
  assert.equal((await told(slow)).body, String(size));
});
