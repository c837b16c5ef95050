// What a relay may make of a history on its way to a reader: any order, anything left out, repeated, altered or taken from elsewhere. Whatever
// it is, a replica holds a beginning of the true one. And the access list that a device is shown before it signs the next.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseAccessList, signAccessList, verifyAccessListInForce } from '@holdfast/protocol/blind/access-list';
import { controlTopic, parseEntry } from '@holdfast/protocol/blind/entry';
import { equalBytes } from '@holdfast/protocol/codec/bytes';
import { codeOf } from '@holdfast/protocol/errors';
import { rekeyFleet } from '@holdfast/protocol/journal/compose';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { FleetWorld, newActor } from '../../../testkit/src/fleet-world.ts';
import { share } from '../../../testkit/src/shares.ts';
import { World } from '../../../testkit/src/world.ts';

test('whatever a relay makes of a history, a reader holds a beginning of the true one', async () => {
  const world = await World.begin();
  const agent = await world.enroll('reader');
  const other = await world.enroll('other');
  const written = await other.write({ kind: 'enrolled' });
  const item = await world.operator.keep('kept', new TextEncoder().encode('a-token-that-is-long-enough'));
  await world.operator.grant(item, agent.id);
  await world.operator.revoke(other.id);
  await world.operator.act(rekeyFleet);
  const history = world.relay.read(controlTopic);
  const hashes = history.map((wire) => parseEntry(primitives, wire).hash);
  const elsewhere = (await World.begin()).genesis;
  const altered = history.map((wire) => wire.map((byte, index) => (index === wire.length - 1 ? byte ^ 1 : byte)));
  const pool = [...history, ...altered, written.wire, elsewhere, new Uint8Array()];
  const pages = fc.array(fc.array(fc.nat({ max: pool.length - 1 }), { minLength: 1, maxLength: 12 }), {
    minLength: 1,
    maxLength: 6,
  });
  // Mostly honest, so that it comes far: a beginning of the history with one or two lies in it.
  const mostly = fc
    .tuple(
      fc.nat({ max: history.length }),
      fc.array(fc.tuple(fc.nat({ max: history.length }), fc.nat({ max: pool.length - 1 })), { maxLength: 2 }),
    )
    .map(([length, lies]) => [
      lies.reduce((page, [at, lie]) => page.toSpliced(at, 1, lie), [...history.keys()].slice(0, length)),
    ]);
  await fc.assert(
    fc.asyncProperty(fc.oneof(pages, mostly), async (shown) => {
      const replica = world.replica(agent.id, agent.holder);
      for (const page of shown)
        await replica.ingest(
          controlTopic,
          page.map((index) => pool[index] ?? new Uint8Array()),
        );
      if (!replica.hasBegun) return;
      const { position, hash } = replica.state.control;
      assert.ok(equalBytes(hash, hashes[position] ?? new Uint8Array()));
      const honest = world.replica(agent.id, agent.holder);
      await honest.ingest(controlTopic, history.slice(0, position + 1));
      assert.deepEqual(replica.state, honest.state);
      await replica.ingest(controlTopic, history.slice(position + 1));
      assert.equal(replica.state.control.position, history.length - 1, 'and nothing keeps it from the rest');
    }),
    { numRuns: share({ ci: 25, soak: 1000 }) },
  );
});

test('a device builds on no access list that its fleet did not sign, and on none older than it has seen', async () => {
  const world = await FleetWorld.make();
  const agent = await newActor();
  const stranger = await newActor();
  const first = world.access;
  const second = await world.nextAccess([agent]);
  const devices = [{ id: world.device.id, sign: world.device.holder.publicKeys.sign }];
  const ask = async (wire: Uint8Array, seen: number): Promise<string> =>
    verifyAccessListInForce(primitives, parseAccessList(wire), { fleet: world.fleet, authors: devices, seen }).then(
      ({ statement }) => `version ${statement.version}`,
      codeOf,
    );
  assert.equal(await ask(second.wire, 1), 'version 2');
  assert.equal(await ask(second.wire, 2), 'version 2');
  assert.equal(await ask(first.wire, 2), 'access_stale'); // [ACCESS-9]
  const { statement } = second;
  const theirs = { id: stranger.id, sign: stranger.holder.publicKeys.sign };
  const forged = [
    await signAccessList(stranger.holder, stranger.id, { ...statement, version: 3, devices: [...devices, theirs] }),
    await signAccessList(stranger.holder, world.device.id, { ...statement, version: 3 }),
    await signAccessList(agent.holder, agent.id, { ...statement, version: 3 }),
    await signAccessList(world.device.holder, world.device.id, { ...statement, fleet: primitives.random(32), version: 3 }),
  ];
  for (const { wire } of forged) assert.equal(await ask(wire, 1), 'access_forged'); // [ACCESS-9]
});
