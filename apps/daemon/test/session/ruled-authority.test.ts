// The rules stand before the vault: what they deny is neither minted nor recorded as let out.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import type { ToolCall } from '@holdfast/protocol/rules/call';
import type { Agent } from '../../src/agent/agent.ts';
import type { Verdict } from '../../src/guard/reported.ts';
import { RuledAuthority } from '../../src/session/ruled-authority.ts';
import { OpenUses } from '../../src/vault/open-uses.ts';
import { recordingAsItIs } from '../audit/log-world.ts';

const facts = {
  scheme: 'https',
  host: 'api.example.com',
  port: 443,
  method: 'POST',
  path: '/v1/send',
  query: 'secret=1',
} as const;

function ruled(verdict: Verdict | undefined | ((call: ToolCall) => Verdict)) {
  const done: string[] = [];
  const asked: ToolCall[] = [];
  const grant = {
    grant: new Uint8Array(16).fill(1),
    item: new Uint8Array(16).fill(2),
    name: 'demo',
    agent: new Uint8Array(16).fill(3),
    attach: { kind: 'bearer' },
    fence: { hosts: [{ host: facts.host, port: 443 }], methods: ['POST'], paths: ['/v1/**'], allowPrivate: false },
    sealed: { encapsulated: new Uint8Array(), ciphertext: new Uint8Array() },
  };
  const agent = {
    id: grant.agent,
    enrolment: { scope: 'main' },
    grants: () => [grant],
    rules: { version: undefined },
    egress: () => [],
    placeholder: () => 'hf_placeholder',
    assertLive: () => {},
    audit: { append: async ({ kind }: { kind: string }) => void done.push(kind) },
    handles: {
      mint: async () => {
        done.push('mint');
        return 'handle';
      },
      consume: async () => ({ handle: new Uint8Array(16) }),
    },
    openUses: new OpenUses(),
    ...recordingAsItIs,
  } as unknown as Agent;
  const clock = { nowMs: () => 0, monotonicMs: () => 0 };
  const authority = new RuledAuthority(
    agent,
    { primitives, clock },
    { session: new Uint8Array(16), mode: 'sealed', program: 'test' },
  );
  if (verdict !== undefined)
    authority.heldBy(async (readings) => {
      asked.push(...readings);
      if (typeof verdict !== 'function') return verdict;
      return readings.map(verdict).find(({ kind }) => kind === 'deny') ?? yes;
    });
  const [view] = authority.grants();
  return { authority, view: view ?? assert.fail(), done, asked };
}

const yes: Verdict = { kind: 'allow', notes: [] };

test('what the rules let out is used and recorded as before; they see the request without its query, and which credential', async () => {
  const { authority, view, done, asked } = ruled(yes);
  await authority.use(view, facts);
  await authority.passed({ ...facts, scheme: 'http', port: 8080 });
  assert.deepEqual(done, ['mint', 'request']);
  const { query: _query, ...said } = facts;
  assert.deepEqual(asked[0], {
    tool: 'fetch',
    harness: 'broker',
    name: 'request',
    input: { ...said, credential: 'demo' },
    url: 'https://api.example.com/v1/send',
    method: 'POST',
  });
  assert.equal(asked[1]?.url, 'http://api.example.com:8080/v1/send');
  assert.ok(!JSON.stringify(asked[1]).includes('credential'));
});

// [GUARD-16]
test('what the rules deny, or would change, is not minted and does not pass; nor does anything before somebody judges', async () => {
  const verdicts: readonly (Verdict | undefined)[] = [undefined, { kind: 'deny', reason: 'x' }, { ...yes, input: {} }];
  for (const verdict of verdicts) {
    const { authority, view, done } = ruled(verdict);
    await assert.rejects(authority.use(view, facts), { code: 'rules_denied' });
    await assert.rejects(authority.passed(facts), { code: 'rules_denied' });
    assert.deepEqual(done, []);
  }
});

// [GUARD-16]
test('a path with encoded slashes is held against them in both readings', async () => {
  const no: Verdict = { kind: 'deny', reason: 'x' };
  for (const denied of ['/v1/a/b', '/v1/a%2Fb']) {
    const { authority, view, done } = ruled(({ url }) => (url === `https://api.example.com${denied}` ? no : yes));
    await assert.rejects(authority.use(view, { ...facts, path: '/v1/a%2Fb' }), { code: 'rules_denied' }, denied);
    assert.deepEqual(done, []);
  }
  const { authority, done } = ruled(({ url }) => (url?.includes('/admin/') ? no : yes));
  await assert.rejects(authority.passed({ ...facts, path: '/admin%2fusers' }), { code: 'rules_denied' });
  assert.deepEqual(done, []);
});
