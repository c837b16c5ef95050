import { test } from 'node:test';
import assert from 'node:assert/strict';
import { HoldfastError } from '@holdfast/protocol/errors';
import type { Attach } from '../../src/broker/broker.ts';
import { attacks } from './attacks.ts';
import { codeIn, headerOf, ownCopy, placeholder, readReply, secretText, world } from './world.ts';

const other = 'hf_zyxwvutsrqponmlkjihgfedcba';
const base64 = (text: string): string => Buffer.from(text).toString('base64');

// [BROKER-15] [BROKER-16] [BROKER-20]
test('attaches implicitly, swaps the placeholder, records in order, keeps the connection', async () => {
  await using it = await world();
  const origin = await it.origin();
  it.grant(origin);
  const host = `localhost:${origin.port}`;
  const reply = await it.ask(host, `GET /v1/%6De?a=b HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  assert.equal(reply.status, 200, reply.body.toString());
  assert.equal(origin.seen[0]?.url, '/v1/me?a=b', 'what was judged is what goes out');
  assert.equal(headerOf(origin.seen[0], 'authorization'), `Bearer ${secretText}`);
  const second = await it.ask(
    host,
    `POST /v1/me HTTP/1.1\r\nHost: ${host}\r\nauthorization: bearer  ${placeholder}\r\nContent-Length: 5\r\n\r\nhello`,
  );
  assert.equal(second.status, 200, second.body.toString());
  assert.equal(headerOf(origin.seen[1], 'authorization'), `Bearer ${secretText}`);
  assert.equal(origin.seen[1]?.body.toString(), 'hello');
  assert.deepEqual(
    it.records.map(({ kind }) => kind),
    ['use', 'opened', 'wiped', 'use', 'opened', 'wiped'],
  );
  assert.equal(origin.connections(), 1);
});

test('each attachment stands at its own place', async () => {
  const percent = encodeURIComponent(secretText);
  const cases: {
    attach: Attach;
    sent: string;
    path?: string;
    expect: (seen: { url: string; header: (name: string) => string | undefined }) => void;
  }[] = [
    {
      attach: { kind: 'basic', username: 'user' },
      sent: `Authorization: Basic ${base64(`user:${placeholder}`)}\r\n`,
      expect: ({ header }) => assert.equal(header('authorization'), `Basic ${base64(`user:${secretText}`)}`),
    },
    {
      attach: { kind: 'basic', username: '' },
      sent: `Authorization: Basic ${base64(`x-access-token:${placeholder}`)}\r\n`,
      expect: ({ header }) => assert.equal(header('authorization'), `Basic ${base64(secretText)}`),
    },
    {
      attach: { kind: 'header', name: 'x-api-key' },
      sent: `X-API-Key: ${placeholder}\r\n`,
      expect: ({ header }) => assert.equal(header('x-api-key'), secretText),
    },
    {
      attach: { kind: 'query', name: 'key' },
      sent: '',
      path: `/v1/x?a=1&key=${placeholder}&b=2`,
      expect: ({ url }) => assert.equal(url, `/v1/x?a=1&b=2&key=${percent}`),
    },
  ];
  for (const { attach, sent, path = '/v1/x', expect } of cases) {
    await using it = await world();
    const origin = await it.origin();
    it.grant(origin, { attach });
    const host = `localhost:${origin.port}`;
    for (const [url, headers] of [
      [path, sent],
      ['/v1/x', ''],
    ]) {
      const reply = await it.ask(host, `GET ${url} HTTP/1.1\r\nHost: ${host}\r\n${headers}\r\n`);
      assert.equal(reply.status, 200, `${attach.kind} ${reply.body.toString()}`);
    }
    const [explicit, implicit] = origin.seen;
    assert.ok(explicit !== undefined && implicit !== undefined);
    expect({ url: explicit.url, header: (name) => headerOf(explicit, name) });
    assert.ok(!JSON.stringify(origin.seen).includes(placeholder) && !JSON.stringify(origin.seen).includes('hfm-'));
    if (attach.kind === 'query') assert.equal(implicit.url, `/v1/x?key=${percent}`);
  }
});

// [BROKER-9] [BROKER-10] [BROKER-13] [BROKER-14] [BROKER-17] [BROKER-18]
test('nothing of these reaches the origin, and no use is made', async () => {
  await using it = await world();
  const origin = await it.origin();
  it.grant(origin);
  const host = `localhost:${origin.port}`;
  for (const { what, line = 'GET /v1/me', headers, code } of attacks) {
    it.records.length = 0;
    const reply = await it.ask(host, `${line} HTTP/1.1\r\nHost: ${host}\r\n${headers === undefined ? '' : `${headers}\r\n`}\r\n`);
    assert.equal(codeIn(reply), code, `${what}: ${reply.head}${reply.body.toString()}`);
    assert.equal(reply.status, 403, what);
    assert.deepEqual(
      it.records.map((record) => [record.kind, record.code]),
      [['refused', code]],
      what,
    );
  }
  assert.equal(origin.connections(), 0);
  assert.deepEqual(it.resolved, [], 'no name was resolved');
});

test('headers that only look like authentication pass', async () => {
  await using it = await world();
  const origin = await it.origin();
  it.grant(origin);
  const host = `localhost:${origin.port}`;
  const harmless =
    'X-Author: a\r\nX-Claude-Code-Session-Id: 1\r\nMcp-Session-Id: 2\r\nIdempotency-Key: 3\r\nanthropic-version: 2023-06-01\r\nProxy-Authorization: Basic eDp5\r\n';
  const reply = await it.ask(
    host,
    `GET /v1/me?page_token=x&nextPageToken=y&keyword=z HTTP/1.1\r\nHost: ${host}\r\n${harmless}\r\n`,
  );
  assert.equal(reply.status, 200, reply.body.toString());
  assert.equal(headerOf(origin.seen[0], 'mcp-session-id'), '2');
  assert.equal(headerOf(origin.seen[0], 'proxy-authorization'), undefined);
});

// [BROKER-13] [BROKER-29]
test('a refusal does not tell what exists: an unknown host and a fenced path read alike', async () => {
  await using it = await world();
  const origin = await it.origin();
  it.grant(origin);
  const host = `localhost:${origin.port}`;
  const fenced = await it.ask(host, `GET /v2/me HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  const unknown = await it.ask('unknown.example:443', '');
  const otherPort = await it.ask('localhost:1', '');
  assert.deepEqual(
    [unknown.status, unknown.body.toString(), codeIn(unknown)],
    [fenced.status, fenced.body.toString(), codeIn(fenced)],
  );
  assert.equal(otherPort.body.toString(), fenced.body.toString());
  assert.deepEqual(JSON.parse(fenced.body.toString()), {
    error: {
      code: 'egress_denied',
      message: 'This session may not make this request.',
      next: 'Ask the operator for a grant, or for holdfast egress allow HOST.',
    },
  });
  assert.deepEqual(it.resolved, []);
});

// [BROKER-15]
test('two credentials that fit: a placeholder chooses, none is refused', async () => {
  await using it = await world({
    open: async (grant) => ownCopy(grant.grantId === 'g1' ? 'secret-number-one' : 'secret-number-two'),
  });
  const origin = await it.origin();
  it.grant(origin);
  it.grant(origin, { placeholder: other, attach: { kind: 'header', name: 'x-api-key' } });
  const host = `localhost:${origin.port}`;
  assert.equal(codeIn(await it.ask(host, `GET /v1/me HTTP/1.1\r\nHost: ${host}\r\n\r\n`)), 'credential_ambiguous');
  await it.ask(host, `GET /v1/me HTTP/1.1\r\nHost: ${host}\r\nX-Api-Key: ${other}\r\n\r\n`);
  assert.equal(headerOf(origin.seen[0], 'x-api-key'), 'secret-number-two');
  assert.equal(headerOf(origin.seen[0], 'authorization'), undefined);
  assert.equal(
    codeIn(
      await it.ask(
        host,
        `GET /v1/me HTTP/1.1\r\nHost: ${host}\r\nX-Api-Key: ${other}\r\nAuthorization: Bearer ${placeholder}\r\n\r\n`,
      ),
    ),
    'placeholder_misplaced',
  );
  await it.ask(host, `GET /v1/me HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${placeholder}\r\n\r\n`);
  assert.equal(headerOf(origin.seen[1], 'authorization'), 'Bearer secret-number-one');
  assert.equal(origin.connections(), 2, 'a connection that carried one credential never carries another');
});

test('a placeholder over plain http, or to an allowed host without a grant, is refused', async () => {
  await using it = await world();
  const origin = await it.origin();
  it.egress.set(`https://localhost:${origin.port}`, { allowPrivate: true, ca: origin.ca, pins: undefined });
  it.egress.set('http://localhost:80', { allowPrivate: true, ca: undefined, pins: undefined });
  const host = `localhost:${origin.port}`;
  assert.equal(
    codeIn(await it.ask(host, `GET /v1/me HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${placeholder}\r\n\r\n`)),
    'placeholder_misplaced',
  );
  const socket = await it.open();
  socket.write(`GET http://localhost/v1/me HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${placeholder}\r\n\r\n`);
  assert.equal(codeIn(await readReply(socket)), 'placeholder_misplaced');
  // Even where the authority names a grant for it.
  it.grant(origin);
  const plain = await it.open();
  plain.write(`GET http://${host}/v1/me HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  assert.equal(codeIn(await readReply(plain)), 'egress_denied');
  assert.equal(origin.connections(), 0);
});

test('allowed egress passes as it is, recorded first', async () => {
  await using it = await world();
  const origin = await it.origin();
  it.egress.set(`https://localhost:${origin.port}`, { allowPrivate: true, ca: origin.ca, pins: undefined });
  const host = `localhost:${origin.port}`;
  const reply = await it.ask(
    host,
    `GET /@scope%2fname;x?token=mine HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer mine\r\nRange: bytes=0-1\r\n\r\n`,
  );
  assert.equal(reply.status, 200);
  assert.equal(origin.seen[0]?.url, '/@scope%2fname;x?token=mine');
  assert.equal(headerOf(origin.seen[0], 'authorization'), 'Bearer mine');
  assert.equal(headerOf(origin.seen[0], 'range'), 'bytes=0-1');
  assert.deepEqual(
    it.records.map(({ kind }) => kind),
    ['passed'],
  );
});

test('what cannot be recorded does not leave', async () => {
  const unavailable = async (): Promise<never> => {
    throw new HoldfastError('audit_unavailable', 'No record, no effect.');
  };
  await using it = await world({ passed: unavailable, use: unavailable });
  const [origin, open] = [await it.origin(), await it.origin()];
  it.grant(origin);
  it.egress.set(`https://localhost:${open.port}`, { allowPrivate: true, ca: open.ca, pins: undefined });
  for (const { port } of [origin, open]) {
    const host = `localhost:${port}`;
    assert.equal(codeIn(await it.ask(host, `GET /v1/me HTTP/1.1\r\nHost: ${host}\r\n\r\n`)), 'audit_unavailable');
  }
  assert.deepEqual([origin.connections(), open.connections()], [0, 0]);
});

// [BROKER-19]
test("the authority's refusal is the answer, and nothing leaves", async () => {
  await using it = await world({
    use: async () => {
      throw new HoldfastError('stale_pulse', 'No operator has shown life.', { next: 'Run holdfast pulse.' });
    },
  });
  const origin = await it.origin();
  it.grant(origin);
  const host = `localhost:${origin.port}`;
  const reply = await it.ask(host, `GET /v1/me HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  assert.deepEqual([reply.status, codeIn(reply)], [403, 'stale_pulse']);
  assert.match(reply.body.toString(), /holdfast pulse/);
  assert.deepEqual(
    it.records.map(({ kind, code }) => [kind, code]),
    [['refused', 'stale_pulse']],
  );
  assert.equal(origin.connections(), 0);
});

// [BROKER-23]
test('a secret that cannot be kept or carried is refused, and wiped', async () => {
  for (const [secret, attach] of [
    ['short', { kind: 'bearer' }],
    ['with\r\nX-Injected: line', { kind: 'header', name: 'x-api-key' }],
    ['user:short', { kind: 'basic', username: '' }],
    ['with a space', { kind: 'bearer' }],
  ] as [string, Attach][]) {
    const given: Buffer[] = [];
    await using it = await world({
      open: async () => {
        const own = ownCopy(secret);
        given.push(own);
        return own;
      },
    });
    const origin = await it.origin();
    it.grant(origin, { attach });
    const host = `localhost:${origin.port}`;
    const reply = await it.ask(host, `GET /v1/me HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    assert.equal(codeIn(reply), 'secret_unfit', secret);
    assert.equal(origin.seen.length, 0);
    assert.deepEqual(
      it.records.map(({ kind, code }) => [kind, code].filter(Boolean).join(':')),
      ['use', 'opened', 'wiped:unsent', 'failed:secret_unfit'],
    );
    assert.ok(given.every((buffer) => buffer.every((byte) => byte === 0)));
  }
});

test('the buffer that was opened is overwritten, also when the vault fails to open', async () => {
  const given: Buffer[] = [];
  let fail = false;
  await using it = await world({
    open: async () => {
      if (fail) throw new HoldfastError('open_failed', 'The sealing does not open.');
      const own = ownCopy(secretText);
      given.push(own);
      return own;
    },
  });
  const origin = await it.origin();
  it.grant(origin);
  const host = `localhost:${origin.port}`;
  await it.ask(host, `GET /v1/me HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  assert.ok(given.length === 1 && given[0]?.every((byte) => byte === 0));
  fail = true;
  it.records.length = 0;
  const reply = await it.ask(host, `GET /v1/me HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  assert.equal(codeIn(reply), 'open_failed');
  assert.equal(origin.seen.length, 1);
  assert.deepEqual(
    it.records.map(({ kind, code }) => [kind, code].filter(Boolean).join(':')),
    ['use', 'failed:open_failed'],
  );
});

const handle = (digit: string): string => `hf_h_${digit.repeat(43)}`;

// [BROKER-16] [HANDLE-12]
test('a handle that the agent asked for stands where the placeholder would, at every declared position', async () => {
  const cases: [attach: Attach, path: string, headers: (text: string) => string][] = [
    [{ kind: 'bearer' }, '/v1/x', (text) => `Authorization: Bearer ${text}\r\n`],
    [{ kind: 'basic', username: 'user' }, '/v1/x', (text) => `Authorization: Basic ${base64(`user:${text}`)}\r\n`],
    [{ kind: 'basic', username: '' }, '/v1/x', (text) => `Authorization: Basic ${base64(`any:${text}`)}\r\n`],
    [{ kind: 'basic', username: '' }, '/v1/x', (text) => `Authorization: Basic ${base64(`${text}:`)}\r\n`],
    [{ kind: 'header', name: 'x-api-key' }, '/v1/x', (text) => `X-Api-Key: ${text}\r\n`],
    [{ kind: 'query', name: 'key' }, `/v1/x?a=b&key=${handle('A')}`, () => ''],
  ];
  for (const [attach, path, headers] of cases) {
    await using it = await world();
    const origin = await it.origin();
    it.grant(origin, { attach });
    it.handles.set(handle('A'), 'g1');
    const host = `localhost:${origin.port}`;
    const request = `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n${headers(handle('A'))}\r\n`;
    assert.equal((await it.ask(host, request)).status, 200, attach.kind);
    assert.deepEqual(it.records[0]?.handles, [handle('A')]);
    assert.ok(!JSON.stringify(origin.seen).includes('hf_h_'), attach.kind);
    assert.equal(codeIn(await it.ask(host, request)), 'refused', `${attach.kind}: twice`);
    assert.equal(origin.seen.length, 1);
  }
});

// [BROKER-14] [HANDLE-6]
test('a handle anywhere else, or beside anything else, is refused and dead', async () => {
  const text = handle('A');
  const right = `Authorization: Bearer ${text}`;
  const requests: Record<string, [line: string, headers: string, code: string]> = {
    'in another header': ['GET /v1/me', `X-Note: ${text}`, 'placeholder_misplaced'],
    'in a header name': ['GET /v1/me', `X-${text}: x`, 'placeholder_misplaced'],
    'in the path': [`GET /v1/${text}`, '', 'placeholder_misplaced'],
    'in the query': [`GET /v1/me?a=${text}`, '', 'placeholder_misplaced'],
    'percent-encoded': [`GET /v1/me?a=${text.replace('hf_h_', 'hf%5Fh%5f')}`, '', 'placeholder_misplaced'],
    'as a password': ['GET /v1/me', `Authorization: Basic ${base64(`a:${text}`)}`, 'placeholder_misplaced'],
    'beside the placeholder': ['GET /v1/me', `Authorization: Bearer ${placeholder}\r\nX-Note: ${text}`, 'placeholder_misplaced'],
    twice: ['GET /v1/me', `${right}\r\n${right}`, 'placeholder_misplaced'],
    'beside an account of its own': ['GET /v1/me', `${right}\r\nX-Api-Key: mine`, 'client_auth_refused'],
    'on a fenced path': ['GET /v2/me', right, 'egress_denied'],
    'with a method override': ['GET /v1/me', `${right}\r\nX-HTTP-Method: DELETE`, 'request_ambiguous'],
    'with dot segments': ['GET /v1/../v2', right, 'path_unsafe'],
    'to another host than the tunnel': ['GET /v1/me', `${right}\r\nX-Other: y`, 'target_mismatch'],
    'with an upgrade': ['GET /v1/me', `${right}\r\nConnection: upgrade\r\nUpgrade: tls`, 'upgrade_refused'],
  };
  for (const [what, [line, headers, code]] of Object.entries(requests)) {
    await using it = await world();
    const origin = await it.origin();
    it.grant(origin);
    it.handles.set(text, 'g1');
    const host = `localhost:${origin.port}`;
    const named = code === 'target_mismatch' ? 'evil.example' : host;
    const reply = await it.ask(host, `${line} HTTP/1.1\r\nHost: ${named}\r\n${headers}\r\n\r\n`);
    assert.equal(codeIn(reply), code, what);
    assert.deepEqual([...it.handles.keys()], [], `${what}: it is dead`);
    assert.equal(origin.connections(), 0);
  }
  await using it = await world();
  const origin = await it.origin();
  it.egress.set(`https://localhost:${origin.port}`, { allowPrivate: true, ca: origin.ca, pins: undefined });
  it.handles.set(text, 'g1');
  const host = `localhost:${origin.port}`;
  assert.equal(codeIn(await it.ask(host, `GET / HTTP/1.1\r\nHost: ${host}\r\n${right}\r\n\r\n`)), 'placeholder_misplaced');
  assert.equal(it.handles.size, 0, 'on a host that was only allowed');
});

test('of two credentials with one position a handle chooses its own, and none through the other', async () => {
  await using it = await world({
    open: async (grant) => ownCopy(grant.grantId === 'g1' ? 'secret-number-one' : 'secret-number-two'),
  });
  const origin = await it.origin();
  it.grant(origin);
  it.grant(origin, { placeholder: other });
  const host = `localhost:${origin.port}`;
  const ask = (text: string) => it.ask(host, `GET /v1/me HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${text}\r\n\r\n`);
  it.handles.set(handle('A'), 'g2');
  assert.equal((await ask(handle('A'))).status, 200);
  assert.equal(headerOf(origin.seen[0], 'authorization'), 'Bearer secret-number-two');
  assert.equal(codeIn(await ask(handle('B'))), 'refused');
  it.grants.pop();
  it.handles.set(handle('C'), 'g2');
  assert.equal(codeIn(await ask(handle('C'))), 'placeholder_misplaced', 'its credential is not for this host any more');
  assert.equal(it.handles.size, 0);
  assert.equal(origin.seen.length, 1);
});

test('a handle whose use is refused for another reason is dead as well', async () => {
  await using it = await world({
    use: async () => {
      throw new HoldfastError('stale_pulse', 'No operator has shown life.');
    },
  });
  const origin = await it.origin();
  it.grant(origin);
  it.handles.set(handle('A'), 'g1');
  const host = `localhost:${origin.port}`;
  const reply = await it.ask(host, `GET /v1/me HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${handle('A')}\r\n\r\n`);
  assert.equal(codeIn(reply), 'stale_pulse');
  assert.equal(it.handles.size, 0);
});
