// When a use is over: told once, whatever ended it, and not before its answer was handed on.

import { test } from 'node:test';
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { openSocket, socketOrigin } from './socket-frames.ts';
import { readReply, world } from './world.ts';

const until = async (holds: () => boolean): Promise<void> => {
  while (!holds()) await new Promise((done) => setImmediate(done));
};
const get = (host: string): string => `GET /v1/me HTTP/1.1\r\nHost: ${host}\r\n\r\n`;

// [BROKER-41]
test('with the end of the answer, and not before', async () => {
  let over = 0;
  await using it = await world({ over: () => (over += 1) });
  const open: ServerResponse[] = [];
  const origin = await it.origin((_seen, response) => {
    response.writeHead(200);
    response.write('begun');
    open.push(response);
  });
  it.grant(origin);
  const host = `localhost:${origin.port}`;
  const tls = await it.tunnel(host);
  const reply = readReply(tls);
  tls.write(get(host));
  await until(() => open.length === 1);
  assert.equal(over, 0);
  open[0]?.end();
  assert.equal((await reply).status, 200);
  await until(() => over === 1);
  assert.deepEqual(
    it.records.map(({ kind }) => kind),
    ['use', 'opened', 'wiped'],
  );
});

// [BROKER-41]
test('with whatever cuts it: the client, the broker, a service that is not there or hangs up; of HTTP/2 the stream', async () => {
  let over = 0;
  await using it = await world({ over: () => (over += 1) });
  let arrived = 0;
  const origin = await it.origin((seen, response) => {
    arrived += 1;
    if (seen.url === '/v1/hang-up') response.destroy();
  });
  const granted = it.grant(origin);
  const host = `localhost:${origin.port}`;
  const leaving = await it.tunnel(host);
  leaving.write(get(host));
  await until(() => arrived === 1);
  leaving.destroy();
  await until(() => over === 1);
  const cut = await it.tunnel(host);
  cut.write(get(host));
  await until(() => arrived === 2);
  it.broker.cutCredentialed(granted.grantId);
  assert.equal(over, 2, 'before it returns');
  assert.equal((await it.ask(host, get(host).replace('/v1/me', '/v1/hang-up'))).status, 502);
  await until(() => over === 3);
  const session = await it.http2(host);
  const stream = session.request({ ':path': '/v1/me' });
  stream.on('error', () => {});
  await until(() => arrived === 4);
  stream.close();
  await until(() => over === 4);
  assert.equal(it.records.filter(({ kind }) => kind === 'failed').length, 4);
});

// [BROKER-41]
test('of a socket when both its ends have ended; and a use that came too late is over at once', async () => {
  let over = 0;
  const late = Promise.withResolvers<void>();
  let asked = 0;
  await using it = await world({
    over: () => (over += 1),
    use: async () => {
      if ((asked += 1) > 1) await late.promise;
    },
  });
  const origin = await socketOrigin(it, (socket) => socket.resume());
  it.grant(origin);
  const host = `localhost:${origin.port}`;
  const { socket } = await openSocket(it, host);
  assert.equal(over, 0);
  socket.destroy();
  await until(() => over === 1);
  const tls = await it.tunnel(host);
  tls.write(get(host));
  await until(() => asked === 2);
  tls.destroy();
  await once(tls, 'close');
  it.broker.cutCredentialed();
  late.resolve();
  await until(() => over === 2);
});

// [VAULT-19]
test('a use that was approved for itself outlives other terms of its grant, not its end; its connection is not used again', async () => {
  let over = 0;
  await using it = await world({ over: () => (over += 1) });
  const open: ServerResponse[] = [];
  const sockets = new Set<unknown>();
  const origin = await it.origin((_seen, response) => {
    sockets.add(response.socket);
    response.writeHead(200);
    response.write('begun');
    open.push(response);
  });
  const approved = it.grant(origin, { approve: true });
  const host = `localhost:${origin.port}`;
  for (const ends of [false, true]) {
    const tls = await it.tunnel(host);
    const reply = readReply(tls);
    tls.write(get(host));
    await until(() => open.length === 1);
    it.broker.cutCredentialed(approved.grantId, { approvedGoOn: !ends });
    assert.equal(over, ends ? 2 : 0);
    open.splice(0)[0]?.end('to its end');
    const { body } = await reply;
    assert.equal(over, ends ? 2 : 1);
    assert.equal(body.toString().includes('to its end'), !ends);
  }
  assert.equal(sockets.size, 2);
});

// [VAULT-19]
test('a use that nobody approved for itself is cut by other terms of its grant', async () => {
  let over = 0;
  await using it = await world({ over: () => (over += 1) });
  let arrived = 0;
  const origin = await it.origin(() => (arrived += 1));
  const granted = it.grant(origin);
  const host = `localhost:${origin.port}`;
  const tls = await it.tunnel(host);
  tls.write(get(host));
  await until(() => arrived === 1);
  it.broker.cutCredentialed(granted.grantId, { approvedGoOn: true });
  assert.equal(over, 1);
});
