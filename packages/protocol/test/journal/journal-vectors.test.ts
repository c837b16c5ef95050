// spec/vectors/journal: a history that is good from end to end, and entries with one fault each after it.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { controlTopic } from '@holdfast/protocol/blind/entry';
import { equalBytes, toHex } from '@holdfast/protocol/codec/bytes';
import { Replica } from '@holdfast/protocol/journal/replica';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';
import { SoftwareKeyHolder } from '@holdfast/protocol/seal/software-key-holder';
import { fromVectorHex, ownVectors, type VectorEntry } from '@holdfast/testkit/vectors';
import { placeOf } from '@holdfast/testkit/world';

interface History extends VectorEntry {
  readonly fleet: string;
  readonly self: string;
  readonly keys: string;
  readonly topics: readonly { readonly topic: string; readonly entries: readonly string[] }[];
  readonly lockboxes: readonly { readonly place: string; readonly sealed: string }[];
  readonly control: string;
}

interface Fault extends VectorEntry {
  readonly verdict: 'rejected' | 'refused';
  readonly topic: string;
  readonly entry: string;
}

const vectorsOf = (file: string) => ownVectors<VectorEntry>(file).entries as readonly [History, ...Fault[]];

async function readHistory(history: History): Promise<Replica> {
  const lockboxes = new Map(history.lockboxes.map(({ place, sealed }) => [place, fromVectorHex(sealed)]));
  const replica = new Replica({
    primitives: nodePrimitives,
    holder: await SoftwareKeyHolder.fromBytes(nodePrimitives, fromVectorHex(history.keys)),
    self: fromVectorHex(history.self),
    fleet: fromVectorHex(history.fleet),
    lockboxes: async (place) => lockboxes.get(placeOf(place)),
  });
  for (const { topic, entries } of history.topics) {
    const results = await replica.ingest(fromVectorHex(topic), entries.map(fromVectorHex));
    assert.ok(results.every(({ kind }) => kind === 'applied'));
  }
  return replica;
}

/** Each fault after the whole history, and what every reader makes of it. */
function faultsAfter(history: History, faults: readonly Fault[]): void {
  for (const { name, clause, verdict, expect, topic, entry } of faults) {
    it(`${clause} ${name}: ${verdict} ${expect}`, async () => {
      const replica = await readHistory(history);
      const [result] = await replica.ingest(fromVectorHex(topic), [fromVectorHex(entry)]);
      assert.equal(result?.kind, verdict);
      assert.equal(result.kind === 'rejected' || result.kind === 'refused' ? result.code : undefined, expect);
      const moved = replica
        .heads()
        .some(
          ({ topic: each, hash }) => equalBytes(each, fromVectorHex(topic)) && 'hash' in result && equalBytes(hash, result.hash),
        );
      assert.equal(moved, verdict === 'rejected');
      assert.ok(replica.heads()[0]?.topic === controlTopic);
    });
  }
}

describe('journal vectors', () => {
  const [history, ...faults] = vectorsOf('journal/history');
  it(`${history.clause} ${history.name}: ${history.expect}`, async () => {
    const { state } = await readHistory(history);
    assert.equal(toHex(state.control.hash), history.control);
    assert.deepEqual(
      [...state.agents.values()].map(({ scope, revoked }) => [scope, revoked !== undefined]),
      [
        ['main', false],
        ['gone', true],
      ],
    );
    assert.equal(state.rejected.length, 0);
    assert.deepEqual([state.rules?.version, state.earlierRules.length, state.bedrock.version], [2, 1, 1]);
  });
  faultsAfter(history, faults);
});

describe('journal vectors of devices', () => {
  const [history, ...faults] = vectorsOf('journal/devices');
  it(`${history.clause} ${history.name}: ${history.expect}`, async () => {
    const { state } = await readHistory(history);
    assert.equal(toHex(state.control.hash), history.control);
    assert.deepEqual(
      [...state.devices.values()].map(({ name }) => name),
      ['laptop', 'desk'],
    );
    assert.deepEqual([...state.former.values()].map(({ name }) => name).toSorted(), ['', 'old phone', 'tablet']);
    assert.equal(state.rejected.length, 0);
  });
  faultsAfter(history, faults);
});

describe('journal vectors of rotation', () => {
  const [history, ...faults] = vectorsOf('journal/rotation');
  it(`${history.clause} ${history.name}: ${history.expect}`, async () => {
    const { state } = await readHistory(history);
    assert.equal(toHex(state.control.hash), history.control);
    const [main] = state.agents.values();
    assert.deepEqual([main?.earlierKeys.length, main?.statusIndex], [1, main?.earlierKeys[0]?.position]);
    assert.equal(state.rejected.length, 0);
  });
  faultsAfter(history, faults);
});
