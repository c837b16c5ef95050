// A lock reaches every tab, an unlock only its own; a hand in one tab keeps the others open.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { utf8 } from '@holdfast/protocol/codec/bytes';
import { outcomeOf } from '@holdfast/testkit/vectors';
import { AutoLock } from '../../src/keys/auto-lock.ts';
import { KeySession } from '../../src/keys/key-session.ts';
import { Tabs, type TabNews } from '../../src/keys/tabs.ts';
import { facts, KeyWorld, passkey } from './key-world.ts';

/** Tabs of one browser that hear each other at once. */
class PlayedTabs {
  readonly #listeners: ((news: TabNews) => void)[] = [];

  tab(): Pick<Tabs, 'tell' | 'hear'> {
    const mine: ((news: TabNews) => void)[] = [];
    return {
      tell: (news) => {
        for (const listener of this.#listeners) if (!mine.includes(listener)) listener(news);
      },
      hear: (listener) => {
        mine.push(listener);
        this.#listeners.push(listener);
      },
    };
  }
}

function browser(): { readonly world: KeyWorld; tab(): { session: KeySession; touch(): void }; pass(ms: number): void } {
  const world = new KeyWorld();
  const tabs = new PlayedTabs();
  const timers = new Set<{ atMs: number; call: () => void }>();
  const clocks = {
    monotonicMs: () => world.nowMs,
    wallMs: () => world.nowMs,
    after: (ms: number, call: () => void) => {
      const timer = { atMs: world.nowMs + ms, call };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
  };
  return {
    world,
    tab() {
      let touch = (): void => {};
      const autoLock = (lock: () => void, touched: () => void): AutoLock => {
        const auto = new AutoLock(clocks, lock);
        touch = () => {
          auto.touched();
          touched();
        };
        return auto;
      };
      const session = new KeySession({ keys: world.visit(), tabs: tabs.tab(), autoLock, lockMinutes: async () => 10 });
      return { session, touch: () => touch() };
    },
    pass(ms) {
      world.nowMs += ms;
      for (const timer of timers) {
        if (timer.atMs > world.nowMs) continue;
        timers.delete(timer);
        timer.call();
      }
    },
  };
}

const isOpen = ({ session }: { session: KeySession }): boolean => session.unlocked !== undefined;

describe('tabs of one browser [BKEY-11]', () => {
  it('each unlocks for itself, and a lock by hand locks them all', async () => {
    const { world, tab } = browser();
    const [one, two] = [tab(), tab()];
    await one.session.save(await one.session.keys.make(passkey, 'home'), facts);
    assert.deepEqual([isOpen(one), isOpen(two)], [true, false]);
    const { holder } = await two.session.unlock(passkey);
    let told = 0;
    two.session.listen(() => void (told += 1));
    one.session.lock();
    assert.deepEqual([isOpen(one), isOpen(two), told], [false, false, 1]);
    assert.equal(await outcomeOf(() => holder.sign('pulse', utf8('x'))), 'key_invalid');
    await world.visit().unlock(passkey);
  });

  it('a hand in one keeps the other open; without one both lock', async () => {
    const { tab, pass } = browser();
    const [one, two] = [tab(), tab()];
    await one.session.save(await one.session.keys.make(passkey, 'home'), facts);
    await two.session.unlock(passkey);
    for (let times = 0; times < 3; times += 1) {
      pass(9 * 60_000);
      one.touch();
    }
    assert.deepEqual([isOpen(one), isOpen(two)], [true, true]);
    pass(10 * 60_000);
    assert.deepEqual([isOpen(one), isOpen(two)], [false, false]);
  });

  it('nothing else that is said among them is listened to', async () => {
    const name = `tabs ${process.pid}`;
    const heard: TabNews[] = [];
    const [one, two, raw] = [new Tabs(() => 0, name), new Tabs(() => 0, name), new BroadcastChannel(name)];
    try {
      const last = new Promise<void>((resolve) => {
        two.hear((news) => {
          heard.push(news);
          if (news === 'key') resolve();
        });
      });
      for (const noise of ['unlock', { kind: 'locked' }, null, 7]) {
        // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a channel has one origin
        raw.postMessage(noise);
      }
      one.tell('locked');
      one.tell('touched');
      one.tell('touched'); // at once: not told again
      one.tell('heads');
      one.tell('key');
      await last;
      assert.deepEqual(heard, ['locked', 'touched', 'heads', 'key']);
    } finally {
      for (const each of [one, two, raw]) each.close();
    }
  });
});
