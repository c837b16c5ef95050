// Permissioned time as a picture: where things lie on it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AuditEvent } from '@holdfast/protocol/audit/event';
import type { Tick } from '@holdfast/protocol/audit/ticks';
import {
  actsByHour,
  beginOfDay,
  mergedTicks,
  nearestTick,
  pixelOf,
  ratioText,
  standingWidth,
  ticksPath,
  tickText,
} from '../../../src/screens/time/strip.ts';

const span = { fromMs: 0, toMs: 1000, width: 100 };
const tick = (atMs: number, lengthMs = 0): Tick => ({
  ...{ atMs, lengthMs, permissionedMs: lengthMs, handles: 1 },
  first: { agent: new Uint8Array(16), sequence: atMs },
});

test('a moment lies in one pixel, and none outside of the strip', () => {
  assert.deepEqual(
    [-5, 0, 9, 10, 999, 1000, 5000].map((atMs) => pixelOf(atMs, span)),
    [0, 0, 0, 1, 99, 99, 99],
  );
});

test('a use is a line of one pixel, however short; a longer one is as many as it is long', () => {
  assert.equal(ticksPath([tick(500)], 40, span), 'M50.5 0V40');
  assert.equal(ticksPath([tick(0), tick(500, 20)], 40, span), 'M0.5 0V40M50.5 0V40M51.5 0V40M52.5 0V40');
});

test('a standing key fills as much of the strip as it would have lain there', () => {
  assert.equal(standingWidth({ standingMs: 250 }, span), 25);
  assert.equal(standingWidth({ standingMs: 5000 }, span), 100);
});

test('a finger means the nearest use', () => {
  const ticks = [tick(100), tick(500), tick(900)];
  assert.deepEqual(
    [0, 30, 31, 99].map((pixel) => nearestTick(ticks, pixel, span)),
    [0, 0, 1, 2],
  );
  assert.equal(nearestTick([], 5, span), undefined);
});

test('ratios and uses in words', () => {
  assert.equal(ratioText(41_234.4), 'a standing key would have been there 41,234 times as long');
  assert.equal(ratioText(null), 'it was not used');
  assert.equal(tickText({ ...tick(1, 0.4), permissionedMs: 2 }), 'one use, 2 ms');
  assert.equal(tickText({ ...tick(1), handles: 1200, permissionedMs: 2500 }), '1,200 uses, 2.5 s');
});

test('credentials in one strip stand in the order of time, and acts in their hours', () => {
  assert.deepEqual(
    mergedTicks([{ ticks: [tick(1), tick(5)] }, { ticks: [tick(3)] }]).map(({ atMs }) => atMs),
    [1, 3, 5],
  );
  const hour = 3_600_000;
  const nowMs = 100 * hour;
  const at = (atMs: number, kind = 'tool-call') => ({ kind, atMs }) as AuditEvent;
  const hours = actsByHour(
    [at(hour), at(nowMs - 24 * hour), at(nowMs - 1), at(nowMs - 2, 'minted'), at(nowMs - 3), at(nowMs)],
    nowMs,
  );
  assert.deepEqual([hours.length, hours[0], hours[23], hours.reduce((sum, each) => sum + each, 0)], [24, 1, 2, 3]);
  assert.equal(new Date(beginOfDay(Date.UTC(2026, 10, 5, 12))).getHours(), 0);
});
