// Whose request it is that names somebody to its proxy: decided, recorded and cut as theirs; a name that nobody has is let nowhere.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import type { Authority, RequestFacts } from '../../src/broker/broker.ts';
import { refusal } from '../../src/broker/refusal.ts';
import { certificateFor, headerOf, readReply, world, type World } from './world.ts';

const basic = (name: string, password = 'x') =>
  `Proxy-Authorization: Basic ${Buffer.from(`${name}:${password}`).toString('base64')}\r\n`;

/** A broker with one name, whose requests may go to `host` without a credential. */
async function named(): Promise<{
  it: World;
  child: Authority;
  seen: string[];
  host: string;
  plain(head: string): Promise<number>;
}> {
  const seen: string[] = [];
  const leave = new Set<string>();
  const certificate = await certificateFor('localhost', '127.0.0.1');
  const told = (what: string, { host, port }: Partial<RequestFacts>) => void seen.push(`${what} ${host}:${port}`);
  const child: Authority = {
    grantsFor: () => [],
    egressFor: ({ host, port }) =>
      leave.has(`${host}:${port}`) ? { allowPrivate: true, ca: certificate.caPem, pins: undefined } : undefined,
    use: () => Promise.reject(refusal('internal')),
    grantOf: () => undefined,
    misused: () => {},
    passed: async (facts) => told('passed', facts),
    refused: (facts, code) => told(code, facts),
  };
  const it = await world({
    named: (name) => {
      if (name !== 'child') throw refusal('child_ended');
      return child;
    },
  });
  const origin = await it.origin(undefined, certificate);
  const host = `localhost:${origin.port}`;
  leave.add(host);
  it.defer(() => assert.ok(origin.seen.every((each) => headerOf(each, 'proxy-authorization') === undefined)));
  const plain = async (head: string) => {
    const socket = await it.open();
    socket.write(`GET http://unknown.example/ HTTP/1.1\r\nHost: unknown.example\r\n${head}\r\n`);
    return (await readReply(socket)).status;
  };
  return { it, child, seen, host, plain };
}

// [BROKER-34]
test('a request is decided and recorded as of whoever it names, and one that names nobody as the session’s', async () => {
  const { it, seen, host, plain } = await named();
  await using _ = it;
  const request = `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
  assert.equal((await it.ask(host, request, basic('child'))).status, 200);
  assert.equal((await it.ask(host, request, basic('child', ''))).status, 200, 'some clients send no password');
  assert.equal((await it.ask(host, request)).status, 403, 'what it may, the session may not');
  assert.equal((await it.ask('other.example:443', '', basic('child'))).status, 403);
  assert.equal(await plain(basic('child')), 403);
  assert.deepEqual(seen, [
    `passed ${host}`,
    `passed ${host}`,
    'egress_denied other.example:443',
    'egress_denied unknown.example:80',
  ]);
  assert.deepEqual(
    it.records.map(({ kind, code }) => [kind, code]),
    [['refused', 'egress_denied']],
  );
});

// [BROKER-34]
test('a name that nobody has, or that can not be read, is let nowhere', async () => {
  const { it, seen, host, plain } = await named();
  await using _ = it;
  it.egress.set(`https://${host}`, { allowPrivate: true, ca: undefined, pins: undefined });
  it.egress.set('http://unknown.example:80', { allowPrivate: true, ca: undefined, pins: undefined });
  const heads = [
    basic('another'),
    basic(''),
    'Proxy-Authorization: Bearer child\r\n',
    'Proxy-Authorization: Basic\r\n',
    'Proxy-Authorization:\r\n',
    `${basic('child')}${basic('another')}`,
    basic('child').replace('Basic ', 'Basic  x '),
  ];
  for (const head of heads) {
    const reply = await it.ask(host, `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`, head);
    assert.deepEqual([reply.status, reply.headers.get('x-holdfast-error')], [403, 'child_ended'], head);
    assert.equal(await plain(head), 403, head);
  }
  assert.deepEqual(seen, []);
  assert.deepEqual(it.resolved, []);
  assert.equal(it.records.length, 2 * heads.length);
  assert.ok(it.records.every(({ code }) => code === 'child_ended'));
});

// [BROKER-34]
test('its open requests can be ended alone', async () => {
  const { it, child } = await named();
  await using _ = it;
  const origin = await it.origin((_seen, response) => response.write('begun'));
  const place = `localhost:${origin.port}`;
  const egress = { allowPrivate: true, ca: origin.ca, pins: undefined };
  it.egress.set(`https://${place}`, egress);
  const own = await it.tunnel(place);
  own.write(`GET /own HTTP/1.1\r\nHost: ${place}\r\n\r\n`);
  await once(own, 'data');
  Object.assign(child, { egressFor: () => egress });
  const its = await it.tunnel(place, undefined, [], basic('child'));
  its.write(`GET /its HTTP/1.1\r\nHost: ${place}\r\n\r\n`);
  await once(its, 'data');
  it.broker.cutOf((authority) => authority === child);
  await once(its.resume(), 'close');
  assert.ok(!own.destroyed);
  own.destroy();
});
