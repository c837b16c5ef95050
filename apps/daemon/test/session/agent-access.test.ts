// Access that an agent asks for at its door: put to operators whatever is in the vault, bounded, and answered by them alone.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accessDigest } from '@holdfast/protocol/approvals/access';
import type { Outcome } from '@holdfast/protocol/approvals/ask';
import { codeOf } from '@holdfast/protocol/errors';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import type { Agent } from '../../src/agent/agent.ts';
import type { Asked } from '../../src/approvals/approvals.ts';
import { holdfastTools, type McpView } from '../../src/mcp/tools.ts';
import { AccessAsks } from '../../src/session/agent-access.ts';
import type { SessionAuthority } from '../../src/session/authority.ts';

const id = (fill: number): Uint8Array => new Uint8Array(16).fill(fill);
const by = { session: id(9), mode: 'sealed', program: 'claude' } as const;

function scene(waitMs = 60_000) {
  const asks: (Asked & { readonly answer: (outcome: Outcome) => void })[] = [];
  const approvals = {
    ask: (_by: unknown, asked: Asked) => {
      const { promise, resolve } = Promise.withResolvers<Outcome>();
      asks.push({ ...asked, answer: resolve });
      return promise;
    },
  };
  const agent = { id: id(3), approvals } as unknown as Agent;
  const authority = { allows: ({ path }: { path: string }) => path.startsWith('/mine/') } as unknown as SessionAuthority;
  const access = new AccessAsks(agent, authority, by, { primitives }, waitMs);
  const ask = (url: string, reason: unknown = 'needed') =>
    access.ask({ request: { method: 'GET', url }, reason }).then(
      ({ state }) => state,
      (thrown: unknown) => codeOf(thrown),
    );
  return { asks, access, ask };
}

test('[AGENT-DOOR-9]: what the session lacks is asked, whole and in the agent’s words; what it has is not', async () => {
  const { asks, ask } = scene();
  assert.equal(await ask('https://api.example.com/mine/x'), 'granted');
  const told = ask('https://API.example.com:8443/v1/a', 'I “need”\u202e it');
  const [asked = assert.fail()] = asks;
  const wanted = { method: 'GET', host: 'api.example.com', port: 8443, path: '/v1/a' };
  assert.deepEqual(asked.act, { kind: 'access', ...wanted, reason: 'I “need”\u202e it' });
  assert.deepEqual(asked.call, accessDigest(primitives, { agent: id(3), session: by.session, ...wanted }));
  asked.answer('allowed');
  assert.equal(await told, 'granted');
  assert.equal(asks.length, 1);
});

test('[AGENT-DOOR-9]: operators alone decide what it hears', async () => {
  const codes: readonly (readonly [Outcome, string])[] = [
    ['denied', 'approval_denied'],
    ['expired', 'approval_expired'],
    ['crowded', 'approval_crowded'],
    ['unasked', 'approval_unavailable'],
  ];
  for (const [outcome, code] of codes) {
    const { asks, ask } = scene();
    const told = ask('https://api.example.com/v1/a');
    asks[0]?.answer(outcome);
    assert.equal(await told, code);
  }
});

test('[AGENT-DOOR-9]: asking again is no second ask, in whatever words; two are open and no third', async () => {
  const { asks, ask } = scene(1);
  assert.equal(await ask('https://api.example.com/v1/a'), 'waiting');
  assert.equal(await ask('https://api.example.com/v1/a', 'please'), 'waiting');
  assert.equal(await ask('https://api.example.com/v1/b'), 'waiting');
  assert.equal(await ask('https://api.example.com/v1/c'), 'approval_crowded');
  assert.equal(asks.length, 2);
  asks[0]?.answer('allowed');
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(await ask('https://api.example.com/v1/c'), 'waiting');
  assert.equal(asks.length, 3);
});

test('[AGENT-DOOR-9]: exactly a request and a reason', async () => {
  const { asks, access, ask } = scene();
  for (const url of [
    'http://api.example.com/',
    'https://api.example.com/?q=1',
    'https://u@api.example.com/',
    'https://a/../b',
    7,
  ])
    assert.equal(await ask(url as string), 'usage', String(url));
  for (const reason of [undefined, 7, 'x'.repeat(513)])
    assert.equal(await ask('https://api.example.com/', reason === undefined ? null : reason), 'usage');
  await assert.rejects(access.ask({ request: { method: 'GET', url: 'https://a.example/' } }), { code: 'usage' });
  assert.deepEqual(asks, []);
});

test('[MCP-9]: as a tool: the same ask, the same strictness, and the same words for every answer', async () => {
  const { asks, access } = scene();
  const uses = { mint: async () => ({}), request: async () => ({}), access: (asked: unknown) => access.ask(asked) };
  const view: McpView = { whoami: () => ({}), vault: () => [], rules: () => ({}), uses };
  const tool = holdfastTools(view).find(({ name }) => name === 'request_access') ?? assert.fail();
  const told = tool.call({ url: 'https://api.example.com/v1/a', reason: 'needed' });
  assert.equal(asks[0]?.act.kind, 'access');
  asks[0]?.answer('denied');
  await assert.rejects(told, { code: 'approval_denied' });
  await assert.rejects(tool.call({ url: 'https://api.example.com/v1/a?q=1', reason: 'needed' }), { code: 'usage' });
  await assert.rejects(tool.call({ url: 'https://api.example.com/v1/a', reason: 7 }), { code: 'usage' });
});
