// Ages across clocks that lie and machines that sleep. The two clocks move apart on purpose.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Freshness } from '../../src/freshness.ts';

const day = 24 * 3_600_000;
const startMs = Date.UTC(2026, 0, 1);

function clocks() {
  const now = { wall: startMs, monotonic: 5_000 };
  const clock = { nowMs: () => now.wall, monotonicMs: () => now.monotonic };
  const pass = (ms: number) => {
    now.wall += ms;
    now.monotonic += ms;
  };
  return { now, clock, pass };
}

/** Both proofs are there, made this moment. */
function fresh() {
  const parts = clocks();
  const freshness = new Freshness(parts.clock);
  freshness.relayConfirmed(freshness.mark());
  freshness.pulseSeen(parts.now.wall);
  const refusal = () => freshness.view(day).refusal;
  assert.equal(refusal(), undefined);
  return { ...parts, freshness, refusal };
}

test('nothing is fresh before both proofs are there', () => {
  const { clock, now } = clocks();
  const freshness = new Freshness(clock);
  assert.equal(freshness.view(day).refusal, 'stale_relay');
  freshness.relayConfirmed(freshness.mark());
  assert.equal(freshness.view(day).refusal, 'stale_pulse');
  freshness.pulseSeen(now.wall);
  assert.equal(freshness.view(day).refusal, undefined);
});

// [FRESH-8]
test("the relay's word holds for sixty seconds from when it was asked, not from when it answered", () => {
  const { freshness, pass, refusal } = fresh();
  pass(30_000);
  const asked = freshness.mark();
  pass(20_000); // the answer took its time
  freshness.relayConfirmed(asked);
  pass(40_000);
  assert.equal(refusal(), undefined);
  pass(1);
  assert.equal(refusal(), 'stale_relay');
});

// [FRESH-8]
test('an answer to an older question takes nothing away and adds nothing', () => {
  const { freshness, pass, refusal } = fresh();
  const old = freshness.mark();
  pass(50_000);
  const young = freshness.mark();
  freshness.relayConfirmed(young);
  freshness.relayConfirmed(old);
  pass(55_000);
  assert.equal(refusal(), undefined);
});

// [FRESH-8]
test('a wall clock set back or forward makes nothing younger', () => {
  for (const jump of [-day, -61_000, 61_000, day]) {
    const { now, pass, refusal } = fresh();
    now.wall += jump;
    pass(60_001);
    assert.equal(refusal(), 'stale_relay', `after a jump of ${jump}`);
  }
});

// [FRESH-8] [PULSE-7]
test('a machine that slept: only the wall clock went on, and it counts', () => {
  const { now, refusal, freshness } = fresh();
  now.wall += 61_000;
  assert.equal(refusal(), 'stale_relay');
  now.monotonic += 1;
  freshness.relayConfirmed(freshness.mark());
  assert.equal(refusal(), undefined);
  now.wall += day;
  now.monotonic += 1;
  freshness.relayConfirmed(freshness.mark());
  assert.equal(refusal(), 'stale_pulse');
});

// [PULSE-6] [PULSE-7]
test('a pulse is as old as it was when it came, plus the time since', () => {
  const { clock, now, pass } = clocks();
  const freshness = new Freshness(clock);
  freshness.pulseSeen(now.wall - 20 * 3_600_000);
  pass(3 * 3_600_000);
  freshness.relayConfirmed(freshness.mark());
  assert.equal(freshness.view(day).refusal, undefined);
  pass(3_600_001);
  freshness.relayConfirmed(freshness.mark());
  assert.equal(freshness.view(day).refusal, 'stale_pulse');
});

test('an older pulse, or the same again, changes nothing', () => {
  const { freshness, now, pass } = fresh();
  const sent = now.wall;
  pass(1000);
  freshness.pulseSeen(sent);
  freshness.pulseSeen(sent - 1);
  assert.equal(freshness.pulseAgeMs, 1000);
});

test('a pulse dated a little ahead is not younger than new', () => {
  const { clock, now, pass } = clocks();
  const freshness = new Freshness(clock);
  freshness.pulseSeen(now.wall + 60_000);
  assert.equal(freshness.pulseAgeMs, 0);
  pass(1000);
  assert.equal(freshness.pulseAgeMs, 1000);
});

// [PULSE-7]
test('a restart with the clock set back: the age that had been counted stays', () => {
  const { clock, now } = clocks();
  const atMs = now.wall;
  now.wall -= 10 * 3_600_000; // the restart happens "before" the pulse was made
  const freshness = new Freshness(clock);
  freshness.pulseSeen(atMs, 23 * 3_600_000);
  assert.equal(freshness.pulseAgeMs, 23 * 3_600_000);
});

test('what the relay confirmed can be taken back at once', () => {
  const { freshness, refusal } = fresh();
  freshness.relayDoubted();
  assert.equal(refusal(), 'stale_relay');
});

// [FRESH-8] [PULSE-7]
test('whatever the clocks do, no age is below the time that really passed on the monotonic clock', () => {
  const steps = fc.array(fc.tuple(fc.integer({ min: -day, max: day }), fc.nat(600_000)), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(steps, (moves) => {
      const { freshness, now } = fresh();
      const begun = now.monotonic;
      for (const [jump, passed] of moves) {
        now.wall += jump;
        now.monotonic += passed;
        const { relayAgeMs = 0, pulseAgeMs = 0 } = freshness.view(day);
        assert.ok(relayAgeMs >= now.monotonic - begun);
        assert.ok(pulseAgeMs >= now.monotonic - begun);
      }
    }),
    { numRuns: 100 },
  );
});

// [FENCE-30]
test('now is no earlier than the newest pulse and its age, however the wall clock is set', () => {
  const { freshness, pass, now } = fresh();
  assert.equal(freshness.nowMs, startMs);
  pass(3_600_000);
  now.wall -= 2 * day;
  assert.equal(freshness.nowMs, startMs + 3_600_000, 'set back');
  now.wall += 3 * day;
  assert.equal(freshness.nowMs, startMs + day + 3_600_000, 'set forward');
  const restarted = new Freshness({ nowMs: () => startMs - day, monotonicMs: () => 1 });
  assert.equal(restarted.nowMs, startMs - day, 'before any pulse there is nothing to prove it by');
  restarted.pulseSeen(startMs, 60_000);
  assert.equal(restarted.nowMs, startMs + 60_000, 'what had been counted before a restart stays');
});
