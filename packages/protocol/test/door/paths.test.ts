import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultHome, homePaths } from '@holdfast/protocol/door/paths';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';

test('the home is HOLDFAST_HOME, else the XDG data folder, else the one under ~', () => {
  assert.equal(defaultHome({ HOLDFAST_HOME: '/a', XDG_DATA_HOME: '/b' }, '/home/u'), '/a');
  assert.equal(defaultHome({ XDG_DATA_HOME: '/b' }, '/home/u'), '/b/holdfast');
  assert.equal(defaultHome({ XDG_DATA_HOME: 'relative' }, '/home/u'), '/home/u/.local/share/holdfast');
  assert.equal(defaultHome({ HOLDFAST_HOME: '' }, '/home/u'), '/home/u/.local/share/holdfast');
});

// [DOOR-5]
test('a socket path longer than the system takes falls back to a short one, at exactly 108 bytes', () => {
  const fits = `/${'a'.repeat(107 - '/run/daemon.sock'.length - 1)}`;
  const direct = homePaths(primitives, fits, '/tmp/holdfast-1');
  assert.equal(direct.doorSocket, `${fits}/run/daemon.sock`);
  assert.equal(direct.doorSocket.length, 107);

  const short = homePaths(primitives, `${fits}a`, '/tmp/holdfast-1');
  assert.match(short.doorSocket, /^\/tmp\/holdfast-1\/[0-9a-f]{24}\.sock$/);
  assert.equal(short.doorSocketFits, true);
  assert.notEqual(short.doorSocket, homePaths(primitives, `${fits}b`, '/tmp/holdfast-1').doorSocket);
});

// [DOOR-5]
test('bytes count, not characters; and a short path that is too long says so', () => {
  assert.match(homePaths(primitives, `/${'é'.repeat(60)}`, '/tmp/h').doorSocket, /^\/tmp\/h\//);
  assert.equal(homePaths(primitives, `/${'a'.repeat(200)}`, `/${'t'.repeat(100)}`).doorSocketFits, false);
});
