// What becomes of a rule set that is not as it should be, at the level where it fails: relay frame, entry, body, version. Whatever it is, the
// set before stays, and the fault stands in the list that people see.

import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';

import { controlTopic, parseEntry, signEntry } from '@holdfast/protocol/blind/entry';
import { parseRequest } from '@holdfast/protocol/blind/frames';
import { utf8 } from '@holdfast/protocol/codec/bytes';
import { encodeBody, hashRules, maxRulesBytes } from '@holdfast/protocol/journal/bodies';
import { addBedrock, removeBedrock, setRules } from '@holdfast/protocol/journal/compose';
import { maxEarlierRules } from '@holdfast/protocol/journal/state';
import { signed } from '@holdfast/protocol/journal/warranted';
import { SoftwareKeyHolder } from '@holdfast/protocol/seal/software-key-holder';
import { outcomeOf } from '@holdfast/testkit/vectors';
import { World, type AgentActor } from '@holdfast/testkit/world';

const good = 'rules: []\n';
const megabytes50 = 50 * 1024 * 1024;

describe('a bad rule set: the last good one stays', () => {
  let world: World;
  let main: AgentActor;
  before(async () => {
    world = await World.begin();
    main = await world.enroll('main');
    await world.operator.act((author) => setRules(author, good));
    await main.sync();
  });

  const next = (text: string) => ({
    ...({ kind: 'rules-set', version: 2, text } as const),
    hash: hashRules(world.primitives, text),
  });
  const inForce = () => [main.replica.state.rules?.version, main.replica.state.rules?.text];

  it('unsigned: no entry at all', async () => {
    const { statement } = await world.operator.forge(next('evil'));
    const blank = {
      publicKeys: world.operator.holder.publicKeys,
      open: () => assert.fail(),
      sign: async () => new Uint8Array(64),
    };
    const unsigned = await signEntry(world.primitives, blank, statement);
    const [result] = await main.replica.ingest(controlTopic, [unsigned.wire]);
    assert.equal(result?.kind === 'refused' ? result.code : result?.kind, 'signature_invalid');
    assert.deepEqual(inForce(), [1, good]);
  });

  it('signed by a key that is no device’s, or by an agent', async () => {
    const { statement } = await world.operator.forge(next('evil'));
    const stranger = await SoftwareKeyHolder.generate(world.primitives);
    const cases = [
      [await signEntry(world.primitives, stranger, statement), 'signature_invalid'],
      [await signEntry(world.primitives, main.holder, { ...statement, author: main.id }), 'author_unknown'],
    ] as const;
    for (const [entry, code] of cases) {
      const [result] = await main.replica.ingest(controlTopic, [entry.wire]);
      assert.equal(result?.kind === 'refused' ? result.code : result?.kind, code);
      assert.deepEqual(inForce(), [1, good]);
    }
  });

  it('cut off anywhere: as an entry it does not parse', async () => {
    const { wire } = await world.operator.forge(next('evil'));
    for (const length of [0, 1, 40, wire.length - 70, wire.length - 1]) {
      const [result] = await main.replica.ingest(controlTopic, [wire.slice(0, length)]);
      assert.equal(result?.kind === 'refused' ? result.code : result?.kind, 'codec_truncated', `${length}`);
    }
    assert.deepEqual(inForce(), [1, good]);
  });

  it('50 MB: neither a request to a relay nor an entry', async () => {
    const huge = new Uint8Array(megabytes50).fill(0x61);
    assert.equal(await outcomeOf(() => parseRequest(huge)), 'codec_limit');
    assert.equal(await outcomeOf(() => parseEntry(world.primitives, huge)), 'codec_limit');
    const [result] = await main.replica.ingest(controlTopic, [huge]);
    assert.equal(result?.kind === 'refused' ? result.code : result?.kind, 'codec_limit');
    assert.equal(await outcomeOf(() => setRules(world.operator.operator, 'a'.repeat(megabytes50))), 'codec_limit');
    assert.equal(await outcomeOf(() => setRules(world.operator.operator, 'é'.repeat(maxRulesBytes / 2 + 1))), 'codec_limit');
    assert.equal(await outcomeOf(() => setRules(world.operator.operator, 'é'.repeat(maxRulesBytes / 2))), 'ok');
    assert.deepEqual(inForce(), [1, good]);
  });

  it('a body that is cut off or says a key twice is rejected by every reader alike', async () => {
    const { fleet, operator } = world;
    const whole = encodeBody(await signed(operator.holder, { fleet, author: operator.id, atMs: 1 }, next('evil')));
    const twice = Uint8Array.of((whole[0] ?? 0) + 1, ...whole.subarray(1), ...textPair('text', 'worse'));
    const bodies = [
      [whole.slice(0, -1), 'codec_truncated'],
      [twice, 'codec_noncanonical'],
    ] as const;
    for (const [body, code] of bodies) {
      world.relay.append(await world.operator.forge(body));
      for (const reader of [main, world.operator]) {
        const [result] = await reader.sync();
        assert.equal(result?.kind === 'rejected' ? result.code : result?.kind, code);
        assert.equal(reader.replica.state.rejected.at(-1)?.code, code);
        assert.deepEqual(inForce(), [1, good]);
      }
    }
  });

  it('[JOURNAL-23]: an older version and the same version with another text have no effect', async () => {
    for (const version of [1, 3]) {
      world.relay.append(await world.operator.forge({ ...next('evil'), version }));
      for (const reader of [main, world.operator]) {
        const [result] = await reader.sync();
        assert.equal(result?.kind === 'rejected' ? result.code : result?.kind, 'rules_version');
      }
      assert.deepEqual(inForce(), [1, good]);
    }
  });

  it('[JOURNAL-24]: a text that its hash does not name has no effect', async () => {
    world.relay.append(await world.operator.forge({ ...next('evil'), hash: hashRules(world.primitives, good) }));
    for (const reader of [main, world.operator]) {
      const [result] = await reader.sync();
      assert.equal(result?.kind === 'rejected' ? result.code : result?.kind, 'rules_altered');
    }
    assert.deepEqual(inForce(), [1, good]);
  });

  it('[JOURNAL-27]: what no reader may understand still has its version, and the sets before it are kept', async () => {
    for (let version = 2; version < maxEarlierRules + 4; version += 1) {
      await world.operator.act((author) => setRules(author, `}{ ${version}`));
      await main.sync();
      const { rules, earlierRules } = main.replica.state;
      assert.deepEqual([rules?.version, rules?.text], [version, `}{ ${version}`]);
      assert.deepEqual(
        earlierRules.map((each) => each.version),
        Array.from({ length: Math.min(version - 1, maxEarlierRules) }, (_, index) => version - 1 - index),
      );
    }
  });
});

describe('bedrock', () => {
  it('is added and removed, each change a version, in the order in which it came', async () => {
    const world = await World.begin();
    const main = await world.enroll('main');
    const { operator } = world;
    const { id } = await operator.act((author) => addBedrock(author, 'Deploys on Fridays only.'));
    await operator.act((author) => addBedrock(author, 'Second.'));
    await operator.act((author) => addBedrock(author, 'Third.'));
    await operator.act((author) => removeBedrock(author, id));
    await main.sync();
    const { version, texts } = main.replica.state.bedrock;
    assert.deepEqual([version, [...texts.values()].map(({ text }) => text)], [4, ['Second.', 'Third.']]);
    assert.equal(await outcomeOf(() => removeBedrock(operator.operator, id)), 'bedrock_unknown');
  });

  it('[JOURNAL-25]: holds no control characters and no more than a context takes', async () => {
    const world = await World.begin();
    const { operator } = world;
    for (const text of ['', 'a\u001b[2Jb', 'a\u202eb', 'a\rb', 'a\u0000', '\ud800'])
      assert.match(await outcomeOf(() => addBedrock(operator.operator, text)), /^codec_/, JSON.stringify(text));
    await operator.act((author) => addBedrock(author, 'x'.repeat(7999)));
    assert.equal(await outcomeOf(() => addBedrock(operator.operator, 'xx')), 'limit_exceeded');
    await operator.act((author) => addBedrock(author, 'x'));
    const crowd = await World.begin();
    for (let count = 0; count < 64; count += 1) await crowd.operator.act((author) => addBedrock(author, 'x'));
    assert.equal(await outcomeOf(() => addBedrock(crowd.operator.operator, 'x')), 'limit_exceeded');
  });
});

/** A key and a value of a CBOR map, both short texts. */
function textPair(key: string, value: string): readonly number[] {
  return [key, value].flatMap((each) => [0x60 + utf8(each).length, ...utf8(each)]);
}
