// Enrolling a scope: nothing is kept of what does not end well, nothing is lost of what did.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { decodeEvent } from '@holdfast/protocol/audit/event';
import { controlTopic } from '@holdfast/protocol/blind/entry';
import { toHex } from '@holdfast/protocol/codec/bytes';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { EnrolWorld } from './enrol-world.ts';

const kindsOf = async (world: EnrolWorld, name: string) => {
  const { audit } = await world.agents.evidence(name);
  return (await audit.read({ from: 0, limit: 100 })).map((wire) => decodeEvent(wire).kind);
};

test('an enrolment: the offer says what the daemon knows, the agent lives, and lives on after a restart', async (t) => {
  const world = await EnrolWorld.begin(t);
  const { asker, ended } = world.enrol('main');
  const { offer } = await world.operator.admit((await asker.offer).code);
  await ended;
  assert.deepEqual([offer.machine, offer.scope, offer.custody], ['testbox', 'main', 'software, unsealed']);
  const agent = world.agents.ofScope('main');
  assert.equal(agent.live, true);
  assert.deepEqual(world.store.attempts(), []);
  assert.deepEqual(
    (await world.custody.list()).map(({ key }) => toHex(key)),
    [toHex(agent.enrolment.key)],
  );
  await world.stop();
  await world.start();
  assert.equal(world.agents.ofScope('main').live, true);
});

test('of two enrolments of one scope at once the second is turned away; another scope is not', async (t) => {
  const world = await EnrolWorld.begin(t);
  const first = world.enrol('main');
  const { code } = await first.asker.offer;
  await assert.rejects(world.enrol('main').ended, { code: 'scope_enrolled', message: /another terminal/ });
  const other = world.enrol('ci');
  await other.asker.offer;
  other.asker.leave();
  await assert.rejects(other.ended);
  await world.operator.admit(code);
  await first.ended;
  await assert.rejects(world.enrol('main').ended, { code: 'scope_enrolled' });
});

test('who goes away frees the scope at once, and leaves no key', async (t) => {
  const world = await EnrolWorld.begin(t);
  const { asker, ended } = world.enrol('main');
  await asker.offer;
  asker.leave();
  await assert.rejects(ended, { code: /relay_unreachable|pairing_expired/ });
  assert.deepEqual(await world.custody.list(), []);
  assert.deepEqual(world.store.attempts(), []);
  await world.enrolled('main');
});

test('an answer that is altered, or was made for another offer, enrols nobody and leaves nothing', async (t) => {
  const world = await EnrolWorld.begin(t);
  const altered = world.enrol('main');
  await world.operator.admit((await altered.asker.offer).code, (good) =>
    good.map((byte, index) => (index === 40 ? byte ^ 1 : byte)),
  );
  await assert.rejects(altered.ended, { code: 'pairing_answer_invalid' });

  let kept = new Uint8Array();
  const one = world.enrol('one');
  await world.operator.admit((await one.asker.offer).code, (good) => (kept = new Uint8Array(good)));
  await one.ended;
  const two = world.enrol('two');
  await world.operator.admit((await two.asker.offer).code, () => kept);
  await assert.rejects(two.ended, { code: 'pairing_answer_invalid' });

  assert.deepEqual(
    (await world.custody.list()).map(({ label }) => label),
    ['one'],
  );
  assert.deepEqual(
    world.store.enrolments().map(({ scope }) => scope),
    ['one'],
  );
  assert.throws(() => world.agents.ofScope('two'), { code: 'scope_unknown' });
});

test('a daemon that is killed between binding the key and keeping the enrolment: the next start destroys the key', async (t) => {
  const world = await EnrolWorld.begin(t);
  const agent = primitives.random(16);
  const { key } = await world.custody.create('main');
  world.store.beginAttempt(key);
  await world.custody.bind(key, { fleet: primitives.random(32), agent });
  await world.stop();
  await world.start();
  assert.deepEqual(await world.custody.list(), []);
  assert.deepEqual(world.store.attempts(), []);
  await world.enrolled('main');
});

test('an enrolment whose fleet cannot be kept is undone: no key, no entries, no log, the scope as before', async (t) => {
  const world = await EnrolWorld.begin(t);
  const before = await world.enrolled('main');
  await world.operator.revoke(before);
  await world.until(() => !world.agents.ofScope('main').live, 'revoked');
  const { store } = world;
  const save = store.saveEnrolment;
  store.saveEnrolment = () => {
    throw new Error('killed here');
  };
  const { asker, ended } = world.enrol('main');
  const opened = await world.operator.admit((await asker.offer).code);
  await assert.rejects(ended, /killed here/);
  store.saveEnrolment = save;
  assert.equal((await world.custody.list()).length, 1);
  assert.deepEqual(store.entries(opened.offer.agent, controlTopic), []);
  assert.equal(existsSync(path.join(world.folder, 'audit', toHex(opened.offer.agent))), false);
  assert.deepEqual(world.agents.ofScope('main').id, before);
});

test('enrolled again after a revocation: a new agent with keys and a log of its own, the old evidence readable by its id, also after a restart', async (t) => {
  const world = await EnrolWorld.begin(t);
  const old = await world.enrolled('main');
  await world.operator.revoke(old);
  await world.until(() => !world.agents.ofScope('main').live, 'revoked');
  const young = await world.enrolled('main');
  assert.notDeepEqual(young, old);
  assert.deepEqual(world.agents.ofScope('main').id, young);
  for (let restarts = 0; restarts < 2; restarts += 1) {
    const evidence = await kindsOf(world, toHex(old));
    assert.deepEqual(evidence.slice(0, 3), ['daemon-start', 'enrolled', 'revoked']);
    assert.ok(!(await kindsOf(world, 'main')).includes('revoked'));
    assert.equal(world.agents.isHere(old), true);
    assert.equal(world.agents.all().length, 1);
    await world.stop();
    await world.start();
  }
  await assert.rejects(world.agents.evidence('nobody'), { code: 'agent_unknown' });
});

test('revoked while the machine was off: the relay turns it away, it cannot mint, and its scope can be enrolled again', async (t) => {
  const world = await EnrolWorld.begin(t);
  const old = await world.enrolled('main');
  await world.stop();
  await world.operator.revoke(old);
  await world.start();
  const agent = world.agents.ofScope('main');
  await world.until(() => agent.relayError === 'relay_refused', 'turned away');
  assert.equal(agent.view().freshness.refusal, 'stale_relay');
  const young = await world.enrolled('main');
  assert.deepEqual(world.agents.ofScope('main').id, young);
  assert.ok((await kindsOf(world, toHex(old))).includes('enrolled'));
});

test('an agent that cannot be opened is named, keeps its scope, and says why when it is asked for', async (t) => {
  const world = await EnrolWorld.begin(t);
  await world.enrolled('main');
  await world.stop();
  const [{ key } = { key: new Uint8Array() }] = await world.custody.list();
  await world.custody.destroy(key);
  await world.start();
  assert.deepEqual(
    world.agents.unopened().map(({ scope }) => scope),
    ['main'],
  );
  assert.throws(() => world.agents.ofScope('main'), { code: 'key_unknown' });
  await assert.rejects(world.agents.evidence('main'), { code: 'key_unknown' });
  await assert.rejects(world.enrol('main').ended, { code: 'scope_enrolled', next: /status/ });
});

// [DOOR-9]
test('the log of all this holds ids and codes: no scope, no machine, no path, no code of a pairing', async (t) => {
  const world = await EnrolWorld.begin(t);
  const { asker, ended } = world.enrol('secret-project');
  const { code, words } = await asker.offer;
  await world.operator.admit(code);
  await ended;
  const log = world.logged.join('\n');
  assert.match(log, /enrolled/);
  for (const told of ['secret-project', 'testbox', world.folder, code, ...words]) assert.ok(!log.includes(told), told);
});
