// Suspending, resuming and renewing an agent, as every reader of the journal sees it.

import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';

import { toHex } from '@holdfast/protocol/codec/bytes';
import { credentialLifeMs, readCredential, rootOf, verifyCredential } from '@holdfast/protocol/identity/credential';
import { StatusList } from '@holdfast/protocol/identity/status-list';
import {
  dueForRenewal,
  makeStatusList,
  renewCredentials,
  resumeAgent,
  suspendAgent,
} from '@holdfast/protocol/journal/compose-agents';
import { readSnapshot, writeSnapshot } from '@holdfast/protocol/journal/snapshot';
import { actingAgents, grantsOf, membersOf, standingOf } from '@holdfast/protocol/journal/state';
import { outcomeOf } from '@holdfast/testkit/vectors';
import { World, type AgentActor } from '@holdfast/testkit/world';

const statusUri = 'https://relay.example/status';

describe('an agent that is suspended', () => {
  let world: World;
  let main: AgentActor;
  let other: AgentActor;
  before(async () => {
    world = await World.begin();
    [main, other] = [await world.enroll('main'), await world.enroll('other')];
    await world.operator.grant(await world.operator.keep('demo', new Uint8Array(20).fill(0x61)), main.id);
  });

  const state = () => main.replica.state;
  const own = () => state().agents.get(toHex(main.id)) ?? assert.fail();
  const listed = () => (world.relay.access?.statement.agents ?? []).map(({ id }) => toHex(id));
  const suspend = async () =>
    world.operator.act((operator) =>
      suspendAgent(operator, { agent: main.id, reason: 'odd', accessVersion: world.accessVersion }),
    );
  const resume = async () =>
    world.operator.act((operator) => resumeAgent(operator, { agent: main.id, accessVersion: world.accessVersion }));
  const standing = async () => {
    const token = await makeStatusList(world.operator.operator, statusUri);
    const root = rootOf(toHex(world.fleet), world.operator.holder.publicKeys.sign);
    const nowMs = world.tick();
    const list = await StatusList.verify(world.primitives, token, { root, uri: statusUri, nowMs });
    return Promise.all(
      [own(), other.replica.state.agents.get(toHex(other.id)) ?? assert.fail()].map(async ({ position }) =>
        outcomeOf(() => list.assertInForce(position, [])),
      ),
    );
  };

  it('[JOURNAL-30]: has no grants and no place in the access list, and stays who it is', async () => {
    const entries = await suspend();
    await main.sync();
    assert.equal(entries.entries.length, 1, 'one small entry');
    assert.equal(standingOf(own()), 'suspended');
    assert.deepEqual(grantsOf(state(), main.id), []);
    assert.deepEqual(listed(), [toHex(other.id)]);
    assert.deepEqual(
      actingAgents(state()).map(({ scope }) => scope),
      ['other'],
    );
    assert.ok(membersOf(state(), 'fleet')?.some(({ id }) => toHex(id) === toHex(main.id)));
    assert.deepEqual(await standing(), ['credential_suspended', 'ok']);
    assert.equal(await outcomeOf(suspend), 'agent_suspended'); // [JOURNAL-29]
  });

  it('[JOURNAL-30]: has them back when it is resumed, and the suspension is counted', async () => {
    await resume();
    await main.sync();
    assert.equal(standingOf(own()), 'live');
    assert.equal(own().suspensions, 1);
    assert.equal(grantsOf(state(), main.id).length, 1);
    assert.deepEqual(listed().toSorted(), [toHex(main.id), toHex(other.id)].toSorted());
    assert.deepEqual(await standing(), ['ok', 'ok']);
    assert.equal(await outcomeOf(resume), 'agent_active'); // [JOURNAL-29]
  });

  it('is told by a snapshot as by the history', async () => {
    await suspend();
    await main.sync();
    const { state: read } = readSnapshot(writeSnapshot(state(), { hashes: [], ids: [] }));
    assert.deepEqual(read.agents.get(toHex(main.id)), own());
    await resume();
    await main.sync();
  });

  it('[JOURNAL-28], [CREDENTIAL-12]: has a new credential when a third of its life is left, and the one that is renewed is the one that counts', async () => {
    const before = readCredential(own().credential);
    const { operator } = world;
    assert.deepEqual(dueForRenewal(operator.replica.state, before.issuedAtMs + 1000, operator.id), []);
    const nowMs = before.expiresAtMs - credentialLifeMs / 3 + 60_000;
    assert.equal(dueForRenewal(operator.replica.state, nowMs, operator.id).length, 2);
    await operator.act((author) => {
      const agents = dueForRenewal(author.replica.state, nowMs, author.device);
      return renewCredentials({ ...author, nowMs }, { agents, statusUri });
    });
    await main.sync();
    const after = readCredential(own().credential);
    assert.equal(after.expiresAtMs - Math.floor(nowMs / 1000) * 1000, credentialLifeMs);
    assert.deepEqual({ ...after, issuedAtMs: 0, expiresAtMs: 0 }, { ...before, issuedAtMs: 0, expiresAtMs: 0 });
    const root = rootOf(toHex(world.fleet), operator.holder.publicKeys.sign);
    await verifyCredential(world.primitives, own().credential, { root, keys: main.holder.publicKeys, nowMs });
    assert.deepEqual(dueForRenewal(operator.replica.state, nowMs, operator.id), []);
  });
});
