// Keys that an agent asks for, and the one step in which they become its own.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { toHex } from '@holdfast/protocol/codec/bytes';
import { KeyRotation, type AgentKey } from '../../src/agent/key-rotation.ts';
import { StateStore, type Enrolment } from '../../src/state/store.ts';

const bytes = (length: number, fill: number) => new Uint8Array(length).fill(fill);
const [agent, before, first, second] = [bytes(16, 1), bytes(16, 2), bytes(16, 3), bytes(16, 4)];

const enrolment: Enrolment = {
  v: 1,
  scope: 'main',
  agent,
  fleet: bytes(32, 5),
  key: before,
  relayUrl: 'http://127.0.0.1:1',
  relayKey: bytes(65, 6),
  pinned: { position: 3, hash: bytes(32, 7) },
  enrolledAtMs: 8,
};

const holder = (fill: number): AgentKey => {
  const never = async () => assert.fail('no key is used here');
  return {
    publicKeys: { sign: bytes(65, fill), seal: bytes(1249, fill) },
    sign: never,
    open: never,
    present: never,
    delegate: never,
    publish: never,
  };
};

test('[ROTATE-8] in one step the new keys are named, and the old ones and those that were asked for besides are condemned', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'holdfast-rotation-'));
  try {
    const file = path.join(folder, 'journal.db');
    const store = new StateStore(file);
    store.saveEnrolment(enrolment);
    for (const key of [first, second]) {
      store.beginAttempt(key);
      store.beginRotation(agent, key);
    }
    assert.deepEqual([store.attempts(), store.rotations(agent).length], [[], 2]);
    assert.deepEqual(store.endRotation(agent, second).map(toHex).toSorted(), [before, first].map(toHex).toSorted());
    store.close();
    const again = new StateStore(file);
    assert.deepEqual(again.enrolments(), [{ ...enrolment, key: second }]);
    assert.deepEqual(again.attempts().map(toHex).toSorted(), [before, first].map(toHex).toSorted());
    assert.deepEqual(again.rotations(agent), []);
    again.close();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('[ROTATE-8] until it is given others an agent has its own; a relay that turns it away is shown each in turn', () => {
  const taken: string[] = [];
  const asked = [
    { key: first, holder: holder(3) },
    { key: second, holder: holder(4) },
  ];
  const rotation = new KeyRotation(holder(2), asked, (key) => {
    taken.push(toHex(key));
    return [before];
  });
  const shown = () => rotation.knocking.publicKeys.sign[0];
  const seen = [0, 1, 2, 3].map(() => {
    const now = shown();
    rotation.refused();
    return now;
  });
  assert.deepEqual(seen, [2, 3, 4, 2]);
  assert.equal(rotation.current.publicKeys.sign[0], 2);
  assert.equal(rotation.given(holder(9).publicKeys), undefined);
  assert.deepEqual(rotation.given(holder(4).publicKeys), [before]);
  assert.deepEqual([rotation.current.publicKeys.sign[0], shown(), taken], [4, 4, [toHex(second)]]);
  assert.equal(rotation.given(holder(4).publicKeys), undefined);
  rotation.refused();
  assert.equal(shown(), 4);
});

test('[ROTATE-8] keys that could not be written down are not taken', () => {
  const rotation = new KeyRotation(holder(2), [{ key: first, holder: holder(3) }], () => {
    throw new Error('the disk is full');
  });
  assert.throws(() => rotation.given(holder(3).publicKeys), /full/);
  assert.equal(rotation.current.publicKeys.sign[0], 2);
});
