// Which agent a name means, when several machines have the same scope.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toHex } from '@holdfast/protocol/codec/bytes';
import { World } from '@holdfast/testkit/world';
import { findAgent } from '@holdfast/protocol/operator/find-agent';

test('a scope that two live agents have names neither; an id always names one', async () => {
  const world = await World.begin();
  const one = await world.enroll('main');
  const agents = () => world.operator.replica.state.agents.values();
  await world.operator.sync();
  assert.deepEqual(findAgent(agents(), 'main').id, one.id);

  const two = await world.enroll('main');
  await world.operator.sync();
  const lists = (thrown: Error) => [one, two].every(({ id }) => thrown.message.includes(toHex(id)));
  assert.throws(
    () => findAgent(agents(), 'main'),
    (thrown: Error & { code?: string }) => thrown.code === 'agent_ambiguous' && lists(thrown),
  ); // [CLI-19]
  for (const { id } of [one, two]) assert.deepEqual(findAgent(agents(), toHex(id)).id, id);

  await world.operator.revoke(one.id);
  assert.deepEqual(findAgent(agents(), 'main').id, two.id);
  await world.operator.revoke(two.id);
  assert.deepEqual(findAgent(agents(), 'main').id, two.id);
  assert.throws(() => findAgent(agents(), 'ci'), { code: 'agent_unknown' });
});
