// Who started a sub-agent, where a harness does not say: never one who may do more than whoever did.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SubAgents } from '../../src/guard/sub-agents.ts';

// [GUARD-28]
test('what stands above a sub-agent are the types of whoever asked for one of its type', () => {
  const all = new SubAgents();
  all.wants('call-1', undefined, 'Explore');
  const explorer = all.begins('a1', 'Explore');
  assert.deepEqual(explorer.types, ['Explore']);
  all.wants('call-2', explorer, 'helper');
  const helper = all.begins('a2', 'helper');
  assert.deepEqual(helper.types, ['helper', 'Explore']);
  all.wants('call-3', helper, undefined);
  assert.deepEqual(all.begins('a3', 'helper').types, ['helper', 'Explore'], 'each once');
});

// [GUARD-28]
test('where two could have started it, what holds for either holds, until their calls are over', () => {
  const all = new SubAgents();
  const explorer = all.begins('a1', 'Explore');
  all.wants('mine', undefined, 'helper');
  all.wants('its', explorer, 'helper');
  assert.deepEqual(all.begins('a2', 'helper').types, ['helper', 'Explore']);
  assert.deepEqual(all.begins('a3', 'helper').types, ['helper', 'Explore']);
  all.over('its');
  assert.deepEqual(all.begins('a4', 'helper').types, ['helper'], 'only the agent itself can have');
});

// [GUARD-28]
test('one that nobody asked for may be the work of any that lives', () => {
  const all = new SubAgents();
  all.begins('a1', 'Explore');
  assert.deepEqual(all.begins('a2', 'helper').types, ['helper', 'Explore']);
  all.wants('call', undefined, 'another');
  assert.deepEqual(all.begins('a3', 'reviewer').types, ['reviewer', 'Explore', 'helper']);
  for (const id of ['a1', 'a2', 'a3']) all.ends(id);
  assert.deepEqual(all.begins('a4', 'helper').types, ['helper']);
});

// [GUARD-28]
test('one that goes on keeps what stood above it, and another type is added, not put in its place', () => {
  const all = new SubAgents();
  const explorer = all.begins('a1', 'Explore');
  all.wants('call', explorer, 'helper');
  all.begins('a2', 'helper');
  all.ends('a2');
  all.ends('a1');
  assert.deepEqual(all.begins('a2', 'helper').types, ['helper', 'Explore']);
  assert.deepEqual(all.acts('a2', 'other').types, ['other', 'helper', 'Explore']);
  assert.deepEqual(all.acts('a2', undefined).types, ['other', 'helper', 'Explore'], 'the mod does not tell it');
  assert.deepEqual(all.acts('a9', undefined).types, ['unknown', 'other', 'helper', 'Explore']);
});

test('a call that an ended sub-agent made starts nothing any more', () => {
  const all = new SubAgents();
  const explorer = all.begins('a1', 'Explore');
  all.wants('call', explorer, 'helper');
  all.ends('a1');
  assert.deepEqual(all.begins('a2', 'helper').types, ['helper']);
});
