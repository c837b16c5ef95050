import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { controlTopic } from '@holdfast/protocol/blind/entry';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';
import { outcomeOf } from '@holdfast/testkit/vectors';
import { StateStore, type Enrolment } from '../../src/state/store.ts';

function open(t: TestContext): { readonly store: StateStore; again(): StateStore } {
  const folder = mkdtempSync(path.join(tmpdir(), 'holdfast-state-'));
  const file = path.join(folder, 'journal.db');
  let store = new StateStore(file);
  t.after(() => {
    store.close();
    rmSync(folder, { recursive: true });
  });
  return {
    store,
    again: () => {
      store.close();
      store = new StateStore(file);
      return store;
    },
  };
}

const random = (length: number) => nodePrimitives.random(length);

function enrolmentOf(scope: string): Enrolment {
  const pinned = { position: 3, hash: random(32) };
  return {
    v: 1,
    scope,
    agent: random(16),
    fleet: random(32),
    key: random(16),
    relayUrl: 'http://r',
    relayKey: random(65),
    pinned,
    enrolledAtMs: 1,
  };
}

test('a scope that is enrolled again has a new agent; the one before stays known', (t) => {
  const { store, again } = open(t);
  const [first, second, other] = [enrolmentOf('main'), enrolmentOf('main'), enrolmentOf('ci')];
  for (const each of [first, other, second]) store.saveEnrolment(each);
  const reopened = again();
  assert.deepEqual(reopened.enrolments(), [other, second]);
  assert.deepEqual(reopened.pastEnrolments(), [first]);
});

test('a transaction that fails half-way says so, and nothing of it is kept', async (t) => {
  const { store, again } = open(t);
  const first = enrolmentOf('main');
  store.saveEnrolment(first);
  // The same agent a second time: its row is taken, after the scope's was changed.
  assert.equal(await outcomeOf(() => store.saveEnrolment(first)), 'store_failed');
  assert.deepEqual(again().enrolments(), [first]);
});

test('an attempt is remembered until it ends, and an enrolment ends its own', (t) => {
  const { store, again } = open(t);
  const enrolment = enrolmentOf('main');
  const given = random(16);
  store.beginAttempt(enrolment.key);
  store.beginAttempt(given);
  store.beginAttempt(given);
  store.saveEnrolment(enrolment);
  const reopened = again();
  assert.deepEqual(reopened.attempts().map(String), [String(given)]);
  reopened.endAttempt(given);
  assert.deepEqual(reopened.attempts(), []);
});

test('entries come back in order; a batch with a position that is taken is kept not at all', (t) => {
  const { store } = open(t);
  const agent = random(16);
  const entry = (position: number) => ({ position, wire: random(8) });
  const [a, b, c] = [entry(0), entry(1), entry(2)];
  store.saveEntries(agent, controlTopic, [a, b]);
  assert.throws(() => store.saveEntries(agent, controlTopic, [c, entry(1)]), { code: 'store_failed' });
  assert.equal(store.entries(agent, controlTopic).length, 2);
  store.saveEntries(agent, controlTopic, [c]);
  assert.deepEqual(
    store.entries(agent, controlTopic).map(String),
    [a, b, c].map(({ wire }) => String(wire)),
  );
  assert.deepEqual(store.entries(random(16), controlTopic), []);
});

test('[LOCKBOX-6]: boxes of two keys for one epoch are kept apart', (t) => {
  const { store } = open(t);
  const one = { audience: 'fleet', epoch: 1, keyCommitment: random(32), member: random(16) };
  const two = { ...one, keyCommitment: random(32) };
  store.saveLockbox(one, Uint8Array.of(1));
  assert.equal(store.lockbox(two), undefined);
  store.saveLockbox(two, Uint8Array.of(2));
  assert.deepEqual([store.lockbox(one), store.lockbox(two)].map(String), ['1', '2']);
});

test('what was read for an agent that was never enrolled can be forgotten, and only that', (t) => {
  const { store } = open(t);
  const [kept, gone] = [random(16), random(16)];
  const epoch = { audience: 'fleet', epoch: 0, keyCommitment: random(32) };
  for (const agent of [kept, gone]) {
    store.saveEntries(agent, controlTopic, [{ position: 0, wire: random(4) }]);
    store.saveLockbox({ ...epoch, member: agent }, random(4));
    store.savePulse(agent, { wire: random(4), countedMs: 1.5 });
  }
  store.forget(gone);
  assert.equal(store.entries(gone, controlTopic).length + Number(store.lockbox({ ...epoch, member: gone }) !== undefined), 0);
  assert.equal(store.pulse(gone), undefined);
  assert.equal(store.entries(kept, controlTopic).length, 1);
  assert.equal(store.pulse(kept)?.countedMs, 2);
});

test('a file that is no store is a coded error with a next step', (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'holdfast-state-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = path.join(folder, 'journal.db');
  writeFileSync(file, 'x'.repeat(8192));
  assert.throws(() => new StateStore(file), { code: 'store_failed', next: /disk/ });
});
