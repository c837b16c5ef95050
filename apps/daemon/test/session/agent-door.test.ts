// The agent's own door: what an agent is told, and what web pages and other methods are not.

import assert from 'node:assert/strict';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { toHex } from '@holdfast/protocol/codec/bytes';
import { HoldfastError } from '@holdfast/protocol/errors';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { placeholderFor } from '@holdfast/protocol/vault/placeholder';
import type { Agent } from '../../src/agent/agent.ts';
import { agentDoor, answer, readJson, type Routes } from '../../src/session/agent-door.ts';
import { agentView } from '../../src/session/agent-view.ts';
import { SessionAuthority } from '../../src/session/authority.ts';
import { recordingAsItIs } from '../audit/log-world.ts';

const secret = 'never-shown-to-anybody';

function agentWithOneGrant(): Agent {
  const grant = {
    grant: new Uint8Array(16).fill(1),
    item: new Uint8Array(16).fill(2),
    name: 'demo',
    agent: new Uint8Array(16).fill(3),
    attach: { kind: 'bearer' },
    fence: {
      hosts: [{ host: 'api.example.com', port: 443 }],
      methods: ['GET'],
      paths: ['/v1/**'],
      allowPrivate: false,
      ca: 'PEM',
      pins: undefined,
    },
    env: 'DEMO_TOKEN',
    sealed: { encapsulated: Buffer.from(secret), ciphertext: Buffer.from(secret) },
    grantedAtMs: 0,
    warrant: new Uint8Array(32),
  };
  const placeholderSecret = primitives.random(32);
  return {
    id: grant.agent,
    enrolment: { scope: 'main' },
    live: true,
    rules: { version: 3 },
    grants: () => [grant],
    placeholder: (of: Uint8Array) => placeholderFor(primitives, placeholderSecret, of),
    ...recordingAsItIs,
  } as unknown as Agent;
}

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers: Readonly<Record<string, unknown>>;
}

async function serve(t: TestContext, more: Routes = {}) {
  const agent = agentWithOneGrant();
  const ports = { primitives, clock: { nowMs: () => 0, monotonicMs: () => 0 } };
  const authority = new SessionAuthority(agent, ports, { session: new Uint8Array(16), mode: 'sealed', program: 'test' });
  const turnedAway: string[] = [];
  const server = createServer(agentDoor((code) => turnedAway.push(code), agentView(agent, authority), more));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const ask = (
    path: string,
    { method = 'GET', headers = {}, body: sentBody }: { method?: string; headers?: Record<string, string>; body?: string } = {},
  ) =>
    new Promise<Answer>((resolve, reject) => {
      const sent = request({ host: '127.0.0.1', port, path, method, headers, agent: false }, (response) => {
        let body = '';
        response.setEncoding('utf8').on('data', (text: string) => (body += text));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body, headers: response.headers }));
      });
      sent.on('error', reject);
      sent.end(sentBody);
    });
  return { ask, authority, port, turnedAway };
}

// [AGENT-DOOR-1]
test('an agent is told its grants as metadata: a placeholder, never what stands behind it', async (t) => {
  const { ask, authority } = await serve(t);
  const { status, body, headers } = await ask('/v1/vault');
  assert.equal(status, 200);
  assert.equal(headers['cache-control'], 'no-store');
  const placeholder = authority.environment()['DEMO_TOKEN'];
  assert.match(placeholder ?? '', /^hf_/);
  assert.deepEqual(JSON.parse(body), {
    items: [
      {
        name: 'demo',
        attach: { kind: 'bearer' },
        env: 'DEMO_TOKEN',
        placeholder,
        hosts: [{ host: 'api.example.com', port: 443 }],
        methods: ['GET'],
        paths: ['/v1/**'],
      },
    ],
  });
  for (const text of [secret, toHex(Buffer.from(secret)), Buffer.from(secret).toString('base64')])
    assert.ok(!body.includes(text));
});

// [AGENT-DOOR-1]
test('a placeholder of another agent is another one', async (t) => {
  const [one, two] = [await serve(t), await serve(t)];
  assert.notEqual(one.authority.environment()['DEMO_TOKEN'], two.authority.environment()['DEMO_TOKEN']);
});

test('status says who it is', async (t) => {
  const { ask } = await serve(t);
  assert.deepEqual(JSON.parse((await ask('/v1/status')).body), { agent: '03'.repeat(16), scope: 'main', mode: 'sealed' });
});

test('the status line is one line of plain text, of the state at that moment', async (t) => {
  const { ask } = await serve(t);
  const { body, headers } = await ask('/v1/status-line');
  assert.equal(body, 'Holdfast: main, sealed, rules 3, 1 credential\n');
  assert.match(String(headers['content-type']), /^text\/plain/);
});

// [AGENT-DOOR-2]
test('a web page is not answered: by its origin, its referrer, what browsers add, or a name that was rebound', async (t) => {
  const { ask, port } = await serve(t);
  const pages: readonly Record<string, string>[] = [
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { referer: 'http://127.0.0.1/' },
    { 'sec-fetch-site': 'none' },
    { host: 'evil.example' },
    { host: `evil.example:${port}` },
    { host: `127.0.0.1.evil.example:${port}` },
  ];
  for (const headers of pages) {
    const { status, body } = await ask('/v1/vault', { headers });
    assert.equal(status, 403, JSON.stringify(headers));
    assert.ok(!body.includes('hf_'));
  }
  for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, 'localhost'])
    assert.equal((await ask('/v1/vault', { headers: { host } })).status, 200, host);
});

// [AGENT-DOOR-3]
test('nothing can be changed here: other methods and other paths are refused', async (t) => {
  const { ask } = await serve(t);
  for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'])
    assert.equal((await ask('/v1/vault', { method })).status, 405, method);
  for (const path of ['/', '/v1', '/v1/vault/', '/v1/vault?x', '/v1/../v1/vault', '/V1/VAULT']) {
    const { status, body } = await ask(path);
    assert.equal(status, 404, path);
    assert.equal((JSON.parse(body) as { error: { code: string } }).error.code, 'usage');
  }
});

const json = { 'content-type': 'application/json' };

// [AGENT-DOOR-3] [AGENT-DOOR-4]
test('a route takes its own method, a bounded body, and JSON that is announced as such', async (t) => {
  const { ask } = await serve(t, {
    '/v1/echo': { POST: async (request, response) => answer(response, 200, { got: await readJson(request, 64) }) },
  });
  const post = async (body: string, headers: Record<string, string> = json) => {
    const told = await ask('/v1/echo', { method: 'POST', headers, body });
    return [told.status, told.body.trim()];
  };
  assert.deepEqual(await post('{"a":1}'), [200, '{"got":{"a":1}}']);
  assert.equal((await post('{"a":1}', { 'content-type': 'application/json; charset=utf-8' }))[0], 200);
  for (const headers of [{}, { 'content-type': 'text/plain' }, { 'content-type': 'application/jsonp' }])
    assert.equal((await post('{"a":1}', headers))[0], 400, JSON.stringify(headers));
  for (const body of ['', '{', '\u{feff}{}', 'nul']) assert.equal((await post(body))[0], 400, body);
  const [status, body] = await post(`"${'x'.repeat(100_000)}"`);
  assert.equal(status, 413);
  assert.match(String(body), /limit_exceeded/);
  assert.equal((await ask('/v1/echo')).status, 405);
  for (const headers of [
    { ...json, origin: 'http://127.0.0.1' },
    { ...json, host: 'evil.example' },
  ])
    assert.equal((await post('{}', headers))[0], 403);
});

test('a route that fails says nothing of why', async (t) => {
  const { ask } = await serve(t, {
    '/v1/broken': {
      GET: () => {
        throw new Error(`a bug with ${secret}`);
      },
    },
  });
  const { status, body } = await ask('/v1/broken');
  assert.equal(status, 500);
  assert.ok(!body.includes(secret));
});

test('[AGENT-DOOR-5] what requests of one session hold at once is bounded, and room comes back', async (t) => {
  let got = 0;
  let arrived = Promise.withResolvers<void>();
  const told = Promise.withResolvers<void>();
  t.after(() => told.resolve());
  const routes: Routes = {
    '/v1/take': {
      POST: async (asking, response) => {
        await readJson(asking, 8 << 20);
        got += 1;
        arrived.resolve();
        if (got <= 4) await told.promise; // as where a rule asks an operator
        answer(response, 200, {});
      },
    },
  };
  const { ask } = await serve(t, routes);
  const long = {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify('x'.repeat((8 << 20) - 2)),
  };
  const held = [];
  for (let count = 0; count < 4; count += 1) {
    arrived = Promise.withResolvers<void>();
    held.push(ask('/v1/take', long));
    await arrived.promise;
  }
  const beyond = await ask('/v1/take', { ...long, body: '{}' });
  assert.deepEqual([beyond.status, /"code":"limit_exceeded"/.test(beyond.body)], [413, true]);
  told.resolve();
  for (const { status } of await Promise.all(held)) assert.equal(status, 200);
  assert.equal((await ask('/v1/take', long)).status, 200, 'what was answered holds nothing any more');
});

// [AGENT-DOOR-11]
test('what is no call of the door is counted by code; a refusal of the vault and an answer are not', async (t) => {
  const { ask, turnedAway } = await serve(t, {
    '/refuses': {
      GET: () => {
        throw new HoldfastError('refused', 'the vault refuses this');
      },
    },
    '/reads': { POST: async (asked, response) => answer(response, 200, await readJson(asked, 64)) },
  });
  const json = { 'content-type': 'application/json' };
  await ask('/v1/status');
  await ask('/refuses');
  await ask('/nowhere');
  await ask('/v1/status', { method: 'POST' });
  await ask('/v1/status', { headers: { origin: 'https://example.com' } });
  await ask('/reads', { method: 'POST', headers: json, body: 'no JSON' });
  await ask('/reads', { method: 'POST', headers: json, body: JSON.stringify('x'.repeat(64)) });
  assert.deepEqual(turnedAway, ['usage', 'usage', 'refused', 'usage', 'limit_exceeded']);
});
