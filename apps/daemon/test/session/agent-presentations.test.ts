// Presentations that an agent asks for at its door: for services that it may reach, in exact words, and not without end.

import assert from 'node:assert/strict';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import type { MadePresentation, PresentRequest } from '../../src/agent/present.ts';
import type { Target } from '../../src/broker/broker.ts';
import { agentDoor } from '../../src/session/agent-door.ts';
import { agentPresentations } from '../../src/session/agent-presentations.ts';

const id = new Uint8Array(16).fill(9);
const build = new Uint8Array(32).fill(7);

async function session(t: TestContext) {
  const asked: PresentRequest[] = [];
  const refused: string[] = [];
  const state = { nowMs: 1000 };
  const agent = {
    present: async (wanted: PresentRequest): Promise<MadePresentation> => {
      asked.push(wanted);
      return { presentation: 'a.b.c~d.e.f', nonce: wanted.nonce ?? 'made up by the daemon', shown: [], expiresAtMs: 5 };
    },
  };
  const authority = {
    grantsFor: () => [],
    egressFor: ({ scheme, host, port }: Target) =>
      scheme === 'https' && host === 'api.example.com' && port === 443
        ? { allowPrivate: false, ca: undefined, pins: undefined }
        : undefined,
    refused: (facts: { readonly host?: string }, code: string) => void refused.push(`${code} ${facts.host ?? ''}`),
  };
  const clock = { nowMs: () => 0, monotonicMs: () => state.nowMs };
  const server = createServer(
    agentDoor(() => {}, agentPresentations(agent, authority, { session: id, clock, harness: { digest: async () => build } })),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const post = (body: unknown) =>
    new Promise<{ readonly status: number; readonly body: Readonly<Record<string, unknown>> }>((resolve, reject) => {
      const headers = { 'content-type': 'application/json' };
      const sent = request(
        { host: '127.0.0.1', port, path: '/v1/presentations', method: 'POST', headers, agent: false },
        (answer) => {
          let text = '';
          answer.setEncoding('utf8').on('data', (piece: string) => (text += piece));
          answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body: JSON.parse(text) as Record<string, unknown> }));
        },
      );
      sent.on('error', reject);
      sent.end(JSON.stringify(body));
    });
  return { post, asked, refused, state };
}

const audience = 'https://api.example.com';

test('for a service that it may reach, in the name of this session [AGENT-DOOR-7]', async (t) => {
  const { post, asked } = await session(t);
  const nonce = 'n-0S6_WzA2Mj-2026';
  const { status, body } = await post({ audience, nonce, show: ['scope'] });
  assert.deepEqual([status, body['presentation'], body['nonce']], [201, 'a.b.c~d.e.f', nonce]);
  assert.equal((await post({ audience: `${audience}/v1` })).status, 201);
  assert.deepEqual(asked, [
    { audience, nonce, show: ['scope'], session: id, harness: undefined },
    { audience: `${audience}/v1`, nonce: undefined, show: ['capabilities'], session: id, harness: undefined },
  ]);
  for (const show of [['harness'], ['all']]) {
    await post({ audience, show });
    assert.deepEqual(asked.at(-1)?.harness, build, 'measured for who asks for it');
  }
});

test('for no service that the session may not reach [AGENT-DOOR-7]', async (t) => {
  const { post, asked, refused } = await session(t);
  for (const other of [
    'https://elsewhere.example',
    'http://api.example.com',
    `${audience}:444`,
    'https://api.example.com.elsewhere.example',
  ])
    assert.deepEqual((await post({ audience: other })).status, 403, other);
  assert.deepEqual(asked, []);
  assert.deepEqual(refused[0], 'egress_denied elsewhere.example');
  assert.equal(refused.length, 4);
});

test('in exactly these words [AGENT-DOOR-7]', async (t) => {
  const { post, asked } = await session(t);
  const wrong: readonly unknown[] = [
    {},
    [],
    'https://api.example.com',
    { audience: 7 },
    { audience: 'api.example.com' },
    { audience: 'https://user@api.example.com' },
    { audience: `${audience}?a=b` },
    { audience: `${audience}#a` },
    { audience: `${audience} ` },
    { audience, nonce: 'fifteen letters' },
    { audience, nonce: 7 },
    { audience, show: 'all' },
    { audience, show: [7] },
    { audience, show: ['a b'] },
    { audience, session: 'another' },
    { audience, sd_hash: 'x' },
  ];
  for (const body of wrong) assert.equal((await post(body)).status, 400, JSON.stringify(body));
  assert.deepEqual(asked, []);
});

test('sixty in a minute, and then again [AGENT-DOOR-7]', async (t) => {
  const { post, asked, state } = await session(t);
  for (let count = 0; count < 60; count += 1) assert.equal((await post({ audience })).status, 201);
  assert.equal((await post({ audience })).status, 413);
  assert.equal(asked.length, 60);
  state.nowMs += 60_000;
  assert.equal((await post({ audience })).status, 201);
});
