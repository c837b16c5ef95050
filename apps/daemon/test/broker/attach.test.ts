import { test } from 'node:test';
import assert from 'node:assert/strict';
import { codeIn, headerOf, placeholder, secretText, world } from './world.ts';

test('attaches implicitly, swaps the placeholder, records in order', async () => {
  await using it = await world();
  const origin = await it.origin();
  it.grant(origin);
  const host = `localhost:${origin.port}`;
  const reply = await it.ask(host, `GET /v1/me HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  assert.equal(reply.status, 200, reply.body.toString());
  assert.equal(headerOf(origin.seen[0], 'authorization'), `Bearer ${secretText}`);
  const second = await it.ask(
    host,
    `POST /v1/me HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${placeholder}\r\nContent-Length: 5\r\n\r\nhello`,
  );
  assert.equal(second.status, 200, second.body.toString());
  assert.equal(headerOf(origin.seen[1], 'authorization'), `Bearer ${secretText}`);
  assert.equal(origin.seen[1]?.body.toString(), 'hello');
  assert.deepEqual(
    it.records.map(({ kind }) => kind),
    ['use', 'opened', 'wiped', 'use', 'opened', 'wiped'],
  );
  assert.equal(origin.connections(), 1, 'the upstream connection is kept');
});

test('refuses what is not granted', async () => {
  await using it = await world();
  const origin = await it.origin();
  it.grant(origin);
  const host = `localhost:${origin.port}`;
  assert.equal(codeIn(await it.ask(host, `GET /v2/me HTTP/1.1\r\nHost: ${host}\r\n\r\n`)), 'egress_denied');
  assert.equal(codeIn(await it.ask('example.com:443', '')), 'egress_denied');
  assert.deepEqual(it.resolved, []);
});
