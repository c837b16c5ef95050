// A browser that is not one, with all that the ways into the console use: keys beside a played authenticator, records in memory, no other tabs.

import { webPrimitives } from '@holdfast/protocol/primitives/web';
import { AutoLock } from '../../src/keys/auto-lock.ts';
import { KeySession } from '../../src/keys/key-session.ts';
import { Tabs } from '../../src/keys/tabs.ts';
import type { ThisBrowser } from '../../src/keys/this-browser.ts';
import { LastKnown } from '../../src/store/last-known.ts';
import { BrowserStore } from '../../src/store/operator-store.ts';
import { KeyWorld } from '../keys/key-world.ts';
import type { MemoryRecords } from '../store/memory-records.ts';

const standing = { monotonicMs: () => 0, wallMs: () => 0, after: () => () => {} };

export function playedBrowser(): ThisBrowser & { readonly records: MemoryRecords } {
  const { keys, records } = new KeyWorld();
  const tabs = new Tabs(() => 0, `holdfast-${crypto.randomUUID()}`);
  tabs.close(); // it would keep the test alive
  const quiet = { tell: () => {}, hear: () => {} };
  const autoLock = (lock: () => void): AutoLock => new AutoLock(standing, lock);
  return {
    records,
    session: new KeySession({ keys, tabs: quiet, autoLock, lockMinutes: async () => 10 }),
    tabs,
    hasPasskeys: true,
    store: (author) => new BrowserStore({ records, turns: { take: async () => () => {} }, remembered: () => {} }, author),
    lastKnown: ({ state, facts }) => new LastKnown(webPrimitives, records, state, facts.fleet),
  };
}
