// Children that an operator ended alone, as every reader of the journal and every service sees them.

import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';

import { toHex } from '@holdfast/protocol/codec/bytes';
import { rootOf } from '@holdfast/protocol/identity/credential';
import { maxRevokedChildren, StatusList } from '@holdfast/protocol/identity/status-list';
import { makeStatusList, revokeChild } from '@holdfast/protocol/journal/compose-agents';
import { drafted } from '@holdfast/protocol/journal/draft';
import { readSnapshot, writeSnapshot } from '@holdfast/protocol/journal/snapshot';
import { childIsOverMs } from '@holdfast/protocol/journal/state';
import { outcomeOf } from '@holdfast/testkit/vectors';
import { World, type AgentActor } from '@holdfast/testkit/world';

const uri = 'https://relay.example/status';
const idOf = (number: number): Uint8Array => {
  const id = new Uint8Array(16);
  new DataView(id.buffer).setUint32(0, number);
  return id;
};

describe('a child that is revoked alone', () => {
  let world: World;
  let main: AgentActor;
  let other: AgentActor;
  before(async () => {
    world = await World.begin();
    [main, other] = [await world.enroll('main'), await world.enroll('other')];
  });

  const revoke = async (agent: AgentActor, child: number, afterMs = 0) => {
    await world.operator.act((operator) =>
      revokeChild({ ...operator, nowMs: operator.nowMs + afterMs }, { agent: agent.id, child: idOf(child), reason: 'odd' }),
    );
    await other.sync();
  };
  const kept = () => other.replica.state.revokedChildren.map(({ agent, child }) => [toHex(agent), toHex(child)]);
  /** What a service thinks of a presentation by these, below `main`. */
  const standing = async (children: readonly number[], afterMs = 0) => {
    const author = world.operator.operator;
    const nowMs = author.nowMs + afterMs;
    const root = rootOf(toHex(world.fleet), world.operator.holder.publicKeys.sign);
    const token = await makeStatusList({ ...author, nowMs }, uri);
    const list = await StatusList.verify(world.primitives, token, { root, uri, nowMs });
    const { statusIndex } = author.replica.state.agents.get(toHex(main.id)) ?? assert.fail();
    const ids = children.map((child) => toHex(idOf(child)));
    return outcomeOf(() => list.assertInForce(statusIndex, ids));
  };

  it('[JOURNAL-37] [STATUS-8]: is kept by every reader and told to services; its siblings and its agent are not', async () => {
    assert.equal(await standing([1]), 'ok');
    await revoke(main, 1);
    assert.deepEqual(kept(), [[toHex(main.id), toHex(idOf(1))]]);
    assert.deepEqual(
      [await standing([]), await standing([2]), await standing([1]), await standing([1, 2]), await standing([2, 1])],
      ['ok', 'ok', 'delegation_revoked', 'delegation_revoked', 'delegation_revoked'],
    );
  });

  it('[JOURNAL-37]: is kept once for each agent that was said to have it, and told by a snapshot as by the history', async () => {
    await revoke(other, 1);
    await revoke(main, 1);
    assert.deepEqual(kept(), [
      [toHex(other.id), toHex(idOf(1))],
      [toHex(main.id), toHex(idOf(1))],
    ]);
    const { state } = other.replica;
    assert.deepEqual(readSnapshot(writeSnapshot(state, { hashes: [], ids: [] })).state.revokedChildren, state.revokedChildren);
    assert.equal(await standing([1]), 'delegation_revoked');
  });

  it('[STATUS-8]: leaves the list when nothing of it can be in force any more, and not before', async () => {
    assert.equal(await standing([1], childIsOverMs - 60_000), 'delegation_revoked');
    assert.equal(await standing([1], childIsOverMs + 60_000), 'ok');
  });

  it('[JOURNAL-37]: is not forgotten for another one while it could present', async () => {
    const missing = maxRevokedChildren - kept().length;
    await world.operator.act((operator) =>
      drafted(operator, async (draft) => {
        for (let count = 0; count < missing; count += 1)
          await draft.write('fleet', { kind: 'child-revoke', agent: main.id, child: idOf(100 + count), reason: '' });
      }),
    );
    await other.sync();
    assert.equal(kept().length, maxRevokedChildren);
    assert.equal(await standing([100 + missing - 1]), 'delegation_revoked', 'the longest list is taken');
    assert.equal(await outcomeOf(() => revoke(main, 2)), 'limit_exceeded');
    await revoke(main, 2, childIsOverMs);
    assert.equal(kept().length, maxRevokedChildren);
    assert.equal(kept().at(-1)?.[1], toHex(idOf(2)));
  });
});
