// The vault as a list, and a credential as it is typed.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeEvent } from '@holdfast/protocol/audit/event';
import { toHex } from '@holdfast/protocol/codec/bytes';
import { codeOf } from '@holdfast/protocol/errors';
import type { FleetState } from '@holdfast/protocol/journal/state';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { Author } from '@holdfast/testkit/long-log';
import { agentName, keptItems, LastUses, searchItems } from '../../../src/screens/vault/kept-items.ts';
import { emptyItemForm, fromTemplate, itemOf } from '../../../src/screens/vault/new-item.ts';

const id = new Uint8Array(16);

test('a credential is what was typed, in the terms of `holdfast vault add`', () => {
  const item = itemOf(
    {
      ...emptyItemForm,
      name: 'demo',
      purpose: 'reads the demo',
      hosts: 'API.example.com\n10.0.0.1:8443',
      methods: 'get, post',
      paths: '/v1/**',
    },
    id,
  );
  assert.deepEqual(item, {
    id,
    name: 'demo',
    purpose: 'reads the demo',
    attach: { kind: 'bearer' },
    fence: {
      hosts: [
        { host: 'api.example.com', port: 443 },
        { host: '10.0.0.1', port: 8443 },
      ],
      methods: ['GET', 'POST'],
      paths: ['/v1/**'],
      allowPrivate: false,
    },
  });
});

test('a template fills in where and how, and leaves a name that was typed', () => {
  const form = fromTemplate({ ...emptyItemForm, name: 'mine' }, 'github');
  assert.deepEqual([form.name, form.hosts, form.attach, form.env], ['mine', 'api.github.com', 'bearer', 'GITHUB_TOKEN']);
  assert.equal(itemOf(fromTemplate(emptyItemForm, 'github'), id).name, 'github');
});

test('what is none is refused with what would be right', () => {
  const good = fromTemplate(emptyItemForm, 'github');
  for (const change of [
    { name: '' },
    { name: 'Größe' },
    { hosts: '' },
    { hosts: 'https://x' },
    { attach: 'cookie' },
    { env: 'PATH' },
    { ca: 'no' },
  ])
    assert.throws(
      () => itemOf({ ...good, ...change }, id),
      (thrown) => codeOf(thrown) === 'usage',
      JSON.stringify(change),
    );
});

const agent = { id: primitives.random(16), scope: 'main', revoked: undefined };
const items = ['github', 'stripe'].map((name, index) => {
  const [one] = [itemOf({ ...fromTemplate(emptyItemForm, name), purpose: `for ${name}` }, new Uint8Array(16).fill(index))];
  return { ...one, addedAtMs: 0, position: index };
});
const [github] = items;
assert.ok(github);
const grant = { grant: primitives.random(16), item: github.id, name: 'github', agent: agent.id, fence: github.fence };
const state = {
  items: new Map(items.toReversed().map((item) => [toHex(item.id), item])),
  agents: new Map([[toHex(agent.id), agent]]),
  grants: new Map([[toHex(agent.id), new Map([['a', grant]])]]),
} as unknown as FleetState;

test('credentials stand by name, with who may use them; words find them', () => {
  const kept = keptItems(state);
  assert.deepEqual(
    kept.map(({ item, holders }) => [item.name, holders.map((each) => [each.agent.scope, each.approve])]),
    [
      ['github', [['main', true]]],
      ['stripe', []],
    ],
  );
  const found = (typed: string): string[] => searchItems(kept, typed).map(({ item }) => item.name);
  assert.deepEqual(found('API'), ['github', 'stripe']);
  assert.deepEqual(found('main git'), ['github']);
  assert.deepEqual(found('for stripe'), ['stripe']);
  assert.deepEqual(found('nothing'), []);
});

test('an agent is called by its id as well where another has its scope', () => {
  const other = { id: primitives.random(16), scope: 'main' };
  assert.equal(agentName(agent, [agent]), 'main');
  assert.equal(agentName(agent, [agent, other]), `main ${toHex(agent.id).slice(0, 8)}`);
});

test('the last use of each credential comes of the logs, each event read once', async () => {
  const author = await Author.of(primitives.random(32));
  const events = author.records(3).map(decodeEvent);
  const uses = new LastUses();
  uses.of([{ agent: 'a', events: events.slice(0, 1) }]);
  const last = uses.of([{ agent: 'a', events }]);
  assert.equal(last.size, 3);
  const [, , third] = events;
  assert.ok(third?.kind === 'consumed');
  assert.deepEqual(last.get(toHex(third.item)), { atMs: third.atMs, agent: 'a', sequence: 2 });
});
