// What operators and agents write: in order, complete, and never what readers would reject.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { controlTopic } from '@holdfast/protocol/blind/entry';
import { verifyFirstAccessList, verifyNextAccessList } from '@holdfast/protocol/blind/access-list';
import { verifyPulse } from '@holdfast/protocol/blind/pulse';
import { parseEntry } from '@holdfast/protocol/blind/entry';
import { fromHex, toHex } from '@holdfast/protocol/codec/bytes';
import { agentAudience } from '@holdfast/protocol/journal/bodies';
import {
  addItem,
  allowEgress,
  composeAgentEntry,
  endEgress,
  endGrant,
  grantItem,
  makePulse,
  rekeyFleet,
  removeItem,
  rotateItem,
} from '@holdfast/protocol/journal/compose';
import { endBudget, enrollAgent, revokeAgent, setBudget } from '@holdfast/protocol/journal/compose-agents';
import { reduce } from '@holdfast/protocol/journal/reduce';
import { readSnapshot, writeSnapshot } from '@holdfast/protocol/journal/snapshot';
import {
  couldHaveOpened,
  egressOf,
  grantsOf,
  membersOf,
  type FleetState,
  type OpenedEntry,
} from '@holdfast/protocol/journal/state';
import { maxAgents } from '@holdfast/protocol/blind/access-list';
import { openSealed } from '@holdfast/protocol/seal/hpke';
import { outcomeOf } from '@holdfast/testkit/vectors';
import { exampleItem, placeOf, World } from '@holdfast/testkit/world';

const secret = new TextEncoder().encode('sk-secret-0123456789');

describe('compose', () => {
  it('a grant opens for its agent and for nobody else', async () => {
    const world = await World.begin();
    const main = await world.enroll('main');
    const peer = await world.enroll('peer');
    const item = await world.operator.keep('demo', secret, { env: 'DEMO_TOKEN' });
    const grant = await world.operator.grant(item, main.id);
    await main.sync();
    await peer.sync();
    const [held = assert.fail()] = grantsOf(main.replica.state, main.id);
    assert.equal(held.env, 'DEMO_TOKEN');
    const purpose = { kind: 'grant', fleet: world.fleet, grant, item, agent: main.id } as const;
    assert.deepEqual(await openSealed(main.holder, world.primitives, purpose, held.sealed ?? assert.fail()), secret);
    assert.equal(
      await outcomeOf(() => openSealed(peer.holder, world.primitives, purpose, held.sealed ?? assert.fail())),
      'open_failed',
    );
    assert.equal(
      await outcomeOf(() =>
        openSealed(main.holder, world.primitives, { ...purpose, agent: peer.id }, held.sealed ?? assert.fail()),
      ),
      'open_failed',
    );
    assert.deepEqual(grantsOf(peer.replica.state, main.id), []);
    assert.equal(peer.replica.state.grants.size, 0);
  });

  it('[VAULT-13]: a grant that is approved per use has no sealing; the secret is the operators’ alone', async () => {
    const world = await World.begin();
    const main = await world.enroll('main');
    const item = await world.operator.keep('demo', secret);
    const terms = { item, agent: main.id, secret: 'approved per use' } as const;
    const composed = await world.operator.act((operator) => grantItem(operator, terms));
    await main.sync();
    const [held = assert.fail()] = grantsOf(main.replica.state, main.id);
    assert.deepEqual([held.name, held.sealed], ['demo', undefined]);
    const wires = composed.entries.map(({ wire }) => Buffer.from(wire));
    assert.ok(wires.every((wire) => !wire.includes(Buffer.from(secret))));
  });

  it('[JOURNAL-20]: nothing is signed that readers would reject', async () => {
    const world = await World.begin();
    const main = await world.enroll('main');
    const gone = await world.enroll('gone');
    const { operator, primitives } = world;
    const item = await operator.keep('demo', secret);
    await operator.grant(item, main.id);
    await operator.revoke(gone.id);
    const author = operator.operator;
    const id = primitives.random(16);
    const egress = { agent: main.id, host: 'a.example', port: 443, allowPrivate: false } as const;
    await operator.act((each) => allowEgress(each, egress));
    const cases: readonly (readonly [string, () => Promise<unknown>])[] = [
      ['name_taken', async () => addItem(author, exampleItem(primitives, 'demo'), secret)],
      ['secret_unfit', async () => addItem(author, exampleItem(primitives, 'short'), new Uint8Array(3))],
      ['codec_shape', async () => addItem(author, { ...exampleItem(primitives, 'x'), name: 'Not A Name' }, secret)],
      ['item_unknown', async () => grantItem(author, { item: id, agent: main.id, secret })],
      ['agent_unknown', async () => grantItem(author, { item, agent: id, secret })],
      ['agent_revoked', async () => grantItem(author, { item, agent: gone.id, secret })],
      ['name_taken', async () => grantItem(author, { item, agent: main.id, secret })],
      ['item_unknown', async () => removeItem(author, id)],
      ['grant_unknown', async () => endGrant(author, { agent: main.id, grant: id })],
      ['egress_unknown', async () => endEgress(author, { agent: main.id, rule: id })],
      ['name_taken', async () => allowEgress(operator.operator, egress)],
      ['agent_revoked', async () => allowEgress(author, { ...egress, agent: gone.id })],
      ['agent_revoked', async () => revokeAgent(author, { agent: gone.id, reason: '', accessVersion: 9 })],
      ['agent_unknown', async () => revokeAgent(author, { agent: id, reason: '', accessVersion: 9 })],
    ];
    for (const [index, [code, act]] of cases.entries()) assert.equal(await outcomeOf(act), code, `case ${index}`);
    await gone.sync();
    const write = async () =>
      composeAgentEntry({ primitives, replica: gone.replica, id: gone.id, holder: gone.holder, nowMs: 1 }, { kind: 'enrolled' });
    assert.equal(await outcomeOf(write), 'agent_revoked');
    assert.equal(await outcomeOf(async () => operator.replica.epochKey(agentAudience(id))), 'epoch_key_missing');
  });

  it('removing an item ends every grant of it', async () => {
    const world = await World.begin();
    const main = await world.enroll('main');
    const { operator } = world;
    const item = await operator.keep('demo', secret);
    const other = await operator.keep('other', secret);
    await operator.grant(item, main.id);
    const kept = await operator.grant(other, main.id);
    await operator.act((author) => removeItem(author, item));
    await main.sync();
    for (const { state } of [main.replica, operator.replica])
      assert.deepEqual(
        grantsOf(state, main.id).map(({ grant }) => grant),
        [kept],
      );
    assert.equal(operator.replica.state.items.size, 1);
    await operator.act((author) => endGrant(author, { agent: main.id, grant: kept }));
    await main.sync();
    assert.deepEqual(grantsOf(main.replica.state, main.id), []);
  });

  it('[JOURNAL-36]: a new secret takes the place of the old one, in the grants of all who are live', async () => {
    const world = await World.begin();
    const main = await world.enroll('main');
    const gone = await world.enroll('gone');
    const { operator, primitives, fleet } = world;
    const item = await operator.keep('demo', secret, { env: 'DEMO_TOKEN' });
    const grant = await operator.grant(item, main.id);
    await operator.grant(item, gone.id);
    const wary = await world.enroll('wary');
    await operator.act((author) => grantItem(author, { item, agent: wary.id, secret: 'approved per use' }));
    const before = grantsOf(operator.replica.state, main.id);
    await operator.act((author) => revokeAgent(author, { agent: gone.id, reason: '', accessVersion: 9 }));
    const next = new TextEncoder().encode('sk-other-9876543210');
    const rotated = await operator.act((author) => rotateItem(author, { item, secret: next }));
    await main.sync();
    assert.equal(rotated.grants, 2);
    await wary.sync();
    const [kept = assert.fail()] = grantsOf(wary.replica.state, wary.id);
    assert.deepEqual([kept.item, kept.sealed], [rotated.item, undefined]);
    const [held = assert.fail()] = grantsOf(main.replica.state, main.id);
    const anew = { sealed: 0, grantedAtMs: 0, warrant: 0 };
    assert.deepEqual({ ...held, item, ...anew }, { ...before[0], ...anew });
    const purpose = { kind: 'grant', fleet, grant, item: rotated.item, agent: main.id } as const;
    assert.deepEqual(await openSealed(main.holder, primitives, purpose, held.sealed ?? assert.fail()), next);
    assert.deepEqual(
      [...operator.replica.state.items.values()].map(({ name, env }) => [name, env]),
      [['demo', 'DEMO_TOKEN']],
    );
    for (const code of ['item_unknown', 'secret_unfit'] as const)
      assert.equal(
        await outcomeOf(() =>
          operator.act((author) =>
            code === 'item_unknown'
              ? rotateItem(author, { item, secret: next })
              : rotateItem(author, { item: rotated.item, secret: next.subarray(0, 3) }),
          ),
        ),
        code,
      );
  });

  it('[CLI-19]: what an agent could have opened is known also when its grants have ended, until the secret is another', async () => {
    const world = await World.begin();
    const main = await world.enroll('main');
    const { operator } = world;
    const couldOpen = () => couldHaveOpened(operator.replica.state, main.id);
    const held = new Map<string, { readonly item: Uint8Array; readonly grant: Uint8Array }>();
    for (const name of ['held', 'ended', 'removed', 'replaced', 'never']) {
      const item = await operator.keep(name, secret);
      if (name !== 'never') held.set(name, { item, grant: await operator.grant(item, main.id) });
    }
    const of = (name: string) => held.get(name) ?? assert.fail();
    for (const name of ['ended', 'replaced'])
      await operator.act((author) => endGrant(author, { agent: main.id, grant: of(name).grant }));
    await operator.act((author) => removeItem(author, of('removed').item));
    assert.deepEqual(couldOpen(), ['held', 'ended', 'removed', 'replaced']);
    const next = new TextEncoder().encode('sk-other-9876543210');
    await operator.act((author) => rotateItem(author, { item: of('replaced').item, secret: next }));
    assert.deepEqual(couldOpen(), ['held', 'ended', 'removed']);
    await operator.act((author) => rotateItem(author, { item: of('held').item, secret: next }));
    assert.deepEqual(couldOpen().toSorted(), ['ended', 'held', 'removed'], 'it was granted the new secret as well');
    await operator.revoke(main.id);
    assert.equal(couldOpen().length, 3);
  });

  it('egress is allowed and ended', async () => {
    const world = await World.begin();
    const main = await world.enroll('main');
    const { rule } = await world.operator.act((author) =>
      allowEgress(author, { agent: main.id, host: 'a.example', port: 443, allowPrivate: true }),
    );
    await main.sync();
    assert.deepEqual(
      egressOf(main.replica.state, main.id).map(({ host, allowPrivate }) => [host, allowPrivate]),
      [['a.example', true]],
    );
    await world.operator.act((author) => endEgress(author, { agent: main.id, rule }));
    await main.sync();
    assert.deepEqual(egressOf(main.replica.state, main.id), []);
  });

  it('a budget goes on under its id with other limits, and comes back from a snapshot; the next one has another', async () => {
    const world = await World.begin();
    const main = await world.enroll('main');
    const set = (concurrent: number) =>
      world.operator.act((author) => setBudget(author, { agent: main.id, limits: { concurrent } }));
    const { budget } = await set(4);
    assert.deepEqual((await set(8)).budget, budget);
    await main.sync();
    const { state } = main.replica;
    assert.equal(state.budgets.get(toHex(main.id))?.concurrent, 8);
    assert.deepEqual(readSnapshot(writeSnapshot(state, { hashes: [], ids: [] })).state.budgets, state.budgets);
    await world.operator.act((author) => endBudget(author, { agent: main.id, budget }));
    await main.sync();
    assert.equal(main.replica.state.budgets.size, 0);
    assert.equal(await outcomeOf(() => endBudget(world.operator.operator, { agent: main.id, budget })), 'budget_unknown');
    assert.notDeepEqual((await set(4)).budget, budget);
  });

  it('access lists go from genesis to revocation, each verified by the one before', async () => {
    const world = await World.begin();
    const { primitives, operator, relay } = world;
    const first = await verifyFirstAccessList(primitives, relay.access ?? assert.fail(), parseEntry(primitives, world.genesis));
    const main = await world.enroll('main');
    const second = await verifyNextAccessList(primitives, first.list, relay.access ?? assert.fail());
    assert.deepEqual(second.statement.agents, [{ id: main.id, sign: main.holder.publicKeys.sign }]);
    await operator.revoke(main.id);
    const third = await verifyNextAccessList(primitives, second, relay.access ?? assert.fail());
    assert.deepEqual(third.statement.agents, []);
  });

  it('[AUDIENCE-2]: an epoch has a lockbox for each member, and none for a revoked one', async () => {
    const world = await World.begin();
    const [main, gone] = [await world.enroll('main'), await world.enroll('gone')];
    const { operator, relay } = world;
    await operator.revoke(gone.id);
    const members = membersOf(operator.replica.state, 'fleet')?.map(({ id }) => toHex(id));
    const wanted = [operator.id, main.id, operator.replica.state.recovery.id].map(toHex).toSorted();
    assert.deepEqual(members, wanted);
    const boxes = [...relay.lockboxes.keys()].filter((place) => place.startsWith('fleet/1/')).toSorted();
    assert.deepEqual(
      boxes,
      wanted.map((id) => placeOf(world.lockboxPlace('fleet', 1, fromHex(id) ?? assert.fail()))),
    );
    assert.deepEqual(membersOf(operator.replica.state, agentAudience(gone.id))?.length, 2);
    assert.equal(membersOf(operator.replica.state, agentAudience(world.primitives.random(16))), undefined);
  });

  it('[LOCKBOX-6]: of two devices that start an epoch at once one wins, and every reader finds its boxes, whoever put theirs last', async () => {
    for (const first of ['winner', 'loser']) {
      const world = await World.begin();
      const main = await world.enroll('main');
      const { operator, relay } = world;
      const [winner, loser] = [await rekeyFleet(operator.operator), await rekeyFleet(operator.operator)];
      for (const { lockboxes } of first === 'winner' ? [winner, loser] : [loser, winner])
        relay.accept({ lockboxes, entries: [] });
      relay.accept(winner);
      assert.equal(await outcomeOf(() => relay.accept(loser)), 'entry_stale');
      for (const reader of [operator, main]) {
        assert.deepEqual(
          (await reader.sync()).map(({ kind }) => kind),
          ['applied'],
        );
        assert.equal(reader.replica.undecryptable, 0);
      }
      await operator.act(rekeyFleet);
      assert.deepEqual(
        (await main.sync()).map(({ kind }) => kind),
        ['applied'],
      );
    }
  });

  it('a conflict is composed again; the loser leaves nothing behind', async () => {
    const world = await World.begin();
    const { operator, relay } = world;
    const one = await addItem(operator.operator, exampleItem(world.primitives, 'one'), secret);
    const two = await addItem(operator.operator, exampleItem(world.primitives, 'two'), secret);
    relay.accept(one);
    assert.equal(await outcomeOf(() => relay.accept(two)), 'entry_stale');
    await operator.act((author) => addItem(author, exampleItem(world.primitives, 'two'), secret));
    assert.deepEqual(
      [...operator.replica.state.items.values()].map(({ name }) => name),
      ['one', 'two'],
    );
  });

  it('a clock set back does not date an entry before its predecessor', async () => {
    const world = await World.begin();
    const { operator } = world;
    const composed = await addItem({ ...operator.operator, nowMs: 5 }, exampleItem(world.primitives, 'a'), secret);
    assert.equal(composed.entries[0]?.statement.atMs, operator.replica.state.control.atMs);
  });

  it('the recovery code reads what the fleet says, after a revocation as well', async () => {
    const world = await World.begin();
    await world.operator.revoke((await world.enroll('gone')).id);
    await world.operator.keep('demo', secret);
    const { recoveryKeys } = await import('@holdfast/protocol/identity/recovery');
    const keys = await recoveryKeys(world.primitives, world.recoveryCode.toLowerCase().replaceAll('-', ' '));
    const { recovery } = world.operator.replica.state;
    const replica = world.replica(recovery.id, keys);
    const results = await replica.ingest(controlTopic, world.relay.read(controlTopic));
    assert.ok(results.every(({ kind }) => kind === 'applied'));
    assert.deepEqual(replica.state, { ...world.operator.replica.state, topics: new Map() });
  });

  it('a pulse names the control head', async () => {
    const world = await World.begin();
    const { operator } = world;
    const pulse = await makePulse(operator.operator);
    const known = {
      fleet: world.fleet,
      deviceKey: operator.holder.publicKeys.sign,
      newest: undefined,
      nowMs: pulse.statement.atMs,
    };
    await verifyPulse(world.primitives, pulse, known);
    assert.deepEqual(pulse.statement.control, { position: 0, hash: world.fleet });
  });

  it('[JOURNAL-9]: a fleet has no more live agents than an access list', async () => {
    const world = await World.begin();
    const main = await world.enroll('main');
    const { operator, primitives } = world;
    const found = operator.replica.state.agents.get(toHex(main.id)) ?? assert.fail();
    const agents = new Map(Array.from({ length: maxAgents }, (_, index) => [index.toString(16).padStart(32, '0'), found]));
    const full: FleetState = { ...operator.replica.state, agents };
    const { entries } = await enrollAgent(operator.operator, {
      offer: {
        v: 1,
        agent: primitives.random(16),
        scope: 's',
        machine: 'm',
        keys: main.holder.publicKeys,
        custody: 'software',
        capabilities: [],
        nonce: primitives.random(16),
      },
      evidence: 'claimed',
      statusUri: 'https://relay.example/status',
      accessVersion: 2,
    });
    await operator.replica.ingest(
      controlTopic,
      entries.slice(0, 1).map(({ wire }) => wire),
    );
    const {
      credential,
      revoked: _revoked,
      enrolledAtMs: _at,
      position: _position,
      suspended: _suspended,
      suspensions: _suspensions,
      earlierKeys: _earlierKeys,
      statusIndex: _statusIndex,
      ...agent
    } = [...operator.replica.state.agents.values()].at(-1) ?? assert.fail();
    const { statement, hash } = entries[0] ?? assert.fail();
    const entry = {
      statement,
      hash,
      content: { kind: 'body', body: { kind: 'agent-enroll', agent, credential } },
    } as OpenedEntry;
    assert.equal(reduce(full, entry).rejected.at(-1)?.code, 'limit_exceeded');
    assert.equal(reduce({ ...full, agents: new Map([...agents].slice(1)) }, entry).rejected.length, 0);
  });

  it('[AUDIENCE-4]: the reduction itself refuses another key for an epoch', async () => {
    const world = await World.begin();
    const main = await world.enroll('main');
    const { operator, primitives } = world;
    const body = { kind: 'agent-revoke', agent: main.id, reason: '' } as const;
    const reduced = async (change: Parameters<typeof operator.forge>[1]): Promise<FleetState> => {
      const { statement, hash } = await operator.forge(body, change);
      return reduce(operator.replica.state, { statement, hash, content: { kind: 'body', body } } as unknown as OpenedEntry);
    };
    assert.equal((await reduced({})).rejected.length, 0);
    assert.equal((await reduced({ key: primitives.random(32) })).rejected.at(-1)?.code, 'epoch_wrong');
  });

  it('keys of the draft do not outlive a failure', async () => {
    const world = await World.begin();
    const main = await world.enroll('main');
    const handed: Uint8Array[] = [];
    const primitives = {
      ...world.primitives,
      random: (length: number) => {
        const drawn = world.primitives.random(length);
        if (length === 32) handed.push(drawn);
        return drawn;
      },
    };
    const failing = {
      publicKeys: world.operator.holder.publicKeys,
      open: () => assert.fail(),
      sign: () => Promise.reject(new Error('no')),
    };
    await assert.rejects(rekeyFleet({ ...world.operator.operator, primitives, holder: failing }));
    assert.ok(handed.length > 0 && handed.every((key) => key.every((byte) => byte === 0)));
    assert.ok(main);
  });
});
