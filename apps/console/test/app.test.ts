// Of the shell what has no DOM: which screen an address shows, which shortcut keys mean, how far an act has come.

import assert from 'node:assert/strict';
import test from 'node:test';
import { HoldfastError } from '@holdfast/protocol/errors';
import { isShown, wayOf } from '../src/app/act-words.ts';
import { KeySequence, type Shortcut } from '../src/app/key-sequence.ts';
import { routeAt, routeFor } from '../src/app/routes.ts';
import { windowOfRows } from '../src/design/window-of-rows.ts';

test('an address leads to its screen, and those of its parts do as well', () => {
  assert.equal(routeAt('/')?.screen, 'now');
  assert.equal(routeAt('/agents')?.screen, 'agents');
  assert.equal(routeAt('/agents/ab12/')?.screen, 'agents');
  assert.equal(routeAt('/audit/ab12/7')?.screen, 'audit');
  assert.equal(routeAt('/agentsab')?.screen, undefined);
  assert.equal(routeAt('/nowhere'), undefined);
});

test('a locked console shows the lock at each address but those of the ways in; without a key it shows the welcome', () => {
  assert.equal(routeFor('/vault', 'locked')?.screen, 'unlock');
  assert.equal(routeFor('/nowhere', 'locked')?.screen, 'unlock');
  assert.equal(routeFor('/vault', 'none')?.screen, 'welcome');
  for (const key of ['none', 'locked', 'open'] as const) assert.equal(routeFor('/recover', key)?.screen, 'recover');
  assert.equal(routeFor('/vault', 'open')?.screen, 'vault');
  assert.equal(routeFor('/unlock', 'open')?.screen, 'now');
});

const shortcuts: readonly Shortcut[] = ['a', 'j', 'g a', 'g n'].map((keys) => ({ keys, does: keys, run() {} }));
const pressed = (keys: readonly (readonly [key: string, atMs: number])[]): readonly (string | undefined)[] => {
  const sequence = new KeySequence();
  return keys.map(([key, atMs]) => {
    const meant = sequence.press(key, atMs, shortcuts);
    return typeof meant === 'object' ? meant.keys : meant;
  });
};

test('after a g an a goes to the agents, and is no yes', () => {
  assert.deepEqual(
    pressed([
      ['g', 0],
      ['a', 200],
      ['a', 400],
    ]),
    ['waits', 'g a', 'a'],
  );
});

test('after a g the other keys mean nothing, and late ones what they mean alone', () => {
  assert.deepEqual(
    pressed([
      ['g', 0],
      ['j', 100],
      ['j', 200],
    ]),
    ['waits', undefined, 'j'],
  );
  assert.deepEqual(
    pressed([
      ['g', 0],
      ['a', 9_000],
    ]),
    ['waits', 'a'],
  );
});

test('of shortcuts with the same keys the newest counts', () => {
  const newest = { keys: 'j', does: 'newest', run() {} };
  assert.equal(new KeySequence().press('j', 0, [...shortcuts, newest]), newest);
});

test('an act tells how far it has come', () => {
  const done = { stage: { kind: 'done', position: 7, atMs: 1_000 } } as const;
  assert.equal(wayOf({ stage: { kind: 'confirming' } }), 'waits for your confirmation');
  assert.equal(wayOf(done), 'signed, the relay has it');
  assert.equal(wayOf(done, { have: 4, of: 5 }), 'the relay has it; 4 of 5 agents have it');
  assert.equal(wayOf(done, { have: 5, of: 5 }), 'all 5 agents have it');
});

test('what is done goes away, later where an agent lacks it; what failed stays', () => {
  const done = { stage: { kind: 'done', position: 7, atMs: 0 } } as const;
  assert.equal(isShown(done, 9_000), false);
  assert.equal(isShown(done, 9_000, { have: 4, of: 5 }), true);
  assert.equal(isShown(done, 90_000, { have: 4, of: 5 }), false);
  assert.equal(isShown(done, 36_000, { have: 5, of: 5 }, 30_000), true, 'that the last one has it is seen, however late');
  assert.equal(isShown(done, 39_000, { have: 5, of: 5 }, 30_000), false);
  const failed = { stage: { kind: 'failed', error: new HoldfastError('relay_unreachable', 'no connection') } } as const;
  assert.equal(isShown(failed, 86_400_000), true);
});

test('of ten thousand rows only those in sight are made', () => {
  assert.deepEqual(windowOfRows(10_000, 40, 0, 800), { first: 0, end: 26 });
  assert.deepEqual(windowOfRows(10_000, 40, 200_000, 800), { first: 4_994, end: 5_026 });
  assert.deepEqual(windowOfRows(3, 40, 200_000, 800), { first: 0, end: 3 });
  assert.deepEqual(windowOfRows(0, 40, 0, 800), { first: 0, end: 0 });
});
