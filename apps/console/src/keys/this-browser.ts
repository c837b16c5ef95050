// The operator's keys with what this browser has: its database, its authenticator, its clock, its other tabs. Knows the DOM.

import { webPrimitives } from '@holdfast/protocol/primitives/web';
import { openRecords } from '../store/indexed-db.ts';
import { LastKnown } from '../store/last-known.ts';
import { BrowserStore, type Author } from '../store/operator-store.ts';
import { readPreferences } from '../store/preferences.ts';
import type { Records } from '../store/records.ts';
import { turnsOf } from '../store/turns.ts';
import { KeySession } from './key-session.ts';
import { OperatorKeys, type Unlocked } from './operator-keys.ts';
import { autoLockOfPage } from './page-events.ts';
import { browserAuthenticator } from './passkey.ts';
import { stretchInPieces } from './passphrase.ts';
import { Tabs } from './tabs.ts';

export interface ThisBrowser {
  readonly records: Records;
  readonly session: KeySession;
  readonly tabs: Tabs;
  /** Whether a passkey can be offered; whether it can seal a key shows when it is made. */
  readonly hasPasskeys: boolean;
  store(author?: Author): BrowserStore;
  lastKnown(unlocked: Unlocked): LastKnown;
}

/** @public For the screens. Throws `store_failed` where this browser keeps nothing. */
export async function openThisBrowser(): Promise<ThisBrowser> {
  const records = await openRecords();
  const monotonicMs = (): number => performance.now();
  const page = { host: location.hostname, origin: location.origin };
  const authenticator = browserAuthenticator(page);
  const keys = new OperatorKeys({
    primitives: webPrimitives,
    records,
    stretch: stretchInPieces,
    authenticator,
    page,
    monotonicMs,
  });
  const tabs = new Tabs(monotonicMs);
  const lockMinutes = async (): Promise<number> => (await readPreferences(records)).lockMinutes;
  const session = new KeySession({ keys, tabs, autoLock: autoLockOfPage, lockMinutes });
  const turns = turnsOf(navigator.locks);
  session.listen(() => {
    // what is unlocked is worth keeping: browsers throw away what nobody asked them to keep
    if (session.unlocked !== undefined) void navigator.storage.persist().catch(() => false);
  });
  return {
    records,
    session,
    tabs,
    hasPasskeys: authenticator !== undefined,
    store: (author) => new BrowserStore({ records, turns, remembered: () => tabs.tell('heads') }, author),
    lastKnown: ({ state, facts }) => new LastKnown(webPrimitives, records, state, facts.fleet),
  };
}

/** Locks every tab, and erases all that this origin keeps. Throws `store_failed`. [BKEY-15] */
export async function forget({ session, records }: Pick<ThisBrowser, 'session' | 'records'>): Promise<void> {
  session.lock();
  await records.remove(await records.names(''));
}
