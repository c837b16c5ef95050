// Delegations that an agent asks for at its door: in exact words, for a key of the child's own.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { HoldfastError } from '@holdfast/protocol/errors';
import { jwkOf } from '@holdfast/protocol/keys/jws';
import type { Child } from '../../src/children/child.ts';
import type { ChildRequest } from '../../src/children/children.ts';
import { agentDelegations } from '../../src/session/agent-delegations.ts';
import { agentDoor } from '../../src/session/agent-door.ts';

const session = new Uint8Array(16).fill(9);
const raw = new Uint8Array(65).fill(7).fill(4, 0, 1);
const key = jwkOf(raw);

async function door(t: TestContext) {
  const asked: ChildRequest[] = [];
  const enrol = async (wanted: ChildRequest) => {
    if (wanted.capabilities?.includes('root') === true) throw new HoldfastError('delegation_exceeded', 'no');
    asked.push(wanted);
    return { hex: 'c1', credential: 'a~b~', leave: { expiresAtMs: 5 } } as Child;
  };
  const server = createServer(agentDoor(() => {}, agentDelegations({ enrol }, session)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const post = async (body: unknown) => {
    const headers = { 'content-type': 'application/json', connection: 'close' };
    return (await fetch(`http://127.0.0.1:${port}/v1/delegations`, { method: 'POST', headers, body: JSON.stringify(body) }))
      .status;
  };
  return { asked, post };
}

test('for a child with a key, with what it is given [AGENT-DOOR-8]', async (t) => {
  const { asked, post } = await door(t);
  const given = { key: raw, kind: 'key', name: 'a key', session, parent: undefined };
  assert.equal(await post({ key, capabilities: ['read'] }), 201);
  assert.equal(await post({ key, capabilities: [], lifeS: 60, audiences: ['https://api.example.com'] }), 201);
  assert.deepEqual(asked, [
    { ...given, capabilities: ['read'], lifeS: 900, fences: { audiences: undefined } },
    { ...given, capabilities: [], lifeS: 60, fences: { audiences: ['https://api.example.com'] } },
  ]);
  assert.equal(await post({ key, capabilities: ['root'] }), 403);
});

test('in exactly these words [AGENT-DOOR-8]', async (t) => {
  const { asked, post } = await door(t);
  const good = { key, capabilities: ['read'] };
  const wrong: readonly unknown[] = [
    {},
    [],
    { capabilities: ['read'] },
    { key },
    { ...good, key: { ...key, d: 'AA' } },
    { ...good, key: { ...key, crv: 'P-384' } },
    { ...good, capabilities: 'read' },
    { ...good, capabilities: ['Read It'] },
    { ...good, lifeS: 0 },
    { ...good, lifeS: 3601 },
    { ...good, lifeS: 1.5 },
    { ...good, audiences: [] },
    { ...good, audiences: ['a b'] },
    { ...good, depth: 2 },
    { ...good, child: 'c1' },
  ];
  for (const body of wrong) assert.equal(await post(body), 400, JSON.stringify(body));
  assert.deepEqual(asked, []);
});

test('at most 256 [AGENT-DOOR-8]', async (t) => {
  const { asked, post } = await door(t);
  for (let count = 0; count < 256; count += 1) await post({ key, capabilities: [] });
  assert.equal(await post({ key, capabilities: [] }), 413);
  assert.equal(asked.length, 256);
});
