// What of a page tells that somebody is there, that it slept, and that it leaves. Knows the DOM: no file that tests run in Node imports it.

import { AutoLock, type Clocks } from './auto-lock.ts';

const inputs = ['pointerdown', 'keydown', 'wheel', 'touchstart'] as const;

const clocks: Clocks = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  after(ms, call) {
    const timer = setTimeout(call, ms);
    return () => clearTimeout(timer);
  },
};

/** Locks this page by its events; `touched` is told of input here, for other tabs. [BKEY-11] */
export function autoLockOfPage(lock: () => void, touched: () => void = () => {}): AutoLock {
  const auto = new AutoLock(clocks, lock);
  for (const input of inputs) {
    const heard = (): void => {
      auto.touched();
      touched();
    };
    // before any handler of the page: the touch that finds it asleep does nothing else
    addEventListener(input, heard, { capture: true, passive: true });
  }
  document.addEventListener('visibilitychange', () => auto.look());
  document.addEventListener('resume', () => auto.look());
  addEventListener('pageshow', ({ persisted }) => {
    if (persisted) auto.now();
  });
  addEventListener('pagehide', ({ persisted }) => {
    if (persisted) auto.now();
  });
  return auto;
}
