// Everything stopped in one act, and a grant that stands under other terms: as every reader of the journal sees it.

import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';

import { toHex } from '@holdfast/protocol/codec/bytes';
import { controlTopic } from '@holdfast/protocol/blind/entry';
import { grantItem } from '@holdfast/protocol/journal/compose';
import { regrant } from '@holdfast/protocol/journal/compose-grants';
import { resumeAll, suspendAll } from '@holdfast/protocol/journal/compose-stop';
import { actingAgents, grantsOf } from '@holdfast/protocol/journal/state';
import { outcomeOf } from '@holdfast/testkit/vectors';
import { World, type AgentActor } from '@holdfast/testkit/world';

describe('all at once', () => {
  let world: World;
  let main: AgentActor;
  let other: AgentActor;
  before(async () => {
    world = await World.begin();
    [main, other] = [await world.enroll('main'), await world.enroll('other')];
  });

  const acting = () => actingAgents(other.replica.state).map(({ scope }) => scope);
  const listed = () => (world.relay.access?.statement.agents ?? []).length;

  it('every agent is suspended by one act with one access list, and resumed by another', async () => {
    const stopped = await world.operator.act((operator) =>
      suspendAll(operator, { reason: 'all', accessVersion: world.accessVersion }),
    );
    await other.sync();
    assert.deepEqual([stopped.agents.length, stopped.entries.length, acting(), listed()], [2, 2, [], 0]);
    const again = await world.operator.act((operator) =>
      suspendAll(operator, { reason: 'all', accessVersion: world.accessVersion }),
    );
    assert.equal(again.entries.length, 0, 'who is suspended already is left as they are');
    const resumed = await world.operator.act((operator) => resumeAll(operator, { accessVersion: world.accessVersion }));
    await other.sync();
    assert.deepEqual([resumed.agents.length, acting().toSorted(), listed()], [2, ['main', 'other'], 2]);
  });

  it('[VAULT-19]: a grant is given anew under its own id, narrower, in one entry', async () => {
    const secret = new Uint8Array(20).fill(0x61);
    const item = await world.operator.keep('bank', secret);
    const { grant } = await world.operator.act((operator) =>
      grantItem(operator, { item, agent: main.id, secret: 'approved per use' }),
    );
    await main.sync();
    const held = () => grantsOf(main.replica.state, main.id).filter(({ name }) => name === 'bank');
    const [perUse] = held();
    assert.ok(perUse !== undefined && perUse.sealed === undefined);
    const fence = { ...perUse.fence, v: 2 as const, methods: ['GET'], paths: ['/v1/one'], untilMs: world.tick() + 3_600_000 };
    const composed = await world.operator.act((operator) => regrant(operator, { agent: main.id, grant, fence, secret }));
    await main.sync();
    assert.equal(composed.entries.length, 1);
    const [standing, more] = held();
    assert.equal(more, undefined);
    assert.deepEqual([toHex(standing?.grant ?? new Uint8Array()), standing?.fence], [toHex(grant), fence]);
    assert.ok(standing?.sealed !== undefined);
    assert.ok(world.relay.read(controlTopic).length > 0);
    const gone = { agent: main.id, grant: new Uint8Array(16), fence, secret };
    assert.equal(await outcomeOf(() => world.operator.act((operator) => regrant(operator, gone))), 'grant_unknown');
    await world.operator.revoke(main.id);
    const late = { agent: main.id, grant, fence, secret };
    assert.equal(await outcomeOf(() => world.operator.act((operator) => regrant(operator, late))), 'agent_revoked');
  });
});
