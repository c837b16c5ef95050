// Bodies that are judged before they go out: held whole, sent as they were judged, or not at all.

import { test } from 'node:test';
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { constants } from 'node:http2';
import { gzipSync } from 'node:zlib';
import { HoldfastError } from '@holdfast/protocol/errors';
import { parseBodyLimits } from '@holdfast/protocol/vault/argument-terms';
import { judgedBody } from '@holdfast/protocol/vault/argument-text';
import { readWithField } from '@holdfast/protocol/vault/body-field';
import { fence, judge, limitsArguments } from '@holdfast/protocol/vault/fence';
import type { Limits } from '../../src/broker/broker.ts';
import { frame, headers, RawHttp2, type as frameType } from './frames.ts';
import { codeIn, headerOf, placeholder, readReply, secretText, world, type Reply, type World } from './world.ts';

/** A grant for payments of at most 3,000. */
async function paying(limits?: Partial<Limits>) {
  const within = parseBodyLimits(['/amount<=3000', '/note']);
  const it = await world({
    ...(limits && { limits }),
    use: async (_grant, { query }, body) => ({ query, body: judgedBody(body, within) }),
  });
  const origin = await it.origin();
  it.grant(origin, { limitsArguments: true, judgesBody: true });
  return { it, origin, host: `localhost:${origin.port}` };
}

const post = (host: string, head: string, body: string | Buffer): Buffer =>
  Buffer.concat([
    Buffer.from(`POST /v1/pay HTTP/1.1\r\nHost: ${host}\r\n${head}\r\n`),
    Buffer.isBuffer(body) ? body : Buffer.from(body),
  ]);
const json = (body: string | Buffer, more = ''): [string, string | Buffer] => [
  `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n${more}`,
  body,
];
const until = async (holds: () => boolean): Promise<void> => {
  while (!holds()) await new Promise((done) => setImmediate(done));
};
const nothingUsed = (it: World): void => assert.ok(!it.records.some(({ kind }) => kind === 'use' || kind === 'opened'));

// [BROKER-33]
test('what was judged goes out, with a type and length of its own', async () => {
  const { it, origin, host } = await paying();
  await using _ = it;
  const spaced = ' { "amount" : 2999.5 ,\n "note":"\\u0061" } ';
  const more =
    'Content-Language: de\r\nDigest: sha-256=AAAA\r\nStripe-Account: acct_2\r\nX-Own: 1\r\nStripe-Version: 2026-01-01\r\n';
  const sent = [
    json(spaced, more),
    [
      'Content-Type: application/json; charset=utf-8\r\nTransfer-Encoding: chunked\r\n',
      `${spaced.length.toString(16)}\r\n${spaced}\r\n0\r\n\r\n`,
    ],
    [`Expect: 100-continue\r\n${json(spaced)[0]}`, spaced],
  ] as const;
  for (const [head, body] of sent) {
    const reply = await it.ask(host, post(host, head, body));
    assert.equal(reply.status, 200, reply.body.toString());
  }
  const session = await it.http2(host);
  const stream = session.request({ ':method': 'POST', ':path': '/v1/pay', 'content-type': 'application/json' });
  stream.end(spaced);
  const [answered] = (await once(stream, 'response')) as [Record<string, unknown>];
  assert.equal(answered[':status'], 200);
  for (const seen of origin.seen) {
    assert.equal(seen.body.toString(), '{"amount":2999.5,"note":"a"}');
    assert.deepEqual(
      ['content-type', 'content-length', 'transfer-encoding', 'content-language', 'digest'].map((name) => headerOf(seen, name)),
      ['application/json', String(seen.body.length), undefined, undefined, undefined],
    );
  }
  // [BROKER-35]
  assert.deepEqual(
    ['stripe-account', 'x-own', 'stripe-version'].map((name) => headerOf(origin.seen[0], name)),
    [undefined, undefined, '2026-01-01'],
  );
  assert.equal(origin.seen.length, 4);
});

// [BROKER-33] [FENCE-25]
test('a body that is not within its limits never leaves, in whatever wrapping it comes', async () => {
  const { it, origin, host } = await paying();
  await using _ = it;
  const good = '{"amount":1}';
  const type = 'Content-Type: application/json\r\n';
  const attempts: [string, string | Buffer][] = [
    json('{"amount":3000.01}'),
    json('{"amount":1,"amount":9000}'),
    ['', ''],
    [type, ''],
    [`${type}Content-Length: 0\r\n`, ''],
    [`Content-Length: ${good.length}\r\n`, good],
    json(good, 'Content-Type: text/plain\r\n'),
    json(good, 'Content-Encoding: identity\r\n'),
    json(gzipSync(good), 'Content-Encoding: gzip\r\n'),
    json(Buffer.from(good, 'utf16le')),
    [`Content-Type: multipart/form-data; boundary=x\r\nContent-Length: ${good.length}\r\n`, good],
    [`${type}Upgrade: websocket\r\nConnection: Upgrade\r\nContent-Length: ${good.length}\r\n`, good],
  ];
  for (const [head, body] of attempts) {
    const reply = await it.ask(host, post(host, head, body));
    assert.match(codeIn(reply) ?? '', /^(fence_body|request_malformed|upgrade_refused)$/, `${head}${body.toString()}`);
  }
  const handshake = `GET /v1/ws HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`;
  assert.equal(codeIn(await it.ask(host, handshake)), 'fence_body');
  assert.deepEqual([origin.seen.length, origin.connections()], [0, 0]);
  nothingUsed(it);
});

// [BROKER-33]
test('one that ends early is none', async () => {
  const { it, origin, host } = await paying();
  await using _ = it;
  const tls = await it.tunnel(host);
  tls.write(post(host, 'Content-Type: application/json\r\nContent-Length: 40\r\n', '{"amount":1}'));
  tls.destroy();
  for (const code of [constants.NGHTTP2_NO_ERROR, constants.NGHTTP2_CANCEL]) {
    const client = new RawHttp2(await it.tunnel(host, undefined, ['h2']));
    const head = [
      [':method', 'POST'],
      [':scheme', 'https'],
      [':authority', host],
      [':path', '/v1/pay'],
      ['content-type', 'application/json'],
    ] as const;
    client.socket.write(headers(1, [...head], 0));
    client.socket.write(frame(frameType.data, 0, 1, Buffer.from('{"amount":1}')));
    client.socket.write(frame(frameType.reset, 0, 1, Buffer.from([0, 0, 0, code])));
  }
  await until(() => it.records.filter(({ code }) => code === 'request_cut').length === 3);
  assert.equal(origin.seen.length, 0);
  nothingUsed(it);
});

// [BROKER-33]
test('one that is too long is refused, and so is what is too much at once; what is over makes room', async () => {
  const { it, origin, host } = await paying({ maxJudgedBodyBytes: 1000, maxHeldBytes: 1500 });
  await using _ = it;
  const long = (length: number): string => `{"amount":1,"note":"${'x'.repeat(length - 22)}"}`;
  assert.equal(codeIn(await it.ask(host, post(host, ...json(long(1001))))), 'limit_exceeded');
  const waiting = await it.tunnel(host);
  const [head, body] = json(long(1000));
  waiting.write(post(host, head, body.slice(0, 999)));
  await until(() => it.records.length === 1);
  let refused = 0;
  for (; refused === 0;) if (codeIn(await it.ask(host, post(host, ...json(long(900))))) === 'limit_exceeded') refused += 1;
  waiting.write(body.slice(999));
  assert.equal((await readReply(waiting)).status, 200);
  assert.equal((await it.ask(host, post(host, ...json(long(1000))))).status, 200);
  assert.ok(origin.seen.every((seen) => seen.body.length >= 900));
});

// [FENCE-36] [BROKER-33]
test('where only the query is limited, a body that says nothing goes on, and none that says something', async () => {
  const within = fence.parse(
    {
      ...{ v: 2, hosts: [{ host: 'localhost', port: 443 }], methods: ['POST'], paths: ['/**'], allowPrivate: true },
      query: { others: false, arguments: [{ at: '/limit', optional: true, holds: { kind: 'number', min: '0', max: '9' } }] },
    },
    'fence',
  );
  await using it = await world({ use: async (_grant, { query }, body) => judge(within, { query, body }) });
  const origin = await it.origin();
  it.grant(origin, { limitsArguments: true, judgesBody: limitsArguments(within) });
  const host = `localhost:${origin.port}`;
  const asking = (head: string, body = ''): Promise<Reply> => it.ask(host, post(host, head, body));
  assert.equal((await asking('')).status, 200);
  assert.equal((await asking('Content-Length: 0\r\n')).status, 200);
  assert.equal((await asking('Transfer-Encoding: chunked\r\n', '0\r\n\r\n')).status, 200);
  const stream = (await it.http2(host)).request({ ':method': 'POST', ':path': '/v1/pay?limit=%39' });
  stream.end();
  const [answered] = (await once(stream, 'response')) as [Record<string, unknown>];
  assert.equal(answered[':status'], 200);
  assert.deepEqual([origin.seen.length, origin.seen.at(-1)?.url], [4, '/v1/pay?limit=9']);
  const form = 'Content-Type: application/x-www-form-urlencoded\r\n';
  assert.equal(codeIn(await asking(`${form}Content-Length: 9\r\n`, 'limit=900')), 'fence_body');
  assert.equal(codeIn(await asking(`${form}Transfer-Encoding: chunked\r\n`, '9\r\nlimit=900\r\n0\r\n\r\n')), 'fence_body');
  assert.equal(origin.seen.length, 4);
});

test('a fault of the judge sends nothing', async () => {
  const { it, origin, host } = await paying();
  await using _ = it;
  await using broken = await world({
    use: async () => {
      throw new HoldfastError('fence_body', 'no');
    },
  });
  broken.grant(origin, { limitsArguments: true, judgesBody: true });
  assert.equal(codeIn(await broken.ask(host, post(host, ...json('{"amount":1}')))), 'fence_body');
  assert.equal(origin.seen.length, 0);
});

// [BROKER-42] [FENCE-40] [FENCE-41]
test('a secret that stands in the body goes out in its field alone, with the length of the whole', async () => {
  const field = { at: '/auth/key', placeholder, takes: (text: string) => text === placeholder };
  await using it = await world({
    use: async (_grant, { query }, body) => ({ query, body: readWithField(body, field).body }),
  });
  const origin = await it.origin((seen, response) => response.end(seen.body));
  it.grant(origin, { attach: { kind: 'body', at: field.at }, judgesBody: true });
  const host = `localhost:${origin.port}`;
  const chunked = (body: string, trailer = ''): [string, string] => [
    'Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n',
    `${body.length.toString(16)}\r\n${body}\r\n0\r\n${trailer}\r\n`,
  ];
  const whole = `{"a": 1, "auth": {"key": "${placeholder}"}, "b": "c"}`;
  for (const [head, body] of [json(whole), chunked(whole), json('{"a":1}')]) {
    const reply = await it.ask(host, post(host, head, body));
    assert.equal(reply.status, 200, reply.body.toString());
    assert.ok(!reply.body.includes(secretText) && !reply.body.includes(JSON.stringify(secretText)), 'the echo shows nothing');
  }
  const expected = { a: 1, auth: { key: secretText }, b: 'c' };
  assert.deepEqual(
    origin.seen.map((seen) => JSON.parse(seen.body.toString()) as unknown),
    [expected, expected, { a: 1, auth: { key: secretText } }],
  );
  for (const seen of origin.seen) {
    assert.equal(headerOf(seen, 'content-length'), String(seen.body.length));
    assert.equal(headerOf(seen, 'transfer-encoding'), undefined);
    assert.ok(!JSON.stringify(seen).includes('hfm-') && !seen.body.includes(placeholder));
  }
  it.records.length = 0;
  for (const [head, body, code] of [
    [...json('{"auth":{"key":"mine"}}'), 'client_auth_refused'],
    [...json('{"auth":[]}'), 'fence_body'],
    [...json(gzipSync('{}'), 'Content-Encoding: gzip\r\n'), 'fence_body'],
    ['', '', 'fence_body'],
    [...chunked(whole, 'X-Key: mine\r\n'), 'request_malformed'],
  ] as const)
    assert.equal(codeIn(await it.ask(host, post(host, head, body))), code, `${head}${body.toString()}`);
  const stream = (await it.http2(host)).request(
    { ':method': 'POST', ':path': '/v1/pay', 'content-type': 'application/json' },
    { waitForTrailers: true },
  );
  stream.on('wantTrailers', () => stream.sendTrailers({ 'x-key': 'mine' }));
  stream.end(whole);
  const [answered] = (await once(stream, 'response')) as [Record<string, unknown>];
  assert.equal(answered['x-holdfast-error'], 'request_malformed');
  assert.equal(origin.seen.length, 3);
  nothingUsed(it);
});
