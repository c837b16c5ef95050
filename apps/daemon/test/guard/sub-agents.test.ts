// Which sub-agent acts, as a harness tells of them: never one who may do more than whoever started it, never one that an operator ended.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Cause } from '@holdfast/protocol/audit/event';
import type { Child, ChildEnd } from '../../src/children/child.ts';
import { SubAgents } from '../../src/guard/sub-agents.ts';

interface Made {
  readonly name: string;
  readonly parent: Made | undefined;
  ended: ChildEnd | undefined;
}

/** With children that are only written down. `deepest`: how many may stand below one another. */
function world({
  deepest = 3,
  pauseMs = 1000,
  enrolled = async () => {},
}: { deepest?: number; pauseMs?: number; enrolled?: () => Promise<void> } = {}) {
  const made: Made[] = [];
  const depthOf = (one: Made | undefined): number => (one === undefined ? 0 : 1 + depthOf(one.parent));
  let nowMs = 0;
  const all = new SubAgents({
    nowMs: () => (nowMs += pauseMs),
    enrol: async (name, above) => {
      const parent = above as unknown as Made | undefined;
      if (depthOf(parent) >= deepest) return undefined;
      const one: Made = { name, parent, ended: undefined };
      made.push(one);
      await enrolled();
      return one as unknown as Child;
    },
    retire: (child) => void ((child as unknown as Made).ended ??= 'stopped'),
  });
  const types = async (id: string, type?: string) => (await all.acts(id, type)).types;
  return { all, made, types };
}

// [GUARD-28]
test('what stands above a sub-agent are the types of whoever asked for one of its type', async () => {
  const { all, types } = world();
  all.wants('call-1', undefined, 'Explore');
  assert.deepEqual(await types('a1', 'Explore'), ['Explore']);
  all.wants('call-2', await all.acts('a1', undefined), 'helper');
  assert.deepEqual(await types('a2', 'helper'), ['helper', 'Explore']);
  all.wants('call-3', await all.acts('a2', undefined), undefined);
  assert.deepEqual(await types('a3', 'helper'), ['helper', 'Explore'], 'each once');
});

// [GUARD-33]
test('a sub-agent is of the turn and the call that started it; of several, of what holds for all', async () => {
  const causes: Cause[] = [];
  const id = (fill: number) => new Uint8Array(16).fill(fill);
  const all = new SubAgents({
    nowMs: () => 0,
    enrol: async (_name, _above, cause) => void causes.push(cause),
    retire: () => {},
  });
  all.wants('call-1', undefined, 'helper', { trace: id(1), from: id(2) });
  assert.deepEqual((await all.acts('a1', 'helper')).trace, id(1));
  all.wants('call-2', undefined, 'helper', { trace: id(1), from: id(3) });
  all.wants('call-3', undefined, 'helper', { trace: id(1), from: id(4) });
  assert.deepEqual((await all.acts('a2', 'helper')).trace, id(1));
  all.over('call-2');
  all.over('call-3');
  all.wants('call-4', undefined, 'helper', { trace: id(1), from: id(5) });
  all.wants('call-5', await all.acts('a1', 'helper'), 'helper', { trace: id(6), from: id(7) });
  assert.equal((await all.acts('a3', 'helper')).trace, undefined);
  assert.equal((await all.acts('a4', 'stranger')).trace, undefined, 'nobody started it');
  assert.deepEqual(causes, [{ trace: id(1), from: id(2) }, { trace: id(1) }, {}, {}]);
});

// [GUARD-28]
test('where two could have started it, what holds for either holds, until their calls are over', async () => {
  const { all, types } = world();
  const explorer = await all.acts('a1', 'Explore');
  all.wants('mine', undefined, 'helper');
  all.wants('its', explorer, 'helper');
  assert.deepEqual(await types('a2', 'helper'), ['helper', 'Explore']);
  assert.deepEqual(await types('a3', 'helper'), ['helper', 'Explore']);
  all.over('its');
  assert.deepEqual(await types('a4', 'helper'), ['helper'], 'only the agent itself can have');
});

// [GUARD-28]
test('one that nobody asked for may be the work of any that lives', async () => {
  const { all, types } = world();
  await types('a1', 'Explore');
  assert.deepEqual(await types('a2', 'helper'), ['helper', 'Explore']);
  all.wants('call', undefined, 'another');
  assert.deepEqual(await types('a3', 'reviewer'), ['reviewer', 'Explore', 'helper']);
  for (const id of ['a1', 'a2', 'a3']) all.ends(id);
  assert.deepEqual(await types('a4', 'helper'), ['helper']);
});

// [GUARD-28]
test('one that goes on keeps what stood above it, and another type is added, not put in its place', async () => {
  const { all, types } = world();
  all.wants('call', await all.acts('a1', 'Explore'), 'helper');
  await types('a2', 'helper');
  all.ends('a2');
  all.ends('a1');
  assert.deepEqual(await types('a2', 'helper'), ['helper', 'Explore']);
  assert.deepEqual(await types('a2', 'other'), ['other', 'helper', 'Explore']);
  assert.deepEqual(await types('a2'), ['other', 'helper', 'Explore'], 'the mod does not tell it');
  assert.deepEqual(await types('a9'), ['unknown', 'other', 'helper', 'Explore']);
});

// [GUARD-28]
test('a call that an ended sub-agent made starts nothing any more', async () => {
  const { all, types } = world();
  all.wants('call', await all.acts('a1', 'Explore'), 'helper');
  all.ends('a1');
  assert.deepEqual(await types('a2', 'helper'), ['helper']);
});

// [GUARD-29]
test('each is one child of whoever started it, from its first event to its end, however many come at once', async () => {
  const { all, made } = world();
  const [first, again] = await Promise.all([all.acts('a1', 'Explore'), all.acts('a1', 'Explore')]);
  assert.equal(first.child, again.child);
  all.wants('call', first, 'helper');
  const helper = await all.acts('a2', 'helper');
  assert.deepEqual(
    made.map(({ name, parent }) => [name, parent?.name]),
    [
      ['Explore', undefined],
      ['helper', 'Explore'],
    ],
  );
  all.ends('a2');
  assert.deepEqual(
    made.map(({ ended }) => ended),
    [undefined, 'stopped'],
  );
  const woken = await all.acts('a2', 'helper');
  assert.notEqual(woken.child, helper.child, 'an ended child has nothing');
  assert.equal(made[2]?.parent, made[0]);
});

// [GUARD-29]
test('one that ends while it is being enrolled has ended', async () => {
  const gate = Promise.withResolvers<void>();
  const { all, made } = world({ enrolled: () => gate.promise });
  const acting = all.acts('a1', 'Explore');
  all.ends('a1');
  gate.resolve();
  await acting;
  assert.equal(made[0]?.ended, 'stopped');
});

// [GUARD-29]
test('what cannot be enrolled does not act, and is tried again with its next event', async () => {
  let broken = true;
  const { all } = world({ enrolled: () => (broken ? Promise.reject(new Error('no disk')) : Promise.resolve()) });
  await assert.rejects(all.acts('a1', 'Explore'), /no disk/);
  broken = false;
  assert.ok((await all.acts('a1', 'Explore')).child !== undefined);
});

// [GUARD-29]
test('an operator’s end stays: of it, of all that it started and will start, awake or woken; time that is over does not', async () => {
  const { all, made } = world();
  const explorer = await all.acts('a1', 'Explore');
  all.wants('call', explorer, 'helper');
  await all.acts('a2', 'helper');
  for (const one of made) one.ended = 'expired';
  await all.acts('a2', 'helper');
  assert.equal(made.length, 3, 'a new child, under the agent, since the one above it has none that lives');
  await all.acts('a1', 'Explore');
  const [living] = made.filter(({ name, ended }) => name === 'Explore' && ended === undefined);
  if (living !== undefined) living.ended = 'revoked';
  for (const id of ['a1', 'a2']) await assert.rejects(all.acts(id, undefined), { code: 'child_ended' });
  all.ends('a1');
  for (const id of ['a1', 'a2']) await assert.rejects(all.acts(id, 'Explore'), { code: 'child_ended' });
});

// [GUARD-29]
test('where none may stand below, a sub-agent acts as the one above it, under its own type', async () => {
  const { all, made } = world({ deepest: 1 });
  const explorer = await all.acts('a1', 'Explore');
  all.wants('call', explorer, 'helper');
  const helper = await all.acts('a2', 'helper');
  assert.equal(helper.child, explorer.child);
  assert.deepEqual(helper.types, ['helper', 'Explore']);
  all.ends('a2');
  assert.equal((explorer.child as unknown as Made).ended, undefined);
  await all.acts('a2', 'helper');
  all.ends('a1');
  assert.equal((await all.acts('a2', 'helper')).child, made[1], 'one of its own, since none stands above it any more');
});

// [GUARD-29]
test('more than sixty in a minute are refused, whatever has ended since', async () => {
  const { all, made } = world({ pauseMs: 900 });
  for (let count = 0; count < 60; count += 1) {
    await all.acts(`a${count}`, 'Explore');
    all.ends(`a${count}`);
  }
  await assert.rejects(all.acts('one more', 'Explore'), { code: 'limit_exceeded' });
  for (let tries = 0; tries < 10; tries += 1) await all.acts('one more', 'Explore').catch(() => {});
  assert.equal(made.at(-1)?.ended, undefined, 'a minute later there is room');
});

// [GUARD-29]
test('more than 256 at once are refused; those that have ended count no more', async () => {
  const { all } = world();
  for (let count = 0; count < 256; count += 1) await all.acts(`a${count}`, 'Explore');
  await assert.rejects(all.acts('one more', 'Explore'), { code: 'limit_exceeded' });
  await all.acts('a7', undefined);
  all.ends('a7');
  await all.acts('one more', 'Explore');
});
