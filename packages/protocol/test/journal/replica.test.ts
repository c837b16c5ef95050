// A replica against a relay that alters, withholds, replays, reorders and splits, and against agents that write what they may not.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';

import { controlTopic, parseEntry, signEntry, type EntryStatement, type UnverifiedEntry } from '@holdfast/protocol/blind/entry';
import { equalBytes, toHex } from '@holdfast/protocol/codec/bytes';
import { HoldfastError } from '@holdfast/protocol/errors';
import { agentAudience, encodeBody, type Body } from '@holdfast/protocol/journal/bodies';
import {
  addBedrock,
  addItem,
  allowEgress,
  composeGenesis,
  rekeyFleet,
  removeBedrock,
  setRules,
} from '@holdfast/protocol/journal/compose';
import { revokeAgent } from '@holdfast/protocol/journal/compose-agents';
import { maxWaiting, Replica, type Ingested } from '@holdfast/protocol/journal/replica';
import { currentEpoch, egressOf, grantsOf, isLive, latestCheckpoint, topicTip } from '@holdfast/protocol/journal/state';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';
import { openBody, sealBody } from '@holdfast/protocol/seal/body';
import { makeLockbox, type LockboxPlace } from '@holdfast/protocol/seal/lockbox';
import { SoftwareKeyHolder } from '@holdfast/protocol/seal/software-key-holder';
import { outcomeOf } from '@holdfast/testkit/vectors';
import { exampleItem, placeOf, World, type AgentActor } from '@holdfast/testkit/world';

const secret = new TextEncoder().encode('sk-secret-0123456789');

/** `kind`, or the code where there is one. */
const said = (results: readonly Ingested[]): string[] => results.map((result) => ('code' in result ? result.code : result.kind));

const control = (world: World): readonly Uint8Array[] => world.relay.read(controlTopic);

/** A reader that has seen nothing yet. */
const newcomer = (world: World): Replica => world.replica(world.operator.id, world.operator.holder);

/** Signs an entry for an agent's topic with anybody's key and any fields. */
async function agentEntry(
  agent: AgentActor,
  body: Body,
  change: Partial<EntryStatement> & { readonly holder?: SoftwareKeyHolder; readonly keysOf?: Replica } = {},
): Promise<UnverifiedEntry> {
  const { world, id, replica } = agent;
  const { holder = agent.holder, keysOf = replica, ...fields } = change;
  const audience = fields.audience ?? agentAudience(id);
  const { key, epoch } = await keysOf.epochKey(audience);
  const tip = topicTip(replica.state, id);
  const { position, hash } = replica.state.control;
  const toSeal = {
    v: 1,
    fleet: world.fleet,
    topic: id,
    position: tip === undefined ? 0 : tip.position + 1,
    previous: tip?.hash ?? new Uint8Array(32),
    author: id,
    atMs: world.tick(),
    control: { position, hash },
    audience,
    epoch,
  } as const;
  return signEntry(world.primitives, holder, await sealBody(world.primitives, key, { ...toSeal, ...fields }, encodeBody(body)));
}

describe('replica: what a relay may do', () => {
  it('[JOURNAL-2]: any flipped bit of any entry is refused, and nothing before it is lost', async () => {
    const world = await World.begin();
    const main = await world.enroll('main');
    await world.operator.grant(await world.operator.keep('demo', secret), main.id);
    const wires = control(world);
    await fc.assert(
      fc.asyncProperty(fc.nat(wires.length - 1), fc.nat(), fc.nat(7), async (index, where, bit) => {
        const wire = wires[index]?.slice() ?? assert.fail();
        const at = where % wire.length;
        wire[at] = (wire[at] ?? 0) ^ (1 << bit);
        const results = await newcomer(world).ingest(controlTopic, [...wires.slice(0, index), wire, ...wires.slice(index + 1)]);
        assert.equal(results.length, index + 1);
        assert.equal(results.at(-1)?.kind, 'refused');
        assert.ok(results.slice(0, -1).every(({ kind }) => kind === 'applied'));
      }),
      { numRuns: 60 },
    );
  });

  it('[JOURNAL-3]: gaps, repeats, older and forked entries', async () => {
    const world = await World.begin();
    await world.operator.keep('a', secret);
    const fork = await world.operator.forge({ kind: 'agent-revoke', agent: new Uint8Array(16), reason: '' });
    await world.operator.keep('b', secret);
    const [genesis = assert.fail(), first = assert.fail(), second = assert.fail()] = control(world);
    const reader = newcomer(world);
    assert.deepEqual(said(await reader.ingest(controlTopic, [first])), ['entry_gap']);
    assert.deepEqual(said(await reader.ingest(controlTopic, [genesis, second])), ['applied', 'entry_gap']);
    assert.deepEqual(said(await reader.ingest(controlTopic, [genesis, first, genesis])), ['duplicate', 'applied', 'duplicate']);
    assert.deepEqual(said(await reader.ingest(controlTopic, [second, fork.wire])), ['applied', 'entry_fork']);
    const late = newcomer(world);
    assert.deepEqual(said(await late.ingest(controlTopic, [genesis, first, fork.wire, second])), [
      'applied',
      'applied',
      'agent_unknown',
      'entry_fork',
    ]);
    // In its place, and by its author, but after another entry than ours.
    const elsewhere = await world.operator.forge(
      { kind: 'agent-revoke', agent: new Uint8Array(16), reason: '' },
      { previous: new Uint8Array(32).fill(9) },
    );
    assert.deepEqual(said(await reader.ingest(controlTopic, [elsewhere.wire])), ['entry_fork']);
  });

  it('[JOURNAL-3]: a history without the pinned head is refused', async () => {
    const world = await World.begin();
    await world.operator.keep('a', secret);
    const { position, hash } = world.operator.replica.state.control;
    const other = await world.operator.forge(
      { kind: 'item-remove', item: new Uint8Array(16) },
      { audience: 'operators', position, previous: parseEntry(world.primitives, control(world)[0] ?? assert.fail()).hash },
    );
    const pinned = world.replica(world.operator.id, world.operator.holder, { position, hash });
    assert.deepEqual(said(await pinned.ingest(controlTopic, [...control(world).slice(0, 1), other.wire])), [
      'applied',
      'entry_fork',
    ]);
    assert.deepEqual(said(await pinned.ingest(controlTopic, control(world))), ['duplicate', 'applied']);
    assert.equal(pinned.compareControl({ position, hash }), 'known');
    assert.equal(pinned.compareControl({ position: position + 1, hash }), 'ahead');
    assert.equal(await outcomeOf(() => pinned.compareControl({ position, hash: other.hash })), 'entry_fork');
  });

  it('[JOURNAL-1]: no other genesis makes this fleet', async () => {
    const world = await World.begin();
    const mallory = await World.begin();
    assert.deepEqual(said(await newcomer(world).ingest(controlTopic, control(mallory))), ['entry_foreign']);
    // The same statement, signed with another key: its hash is the fleet's id all the same.
    const genesis = parseEntry(world.primitives, world.genesis);
    const resigned = await signEntry(world.primitives, mallory.operator.holder, genesis.statement);
    assert.deepEqual(said(await newcomer(world).ingest(controlTopic, [resigned.wire])), ['signature_invalid']);
  });

  it('[JOURNAL-1]: a genesis that breaks its form makes no fleet', async () => {
    const recovery = await SoftwareKeyHolder.generate(nodePrimitives);
    const holder = await SoftwareKeyHolder.generate(nodePrimitives);
    const made = await composeGenesis(nodePrimitives, {
      name: 'x',
      deviceName: 'd',
      holder,
      recovery: recovery.publicKeys,
      relayKey: recovery.publicKeys.sign,
      pulseMaxAgeMs: 60_000,
      nowMs: 1,
    });
    const box = made.lockboxes.find(({ audience }) => audience === 'fleet') ?? assert.fail();
    const good = new Replica({
      primitives: nodePrimitives,
      holder,
      self: made.device,
      fleet: made.fleet,
      lockboxes: async () => box.wire,
    });
    await good.ingest(controlTopic, [made.genesis.wire]);
    const { key } = await good.epochKey('fleet');
    const plain = await openBody(nodePrimitives, key, made.genesis.statement);
    const {
      device,
      name,
      recovery: recoveryOf,
      relayKey,
      pulseMaxAgeMs,
    } = { device: [...good.state.devices.values()][0] ?? assert.fail(), ...good.state };
    const { sinceMs: _since, position: _at, chain: _chain, rootedIn: _rootedIn, ...deviceOf } = device;
    const body: Body = {
      kind: 'genesis',
      name,
      device: deviceOf,
      recovery: recoveryOf,
      relay: { key: relayKey },
      operators: new Uint8Array(32),
      pulseMaxAgeMs,
    };
    assert.equal(plain.length, encodeBody(body).length);
    const other = nodePrimitives.random(16);
    const faults: readonly (readonly [string, Partial<EntryStatement>, Body])[] = [
      ['signed by another id', { author: other }, body],
      ['an id that is not of its key', { author: other }, { ...body, device: { ...deviceOf, id: other } }],
      ['recovery with the id of the device', {}, { ...body, recovery: { ...recoveryOf, id: deviceOf.id } }],
      ['of a fleet that was there', { fleet: made.fleet }, body],
      ['with a predecessor', { previous: made.fleet }, body],
      ['for operators alone', { audience: 'operators' }, body],
      ['in a later epoch', { epoch: 1 }, body],
      ['another kind', {}, { kind: 'egress-end', rule: other }],
    ];
    for (const [fault, fields, content] of faults) {
      const { id: _id, keyCommitment: _key, sealed: _sealed, ...clear } = made.genesis.statement;
      const entry = await signEntry(
        nodePrimitives,
        holder,
        await sealBody(nodePrimitives, key, { ...clear, ...fields }, encodeBody(content)),
      );
      const lockbox = await makeLockbox(
        nodePrimitives,
        { fleet: entry.hash, audience: 'fleet', epoch: 0 },
        { member: made.device, recipient: holder.publicKeys.seal },
        key,
      );
      const reader = new Replica({
        primitives: nodePrimitives,
        holder,
        self: made.device,
        fleet: entry.hash,
        lockboxes: async () => lockbox,
      });
      assert.deepEqual(said(await reader.ingest(controlTopic, [entry.wire])), ['genesis_invalid'], fault);
    }
  });

  it('[JOURNAL-2]: only devices write control, in this fleet and this topic', async () => {
    const world = await World.begin();
    const main = await world.enroll('main');
    const body = { kind: 'agent-revoke', agent: main.id, reason: '' } as const;
    const mallory = await SoftwareKeyHolder.generate(world.primitives);
    const { statement } = await world.operator.forge(body);
    const sign = async (holder: SoftwareKeyHolder, change: Partial<EntryStatement> = {}) =>
      (await signEntry(world.primitives, holder, { ...statement, ...change })).wire;
    const { replica } = world.operator;
    assert.deepEqual(said(await replica.ingest(controlTopic, [await sign(mallory)])), ['signature_invalid']);
    assert.deepEqual(said(await replica.ingest(controlTopic, [await sign(main.holder, { author: main.id })])), [
      'author_unknown',
    ]);
    assert.deepEqual(
      said(await replica.ingest(controlTopic, [await sign(world.operator.holder, { fleet: new Uint8Array(32).fill(1) })])),
      ['entry_foreign'],
    );
    assert.deepEqual(said(await replica.ingest(controlTopic, [await sign(world.operator.holder, { topic: main.id })])), [
      'entry_foreign',
    ]);
    assert.deepEqual(said(await replica.ingest(controlTopic, [await sign(world.operator.holder, { atMs: 1 })])), ['entry_time']);
    assert.ok(isLive(replica.state, main.id));
  });

  it('[AUDIENCE-9]: a withheld or planted lockbox stops the reader, is counted, and is no harm once the right one comes', async () => {
    const world = await World.begin();
    const main = await world.enroll('main');
    const gone = await world.enroll('gone');
    await world.operator.revoke(gone.id);
    const place = placeOf(world.lockboxPlace('fleet', 1, main.id));
    const box = world.relay.lockboxes.get(place) ?? assert.fail();
    world.relay.lockboxes.delete(place);
    const before = main.replica.state.control.position;
    assert.equal(said(await main.sync()).at(-1), 'epoch_key_missing');
    assert.equal(main.replica.undecryptable, 1);
    world.relay.lockboxes.set(
      place,
      world.relay.lockboxes.get(placeOf(world.lockboxPlace('fleet', 0, main.id))) ?? assert.fail(),
    );
    assert.equal(said(await main.sync()).at(-1), 'epoch_key_missing');
    assert.equal(main.replica.undecryptable, 2);
    assert.ok(main.replica.state.control.position >= before);
    world.relay.lockboxes.set(place, box);
    assert.ok(said(await main.sync()).every((each) => each === 'applied' || each === 'unread'));
    assert.equal(main.replica.undecryptable, 0);
  });

  it('[AUDIENCE-8]: a planted lockbox with another key does not open for its reader', async () => {
    const world = await World.begin();
    const main = await world.enroll('main');
    const reader = world.replica(main.id, main.holder);
    const name = { fleet: world.fleet, audience: 'fleet', epoch: 0 };
    const planted = await makeLockbox(
      world.primitives,
      name,
      { member: main.id, recipient: main.holder.publicKeys.seal },
      world.primitives.random(32),
    );
    world.relay.lockboxes.set(placeOf(world.lockboxPlace('fleet', 0, main.id)), planted);
    assert.deepEqual(said(await reader.ingest(controlTopic, control(world))), ['epoch_key_missing']);
    assert.equal(reader.undecryptable, 2);
  });

  it('[AUDIENCE-7]: who comes late reads everything through the newest key alone', async () => {
    const world = await World.begin();
    for (const scope of ['a', 'b', 'c']) await world.operator.revoke((await world.enroll(scope)).id);
    const late = await world.enroll('late');
    assert.equal(currentEpoch(late.replica.state, 'fleet')?.epoch, 3);
    for (const epoch of [0, 1, 2]) assert.equal(world.relay.lockbox(world.lockboxPlace('fleet', epoch, late.id)), undefined);
    assert.equal(late.replica.state.agents.size, 4);
    assert.equal(late.replica.undecryptable, 0);
    // A batch that ends before the epoch that hands the keys down waits for more.
    const cut = world.replica(late.id, late.holder);
    assert.deepEqual(said(await cut.ingest(controlTopic, control(world).slice(0, 3))), ['epoch_key_missing']);
    assert.equal((await cut.ingest(controlTopic, control(world))).at(-1)?.kind, 'applied');
  });

  it('keeps what came before an error of the lockbox port, and says which error', async () => {
    const world = await World.begin();
    const main = await world.enroll('main');
    const { primitives, fleet } = world;
    const lockboxes = async (place: LockboxPlace) => {
      if (place.audience !== 'fleet') throw new HoldfastError('relay_unreachable', 'gone');
      return world.relay.lockbox(place);
    };
    const reader = new Replica({ primitives, fleet, self: main.id, holder: main.holder, lockboxes });
    assert.deepEqual(said(await reader.ingest(controlTopic, control(world))), ['applied', 'applied', 'relay_unreachable']);
    assert.equal(reader.state.control.position, 1);
  });
});

describe('replica: what agents may do', () => {
  it('[JOURNAL-2]: an agent writes in its own topic alone, with its own key, while it is enrolled', async () => {
    const world = await World.begin();
    const main = await world.enroll('main');
    const peer = await world.enroll('peer');
    const { replica } = world.operator;
    await main.sync();
    const good = await agentEntry(main, { kind: 'enrolled' });
    const byPeer = await agentEntry(main, { kind: 'enrolled' }, { holder: peer.holder });
    const asPeer = await agentEntry(main, { kind: 'enrolled' }, { author: peer.id });
    const early = await agentEntry(peer, { kind: 'enrolled' }, { control: { position: 0, hash: world.fleet } });
    assert.deepEqual(said(await replica.ingest(main.id, [byPeer.wire])), ['signature_invalid']);
    assert.deepEqual(said(await replica.ingest(main.id, [asPeer.wire])), ['author_unknown']);
    assert.deepEqual(said(await replica.ingest(peer.id, [good.wire])), ['entry_foreign']);
    assert.deepEqual(said(await replica.ingest(peer.id, [early.wire])), ['author_unknown']);
    assert.deepEqual(said(await replica.ingest(main.id, [good.wire, good.wire])), ['applied', 'duplicate']);
    assert.deepEqual(said(await peer.replica.ingest(main.id, [good.wire])), ['unread']);
  });

  it('[JOURNAL-3]: the control head that an agent names is known, awaited, or another history', async () => {
    const world = await World.begin();
    const main = await world.enroll('main');
    const { replica } = world.operator;
    const { position } = main.replica.state.control;
    const { control: _named, ...without } = (await agentEntry(main, { kind: 'enrolled' })).statement;
    const nameless = await signEntry(world.primitives, main.holder, without);
    const forked = await agentEntry(main, { kind: 'enrolled' }, { control: { position, hash: new Uint8Array(32) } });
    assert.deepEqual(said(await replica.ingest(main.id, [nameless.wire])), ['entry_control']);
    assert.deepEqual(said(await replica.ingest(main.id, [forked.wire])), ['entry_fork']);
    const behind = world.replica(world.operator.id, world.operator.holder);
    await world.operator.keep('more', secret);
    await main.write({ kind: 'enrolled' });
    await behind.ingest(controlTopic, control(world).slice(0, position + 1));
    assert.deepEqual(said(await behind.ingest(main.id, world.relay.read(main.id))), ['waiting']);
    assert.deepEqual(said(await behind.ingest(main.id, world.relay.read(main.id))), ['waiting']);
    assert.deepEqual(said(await behind.ingest(controlTopic, control(world).slice(position + 1))), ['applied', 'applied']);
    assert.equal(topicTip(behind.state, main.id)?.position, 0);
  });

  it('[JOURNAL-3]: no more entries wait than a reader can hold', async () => {
    const world = await World.begin();
    const main = await world.enroll('main');
    const ahead = { position: main.replica.state.control.position + 5, hash: new Uint8Array(32) };
    const wires: Uint8Array[] = [];
    for (let position = 0; position <= maxWaiting; position += 1)
      wires.push((await agentEntry(main, { kind: 'enrolled' }, { position, control: ahead })).wire);
    const results = said(await world.operator.replica.ingest(main.id, wires));
    assert.equal(results.filter((each) => each === 'waiting').length, maxWaiting);
    assert.equal(results.at(-1), 'limit_exceeded');
  });

  it('rules of agents’ topics: [JOURNAL-7], [JOURNAL-17], [AUDIENCE-1], [AUDIENCE-5]', async () => {
    const world = await World.begin();
    const main = await world.enroll('main');
    const gone = await world.enroll('gone');
    await main.write({ kind: 'enrolled' });
    await world.operator.revoke(gone.id);
    await main.write({ kind: 'checkpoint', checkpoint: Uint8Array.of(1) });
    await world.operator.sync();
    const grab: Body = {
      kind: 'agent-enroll',
      agent: { id: main.id, scope: 's', machine: 'm', keys: main.holder.publicKeys, custody: 'tpm', capabilities: [] },
      credential: new Uint8Array(0),
    };
    const enrolledAt = world.operator.replica.state.agents.get(toHex(main.id))?.position ?? assert.fail();
    const old = parseEntry(world.primitives, control(world)[enrolledAt + 1] ?? assert.fail());
    const cases: readonly (readonly [Body, Partial<EntryStatement>, string])[] = [
      [grab, {}, 'entry_misplaced'],
      [{ kind: 'enrolled' }, { control: { position: old.statement.position, hash: old.hash } }, 'entry_control'],
      [{ kind: 'enrolled' }, { audience: 'fleet' }, 'audience_wrong'],
      [{ kind: 'enrolled' }, { epoch: 1 }, 'epoch_wrong'],
    ];
    for (const [body, change, code] of cases) {
      const entry = await agentEntry(main, body, change);
      assert.deepEqual(said(await world.operator.replica.ingest(main.id, [entry.wire])), [code]);
      assert.deepEqual(said(await main.replica.ingest(main.id, [entry.wire])), [code]);
    }
    // Two agents that work together still can't write in each other's audience.
    const foreign = await agentEntry(main, { kind: 'enrolled' }, { audience: agentAudience(gone.id), keysOf: gone.replica });
    assert.deepEqual(said(await world.operator.replica.ingest(main.id, [foreign.wire])), ['audience_wrong']);
    assert.equal(isLive(world.operator.replica.state, main.id), true);
    assert.deepEqual(latestCheckpoint(world.operator.replica.state, main.id), Uint8Array.of(1));
  });

  it('[JOURNAL-4]: after a revocation the last accepted entry is the last, whichever comes first', async () => {
    const world = await World.begin();
    const main = await world.enroll('main');
    await main.write({ kind: 'checkpoint', checkpoint: Uint8Array.of(1) });
    await world.operator.sync();
    const before = newcomer(world);
    const after = newcomer(world);
    const revocation = await revokeAgent(world.operator.operator, { agent: main.id, reason: 'lost', accessVersion: 1 });
    const late = await agentEntry(main, { kind: 'checkpoint', checkpoint: Uint8Array.of(2) });
    world.relay.append(late);
    const wires = world.relay.read(main.id);
    await before.ingest(controlTopic, control(world));
    assert.deepEqual(said(await before.ingest(main.id, wires)), ['applied', 'applied']);
    assert.deepEqual(latestCheckpoint(before.state, main.id), Uint8Array.of(2));
    world.relay.accept(revocation);
    await before.ingest(controlTopic, control(world).slice(-1));
    await after.ingest(controlTopic, control(world));
    assert.deepEqual(said(await after.ingest(main.id, wires)), ['applied', 'agent_revoked']);
    assert.deepEqual(before.state, after.state);
    assert.deepEqual(latestCheckpoint(after.state, main.id), Uint8Array.of(1));
    assert.deepEqual(grantsOf(after.state, main.id), []);
  });

  it('[JOURNAL-4]: an entry in place of the last accepted one is a second history', async () => {
    const world = await World.begin();
    const main = await world.enroll('main');
    const entry = await agentEntry(main, { kind: 'enrolled' });
    const twin = await agentEntry(main, { kind: 'enrolled' });
    world.relay.append(entry);
    await world.operator.sync();
    const early = newcomer(world);
    await early.ingest(controlTopic, control(world));
    await early.ingest(main.id, [twin.wire]);
    await world.operator.act((operator) => revokeAgent(operator, { agent: main.id, reason: '', accessVersion: 1 }));
    assert.deepEqual(said(await early.ingest(controlTopic, control(world).slice(-1))), ['applied']);
    assert.equal(topicTip(early.state, main.id), undefined);
    assert.deepEqual(said(await early.ingest(main.id, [twin.wire])), ['entry_fork']);
    assert.deepEqual(said(await early.ingest(main.id, [entry.wire])), ['applied']);
  });

  it('[JOURNAL-18]: a revoked agent has no grants, no egress, and reads no further', async () => {
    const world = await World.begin();
    const main = await world.enroll('main');
    await world.operator.grant(await world.operator.keep('demo', secret), main.id);
    await world.operator.act((operator) =>
      allowEgress(operator, { agent: main.id, host: 'a.example', port: 443, allowPrivate: false }),
    );
    await main.sync();
    assert.equal(grantsOf(main.replica.state, main.id).length, 1);
    assert.equal(egressOf(main.replica.state, main.id).length, 1);
    await world.operator.revoke(main.id);
    await world.operator.keep('later', secret);
    // [JOURNAL-19]: it takes the revocation and nothing after it.
    assert.deepEqual(said(await main.sync()), ['applied', 'agent_revoked']);
    for (const { state } of [main.replica, world.operator.replica]) {
      assert.equal(isLive(state, main.id), false);
      assert.deepEqual(grantsOf(state, main.id), []);
      assert.deepEqual(egressOf(state, main.id), []);
    }
  });
});

describe('replica: what it keeps', () => {
  it('[JOURNAL-14]: holds no secret, and takes one out of the entry that added the item alone', async () => {
    const world = await World.begin();
    const { operator } = world;
    const item = await operator.keep('demo', secret);
    const other = await operator.keep('other', new TextEncoder().encode('another-secret-99'));
    const wires = control(world);
    const [, first = assert.fail(), second = assert.fail()] = wires;
    assert.ok(!Buffer.from(operator.replica.snapshot()).includes(Buffer.from(secret)));
    assert.deepEqual(await operator.replica.openSecret(item, first), secret);
    assert.equal(await outcomeOf(() => operator.replica.openSecret(item, second)), 'item_unknown');
    assert.equal(await outcomeOf(() => operator.replica.openSecret(world.primitives.random(16), second)), 'item_unknown');
    assert.deepEqual(await operator.replica.openSecret(other, second), new TextEncoder().encode('another-secret-99'));
  });

  it('[JOURNAL-14]: overwrites every copy of a secret that reading an entry makes', async (t) => {
    const world = await World.begin();
    await world.operator.keep('demo', secret);
    const { fleet, relay, operator } = world;
    const made: Uint8Array[] = [];
    const primitives = {
      ...world.primitives,
      aeadOpen: async (...given: Parameters<typeof world.primitives.aeadOpen>) => {
        const plain = await world.primitives.aeadOpen(...given);
        made.push(plain);
        return plain;
      },
    };
    const lockboxes = async (place: LockboxPlace) => relay.lockbox(place);
    const reader = new Replica({ primitives, fleet, lockboxes, self: operator.id, holder: operator.holder });
    const typedArrays = Object.getPrototypeOf(Uint8Array.prototype) as Uint8Array;
    const { slice, set } = typedArrays;
    t.mock.method(typedArrays, 'slice', function watched(this: Uint8Array, ...range: number[]) {
      const cut = slice.apply(this, range as [number?, number?]);
      made.push(cut);
      return cut;
    });
    t.mock.method(typedArrays, 'set', function watched(this: Uint8Array, ...given: Parameters<Uint8Array['set']>) {
      set.apply(this, given);
      made.push(this);
    });
    const holding = () => made.filter((each) => Buffer.from(each).includes(Buffer.from(secret)));
    assert.deepEqual(said(await reader.ingest(controlTopic, control(world))), ['applied', 'applied']);
    assert.equal(holding().length, 0);
    // The watch sees copies: this one is the caller's.
    const [item = assert.fail()] = reader.state.items.values();
    const mine = await reader.openSecret(item.id, control(world)[1] ?? assert.fail());
    assert.deepEqual(holding(), [mine]);
  });

  it('[JOURNAL-22]: goes on from a snapshot as if it had never stopped', async () => {
    const world = await World.begin();
    const main = await world.enroll('main');
    const gone = await world.enroll('gone');
    await gone.write({ kind: 'enrolled' });
    await main.write({ kind: 'checkpoint', checkpoint: Uint8Array.of(7) });
    await world.operator.grant(await world.operator.keep('demo', secret, { env: 'DEMO' }), main.id);
    await world.operator.grant(await world.operator.keep('other', secret), main.id);
    for (const rules of ['one', 'two', 'three']) await world.operator.act((operator) => setRules(operator, rules));
    const { id } = await world.operator.act((operator) => addBedrock(operator, 'Deploys on Fridays only.'));
    await world.operator.act((operator) => addBedrock(operator, 'Ask before you force-push.\n\tAlways.'));
    await world.operator.act((operator) => removeBedrock(operator, id));
    await world.operator.revoke(gone.id);
    world.relay.append(await world.operator.forge({ kind: 'item-remove', item: new Uint8Array(16) }, { audience: 'operators' }));
    await world.operator.sync();
    await main.sync();
    for (const reader of [world.operator, main]) {
      const { primitives, fleet, relay } = world;
      const lockboxes = async (place: LockboxPlace) => relay.lockbox(place);
      const options = { primitives, fleet, lockboxes, self: reader.id, holder: reader.holder };
      const snapshot = reader.replica.snapshot();
      const restored = Replica.restore(options, snapshot);
      assert.deepEqual(restored.state, reader.replica.state);
      assert.deepEqual(restored.heads(), reader.replica.heads());
      assert.ok(equalBytes(restored.snapshot(), snapshot));
      assert.equal(await outcomeOf(() => Replica.restore({ ...options, fleet: new Uint8Array(32) }, snapshot)), 'entry_foreign');
      const { position } = reader.replica.state.control;
      assert.equal(
        await outcomeOf(() => Replica.restore({ ...options, pinned: { position, hash: fleet } }, snapshot)),
        'entry_fork',
      );
      assert.equal(await outcomeOf(() => Replica.restore(options, snapshot.slice(0, -1))), 'codec_truncated');
      const next = await addItem(world.operator.operator, exampleItem(primitives, 'next'), secret);
      const [entry = assert.fail()] = next.entries;
      assert.deepEqual(said(await restored.ingest(controlTopic, [entry.wire])), [reader === main ? 'unread' : 'applied']);
    }
  });

  it('serves calls one after the other', async () => {
    const world = await World.begin();
    for (const name of ['a', 'b', 'c', 'd']) await world.operator.keep(name, secret);
    const reader = newcomer(world);
    const wires = control(world);
    const calls = wires.map(async (wire) => reader.ingest(controlTopic, [wire]));
    assert.deepEqual(
      (await Promise.all(calls)).flatMap(said),
      wires.map(() => 'applied'),
    );
  });

  it('overwrites its keys, and fetches them again when it reads on', async () => {
    const world = await World.begin();
    const { replica } = world.operator;
    const { key } = await replica.epochKey('fleet');
    replica.wipe();
    assert.deepEqual((await replica.epochKey('fleet')).key, key);
    assert.deepEqual((await replica.epochKey('fleet', 0)).key, key);
    assert.equal(await outcomeOf(() => replica.epochKey('fleet', 1)), 'epoch_key_missing');
    world.relay.lockboxes.clear();
    replica.wipe();
    assert.equal(await outcomeOf(() => replica.epochKey('fleet')), 'epoch_key_missing');
    assert.equal(await outcomeOf(() => rekeyFleet(world.operator.operator)), 'epoch_key_missing');
  });
});
