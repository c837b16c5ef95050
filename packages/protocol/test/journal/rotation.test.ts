// Other keys for an agent: who may ask, who gives them, what the old ones are still good for.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { controlTopic, parseEntry, signEntry } from '@holdfast/protocol/blind/entry';
import { equalBytes, toHex } from '@holdfast/protocol/codec/bytes';
import { readCredential, rootOf, verifyCredential } from '@holdfast/protocol/identity/credential';
import { StatusList } from '@holdfast/protocol/identity/status-list';
import { makeStatusList, renewCredentials } from '@holdfast/protocol/journal/compose-agents';
import { audiencesBehind, rekey } from '@holdfast/protocol/journal/compose-devices';
import { composeAgentEntry } from '@holdfast/protocol/journal/compose';
import { rotateAgent } from '@holdfast/protocol/journal/compose-rotation';
import { Replica } from '@holdfast/protocol/journal/replica';
import { askedKeys, topicTip } from '@holdfast/protocol/journal/state';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { openSealed } from '@holdfast/protocol/seal/hpke';
import { SoftwareKeyHolder } from '@holdfast/protocol/seal/software-key-holder';
import { outcomeOf } from '@holdfast/testkit/vectors';
import { AgentActor, World } from '@holdfast/testkit/world';

const secret = new TextEncoder().encode('sk-secret-0123456789');
const statusUri = 'https://relay.example/status';

async function asked(world: World, agent: AgentActor): Promise<SoftwareKeyHolder> {
  const next = await SoftwareKeyHolder.generate(primitives);
  await agent.write({ kind: 'new-keys', keys: next.publicKeys, custody: 'software' });
  await world.operator.sync();
  return next;
}

async function rotated(world: World, agent: AgentActor): Promise<AgentActor> {
  const next = await asked(world, agent);
  const { replica } = world.operator;
  const secretOf = (item: Uint8Array) =>
    replica.openSecret(
      item,
      world.relay.read(controlTopic)[replica.state.items.get(toHex(item))?.position ?? 0] ?? new Uint8Array(),
    );
  await world.operator.act((operator) =>
    rotateAgent(operator, { agent: agent.id, secretOf, statusUri, accessVersion: world.accessVersion }),
  );
  const actor = new AgentActor(world, agent.id, next);
  await actor.sync();
  return actor;
}

const own = (reader: { readonly replica: Replica }, { id }: AgentActor) =>
  reader.replica.state.agents.get(toHex(id)) ?? assert.fail();

/** What every reader makes of one more entry of the control topic. */
async function verdict(world: World, body: Parameters<World['operator']['forge']>[0]): Promise<string> {
  world.relay.append(await world.operator.forge(body));
  const [result] = (await world.operator.sync()).slice(-1);
  return result?.kind === 'rejected' ? result.code : (result?.kind ?? 'nothing');
}

describe('rotation', () => {
  it('[ROTATE-1] an operator gives the keys that the old ones asked for, and none that nobody asked for', async () => {
    const world = await World.begin();
    const agent = await world.enroll('main');
    const terms = { agent: agent.id, secretOf: async () => secret.slice(), statusUri, accessVersion: world.accessVersion };
    await assert.rejects(rotateAgent(world.operator.operator, terms), { code: 'rotation_unasked' });
    const next = await asked(world, agent);
    assert.deepEqual(askedKeys(world.operator.replica.state, own(world.operator, agent))?.keys, next.publicKeys);
    const after = await rotated(world, agent);
    assert.equal(askedKeys(world.operator.replica.state, own(world.operator, after)), undefined);
    assert.ok(world.relay.access?.statement.agents.some(({ sign }) => equalBytes(sign, after.holder.publicKeys.sign)));
  });

  it('[ROTATE-1] nobody asks in its place: not a peer, not with keys of their own', async () => {
    const world = await World.begin();
    const [agent, peer] = [await world.enroll('main'), await world.enroll('peer')];
    await peer.sync();
    const forged = await composeAgentEntry(
      { primitives, replica: agent.replica, id: agent.id, holder: peer.holder, nowMs: world.tick() },
      { kind: 'new-keys', keys: peer.holder.publicKeys, custody: 'tpm' },
    );
    world.relay.append(forged);
    const results = await world.operator.sync();
    assert.ok(results.some((each) => each.kind === 'refused' && each.code === 'signature_invalid'));
    assert.equal(askedKeys(world.operator.replica.state, own(world.operator, agent)), undefined);
  });

  it('[ROTATE-2] [ROTATE-6] keys that it had are not given again, and the credential is for the new ones, with a place of its own', async () => {
    const world = await World.begin();
    const agent = await world.enroll('main');
    const after = await rotated(world, agent);
    const { keys, custody, credential } = own(world.operator, after);
    const old = agent.holder.publicKeys;
    const body = { kind: 'agent-rotate', agent: agent.id, keys, custody, credential } as const;
    assert.equal(await verdict(world, body), 'key_reused');
    assert.equal(await verdict(world, { ...body, keys: old }), 'key_reused');
    const fresh = (await SoftwareKeyHolder.generate(primitives)).publicKeys;
    assert.equal(await verdict(world, { ...body, keys: { ...fresh, seal: keys.seal } }), 'key_reused');
    assert.equal(await verdict(world, { ...body, keys: { ...keys, seal: fresh.seal } }), 'key_reused');
    assert.equal(await verdict(world, { ...body, keys: fresh }), 'credential_invalid');
    assert.equal(await verdict(world, { ...body, agent: new Uint8Array(16).fill(9), keys: fresh }), 'agent_unknown');
    const { key } = rootOf(toHex(world.fleet), world.operator.holder.publicKeys.sign);
    const said = await verifyCredential(primitives, credential, {
      root: { fleet: toHex(world.fleet), key },
      keys: after.holder.publicKeys,
      nowMs: world.tick(),
    });
    assert.equal(said.custody.evidence, 'claimed');
    assert.equal(said.status.index, own(world.operator, after).statusIndex);
  });

  it('[ROTATE-3] what the old keys said before counts, what they say under a later head does not, and a new reader makes the same of it', async () => {
    const world = await World.begin();
    const agent = await world.enroll('main');
    await agent.write({ kind: 'enrolled' });
    const after = await rotated(world, agent);
    await after.write({ kind: 'checkpoint', checkpoint: Uint8Array.of(7) });
    await world.operator.sync();
    const { state } = world.operator.replica;
    assert.deepEqual(
      state.topics.get(toHex(agent.id))?.map(({ code }) => code),
      [undefined, undefined, undefined],
    );
    const tip = topicTip(state, agent.id) ?? assert.fail();
    const entry = await composeAgentEntry(
      { primitives, replica: after.replica, id: agent.id, holder: after.holder, nowMs: world.tick() },
      { kind: 'enrolled' },
    );
    const byOld = await signEntry(primitives, agent.holder, entry.statement);
    assert.equal(byOld.statement.position, tip.position + 1);
    const [result] = await world.operator.replica.ingest(agent.id, [byOld.wire]);
    assert.equal(result?.kind === 'refused' ? result.code : undefined, 'signature_invalid');
    const early = await signEntry(primitives, agent.holder, {
      ...entry.statement,
      control: { position: 2, hash: hashAt(world, 2) },
    });
    const [late] = await world.operator.replica.ingest(agent.id, [early.wire]);
    assert.equal(late?.kind === 'rejected' ? late.code : undefined, 'epoch_wrong'); // what is said now is sealed for the new keys
    const again = new AgentActor(world, agent.id, after.holder);
    await again.sync();
    assert.deepEqual(own(again, agent).earlierKeys, own(after, agent).earlierKeys);
    const restored = Replica.restore(
      { primitives, holder: after.holder, self: agent.id, fleet: world.fleet, lockboxes: async () => undefined },
      again.replica.snapshot(),
    );
    assert.deepEqual(restored.state, again.replica.state);
  });

  it('[ROTATE-4] the credential of the old keys is revoked, also after the new one was renewed; the new one is in force', async () => {
    const world = await World.begin();
    const agent = await world.enroll('main');
    const old = readCredential(own(world.operator, agent).credential).status.index;
    const after = await rotated(world, agent);
    await world.operator.act((operator) => renewCredentials(operator, { agents: [own(world.operator, after)], statusUri }));
    const { status } = readCredential(own(world.operator, after).credential);
    const { operator } = world.operator;
    const token = await makeStatusList(operator, statusUri);
    const root = rootOf(toHex(world.fleet), world.operator.holder.publicKeys.sign);
    const list = await StatusList.verify(primitives, token, { root, uri: statusUri, nowMs: operator.nowMs });
    assert.equal(await outcomeOf(() => list.assertInForce(old, [])), 'credential_revoked');
    assert.equal(await outcomeOf(() => list.assertInForce(status.index, [])), 'ok');
  });

  it('[ROTATE-5] what is said later and what was granted opens for the new keys alone', async () => {
    const world = await World.begin();
    const agent = await world.enroll('main');
    const item = await world.operator.keep('demo', secret);
    const granted = await world.operator.grant(item, agent.id);
    const after = await rotated(world, agent);
    assert.deepEqual(audiencesBehind(world.operator.replica.state), []);
    const [grant, ...others] = after.replica.state.grants.get(toHex(agent.id))?.values() ?? [];
    const sealed = grant?.sealed;
    assert.ok(grant !== undefined && sealed !== undefined && others.length === 0 && equalBytes(grant.grant, granted));
    const purpose = { kind: 'grant', fleet: world.fleet, grant: grant.grant, item, agent: agent.id } as const;
    assert.deepEqual(await openSealed(after.holder, primitives, purpose, sealed), secret);
    assert.equal(await outcomeOf(() => openSealed(agent.holder, primitives, purpose, sealed)), 'open_failed');
    const stopped = (await agent.sync()).find(({ kind }) => kind === 'refused');
    assert.equal(stopped?.kind === 'refused' ? stopped.code : undefined, 'epoch_key_missing');
    await world.operator.act(rekey);
    await world.operator.sync();
    const twice = await rotated(world, after);
    assert.equal(own(twice, agent).earlierKeys.length, 2);
  });
});

function hashAt(world: World, position: number): Uint8Array {
  const wire = world.relay.read(controlTopic)[position + 1] ?? assert.fail();
  return parseEntry(primitives, wire).statement.previous;
}
