// Replicas reduce alike: in any order of arrival of topics, with repeats, in batches of any size, and whatever they can open.

import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import fc from 'fast-check';

import { controlTopic } from '@holdfast/protocol/blind/entry';
import { toHex } from '@holdfast/protocol/codec/bytes';
import { agentAudience } from '@holdfast/protocol/journal/bodies';
import { addBedrock, allowEgress, endEgress, removeBedrock, removeItem, setRules } from '@holdfast/protocol/journal/compose';
import { revokeAgent } from '@holdfast/protocol/journal/compose-agents';
import type { Replica } from '@holdfast/protocol/journal/replica';
import type { FleetState } from '@holdfast/protocol/journal/state';
import { World, type AgentActor } from '@holdfast/testkit/world';

const secret = new TextEncoder().encode('sk-secret-0123456789');

/** A fleet that has seen some life: grants given and ended, an agent revoked early and one late, nonsense of a valid device. */
async function liveALittle(): Promise<{ world: World; agents: readonly AgentActor[] }> {
  const world = await World.begin();
  const { operator, relay } = world;
  const [main, gone, late] = [await world.enroll('main'), await world.enroll('gone'), await world.enroll('late')];
  await main.write({ kind: 'enrolled' });
  await gone.write({ kind: 'enrolled' });
  const item = await operator.keep('demo', secret, { env: 'DEMO' });
  const other = await operator.keep('other', secret);
  await operator.grant(item, main.id);
  await operator.grant(item, gone.id);
  await operator.grant(other, late.id);
  relay.append(await operator.forge({ kind: 'egress-end', rule: new Uint8Array(16) }, { audience: agentAudience(main.id) }));
  const { rule } = await operator.act((author) =>
    allowEgress(author, { agent: main.id, host: 'a.example', port: 443, allowPrivate: false }),
  );
  await main.write({ kind: 'checkpoint', checkpoint: Uint8Array.of(1) });
  await operator.act((author) => setRules(author, 'one'));
  await operator.revoke(gone.id);
  await operator.act((author) => setRules(author, 'two'));
  const { id: bedrock } = await operator.act((author) => addBedrock(author, 'first'));
  await operator.act((author) => addBedrock(author, 'second'));
  await operator.act((author) => removeBedrock(author, bedrock));
  relay.append(await operator.forge({ kind: 'agent-revoke', agent: gone.id, reason: 'twice' }));
  await main.write({ kind: 'checkpoint', checkpoint: Uint8Array.of(2) });
  await operator.act((author) => endEgress(author, { agent: main.id, rule }));
  await operator.act((author) => removeItem(author, item));
  await late.write({ kind: 'enrolled' });
  await late.write({ kind: 'checkpoint', checkpoint: Uint8Array.of(3) });
  // The last checkpoint of `late` comes after what the revocation accepts.
  await operator.sync();
  const revocation = await revokeAgent(operator.operator, { agent: late.id, reason: 'x', accessVersion: world.accessVersion });
  await late.write({ kind: 'checkpoint', checkpoint: Uint8Array.of(4) });
  relay.accept(revocation);
  await operator.keep('last', secret);
  return { world, agents: [main, gone, late] };
}

interface Delivery {
  readonly topic: Uint8Array;
  readonly from: number;
  readonly count: number;
}

/** A relay that hands over pieces in its own order, and in the end everything, as a reader asks again for what it lacks. */
async function deliver(world: World, replica: Replica, deliveries: readonly Delivery[]): Promise<FleetState> {
  const topics = [...world.relay.topics.keys()].map((hex) => Uint8Array.from(Buffer.from(hex, 'hex')));
  for (const { topic, from, count } of deliveries) {
    if (!replica.hasBegun && toHex(topic) !== toHex(controlTopic)) continue;
    await replica.ingest(topic, world.relay.read(topic).slice(from, from + count));
  }
  await replica.ingest(controlTopic, world.relay.read(controlTopic));
  for (const topic of topics) if (toHex(topic) !== toHex(controlTopic)) await replica.ingest(topic, world.relay.read(topic));
  return replica.state;
}

/** What a reader can see of the operators' state: the fleet, its own audience, and that the rest exists. */
function seenBy(agent: Uint8Array, state: FleetState): unknown {
  const own = toHex(agent);
  const only = <V>(map: ReadonlyMap<string, V>, keep: (key: string) => boolean) => new Map([...map].filter(([key]) => keep(key)));
  const { rejected: _rejected, topics: _topics, items: _items, ...rest } = state;
  return {
    ...rest,
    audiences: only(state.audiences, (name) => name === 'fleet' || name === 'operators' || name === agentAudience(agent)),
    grants: only(state.grants, (each) => each === own),
    warrants: only(state.warrants, (each) => each === own || each === toHex(state.fleet)),
    everHeld: only(state.everHeld, (each) => each === own),
    egress: only(state.egress, (each) => each === own),
    budgets: only(state.budgets, (each) => each === own),
  };
}

describe('replicas reduce alike', () => {
  let world: World;
  let agents: readonly AgentActor[];
  before(async () => {
    ({ world, agents } = await liveALittle());
  });

  it('in any order of arrival, with repeats, in any batches', async () => {
    const { operator, relay } = world;
    const whole = await deliver(world, world.replica(operator.id, operator.holder), []);
    assert.equal(whole.rejected.length, 2);
    const lengths = [...relay.topics].map(([hex, wires]) => ({
      topic: Uint8Array.from(Buffer.from(hex, 'hex')),
      length: wires.length,
    }));
    const delivery = fc
      .constantFrom(...lengths)
      .chain(({ topic, length }) =>
        fc.record({ topic: fc.constant(topic), from: fc.nat(length), count: fc.integer({ min: 1, max: length }) }),
      );
    await fc.assert(
      fc.asyncProperty(fc.array(delivery, { maxLength: 24 }), fc.boolean(), async (deliveries, beginAtOnce) => {
        const replica = world.replica(operator.id, operator.holder);
        if (beginAtOnce) await replica.ingest(controlTopic, relay.read(controlTopic).slice(0, 1));
        assert.deepEqual(await deliver(world, replica, deliveries), whole);
      }),
      { numRuns: 40 },
    );
  });

  it('[JOURNAL-5]: whatever they can open', async () => {
    const { operator } = world;
    const [main = assert.fail()] = agents;
    const all = await deliver(world, world.replica(operator.id, operator.holder), []);
    const own = await deliver(world, world.replica(main.id, main.holder), []);
    assert.deepEqual(own.items.size, 0);
    assert.deepEqual(seenBy(main.id, own), seenBy(main.id, all));
    assert.deepEqual([...own.grants.keys()], [toHex(main.id)]);
  });

  it('[JOURNAL-19]: a revoked agent up to its revocation', async () => {
    const [, gone = assert.fail()] = agents;
    const state = await deliver(world, world.replica(gone.id, gone.holder), []);
    const revocation = state.agents.get(toHex(gone.id))?.revoked;
    assert.equal(state.control.position, revocation?.position);
  });
});
