// How many uses of a grant are under way at once: no more than it allows, and each is over once.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { codeOf } from '@holdfast/protocol/errors';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import type { Agent } from '../../src/agent/agent.ts';
import { SessionAuthority } from '../../src/session/authority.ts';
import { OpenUses } from '../../src/vault/open-uses.ts';
import { recordingAsItIs } from '../audit/log-world.ts';

const [grant, other] = [new Uint8Array(16).fill(1), new Uint8Array(16).fill(2)];

// [FENCE-37]
test('so many are open at once, each grant by itself; whoever is over makes room, once', () => {
  const open = new OpenUses();
  const two = { kind: 'grant', id: grant, concurrent: 2 } as const;
  const full = (): void => assert.throws(() => open.begin([two]), { code: 'fence_concurrent' });
  const first = open.begin([two]);
  open.begin([two]);
  full();
  assert.throws(() => open.assertRoom(two), { code: 'fence_concurrent' });
  assert.deepEqual([open.of(grant), open.of(other)], [2, 0]);
  open.begin([{ kind: 'grant', id: other, concurrent: 1 }]);
  first();
  first();
  assert.equal(open.of(grant), 1);
  const again = open.begin([two]);
  full();
  again();
  open.begin([two]);
  full();
});

// [VAULT-17]
test('of all grants of an agent together no more are open than its budget has; one that finds no room in it takes none of its grant', () => {
  const open = new OpenUses();
  const budget = { kind: 'budget', id: other, concurrent: 3 } as const;
  const grants = [1, 2, 3, 4].map((each) => ({ kind: 'grant', id: new Uint8Array(16).fill(10 + each), concurrent: 1 }) as const);
  const [first] = grants.slice(0, 3).map((each) => open.begin([each, budget]));
  const [one = assert.fail(), , , last = assert.fail()] = grants;
  assert.throws(() => open.begin([last, budget]), { code: 'budget_spent' });
  assert.deepEqual([open.of(last.id), open.of(budget.id)], [0, 3]);
  assert.throws(() => open.begin([one, { ...budget, concurrent: 9 }]), { code: 'fence_concurrent' });
  first?.();
  open.begin([last, budget]);
  assert.deepEqual([open.of(one.id), open.of(last.id), open.of(budget.id)], [0, 1, 3]);
});

// [FENCE-37]
test('a use that comes to nothing is none that is open; one that is refused for it costs neither handle nor use', async () => {
  const facts = { scheme: 'https', host: 'api.example.com', port: 443, method: 'GET', path: '/v1/me', query: '' } as const;
  const fence = {
    v: 2,
    hosts: [{ host: facts.host, port: 443 }],
    methods: ['GET'],
    paths: ['/**'],
    allowPrivate: false,
  } as const;
  const granted = {
    ...{ grant, item: other, name: 'demo', agent: other, attach: { kind: 'bearer' } },
    fence: { ...fence, concurrent: 1 },
    sealed: { encapsulated: new Uint8Array(), ciphertext: new Uint8Array() },
  };
  const openUses = new OpenUses();
  const done: string[] = [];
  let fails = true;
  const agent = {
    enrolment: { fleet: other, agent: other },
    grants: () => [granted],
    rules: { version: undefined },
    egress: () => [],
    placeholder: () => 'hf_placeholder',
    openUses,
    note: () => {},
    handles: {
      mint: async () => {
        done.push('mint');
        return new Uint8Array(32);
      },
      consume: async () => {
        done.push('consume');
        if (fails) throw new Error('no disk');
        return { handle: new Uint8Array(16) };
      },
    },
    ...recordingAsItIs,
  } as unknown as Agent;
  const clock = { nowMs: () => 0, monotonicMs: () => 0 };
  const authority = new SessionAuthority(agent, { primitives, clock }, { session: other, mode: 'sealed', program: 'test' });
  const [view = assert.fail()] = authority.grants();
  await assert.rejects(authority.use(view, facts));
  assert.equal(openUses.of(grant), 0);
  fails = false;
  const told = await Promise.allSettled([authority.use(view, facts), authority.use(view, facts)]);
  const [passed, refused] = told;
  assert.deepEqual([passed?.status, refused?.status === 'rejected' && codeOf(refused.reason)], ['fulfilled', 'fence_concurrent']);
  assert.deepEqual(done, ['mint', 'consume', 'mint', 'consume']);
  if (passed?.status === 'fulfilled') passed.value.over();
  assert.equal(openUses.of(grant), 0);
});
