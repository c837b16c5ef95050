// Devices that are away are woken, by a push service of the test's own: for what is urgent, seldom, with nothing in it, and nowhere else.

import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { signSignal, type SignalStatement } from '@holdfast/protocol/blind/signal';
import { fromBase64url, toHex, utf8 } from '@holdfast/protocol/codec/bytes';
import * as relay from '@holdfast/protocol/exchange/relay-calls';
import type { RelayExchange } from '@holdfast/protocol/exchange/relay-exchange';
import { forgetWebPush, putWebPush, webPushKey } from '@holdfast/protocol/exchange/web-push-calls';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { newActor, worldStartMs, type Actor, type FleetWorld } from '../../../packages/testkit/src/fleet-world.ts';
import { startOrigin, type Origin } from '../../../packages/testkit/src/origin.ts';
import { isPublic, parseEndpoint } from '../src/web-push/endpoint.ts';
import { codeFrom, RelayWorld, type Client } from './relay-world.ts';

const contact = 'mailto:ops@example.com';

const passed = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms));

interface Scene {
  readonly relays: RelayWorld;
  readonly world: FleetWorld;
  readonly endpoint: string;
  readonly agent: Actor;
  readonly sender: Client;
  say(marks: Partial<SignalStatement>, by?: Actor, exchange?: RelayExchange): Promise<void>;
  /** Messages since the scene was set. */
  woken(): Origin['seen'];
  /** Resolves once there are so many of them. */
  seen(count: number): Promise<void>;
  /** Says what is urgent until there are so many: a relay hears of the end of a connection when it does. */
  wake(count: number): Promise<void>;
  /** What the service says from now on. */
  answers(status: number): void;
}

async function scene(t: TestContext, gapMs = 20): Promise<Scene> {
  let heard: () => void = () => undefined;
  const answers = { status: 201 };
  const service = await startOrigin((_seen, _request, response) => {
    response.writeHead(answers.status, answers.status === 302 ? { location: '/elsewhere' } : {});
    response.end();
    heard();
  });
  t.after(() => service.close());
  const origin = `https://localhost:${service.port}`;
  const relays = await RelayWorld.start(t, { pushGapMs: gapMs }, undefined, {
    contact,
    services: [{ origin, ca: service.caPem }],
  });
  const agent = await newActor();
  const { world, device } = await relays.fleet([agent]);
  const endpoint = `${origin}/wpush/v2/abc`;
  await putWebPush(device.exchange, endpoint);
  device.exchange.close();
  await device.closed;
  const sender = await relays.client({ world, as: agent });
  const say = async (marks: Partial<SignalStatement>, by = agent, exchange: RelayExchange = sender.exchange) =>
    relay.putSignal(
      exchange,
      await signSignal(by.holder, {
        ...{ v: 1, fleet: world.fleet, id: primitives.random(16), from: by.id, audience: `agent:${toHex(agent.id)}`, epoch: 0 },
        ...{ expiresAtMs: worldStartMs + 60_000, sealed: new Uint8Array(20), ...marks },
      }),
    );
  let base = 0;
  const woken = () => service.seen.slice(base);
  const seen = async (count: number): Promise<void> => {
    while (woken().length < count) await new Promise<void>((resolve) => (heard = resolve));
  };
  const wake = async (count: number): Promise<void> => {
    while (woken().length < count) {
      await say({ urgent: true });
      await Promise.race([seen(count), passed(gapMs + 10)]);
    }
  };
  await wake(1);
  await passed(3 * gapMs + 100); // what else was asked for has come
  base = service.seen.length;
  return {
    ...{ relays, world, woken, endpoint, agent, sender, say, seen, wake },
    answers: (status) => {
      answers.status = status;
    },
  };
}

test('[WEBPUSH-3, WEBPUSH-7] what is urgent wakes a device that is away, with nothing in it but who the relay is', async (t) => {
  const { relays, woken, endpoint, say, seen, world } = await scene(t);
  await say({ latest: true });
  await say({});
  await say({ urgent: true, to: primitives.random(16) }); // for somebody else
  await say({ urgent: true });
  await seen(1);
  const [message] = woken();
  const { method, url, headers, body } = message ?? assert.fail();
  assert.deepEqual([method, url, body.length], ['POST', '/wpush/v2/abc', 0]);
  assert.deepEqual([headers['ttl'], headers['urgency'], headers['topic']], ['600', 'high', 'holdfast']);
  const [, token = '', k = ''] = /^vapid t=(\S+), k=(\S+)$/.exec(String(headers['authorization'])) ?? [];
  const device = await relays.client({ world, as: world.device });
  assert.deepEqual(await webPushKey(device.exchange), fromBase64url(k));
  const [header = '', payload = '', signature = ''] = token.split('.');
  const key = await crypto.subtle.importKey('raw', Buffer.from(k, 'base64url'), { name: 'ECDSA', namedCurve: 'P-256' }, false, [
    'verify',
  ]);
  const algorithm = { name: 'ECDSA', hash: 'SHA-256' };
  assert.ok(
    await crypto.subtle.verify(algorithm, key, Buffer.from(signature, 'base64url'), Buffer.from(utf8(`${header}.${payload}`))),
  );
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as { aud: string; exp: number; sub: string };
  assert.deepEqual([claims.aud, claims.sub], [new URL(endpoint).origin, contact]);
  assert.ok(claims.exp > worldStartMs / 1000 && claims.exp <= worldStartMs / 1000 + 12 * 3600);
  assert.equal(statSync(join(relays.folder, 'push.key')).mode & 0o777, 0o600);
  const known = new Set(['ttl', 'urgency', 'topic', 'authorization', 'content-length', 'host', 'connection']);
  assert.deepEqual(
    Object.keys(headers).filter((name) => !known.has(name)),
    [],
  ); // nothing besides
  assert.equal(woken().length, 1);
});

test('[WEBPUSH-3] a device that is connected is not woken, nor is anybody by a device', async (t) => {
  const { relays, woken, say, wake, world } = await scene(t);
  const device = await relays.client({ world, as: world.device });
  await say({ urgent: true });
  await device.pushed(1);
  device.exchange.close();
  await device.closed;
  const other = await relays.client({ world, as: world.device });
  await say({ urgent: true, from: world.device.id }, world.device, other.exchange);
  other.exchange.close();
  await other.closed;
  await passed(100);
  assert.equal(woken().length, 0);
  await wake(1);
});

test('[WEBPUSH-4] a flood wakes a device once, and once more at the end of its time', async (t) => {
  const { woken, say, seen } = await scene(t, 400);
  for (let each = 0; each < 30; each += 1) await say({ urgent: true });
  await seen(2);
  await passed(1000); // longer than twice the time
  assert.equal(woken().length, 2);
});

test('[WEBPUSH-5, WEBPUSH-6] redirects are not followed, and what the service does not know is forgotten', async (t) => {
  const scenery = await scene(t);
  const { woken, wake, relays, world } = scenery;
  scenery.answers(302);
  await wake(1);
  scenery.answers(410);
  await wake(woken().length + 1);
  await passed(200); // and is written down
  assert.ok(woken().every(({ url }) => url === '/wpush/v2/abc'));
  const before = woken().length;
  await relays.restart(); // closes once all is written
  const sender = await relays.client({ world, as: scenery.agent });
  const { agent } = scenery;
  await relay.putSignal(
    sender.exchange,
    await signSignal(agent.holder, {
      ...{ v: 1, fleet: world.fleet, id: primitives.random(16), from: agent.id, audience: 'fleet', epoch: 0, urgent: true },
      ...{ expiresAtMs: worldStartMs + 60_000, sealed: new Uint8Array(20) },
    }),
  );
  await passed(100);
  assert.equal(woken().length, before);
});

test('[WEBPUSH-1] each device its own; agents have none, and a relay without a contact wakes nobody', async (t) => {
  const { relays, world, sender, endpoint, woken, say } = await scene(t);
  assert.equal(await codeFrom(webPushKey(sender.exchange)), 'relay_refused');
  assert.equal(await codeFrom(putWebPush(sender.exchange, endpoint)), 'relay_refused');
  assert.equal(await codeFrom(forgetWebPush(sender.exchange)), 'relay_refused');
  const device = await relays.client({ world, as: world.device });
  await forgetWebPush(device.exchange);
  device.exchange.close();
  await device.closed;
  await passed(100);
  await say({ urgent: true });
  await passed(100);
  const quiet = await RelayWorld.start(t);
  const { device: second } = await quiet.fleet();
  assert.equal(await webPushKey(second.exchange), undefined);
  assert.equal(await codeFrom(putWebPush(second.exchange, endpoint)), 'relay_refused');
  assert.equal(woken().length, 0);
});

test('[WEBPUSH-2] only addresses of push services are taken', async (t) => {
  const { relays, world, endpoint } = await scene(t);
  const device = await relays.client({ world, as: world.device });
  const put = async (address: string): Promise<string> => codeFrom(putWebPush(device.exchange, address));
  for (const address of [
    endpoint,
    'https://fcm.googleapis.com/fcm/send/abc:def',
    'https://updates.push.services.mozilla.com/wpush/v2/gAAA',
    'https://web.push.apple.com/QGuQ',
    'https://wns2-par02p.notify.windows.com/w/?token=BQY',
  ])
    assert.equal(await put(address), 'ok', address);
  const { port } = new URL(endpoint);
  for (const address of [
    'http://fcm.googleapis.com/fcm/send/abc',
    'https://fcm.googleapis.com:8443/x',
    'https://user@fcm.googleapis.com/x',
    'https://fcm.googleapis.com/x#y',
    'https://fcm.googleapis.com.evil.example/x',
    'https://notify.windows.com/x',
    'https://evilpush.apple.com/x',
    `https://127.0.0.1:${port}/x`,
    'https://169.254.169.254/latest/meta-data',
    `https://localhost/x`,
    'https://',
    'fcm.googleapis.com',
    '',
  ])
    assert.equal(await put(address), 'address_refused', address);
  assert.equal(await put(`https://fcm.googleapis.com/${'x'.repeat(1024)}`), 'codec_limit');
});

test('[WEBPUSH-5] no address of a special network is connected to', () => {
  for (const address of [
    '127.0.0.1',
    '10.1.2.3',
    '172.20.0.1',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '0.0.0.0',
    '224.0.0.1',
  ])
    assert.equal(isPublic(address), false, address);
  for (const address of [
    '::1',
    '::',
    'fe80::1',
    'fd00::1',
    'ff02::1',
    '::ffff:127.0.0.1',
    '64:ff9b::7f00:1',
    '2002:7f00:1::',
    '2001:db8::1',
  ])
    assert.equal(isPublic(address), false, address);
  for (const address of ['142.250.74.10', '172.32.0.1', '2a00:1450:4001::5f']) assert.equal(isPublic(address), true, address);
  const named = new Set(['https://push.example:8443']);
  assert.deepEqual(parseEndpoint('https://push.example:8443/x', named).isNamed, true);
  assert.deepEqual(parseEndpoint('https://fcm.googleapis.com/x', named).isNamed, false);
});
