// A page that nobody touches locks, by whichever clock says more.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { AutoLock, type Clocks } from '../../src/keys/auto-lock.ts';

const minute = 60_000;

/** Both clocks, by hand. */
class Hands implements Clocks {
  monotonic = 5_000;
  wall = 1_800_000_000_000;
  timer: { readonly atMs: number; readonly call: () => void } | undefined;

  monotonicMs(): number {
    return this.monotonic;
  }

  wallMs(): number {
    return this.wall;
  }

  after(ms: number, call: () => void): () => void {
    const timer = { atMs: this.monotonic + ms, call };
    this.timer = timer;
    return () => {
      if (this.timer === timer) this.timer = undefined;
    };
  }

  /** Both clocks go on, and the timer rings. */
  pass(ms: number): void {
    const endMs = this.monotonic + ms;
    while (this.timer !== undefined && this.timer.atMs <= endMs) {
      const { atMs, call } = this.timer;
      this.wall += atMs - this.monotonic;
      this.monotonic = atMs;
      this.timer = undefined;
      call();
    }
    this.wall += endMs - this.monotonic;
    this.monotonic = endMs;
  }
}

function opened(minutes?: number): { readonly hands: Hands; readonly auto: AutoLock; readonly locks: () => number } {
  const hands = new Hands();
  let locks = 0;
  const auto = new AutoLock(hands, () => {
    locks += 1;
  });
  auto.start(minutes);
  return { hands, auto, locks: () => locks };
}

describe('auto-lock [BKEY-11]', () => {
  it('locks after ten minutes without input, and once', () => {
    const { hands, locks } = opened();
    hands.pass(10 * minute - 1);
    assert.equal(locks(), 0);
    hands.pass(1);
    assert.equal(locks(), 1);
    hands.pass(60 * minute);
    assert.equal(locks(), 1);
    assert.equal(hands.timer, undefined);
  });

  it('counts from the last input', () => {
    const { hands, auto, locks } = opened();
    for (let times = 0; times < 6; times += 1) {
      hands.pass(9 * minute);
      auto.touched();
    }
    assert.equal(locks(), 0);
    hands.pass(10 * minute);
    assert.equal(locks(), 1);
  });

  it('a touch does not open what slept: the monotonic clock stood still, the wall clock did not', () => {
    const { hands, auto, locks } = opened();
    hands.wall += 10 * minute;
    auto.touched();
    assert.equal(locks(), 1);
  });

  it('a wall clock that is set back gives no more time', () => {
    const { hands, auto, locks } = opened();
    hands.wall -= 1_000 * minute;
    hands.pass(10 * minute);
    assert.equal(locks(), 1);
    auto.start();
    hands.wall -= 1_000 * minute;
    hands.monotonic += 10 * minute;
    auto.look();
    assert.equal(locks(), 2);
  });

  it('is looked at when the page is seen again, though no timer rang', () => {
    const { hands, auto, locks } = opened();
    hands.monotonic += 11 * minute;
    auto.look();
    assert.equal(locks(), 1);
  });

  it('takes its minutes from a setting, between 1 and 60', () => {
    for (const [set, minutes] of [
      [1, 1],
      [60, 60],
      [0, 1],
      [-5, 1],
      [100_000, 60],
      [Number.NaN, 10],
      [Number.POSITIVE_INFINITY, 10],
    ] as const) {
      const { hands, locks } = opened(set);
      hands.pass(minutes * minute - 1);
      assert.equal(locks(), 0, `${set}`);
      hands.pass(1);
      assert.equal(locks(), 1, `${set}`);
    }
  });

  it('locks at once by hand, and then a touch does nothing until the next unlock', () => {
    const { hands, auto, locks } = opened();
    auto.now();
    auto.now();
    auto.touched();
    hands.pass(20 * minute);
    assert.equal(locks(), 1);
    auto.start();
    hands.pass(10 * minute);
    assert.equal(locks(), 2);
  });
});
